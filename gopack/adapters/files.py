"""The system calls that change a storage, one method each: the seam where tests crash and fail.

Rules: modes are 0755 and 0644 whatever the umask; `settle`, `sync_folder` and `sync_all` return
only when the bytes are on the disk, so that a rename after them never shows less than was meant.
"""

import os
from collections.abc import Collection
from pathlib import Path
from typing import BinaryIO

from gopack.adapters import syncing

FOLDER_MODE = 0o755
FILE_MODE = 0o644


def open_anew(path: Path) -> BinaryIO:
    """Open a file for writing that nobody else has: what lies there goes, be it a link or a pipe.

    Raises:
        OSError: the disk refuses.
    """
    path.unlink(missing_ok=True)
    return path.open("xb")


class Files:
    """The real calls; every method may raise OSError."""

    def make_folder(self, path: Path) -> None:
        """Create one folder; its parent is there, it is not."""
        path.mkdir()
        path.chmod(FOLDER_MODE)

    def write(self, path: Path, data: bytes) -> None:
        """Create a file that is not there yet, with these bytes."""
        with path.open("xb") as file:
            file.write(data)

    def settle(self, path: Path, time_ns: int | None = None) -> None:
        """Give a file its mode and time and wait until it is on the disk."""
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fchmod(descriptor, FILE_MODE)
            if time_ns is not None:
                os.utime(descriptor, ns=(time_ns, time_ns))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def dress(self, path: Path, time_ns: int | None = None) -> None:
        """Give a file its mode and time, without waiting for the disk."""
        path.chmod(FILE_MODE)
        if time_ns is not None:
            os.utime(path, ns=(time_ns, time_ns))

    def date(self, folder: Path, time_ns: int) -> None:
        """Give a folder its time, without waiting for the disk."""
        os.utime(folder, ns=(time_ns, time_ns))

    def open_disk(self, folder: Path) -> int:
        """Give a descriptor for `sync_all`, to be opened before what it waits for is written."""
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY)

    def sync_all(self, disk: int, paths: Collection[Path]) -> None:
        """Wait until these files and folders are on the disk; see syncing."""
        syncing.sync_all(disk, paths)

    def sync_folder(self, path: Path, time_ns: int | None = None) -> None:
        """Give a folder its time and wait until its entries are on the disk."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            if time_ns is not None:
                os.utime(descriptor, ns=(time_ns, time_ns))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        """Move a file or folder in one step, over a file or an empty folder."""
        source.rename(target)

    def unlink(self, path: Path) -> None:
        """Delete one file."""
        path.unlink()

    def remove_folder(self, path: Path) -> None:
        """Delete one empty folder."""
        path.rmdir()

    def is_case_insensitive(self, folder: Path) -> bool:
        """Tell whether the disk takes two spellings of a name for one file."""
        probe = folder / f"CaseProbe-{os.getpid()}"
        probe.touch()
        try:
            return probe.with_name(probe.name.lower()).exists()
        finally:
            probe.unlink()
