"""Progress as a person sees it: bars on a terminal, a plain line every few seconds elsewhere."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Self

from rich.console import Console

from gopack.cli.units import human_bytes, human_duration
from gopack.spec.module import ModuleVersion

PLAIN_INTERVAL_S = 5.0
"""Compose logs get a line this often."""

BARS_INTERVAL_S = 0.5
"""Bars count what is on its way this often."""

Arriving = Callable[[], int]
"""Tells how many bytes have come of what is on its way; it does not raise."""


def nothing_arrives() -> int:
    """Tell that nothing is on its way."""
    return 0


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

    def bytes_so_far(self, arriving: int) -> int:
        """Count what is done and what is on its way: never more than is to come in all."""
        return max(self.bytes_done, min(self.bytes_done + arriving, self.bytes))

    def left_s(self, there: int, now: float) -> float | None:
        """Estimate the seconds left from the bytes that are there; None while nothing is known."""
        spent = now - self.fetching_since
        if not there or spent <= 0:
            return None
        return max(0, self.bytes - there) * spent / there


class Heartbeat:
    """Calls back again and again from a thread of its own, until it is stopped.

    Args:
        beat: what is called; it must not raise.
        every_s: the seconds between calls.
    """

    def __init__(self, beat: Callable[[], None], every_s: float) -> None:
        self._beat = beat
        self._every_s = every_s
        self._is_allowed = False
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def allow(self) -> None:
        """Let `start` begin: before it, and after `stop`, nothing is called."""
        self._is_allowed = True

    def start(self) -> None:
        """Begin, if that is allowed and has not been done."""
        if self._is_allowed and self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True, name="progress")
            self._thread.start()

    def stop(self) -> None:
        """End; a call that is under way ends first."""
        self._is_allowed = False
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(self._every_s):
            self._beat()


class PlainProgress:
    """A line every few seconds, for logs, whether anything completes or not.

    Its thread begins with the first phase: what has one thread until then can fork.

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
        self._arriving: Arriving = nothing_arrives
        self._last = self._phase_since = clock()
        self._tell: Callable[[float], str] | None = None
        self._lock = threading.Lock()
        self._heartbeat = Heartbeat(self.tick, PLAIN_INTERVAL_S / 10)

    def __enter__(self) -> Self:
        self._heartbeat.allow()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._heartbeat.stop()

    def watch(self, arriving: Arriving) -> None:
        """Count what is on its way with what has come."""
        self._arriving = arriving

    def phase(self, name: str) -> None:
        """Say what begins."""
        self._heartbeat.start()
        with self._lock:
            self._counts.phase = name
            self._say(name)
            self._phase_since = self._last
            self._tell = self._still

    def resolved(self, done: int, total: int) -> None:
        """Count lines."""
        self._counts.lines_done, self._counts.lines = done, total
        self._tell = self._lines_so_far
        self.tick()

    def read(self, gomods: int) -> None:
        """Count go.mod files."""
        self._counts.gomods = gomods
        self._tell = self._gomods_so_far
        self.tick()

    def planned(self, versions: int, size_bytes: int) -> None:
        """Say how much is to come."""
        with self._lock:
            self._counts.versions, self._counts.bytes = versions, size_bytes
            self._counts.versions_done = self._counts.bytes_done = 0
            self._counts.fetching_since = self._clock()
            things = "version" if versions == 1 else "versions"
            self._say(f"{versions} {things} to come, {human_bytes(size_bytes)} of zips")
            self._tell = self._so_far

    def fetched(self, module: ModuleVersion, size_bytes: int) -> None:
        """Count what has been stored."""
        del module
        with self._lock:
            self._counts.versions_done += 1
            self._counts.bytes_done += size_bytes
        self.tick()

    def note(self, text: str) -> None:
        """Print it at once."""
        with self._lock:
            self._write(text)

    def tick(self) -> None:
        """Say how things stand, if nothing was said for a while."""
        with self._lock:
            now = self._clock()
            if self._tell is not None and now - self._last >= PLAIN_INTERVAL_S:
                self._say(self._tell(now))

    def _say(self, text: str) -> None:
        self._write(text)
        self._last = self._clock()

    def _still(self, now: float) -> str:
        return f"{self._counts.phase}: {human_duration(now - self._phase_since)} so far"

    def _lines_so_far(self, now: float) -> str:
        c = self._counts
        if c.lines_done == c.lines:
            return self._still(now)
        return f"resolved {c.lines_done} of {c.lines} lines"

    def _gomods_so_far(self, _now: float) -> str:
        return f"read {self._counts.gomods} go.mod files"

    def _so_far(self, now: float) -> str:
        c = self._counts
        if c.versions_done >= c.versions:
            return self._still(now)
        there = c.bytes_so_far(self._arriving())
        speed = there / max(now - c.fetching_since, 1e-9)
        left = c.left_s(there, now)
        return (
            f"{c.versions_done} of {c.versions} versions, "
            f"{human_bytes(there)} of {human_bytes(c.bytes)}, {human_bytes(speed)}/s"
            + (f", {human_duration(left)} left" if left is not None else "")
        )


