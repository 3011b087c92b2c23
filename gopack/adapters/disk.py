"""A storage on disk in Athens' layout: ports.Store on a folder that Athens can serve as it is.

Rules:
- A version appears by one rename of a folder that is already on the disk, every file of it; a
  mod-only version becomes complete by one rename of its zip (diskbatch.py). So a kill, a full disk
  or a power cut leaves whole versions and, in `.gopack/staging`, scraps that the next run deletes.
- No staged file ends in `.info` while it is written: Athens' catalog walks the staging folder
  too. The file gets its name as the last thing before its folder moves.
- Nothing but the three files lies in a version folder: Athens counts them.
- Folders are 0755 and files 0644: Athens may run as any user. Their times are the .info's.

Spec: Athens pkg/storage/fs.
"""

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO

from gopack.adapters import diskwalk
from gopack.adapters.diskbatch import Batch
from gopack.adapters.diskerrors import disk_errors
from gopack.adapters.disklock import locked
from gopack.adapters.disktree import DiskTree
from gopack.adapters.files import Files
from gopack.adapters.partfile import scraps
from gopack.errors import StoreError
from gopack.plan import layout
from gopack.plan.infotime import info_time_ns
from gopack.plan.layout import ASIDE, OWN_FOLDER, STAGING, FileKind
from gopack.plan.room import Room
from gopack.ports import Publication, State
from gopack.spec.module import ModuleVersion

_ATTEMPTS = 4  # another thread or process may publish or remove the same version meanwhile


