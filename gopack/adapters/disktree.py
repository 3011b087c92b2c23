"""The folders of a storage: made where they are missing, set aside, deleted.

Rules:
- What leaves the tree does so by one rename into the staging folder, and is deleted there.
- A folder on the way to a version is on the disk before the version moves into it: `make_parents`
  tells which folders to wait for.
"""

import itertools
import os
import threading
from pathlib import Path

from gopack.adapters import diskwalk
from gopack.adapters.files import Files
from gopack.errors import StoreError


class DiskTree:
    """The folders below `root`; scraps are made in `staging`. Safe from many threads.

    `lock` is held while folders on the way to versions come and go.
    """

    def __init__(self, root: Path, staging: Path, files: Files) -> None:
        self.root = root
        self.staging = staging
        self.files = files
        self.lock = threading.Lock()
        self._numbers = itertools.count()

    def new_name(self) -> Path:
        """Give a new path in the staging folder."""
        return self.staging / f"{os.getpid()}-{next(self._numbers)}"

    def make_folder(self, folder: Path) -> bool:
        """Make a folder; false if it is there."""
        if folder.is_dir():
            return False
        try:
            self.files.make_folder(folder)
        except FileExistsError:
            return False
        return True

    def make_parents(self, folder: Path) -> list[Path]:
        """Make a folder and those on the way to it; give those that have a new entry then."""
        missing = []
        while not folder.exists():
            missing.append(folder)
            folder = folder.parent
        return [each.parent for each in reversed(missing) if self.make_folder(each)]

    def set_aside(self, folder: Path) -> None:
        """Take a folder of files out of the tree by one rename, and delete it."""
        inside = diskwalk.sub_folder(folder)
        if inside is not None:
            raise StoreError(
                "this is a version's folder and a module path at once",
                where=str(folder),
                hint=f"move {inside} away: Athens cannot serve both",
            )
        aside = self.new_name()
        self.make_folder(self.staging.parent)
        self.make_folder(self.staging)
        self.files.rename(folder, aside)
        self.files.sync_folder(folder.parent)
        self.delete_inside(aside)
        self.files.remove_folder(aside)

    def prune(self, folder: Path) -> None:
        """Delete the folders that became empty, up to the root."""
        with self.lock:
            while folder != self.root and folder.is_dir() and not any(folder.iterdir()):
                self.files.remove_folder(folder)
                folder = folder.parent

    def delete_inside(self, folder: Path) -> None:
        """Delete all that a folder holds; what a link in it leads to stays."""
        for entry in sorted(folder.iterdir()):
            if entry.is_dir() and not entry.is_symlink():
                self.delete_inside(entry)
                self.files.remove_folder(entry)
            else:
                self.files.unlink(entry)

    def discard(self, staged: Path) -> None:
        """Delete scraps as far as the disk lets us; the next run deletes the rest."""
        try:
            self.delete_inside(staged)
            self.files.remove_folder(staged)
        except OSError:
            return