class RichProgress:
    """Two bars: what is read, then what is fetched, with speed and time left.

    Its threads begin with the first phase: what has one thread until then can fork.
    """

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
        self._unit = "lines"
        self._reading = self._bars.add_task("resolving", total=None, unit=self._unit)
        self._fetching = self._bytes.add_task("fetching", total=None, versions="")
        self._counts = Counts()
        self._arriving: Arriving = nothing_arrives
        self._heartbeat = Heartbeat(self._show_bytes, BARS_INTERVAL_S)

    def __enter__(self) -> Self:
        self._heartbeat.allow()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._heartbeat.stop()
        self._current.stop()

    def watch(self, arriving: Arriving) -> None:
        """Count what is on its way with what has come."""
        self._arriving = arriving

    def phase(self, name: str) -> None:
        """Name the bar."""
        self._heartbeat.start()
        if self._current is self._bytes:
            self._current.stop()
            self._current = self._bars
        self._bars.update(self._reading, description=name)
        self._count("")
        self._current.start()

    def resolved(self, done: int, total: int) -> None:
        """Move the bar of lines."""
        self._count("lines")
        self._bars.update(self._reading, completed=done, total=total)

    def read(self, gomods: int) -> None:
        """Count go.mod files; nobody knows yet how many there will be."""
        self._count("go.mod files")
        self._bars.update(self._reading, completed=gomods)

    def _count(self, unit: str) -> None:
        """Have the bar count something, from nothing where it counted something else."""
        if unit == self._unit:
            return
        self._unit = unit
        [bar] = self._bars.tasks
        bar.total = None  # in a call, None is what it was
        self._bars.reset(self._reading, unit=unit)

    def planned(self, versions: int, size_bytes: int) -> None:
        """Change over to the bar of bytes."""
        self._counts.versions, self._counts.bytes = versions, size_bytes
        self._counts.versions_done = self._counts.bytes_done = 0
        self._current.stop()
        self._current = self._bytes
        self._bytes.reset(self._fetching)
        self._bytes.update(self._fetching, total=size_bytes or 1, versions=f"0/{versions} versions")
        self._current.start()

    def fetched(self, module: ModuleVersion, size_bytes: int) -> None:
        """Move the bar of bytes."""
        del module
        self._counts.versions_done += 1
        self._counts.bytes_done += size_bytes
        shown = f"{self._counts.versions_done}/{self._counts.versions} versions"
        self._bytes.update(self._fetching, versions=shown)

    def note(self, text: str) -> None:
        """Print it above the bar."""
        self._console.print(text, markup=False, highlight=False)

    def _show_bytes(self) -> None:
        self._bytes.update(self._fetching, completed=self._counts.bytes_so_far(self._arriving()))


WatchedProgress = PlainProgress | RichProgress


def make_progress(console: Console) -> WatchedProgress:
    """Make bars on a terminal, plain lines elsewhere."""
    if console.is_terminal:
        return RichProgress(console)
    return PlainProgress(partial(console.print, markup=False, highlight=False))
