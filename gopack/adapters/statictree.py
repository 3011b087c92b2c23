"""Writes a static tree of files below a folder: each file whole or not there.

A file that is there with the same bytes is left alone, so an export again is cheap; others appear
by a rename. The bytes of all files but the last are on the disk before the last appears: it is the
one that makes the tree of use (plan.sumtree).
"""

import os
from pathlib import Path

from gopack.adapters.diskerrors import disk_errors
from gopack.adapters.files import Files


class StaticTree:
    """A folder that files are written to, by their path below it."""

    def __init__(self, folder: Path, *, files: Files | None = None) -> None:
        self.folder = folder
        self.written = 0
        self._files = files or Files()
        self._folders: set[Path] = set()

    def write(self, path: str, data: bytes) -> None:
        """Have the file at `path` hold these bytes.

        Raises:
            StoreError: it cannot be written.
        """
        target = self.folder / path
        with disk_errors("write", target):
            if _holds(target, data):
                return
            self._make_folder(target.parent)
            part = target.with_name(f".{target.name}.{os.getpid()}.part")
            part.unlink(missing_ok=True)
            self._files.write(part, data)
            self._files.settle(part)
            self._files.rename(part, target)
            self.written += 1

    def write_last(self, path: str, data: bytes) -> None:
        """The same, after everything written before is on the disk, its names too.

        Raises:
            StoreError: it cannot be written.
        """
        with disk_errors("write", self.folder):
            for folder in sorted(self._folders, reverse=True):
                self._files.sync_folder(folder)
        self.write(path, data)
        with disk_errors("write", self.folder):
            self._files.sync_folder((self.folder / path).parent)

    def _make_folder(self, folder: Path) -> None:
        if folder in self._folders:
            return
        if not folder.is_dir():
            self._make_folder(folder.parent)
            self._files.make_folder(folder)
        self._folders.add(folder)


def _holds(path: Path, data: bytes) -> bool:
    try:
        return path.read_bytes() == data
    except FileNotFoundError:
        return False
