"""A storage on disk in Athens' layout: ports.Store on a folder that Athens can serve as it is.

Rules:
- A version appears by one rename of a folder that is already on the disk, every file of it; a
  mod-only version becomes complete by one rename of its zip. So a kill, a full disk or a power
  cut leaves whole versions and, in `.gopack/staging`, scraps that the next run deletes.
- No staged file ends in `.info` while it is written: Athens' catalog walks the staging folder
  too. The file gets its name as the last thing before its folder moves.
- Nothing but the three files lies in a version folder: Athens counts them.
- Folders are 0755 and files 0644: Athens may run as any user. Their times are the .info's.

Spec: Athens pkg/storage/fs.
"""

import errno
import itertools
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO

from gopack.adapters import diskwalk
from gopack.adapters.diskerrors import disk_errors
from gopack.adapters.disklock import locked
from gopack.adapters.files import Files
from gopack.adapters.partfile import scraps
from gopack.errors import StoreError
from gopack.plan import layout
from gopack.plan.infotime import info_time_ns
from gopack.plan.layout import OWN_FOLDER, FileKind
from gopack.plan.room import Room
from gopack.ports import State
from gopack.spec.module import ModuleVersion

_ATTEMPTS = 4  # another thread or process may publish or remove the same version meanwhile
_TAKEN = {errno.ENOTEMPTY, errno.EEXIST}


