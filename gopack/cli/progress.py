"""Progress as a person sees it: bars on a terminal, a plain line every few seconds elsewhere."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from rich.console import Console

from gopack.cli.units import human_bytes, human_duration
from gopack.spec.module import ModuleVersion

PLAIN_INTERVAL_S = 5.0
"""Compose logs get a line this often while something moves."""


@dataclass(slots=True)
class Counts:
    """What a run has done so far."""

    phase: str = ""
    lines_done: int = 0
    lines: int = 0
    gomods: int = 0
    versions_done: int = 0
    versions: int = 0
    bytes_done: int = 0
    bytes: int = 0
    fetching_since: float = field(default=0.0)

    def left_s(self, now: float) -> float | None:
        """Estimate the seconds left from the bytes done so far; None while nothing is known."""
        spent = now - self.fetching_since
        if not self.bytes_done or spent <= 0:
            return None
        return (self.bytes - self.bytes_done) * spent / self.bytes_done


class PlainProgress:
    """A line every few seconds, for logs.

    Args:
        write: prints one line.
        clock: monotonic seconds.
    """

    def __init__(
        self, write: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._write = write
        self._clock = clock
        self._counts = Counts()
        self._last = clock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def phase(self, name: str) -> None:
        """Say what begins."""
        self._counts.phase = name
        self._write(name)
        self._last = self._clock()

    def resolved(self, done: int, total: int) -> None:
        """Count lines."""
        self._counts.lines_done, self._counts.lines = done, total
        self._tick(lambda _now: f"resolved {done} of {total} lines")

    def read(self, gomods: int) -> None:
        """Count go.mod files."""
        self._counts.gomods = gomods
        self._tick(lambda _now: f"read {gomods} go.mod files")

    def planned(self, versions: int, size_bytes: int) -> None:
        """Say how much is to come."""
        self._counts.versions, self._counts.bytes = versions, size_bytes
        self._counts.versions_done = self._counts.bytes_done = 0
        self._counts.fetching_since = self._clock()
        self._write(f"{versions} versions to come, {human_bytes(size_bytes)} of zips")
        self._last = self._clock()

    def fetched(self, module: ModuleVersion, size_bytes: int) -> None:
        """Count what has been stored."""
        del module
        self._counts.versions_done += 1
        self._counts.bytes_done += size_bytes
        self._tick(self._so_far)

    def note(self, text: str) -> None:
        """Print it at once."""
        self._write(text)

    def _so_far(self, now: float) -> str:
        c = self._counts
        speed = c.bytes_done / max(now - c.fetching_since, 1e-9)
        left = c.left_s(now)
        return (
            f"{c.versions_done} of {c.versions} versions, "
            f"{human_bytes(c.bytes_done)} of {human_bytes(c.bytes)}, {human_bytes(speed)}/s"
            + (f", {human_duration(left)} left" if left is not None else "")
        )

    def _tick(self, text: Callable[[float], str]) -> None:
        now = self._clock()
        if now - self._last >= PLAIN_INTERVAL_S:
            self._last = now
            self._write(text(now))


class RichProgress:
    """Two bars: what is read, then what is fetched, with speed and time left."""

    def __init__(self, console: Console) -> None:
        from rich.progress import (  # noqa: PLC0415 - slow to load, and for terminals alone
            BarColumn,
            DownloadColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        self._console = console
        self._lock = threading.Lock()
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}"),
            console=console,
            transient=True,
        )
        self._bytes = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TextColumn("{task.fields[versions]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._current: Progress = self._bars
        self._reading = self._bars.add_task("resolving", total=None, unit="lines")
        self._fetching = self._bytes.add_task("fetching", total=None, versions="")
        self._counts = Counts()

    def __enter__(self) -> Self:
        self._current.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._current.stop()

    def phase(self, name: str) -> None:
        """Name the bar."""
        if self._current is self._bytes:
            self._current.stop()
            self._current = self._bars
            self._current.start()
        self._bars.update(self._reading, description=name)

    def resolved(self, done: int, total: int) -> None:
        """Move the bar of lines."""
        self._bars.update(self._reading, completed=done, total=total, unit="lines")

    def read(self, gomods: int) -> None:
        """Count go.mod files; nobody knows yet how many there will be."""
        self._bars.update(self._reading, completed=gomods, total=None, unit="go.mod files")

    def planned(self, versions: int, size_bytes: int) -> None:
        """Change over to the bar of bytes."""
        self._counts.versions, self._counts.versions_done = versions, 0
        self._current.stop()
        self._current = self._bytes
        self._bytes.reset(self._fetching)
        self._bytes.update(self._fetching, total=size_bytes or 1, versions=f"0/{versions} versions")
        self._current.start()

    def fetched(self, module: ModuleVersion, size_bytes: int) -> None:
        """Move the bar of bytes."""
        del module
        self._counts.versions_done += 1
        shown = f"{self._counts.versions_done}/{self._counts.versions} versions"
        self._bytes.update(self._fetching, advance=size_bytes, versions=shown)

    def note(self, text: str) -> None:
        """Print it above the bar."""
        self._console.print(text, markup=False, highlight=False)
