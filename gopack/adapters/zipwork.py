"""Bringing in one zip: from its source to a checked file on the storage's disk.

A zip is written to `<name>.part` and gets its name when it is whole, checked and on the disk; a
run that is broken off finds it there again, and goes on with a part where its server lets it.
Nothing of a zip that breaks the rules is left.
"""

import contextlib
import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from gopack.adapters.diskerrors import disk_errors
from gopack.adapters.partfile import PART, PartFile
from gopack.adapters.zippackages import read_packages
from gopack.adapters.zips import ZipReceipt, read_module_zip
from gopack.asking import first_answer
from gopack.errors import IntegrityError, StoreError, UpstreamError
from gopack.plan.layout import DISK_ZIP, STAGING, FileKind, athens_disk_key
from gopack.plan.survey import Contents
from gopack.ports import FetchedZip, ModuleSource, Sources
from gopack.spec.module import ModuleVersion

MOVING_S, MOST_MOVING_S = 2.0, 600.0
"""How long a zip may be out of sight while its version moves into the storage: a moment, or, where
versions wait for a slow disk there, as long as there are any."""


@dataclass(frozen=True, slots=True)
class ZipWork:
    """How one zip is brought in, in whatever process or thread.

    Args:
        make_sources: makes the sources, once a process; it crosses process boundaries.
        incoming: the folder on the storage's disk where zips arrive.
        root: the storage's root.
    """

    make_sources: Callable[[], Sources]
    incoming: Path
    root: Path

    def of_one(self, _module: ModuleVersion) -> None:
        """Nothing: where a zip lies is told by its name."""

    def fetch(self, module: ModuleVersion, sources: Sources) -> FetchedZip:
        """Download and check one zip, or take the one that an earlier run left.

        Raises:
            UpstreamError: no source could give it.
            IntegrityError: it breaks the module zip rules.
            StoreError: the disk refuses it.
        """
        path = self.incoming / incoming_name(module)
        left = self._left_by_earlier_run(module, path)
        return left or self._download(module, sources, path)

    def check(self, module: ModuleVersion) -> FetchedZip:
        """Check the zip that the storage has.

        Raises:
            IntegrityError: it breaks the module zip rules.
            StoreError: it cannot be read.
        """
        stored = self.root / athens_disk_key(module, FileKind.ZIP)
        try:
            receipt = read_module_zip(stored, module)
        except IntegrityError as error:
            error.hint = f"remove {stored.parent} and run again: it is fetched anew"
            raise
        return FetchedZip(None, receipt.size_bytes, receipt.sha256, receipt.h1)

    def packages(self, module: ModuleVersion, wanted: frozenset[str]) -> Contents:
        """Read packages of a zip that arrived, or that the storage has."""
        arrived = self.incoming / incoming_name(module)
        stored = self.root / athens_disk_key(module, FileKind.ZIP)
        begun = time.monotonic()
        seen: set[Path] = set()
        while (waited_s := time.monotonic() - begun) < MOST_MOVING_S:
            for path in (arrived, stored):
                try:
                    return read_packages(path, module, wanted)
                except StoreError:
                    if path in seen:
                        raise
                    if path.exists():  # it may have come after it was looked for
                        seen.add(path)
            if waited_s > MOVING_S and not self._is_staging():
                break
            time.sleep(0.01)  # just now it moves from one place to the other
        return read_packages(stored, module, wanted)

    def _is_staging(self) -> bool:
        """Whether versions are on their way into the storage, with their zips."""
        return any(self.incoming.with_name(STAGING).glob(f"*/{DISK_ZIP}"))

    def discard(self, fetched: FetchedZip) -> None:
        """Delete a zip that arrived and must not be used."""
        if fetched.path is not None:
            with disk_errors("delete a zip", fetched.path):
                fetched.path.unlink(missing_ok=True)

    def _left_by_earlier_run(self, module: ModuleVersion, path: Path) -> FetchedZip | None:
        if path.is_symlink():  # no run leaves one, and it would move into the storage
            path.unlink()
        if not path.exists():
            return None
        try:
            receipt = read_module_zip(path, module)
        except IntegrityError:
            path.unlink()
            return None
        return FetchedZip(path, receipt.size_bytes, receipt.sha256, receipt.h1)

    def _download(self, module: ModuleVersion, sources: Sources, path: Path) -> FetchedZip:
        with disk_errors("write a zip", path), PartFile(path.with_suffix(PART)) as part:
            try:
                receipt = self._received(module, sources, part)
                part.settle()
            except BaseException as error:
                is_broken_off = isinstance(error, UpstreamError) and error.retryable
                if not (is_broken_off and part.can_be_continued):
                    with contextlib.suppress(OSError):
                        part.forget()
                raise
            part.finish(path)
        return FetchedZip(path, receipt.size_bytes, receipt.sha256, receipt.h1)

    def _received(self, module: ModuleVersion, sources: Sources, part: PartFile) -> ZipReceipt:
        """Stream a zip and check it; one that was put together of parts has a second chance."""

        def copy(source: ModuleSource) -> int:
            part.seek(0)
            return source.copy_zip(module, part)

        first_answer(sources.attempts(module.path), copy)
        part.flush()
        try:
            return read_module_zip(part.path, module)
        except IntegrityError:
            if not part.was_continued:
                raise
        part.begin(None)
        first_answer(sources.attempts(module.path), copy)
        part.flush()
        return read_module_zip(part.path, module)


def incoming_name(module: ModuleVersion) -> str:
    """Name a zip on its way in, the same in every run and safe on every disk."""
    return hashlib.sha256(str(module).encode()).hexdigest()[:40] + ".zip"


class IncomingZips:
    """ports.Incoming: the folder where zips arrive."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def arrived_bytes(self, module: ModuleVersion) -> int:
        """Tell how much of a zip lies there already, from this run or an earlier one."""
        path = self._folder / incoming_name(module)
        for each in (path, path.with_suffix(PART)):
            with contextlib.suppress(OSError):
                return each.lstat().st_size
        return 0

    def forget_all_but(self, wanted: Iterable[ModuleVersion]) -> None:
        """Delete what arrived, whole or in part, of other versions than these.

        Raises:
            StoreError: the disk refuses it.
        """
        kept = {Path(incoming_name(module)).stem for module in wanted}
        with disk_errors("delete what arrived for nothing", self._folder):
            for path in self._folder.iterdir():
                if path.stem not in kept:
                    path.unlink(missing_ok=True)
