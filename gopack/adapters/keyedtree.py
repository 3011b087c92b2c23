"""A storage whose layout is one file a key: ports.Store for GOPROXY trees and object storage keys.

Rules:
- Files appear whole, by a rename: the zip first, then .mod, then .info, and a line in `@v/list`
  last, so that whoever lists versions finds only those that are there. They go the other way round.
- Locks, staging and gopack's own files are a DiskStore's, in `.gopack` below the same root.

Spec: go.dev/ref/mod#goproxy-protocol; Athens pkg/config.PackageVersionedName.
"""

import contextlib
import itertools
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from gopack.adapters import diskwalk
from gopack.adapters.disk import DiskStore
from gopack.adapters.diskerrors import disk_errors
from gopack.adapters.files import Files
from gopack.adapters.otherfiles import leave_as_it_is
from gopack.errors import StoreError
from gopack.plan import layout
from gopack.plan.infotime import info_time_ns
from gopack.plan.layout import OWN_FOLDER, FileKind, StoredFile
from gopack.ports import Publication, State
from gopack.spec import semver
from gopack.spec.module import ModuleVersion, escape_path


@dataclass(frozen=True, slots=True)
class Layout:
    """Where files lie.

    `has_lists`: each module has a list of its versions. `is_escaped`: no two keys differ in letter
    case alone.
    """

    key: Callable[[ModuleVersion, FileKind], str]
    parse: Callable[[str], StoredFile | None]
    has_lists: bool
    is_escaped: bool


GOPROXY = Layout(layout.goproxy_key, layout.parse_goproxy_key, has_lists=True, is_escaped=True)
ATHENS_S3 = Layout(
    layout.athens_s3_key, layout.parse_athens_s3_key, has_lists=False, is_escaped=False
)