class DiskStore:
    """Versions below `root`, gopack's own files below `root/.gopack`.

    Safe from many threads; processes make one each. Reading needs no preparation; publishing
    needs the folders that `locked` or `prepare` makes.
    """

    def __init__(self, root: Path, *, files: Files | None = None) -> None:
        self.root = root
        self.own_folder = root / OWN_FOLDER
        self.staging = self.own_folder / STAGING
        self.incoming = self.own_folder / "incoming"  # whole zips that a broken run leaves
        self._files = files or Files()
        self._tree = DiskTree(root, self.staging, self._files)
        self._probing = threading.Lock()
        self._is_case_insensitive: bool | None = None

    # Preparation

    def prepare(self) -> None:
        """Make the root and gopack's folders where they are missing.

        Raises:
            StoreError: where that is not possible.

        """
        with disk_errors("make the storage's folders", self.root, is_made=True):
            for own in (self.own_folder, self.staging, self.incoming):
                diskwalk.refuse_link(own)
            # A go command's module cache lies there, with whatever links repositories have.
            direct = self.own_folder / "cache" / "direct"
            # And `gopack check --repair` moves links to where nobody looks behind them.
            aside = self.own_folder / ASIDE
            for own in (direct, aside):
                diskwalk.refuse_link(own)
            diskwalk.refuse_links_below(self.own_folder, but=[direct, aside])
            for folder in (*reversed(self.root.absolute().parents), self.root, self.own_folder):
                if self._tree.make_folder(folder):
                    self._files.sync_folder(folder.parent)
            self._tree.make_folder(self.staging)
            self._tree.make_folder(self.incoming)

    @contextmanager
    def locked(
        self, *, wait_s: float = 0, on_wait: Callable[[str], None] | None = None
    ) -> Iterator[None]:
        """Hold the storage for one run: folders made, lock taken, scraps of dead runs deleted.

        Args:
            wait_s: how long to wait for another run to end; 0 fails at once.
            on_wait: told who holds the storage, once, when the waiting starts.

        Raises:
            StoreError: if another run still holds it, or the disk refuses.

        """
        self.prepare()
        with locked(self.own_folder / "lock", wait_s=wait_s, on_wait=on_wait):
            with disk_errors("delete what an interrupted run left", self.staging):
                self._tree.delete_inside(self.staging)
                for scrap in scraps(self.incoming):
                    self._files.unlink(scrap)
            yield

    def staged_path(self) -> Path:
        """Give a new path in the staging folder, to write a zip to before it is published."""
        return self._tree.new_name().with_suffix(".part")

    def is_case_insensitive(self) -> bool:
        """Tell whether this disk takes two spellings for one file; probed once, by writing.

        Raises:
            StoreError: if the staging folder cannot be written.

        """
        with self._probing, disk_errors("probe the storage", self.staging):
            if self._is_case_insensitive is None:
                self._is_case_insensitive = self._files.is_case_insensitive(self.staging)
            return self._is_case_insensitive

    def refuse_clashes(
        self,
        modules: Iterable[ModuleVersion],
        there: Iterable[ModuleVersion] | None = None,
    ) -> None:
        """Refuse versions whose paths differ in letter case only, where the disk knows one case.

        `there` are the versions that lie there, if not in this store's own layout.

        Raises:
            StoreError: naming both paths of the first clash.

        """
        if not self.is_case_insensitive():
            return
        if there is None:
            there = (module for module, _ in self.versions())
        clashes = layout.case_clashes([*there, *modules])
        if clashes:
            raise StoreError(
                f"{clashes[0][0]} and {clashes[0][1]} are one folder on this case-insensitive disk"
                f" ({len(clashes)} such pairs)",
                where=str(self.root),
                hint="use a disk that tells upper from lower case for the storage; nothing was "
                "written",
            )

    def forget_incoming(self) -> None:
        """Delete the zips that arrived, of earlier runs too, and that nothing needed in the end."""
        with disk_errors("delete what arrived for nothing", self.incoming):
            self._tree.delete_inside(self.incoming)

    def room(self) -> Room:
        """Measure what the disk has left.

        Raises:
            StoreError: it cannot be measured.
        """
        with disk_errors("measure the free space", self.root):
            free = os.statvfs(self.root)
        files = free.f_favail if free.f_files else None  # it is 0 where there is no limit
        return Room(str(self.root), free.f_bavail * free.f_frsize, files)

    # ports.Store

    def state(self, module: ModuleVersion) -> State:
        """Say what is there, by the files of the version's folder."""
        with disk_errors("look into the storage", self._folder(module)):
            return diskwalk.folder_state(self._folder(module), module.version)

    def versions(self) -> Iterator[tuple[ModuleVersion, State]]:
        """Walk every version that is there; scraps and gopack's own files are passed over."""
        for found in diskwalk.walk(self.root):
            if found.state is not State.ABSENT:
                yield ModuleVersion(found.path, found.version), found.state

    def leftovers(self) -> Iterator[diskwalk.Leftover]:
        """Walk the folders that Athens would offer as versions but that are not whole."""
        return diskwalk.leftovers(self.root)

    def open(self, module: ModuleVersion, kind: FileKind) -> BinaryIO:
        """Open one file of a version for reading."""
        path = self.root / layout.athens_disk_key(module, kind)
        with disk_errors("read the storage", path):
            return path.open("rb")

    def publish(
        self, module: ModuleVersion, *, info: bytes, mod: bytes, zip_file: Path | None
    ) -> None:
        """Make a version appear, or a mod-only one complete; see ports.Store.publish."""
        refused = self.publish_all([Publication(module, info, mod, zip_file)])
        if refused:
            raise refused[module]

    def publish_all(self, wanted: Sequence[Publication]) -> dict[ModuleVersion, StoreError]:
        """Make versions appear together; see ports.Store.publish_all."""
        try:
            batch = Batch(self._tree, is_case_insensitive=self.is_case_insensitive())
        except StoreError as error:
            return {one.module: error for one in wanted}
        left = list(wanted)
        for _ in range(_ATTEMPTS):
            if not left:
                return batch.refused
            left = batch.publish(left)
        for one in left:
            batch.refused[one.module] = StoreError(
                "another program keeps changing this version", where=str(self._folder(one.module))
            )
        return batch.refused

    def remove(self, module: ModuleVersion) -> None:
        """Make a version disappear by one rename, then delete it and the folders it empties."""
        folder = self._folder(module)
        with disk_errors(f"remove {module}", folder):
            diskwalk.refuse_links(self.root, module)
            if diskwalk.holds_version_files(folder, module.version):
                self._tree.set_aside(folder)
            self._tree.prune(folder.parent)

    # ports.AliasStore

    def publish_alias(self, alias: ModuleVersion, info: bytes) -> None:
        """Write `<query>/<query>.info` by one rename, over what was there."""
        target = self._alias_file(alias)
        with self._failures(alias):
            is_case_insensitive = self.is_case_insensitive()
            diskwalk.refuse_clash(self.root, alias, is_case_insensitive=is_case_insensitive)
            staged = self.staged_path()
            self._files.write(staged, info)
            self._files.settle(staged, info_time_ns(info))
            with self._tree.lock:
                for changed in self._tree.make_parents(target.parent):
                    self._files.sync_folder(changed)
            self._files.rename(staged, target)
            self._files.sync_folder(target.parent)

    def read_alias(self, alias: ModuleVersion) -> bytes | None:
        """Give the info of an alias; None if there is none."""
        path = self._alias_file(alias)
        with disk_errors("read the storage", path):
            return path.read_bytes() if path.is_file() else None

    def remove_alias(self, alias: ModuleVersion) -> None:
        """Delete the file, and the folders that are empty then."""
        target = self._alias_file(alias)
        with disk_errors(f"remove {alias}", target):
            diskwalk.refuse_links(self.root, alias)
            if target.exists():
                self._files.unlink(target)
            self._tree.prune(target.parent)

    # How

    def _alias_file(self, alias: ModuleVersion) -> Path:
        return self.root / layout.athens_disk_key(alias, FileKind.INFO)

    def _folder(self, module: ModuleVersion) -> Path:
        return self.root / layout.athens_disk_folder(module)

    def _failures(self, module: ModuleVersion) -> AbstractContextManager[None]:
        return disk_errors(f"store {module}", self._folder(module))
