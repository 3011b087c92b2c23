"""The zips in a bundle, checked where they lie or copied out and then checked: work for zippool.

Rules:
- A zip that lies in one file is checked by mapping it, after all of it could be read: where a
  medium fails under a mapping, the process is killed. One that runs over a volume's end is put
  together in a file without a name first.
- A zip for the storage is checked after it was copied, from the copy: the medium is not asked
  again, and a broken-off import finds whole zips where it left them.
"""

import contextlib
import mmap
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Self

from gopack.adapters.diskerrors import disk_errors
from gopack.adapters.volumes import Region
from gopack.adapters.zips import ZipReceipt, check_module_zip, read_module_zip
from gopack.adapters.zipwork import incoming_name
from gopack.errors import IntegrityError, StoreError
from gopack.plan.survey import Contents
from gopack.ports import Attempt, FetchedZip, Sources
from gopack.spec.module import ModuleVersion

_PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class BundledZip:
    """Where a zip lies, and its SHA-256 in hex."""

    regions: tuple[Region, ...]
    sha256: str


class NoSources:
    """ports.Sources where there is nothing to ask."""

    def attempts(self, _path: str) -> Sequence[Attempt]:
        """Nobody."""
        return ()


@dataclass(frozen=True, slots=True)
class BundleWork:
    """How a zip is taken out of a bundle, in whatever process or thread.

    Args:
        incoming: the folder on the storage's disk where zips arrive.
        zips: where each lies; workers are told with each job, so that they start before it is
            known and take no memory for it.
    """

    incoming: Path
    zips: Mapping[ModuleVersion, BundledZip]

    def of_one(self, module: ModuleVersion) -> Self:
        """Give what takes this zip out, and knows of no other."""
        return replace(self, zips={module: self.zips[module]})

    def make_sources(self) -> Sources:
        """Give nothing: all is in the bundle."""
        return NoSources()

    def fetch(self, module: ModuleVersion, _sources: Sources) -> FetchedZip:
        """Copy a zip to the storage's disk and check it there.

        Raises:
            IntegrityError: it breaks the module zip rules.
            StoreError: the disk refuses it, or the bundle cannot be read.
        """
        path = self.incoming / incoming_name(module)
        return self._left_by_earlier_run(module, path) or self._copy(module, path)

    def check(self, module: ModuleVersion) -> FetchedZip:
        """Check a zip where it lies."""
        regions = self.zips[module].regions
        if len(regions) == 1:
            with disk_errors("read the bundle", regions[0].path):
                _read_through(regions[0])
                return _fetched(None, check_module_zip(_map(regions[0]), module))
        where = Path(tempfile.gettempdir())
        with disk_errors("write a temporary copy", where), tempfile.TemporaryFile() as file:
            _copy_regions(regions, file)
            whole = Region(regions[0].path, 0, file.tell())
            return _fetched(None, check_module_zip(_map_file(file.fileno(), whole), module))

    def packages(self, module: ModuleVersion, _wanted: frozenset[str]) -> Contents:
        """Refuse: a bundle's zips are carried, not read.

        Raises:
            StoreError: always.
        """
        raise StoreError("packages are read from a storage", where=str(module))

    def discard(self, fetched: FetchedZip) -> None:
        """Delete a zip that arrived and must not be used."""
        if fetched.path is not None:
            with disk_errors("delete a zip", fetched.path):
                fetched.path.unlink(missing_ok=True)

    def _left_by_earlier_run(self, module: ModuleVersion, path: Path) -> FetchedZip | None:
        if not path.exists():
            return None
        try:
            receipt = read_module_zip(path, module)
        except IntegrityError:
            return None
        return _fetched(path, receipt) if receipt.sha256 == self.zips[module].sha256 else None

    def _copy(self, module: ModuleVersion, path: Path) -> FetchedZip:
        part = path.with_suffix(".part")
        try:
            with disk_errors("write a zip", part):
                with part.open("wb") as file:
                    _copy_regions(self.zips[module].regions, file)
                    receipt = read_module_zip(part, module)
                    os.fsync(file.fileno())  # while another zip is hashed; publishing waits less
                part.rename(path)
        except BaseException:
            with contextlib.suppress(OSError):
                part.unlink()
            raise
        return _fetched(path, receipt)


def _fetched(path: Path | None, receipt: ZipReceipt) -> FetchedZip:
    return FetchedZip(path, receipt.size_bytes, receipt.sha256, receipt.h1)


def _copy_regions(regions: Sequence[Region], target: BinaryIO) -> None:
    for piece in _pieces(regions):
        target.write(piece)
    target.flush()


def _pieces(regions: Sequence[Region]) -> Iterator[bytes]:
    """Read regions; what cannot be written is no fault of theirs."""
    for region in regions:
        with ExitStack() as opened:
            with disk_errors("read the bundle", region.path):
                source = opened.enter_context(region.path.open("rb", 0))
                source.seek(region.start)
            left = region.size_bytes
            while left:
                with disk_errors("read the bundle", region.path):
                    piece = source.read(min(left, _PIECE_BYTES))
                if not piece:
                    break
                yield piece
                left -= len(piece)


def _read_through(region: Region) -> None:
    """Read some bytes of a file for nothing but to find out that they can be read.

    Raises:
        OSError: they cannot.
        StoreError: the file has become shorter.
    """
    piece = memoryview(bytearray(min(_PIECE_BYTES, region.size_bytes)))
    with region.path.open("rb", 0) as source:
        source.seek(region.start)
        left = region.size_bytes
        while left:
            count = source.readinto(piece[: min(left, len(piece))])
            if not count:
                raise StoreError(
                    "is shorter than it was",
                    where=str(region.path),
                    hint="the medium was pulled out or written meanwhile: run again",
                )
            left -= count


def _map(region: Region) -> memoryview:
    with region.path.open("rb") as file:
        return _map_file(file.fileno(), region)


def _map_file(descriptor: int, region: Region) -> memoryview:
    """Map some bytes of a file; they are unmapped when the last view is gone."""
    skipped = region.start % mmap.ALLOCATIONGRANULARITY
    mapped = mmap.mmap(
        descriptor,
        region.size_bytes + skipped,
        access=mmap.ACCESS_READ,
        offset=region.start - skipped,
    )
    return memoryview(mapped)[skipped:]