class KeyedTree:
    """Versions as files below a DiskStore's root, in a layout of keys."""

    def __init__(self, disk: DiskStore, layout_: Layout, *, files: Files | None = None) -> None:
        self._disk = disk
        self._root = disk.root
        self._layout = layout_
        self._files = files or Files()
        self._lock = threading.Lock()
        self._numbers = itertools.count()

    def staged_path(self) -> Path:
        """Give a new path in the staging folder, to write a zip to before it is published."""
        return self._disk.staged_path()

    def state(self, module: ModuleVersion) -> State:
        """Say what is there; see ports.Store."""
        with disk_errors("look into the storage", self._root):
            if not all(self.path(module, k).is_file() for k in (FileKind.INFO, FileKind.MOD)):
                return State.ABSENT
            whole = self.path(module, FileKind.ZIP).is_file()
        return State.COMPLETE if whole else State.MOD_ONLY

    def versions(self) -> Iterator[tuple[ModuleVersion, State]]:
        """Walk every version; see ports.Store."""
        with disk_errors("read the storage", self._root):
            for path in self._root.rglob("*.info"):
                found = self._layout.parse(path.relative_to(self._root).as_posix())
                if found is not None and OWN_FOLDER not in path.parts:
                    yield found.module, self.state(found.module)

    def open(self, module: ModuleVersion, kind: FileKind) -> BinaryIO:
        """Open one file of a version; see ports.Store."""
        path = self.path(module, kind)
        with disk_errors("read the storage", path):
            return path.open("rb")

    def publish(
        self, module: ModuleVersion, *, info: bytes, mod: bytes, zip_file: Path | None
    ) -> None:
        """Make a version appear; see ports.Store."""
        with self._lock, disk_errors(f"store {module}", self.path(module, FileKind.INFO)):
            if not self._layout.is_escaped and self._disk.is_case_insensitive():
                diskwalk.refuse_other_case(self._root, module)
            self._refuse_links(module)
            state = self.state(module)
            if state is State.COMPLETE or (state is State.MOD_ONLY and zip_file is None):
                wanted = Publication(module, info, mod, zip_file)
                leave_as_it_is(wanted, partial(self.path, module), self._files)
                return
            if state is State.MOD_ONLY and self.path(module, FileKind.MOD).read_bytes() != mod:
                raise StoreError(
                    "the stored go.mod differs from the one that came with the zip",
                    where=str(self.path(module, FileKind.MOD)),
                    hint="remove this version's files if they are the wrong ones",
                )
            self._add(module, state, info, mod, zip_file)

    def publish_all(self, wanted: Sequence[Publication]) -> dict[ModuleVersion, StoreError]:
        """Make versions appear, one by one: each module's list is written anew with it."""
        refused = {}
        for module, info, mod, zip_file in wanted:
            try:
                self.publish(module, info=info, mod=mod, zip_file=zip_file)
            except StoreError as error:
                refused[module] = error
        return refused

    def remove(self, module: ModuleVersion) -> None:
        """Make a version disappear, its line and its .info first; see ports.Store."""
        with self._lock, disk_errors(f"remove {module}", self.path(module, FileKind.INFO)):
            self._refuse_links(module)
            if self._layout.has_lists:
                self._write_list(module.path, without=module)
            for kind in (FileKind.INFO, FileKind.MOD, FileKind.ZIP):
                with contextlib.suppress(FileNotFoundError):
                    self._files.unlink(self.path(module, kind))

    def publish_alias(self, alias: ModuleVersion, info: bytes) -> None:
        """Write `@v/<query>.info` by one rename; it is in no list. See ports.AliasStore."""
        path = self.path(alias, FileKind.INFO)
        with self._lock, disk_errors(f"store {alias}", path):
            self._refuse_links(alias)
            self._make_folder(path.parent)
            self._place(path, info, info_time_ns(info))
            self._files.sync_folder(path.parent)

    def read_alias(self, alias: ModuleVersion) -> bytes | None:
        """Give the info of an alias; None if there is none."""
        path = self.path(alias, FileKind.INFO)
        with disk_errors("read the storage", path):
            return path.read_bytes() if path.is_file() else None

    def remove_alias(self, alias: ModuleVersion) -> None:
        """Delete the file; see ports.AliasStore."""
        with self._lock, disk_errors(f"remove {alias}", self._root):
            self._refuse_links(alias)
            self.path(alias, FileKind.INFO).unlink(missing_ok=True)

    def refuse_clashes(self, modules: Iterable[ModuleVersion]) -> None:
        """Refuse versions that a case-insensitive disk cannot hold; see DiskStore."""
        if not self._layout.is_escaped:
            self._disk.refuse_clashes(modules, there=(module for module, _ in self.versions()))

    def complete_lists(self, paths: Iterable[str]) -> None:
        """Write the lists of these modules that a broken-off run left behind their versions.

        Raises:
            StoreError: one cannot be written.
        """
        if not self._layout.has_lists:
            return
        for path in sorted(set(paths)):
            folder = self._list_folder(path)
            with self._lock, disk_errors(f"write the list of {path}", folder):
                if folder.is_dir():
                    for each in (folder, *folder.parents):
                        if each == self._root:
                            break
                        diskwalk.refuse_link(each)
                    self._write_list(path)

    def path(self, module: ModuleVersion, kind: FileKind) -> Path:
        """Tell where a file of a version lies."""
        return self._root / self._layout.key(module, kind)

    def _add(
        self, module: ModuleVersion, state: State, info: bytes, mod: bytes, zip_file: Path | None
    ) -> None:
        """Add what is missing; a lone .mod or .info of no whole version does not stay."""
        time_ns = info_time_ns(info)
        folder = self.path(module, FileKind.INFO).parent
        self._make_folder(folder)
        if zip_file is not None:
            self._files.settle(zip_file, time_ns)
            self._files.rename(zip_file, self.path(module, FileKind.ZIP))
        if state is State.ABSENT:
            for kind, text in ((FileKind.MOD, mod), (FileKind.INFO, info)):
                self._place(self.path(module, kind), text, time_ns)
        self._files.sync_folder(folder)
        if self._layout.has_lists:
            self._write_list(module.path)

    def _refuse_links(self, module: ModuleVersion) -> None:
        """Refuse a folder on the way to a version's files that is a link: it may lead outside."""
        folder = self._root
        for element in self._layout.key(module, FileKind.INFO).split("/")[:-1]:
            folder /= element
            diskwalk.refuse_link(folder)

    def _place(self, path: Path, text: bytes, time_ns: int | None = None) -> None:
        staged = self._disk.staging / f"{os.getpid()}-tree-{next(self._numbers)}"
        self._files.write(staged, text)
        self._files.settle(staged, time_ns)
        self._files.rename(staged, path)

    def _list_folder(self, path: str) -> Path:
        return self._root / escape_path(path) / "@v"

    def _write_list(self, path: str, *, without: ModuleVersion | None = None) -> None:
        folder = self._list_folder(path)
        found = (
            self._layout.parse(each.relative_to(self._root).as_posix())
            for each in folder.glob("*.info")
        )
        there = {one.module for one in found if one} - {without}
        versions = sorted((module.version for module in there), key=semver.sort_key)
        text = "".join(f"{version}\n" for version in versions).encode()
        target = folder / "list"
        if (target.read_bytes() if target.is_file() else b"") != text:
            self._place(target, text)

    def _make_folder(self, folder: Path) -> None:
        if folder.is_dir():
            return
        self._make_folder(folder.parent)
        self._files.make_folder(folder)
        self._files.sync_folder(folder.parent)