class DiskStore:
    """Versions below `root`, gopack's own files below `root/.gopack`.

    Safe from many threads; processes make one each. Reading needs no preparation; publishing
    needs the folders that `locked` or `prepare` makes.
    """

    def __init__(self, root: Path, *, files: Files | None = None) -> None:
        self.root = root
        self.own_folder = root / OWN_FOLDER
        self.staging = self.own_folder / "staging"
        self.incoming = self.own_folder / "incoming"  # whole zips that a broken run leaves
        self._files = files or Files()
        self._numbers = itertools.count()
        self._folders = threading.Lock()
        self._is_case_insensitive: bool | None = None

    # Preparation

    def prepare(self) -> None:
        """Make the root and gopack's folders where they are missing.

        Raises:
            StoreError: where that is not possible.

        """
        with disk_errors("make the storage's folders", self.root):
            for own in (self.own_folder, self.staging, self.incoming):
                diskwalk.refuse_link(own)
            # A go command's module cache lies there, with whatever links repositories have.
            direct = self.own_folder / "cache" / "direct"
            diskwalk.refuse_link(direct)
            diskwalk.refuse_links_below(self.own_folder, but=[direct])
            for folder in (*reversed(self.root.absolute().parents), self.root, self.own_folder):
                if self._make_folder(folder):
                    self._files.sync_folder(folder.parent)
            self._make_folder(self.staging)
            self._make_folder(self.incoming)

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
                self._delete_inside(self.staging)
                for scrap in scraps(self.incoming):
                    self._files.unlink(scrap)
            yield

    def staged_path(self) -> Path:
        """Give a new path in the staging folder, to write a zip to before it is published."""
        return self.staging / f"{os.getpid()}-{next(self._numbers)}.part"

    def is_case_insensitive(self) -> bool:
        """Tell whether this disk takes two spellings for one file; probed once, by writing.

        Raises:
            StoreError: if the staging folder cannot be written.

        """
        with self._folders, disk_errors("probe the storage", self.staging):
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
        """Delete the zips that arrived and that nothing needed in the end."""
        with disk_errors("delete what arrived for nothing", self.incoming):
            self._delete_inside(self.incoming)

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
        folder = self._folder(module)
        time_ns = info_time_ns(info)
        with self._failures(module):
            self._refuse_clash(module)
            for _ in range(_ATTEMPTS):
                state = self.state(module)
                if state is State.COMPLETE or (state is State.MOD_ONLY and zip_file is None):
                    if zip_file is not None:
                        self._files.unlink(zip_file)
                    return
                if state is State.MOD_ONLY and zip_file is not None:
                    self._add_zip(folder, mod, zip_file, time_ns)
                    return
                if self._add_folder(module, info, mod, zip_file, time_ns):
                    return
        raise StoreError("another program keeps changing this version", where=str(folder))

    def remove(self, module: ModuleVersion) -> None:
        """Make a version disappear by one rename, then delete it and the folders it empties."""
        folder = self._folder(module)
        with disk_errors(f"remove {module}", folder):
            diskwalk.refuse_links(self.root, module)
            if diskwalk.holds_version_files(folder, module.version):
                self._set_aside(folder)
            self._prune(folder.parent)

    # ports.AliasStore

    def publish_alias(self, alias: ModuleVersion, info: bytes) -> None:
        """Write `<query>/<query>.info` by one rename, over what was there."""
        target = self._alias_file(alias)
        with self._failures(alias):
            diskwalk.refuse_links(self.root, alias)
            self._refuse_clash(alias)
            staged = self.staged_path()
            self._files.write(staged, info)
            self._files.settle(staged, info_time_ns(info))
            with self._folders:
                self._make_parents(target.parent)
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
            self._prune(target.parent)

    # How

    def _alias_file(self, alias: ModuleVersion) -> Path:
        return self.root / layout.athens_disk_key(alias, FileKind.INFO)

    def _folder(self, module: ModuleVersion) -> Path:
        return self.root / layout.athens_disk_folder(module)

    def _failures(self, module: ModuleVersion) -> AbstractContextManager[None]:
        return disk_errors(f"store {module}", self._folder(module))

    def _add_zip(self, folder: Path, mod: bytes, zip_file: Path, time_ns: int) -> None:
        if (folder / layout.DISK_GO_MOD).read_bytes() != mod:
            raise StoreError(
                "the stored go.mod differs from the one that came with the zip",
                where=str(folder),
                hint="run gopack check, and remove this version's folder if it is the wrong one",
            )
        self._files.settle(zip_file, time_ns)
        self._files.rename(zip_file, folder / layout.DISK_ZIP)
        self._files.sync_folder(folder, time_ns)

    def _add_folder(
        self, module: ModuleVersion, info: bytes, mod: bytes, zip_file: Path | None, time_ns: int
    ) -> bool:
        """Stage the whole folder and move it in; false if somebody was faster."""
        folder = self._folder(module)
        staged = self.staging / f"{os.getpid()}-{next(self._numbers)}"
        self._files.make_folder(staged)
        try:
            self._fill(staged, module.version, {FileKind.MOD: mod, FileKind.INFO: info}, time_ns)
            if zip_file is not None:
                self._files.settle(zip_file, time_ns)
                self._files.rename(zip_file, staged / layout.DISK_ZIP)
            info_name = layout.athens_disk_name(module.version, FileKind.INFO)
            self._files.rename(staged / FileKind.INFO.value, staged / info_name)
            self._files.sync_folder(staged, time_ns)
            if self._move_in(staged, folder):
                self._files.sync_folder(folder.parent)
                return True
            if zip_file is not None:
                self._files.rename(staged / layout.DISK_ZIP, zip_file)
        except OSError:
            self._discard(staged)
            raise
        self._discard(staged)
        return False

    def _fill(self, staged: Path, version: str, texts: dict[FileKind, bytes], time_ns: int) -> None:
        for kind, text in texts.items():
            name = kind.value if kind is FileKind.INFO else layout.athens_disk_name(version, kind)
            self._files.write(staged / name, text)
            self._files.settle(staged / name, time_ns)

    def _move_in(self, staged: Path, folder: Path) -> bool:
        if folder.exists() and diskwalk.folder_state(folder, folder.name) is State.ABSENT:
            self._set_aside(folder)
        with self._folders:
            self._make_parents(folder.parent)
            try:
                self._files.rename(staged, folder)
            except OSError as error:
                if error.errno in _TAKEN or not folder.parent.exists():
                    return False
                raise
        return True

    def _make_parents(self, folder: Path) -> None:
        """Make the folders on the way; each is on the disk before anything is moved into it."""
        missing = []
        while not folder.exists():
            missing.append(folder)
            folder = folder.parent
        for each in reversed(missing):
            if self._make_folder(each):
                self._files.sync_folder(each.parent)

    def _make_folder(self, folder: Path) -> bool:
        if folder.is_dir():
            return False
        try:
            self._files.make_folder(folder)
        except FileExistsError:
            return False
        return True

    def _refuse_clash(self, module: ModuleVersion) -> None:
        diskwalk.refuse_links(self.root, module)
        diskwalk.refuse_nesting(self.root, module)
        if self.is_case_insensitive():
            diskwalk.refuse_other_case(self.root, module)

    def _set_aside(self, folder: Path) -> None:
        """Take a folder of files out of the tree by one rename, and delete it."""
        inside = diskwalk.sub_folder(folder)
        if inside is not None:
            raise StoreError(
                "this is a version's folder and a module path at once",
                where=str(folder),
                hint=f"move {inside} away: Athens cannot serve both",
            )
        aside = self.staging / f"{os.getpid()}-{next(self._numbers)}"
        self._make_folder(self.own_folder)
        self._make_folder(self.staging)
        self._files.rename(folder, aside)
        self._files.sync_folder(folder.parent)
        self._delete_inside(aside)
        self._files.remove_folder(aside)

    def _prune(self, folder: Path) -> None:
        """Delete the folders that became empty, up to the root."""
        with self._folders:
            while folder != self.root and folder.is_dir() and not any(folder.iterdir()):
                self._files.remove_folder(folder)
                folder = folder.parent

    def _delete_inside(self, folder: Path) -> None:
        for entry in sorted(folder.iterdir()):
            if entry.is_dir() and not entry.is_symlink():
                self._delete_inside(entry)
                self._files.remove_folder(entry)
            else:
                self._files.unlink(entry)

    def _discard(self, staged: Path) -> None:
        """Delete scraps as far as the disk lets us; the next run deletes the rest."""
        try:
            self._delete_inside(staged)
            self._files.remove_folder(staged)
        except OSError:
            return
