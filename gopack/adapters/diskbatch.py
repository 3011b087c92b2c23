"""Versions that appear together in a storage in Athens' layout: staged, then moved in.

Rules:
- The disk is waited for twice, whatever the number of versions: when all are staged, before the
  first moves in, and when the last has moved in, before anybody is told that they appeared.
- So after a power cut a version's folder holds what it must, and since what requires a version is
  published after that one was told of, it is not there without it. Of one batch any part may be
  there: none of its versions requires another, so their moves need no order among themselves.
- What is refused takes nothing with it: the others go on.
- The .info gets its name as the last thing before the first wait.
"""

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType

from gopack.adapters import diskwalk
from gopack.adapters.diskerrors import store_error
from gopack.adapters.disktree import DiskTree
from gopack.adapters.otherfiles import leave_as_it_is
from gopack.errors import StoreError
from gopack.plan import layout
from gopack.plan.infotime import info_time_ns
from gopack.plan.layout import FileKind
from gopack.ports import Publication, State
from gopack.spec.module import ModuleVersion

_TAKEN = {errno.ENOTEMPTY, errno.EEXIST}


@dataclass(slots=True)
class _Move:
    """What moves in by one rename: a staged folder, or (`staged` is None) a zip alone.

    `made` are the folders that have a new entry on the way to it.
    """

    wanted: Publication
    folder: Path
    staged: Path | None
    time_ns: int
    made: list[Path] = field(default_factory=list)

    def written(self) -> Iterator[Path]:
        """What must be on the disk before it moves."""
        yield from self.made
        module, _, _, zip_file = self.wanted
        if self.staged is None:
            assert zip_file is not None
            yield zip_file
            return
        yield self.staged
        for kind in FileKind:
            if zip_file is not None or kind is not FileKind.ZIP:
                yield self.staged / layout.athens_disk_name(module.version, kind)

    def changed(self) -> Path:
        """The folder whose entries must be on the disk after it has moved."""
        return self.folder if self.staged is None else self.folder.parent


class _Refusals:
    """Notes what fails inside as the refusal of versions, of which there is at least one."""

    def __init__(
        self, refused: dict[ModuleVersion, StoreError], modules: list[ModuleVersion], root: Path
    ) -> None:
        self._refused = refused
        self._modules = modules
        self._root = root

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, _kind: object, error: BaseException | None, _trace: TracebackType | None
    ) -> bool:
        first = self._modules[0]
        if isinstance(error, OSError):
            folder = self._root / layout.athens_disk_folder(first)
            error = store_error(error, f"store {first}", folder)
        if not isinstance(error, StoreError):
            return False
        self._refused.update(dict.fromkeys(self._modules, error))
        return True


class Batch:
    """One attempt to publish versions; `refused` says afterwards why some were refused.

    Args:
        tree: the storage's folders.
        is_case_insensitive: whether its disk knows one case.
    """

    def __init__(self, tree: DiskTree, *, is_case_insensitive: bool) -> None:
        self._tree = tree
        self._files = tree.files
        self._is_case_insensitive = is_case_insensitive
        self.refused: dict[ModuleVersion, StoreError] = {}

    def publish(self, wanted: Sequence[Publication]) -> list[Publication]:
        """Publish what can be; give those with which somebody was faster, to be tried again."""
        with self._refusals(wanted):
            disk = self._files.open_disk(self._tree.staging)
            try:
                return self._publish(wanted, disk)
            finally:
                os.close(disk)
        return []

    def _publish(self, wanted: Sequence[Publication], disk: int) -> list[Publication]:
        staged = [move for one in wanted if (move := self._staged(one)) is not None]
        ready = [move for move in staged if self._is_named(move)]
        if not self._wait(disk, ready, {path for move in ready for path in move.written()}):
            return []
        moved: list[_Move] = []
        late: list[_Move] = []
        for move in ready:
            with self._refusals([move.wanted]):
                (moved if self._has_moved(move) else late).append(move)
        self._wait(disk, moved, {move.changed() for move in moved})
        return [move.wanted for move in late]

    def _wait(self, disk: int, moves: Sequence[_Move], paths: set[Path]) -> bool:
        """Wait until these are on the disk; what is staged is given up if they cannot be."""
        if not moves:
            return True
        wanted = [move.wanted for move in moves]
        with self._refusals(wanted):
            self._files.sync_all(disk, paths)
            return True
        for move in moves:
            self._give_up(move)
        return False

    def _refusals(self, wanted: Iterable[Publication]) -> "_Refusals":
        return _Refusals(self.refused, [one.module for one in wanted], self._tree.root)

    # Staging

    def _staged(self, one: Publication) -> _Move | None:
        """Write what a version lacks into the staging folder; None if nothing is to move."""
        module, zip_file = one.module, one.zip_file
        folder = self._tree.root / layout.athens_disk_folder(module)
        with self._refusals([one]):
            diskwalk.refuse_clash(
                self._tree.root, module, is_case_insensitive=self._is_case_insensitive
            )
            state = diskwalk.folder_state(folder, module.version)
            move = _Move(one, folder, None, info_time_ns(one.info))
            if state is State.ABSENT:
                move.staged = self._tree.new_name()
                self._fill(move)
                return move
            if state is State.MOD_ONLY and zip_file is not None:
                _refuse_other_mod(folder, one.mod)
                self._files.dress(zip_file, move.time_ns)
                return move
            leave_as_it_is(one, partial(self._path, module), self._files)
        return None

    def _path(self, module: ModuleVersion, kind: FileKind) -> Path:
        return self._tree.root / layout.athens_disk_key(module, kind)

    def _fill(self, move: _Move) -> None:
        assert move.staged is not None
        one, staged, files = move.wanted, move.staged, self._files
        files.make_folder(staged)
        try:
            for name, text in ((layout.DISK_GO_MOD, one.mod), (FileKind.INFO.value, one.info)):
                files.write(staged / name, text)
                files.dress(staged / name, move.time_ns)
            if one.zip_file is not None:
                files.dress(one.zip_file, move.time_ns)
                files.rename(one.zip_file, staged / layout.DISK_ZIP)
        except OSError:
            self._tree.discard(staged)
            raise

    def _is_named(self, move: _Move) -> bool:
        """Give the .info its name, and make the folders on the way to the version."""
        if move.staged is None:
            return True
        info_name = layout.athens_disk_name(move.wanted.module.version, FileKind.INFO)
        with self._refusals([move.wanted]):
            with self._tree.lock:
                move.made = self._tree.make_parents(move.folder.parent)
            self._files.rename(move.staged / FileKind.INFO.value, move.staged / info_name)
            self._files.date(move.staged, move.time_ns)
            return True
        self._give_up(move)
        return False

    # Moving

    def _has_moved(self, move: _Move) -> bool:
        """Move a version in; false if somebody was faster, and its zip is back then."""
        self._refuse_links(move)
        if move.staged is None:
            assert move.wanted.zip_file is not None
            self._files.rename(move.wanted.zip_file, move.folder / layout.DISK_ZIP)
            self._files.date(move.folder, move.time_ns)
            return True
        try:
            if self._has_moved_in(move.staged, move.folder):
                return True
            if move.wanted.zip_file is not None:
                self._files.rename(move.staged / layout.DISK_ZIP, move.wanted.zip_file)
        except (OSError, StoreError):
            self._give_up(move)
            raise
        self._give_up(move)
        return False

    def _refuse_links(self, move: _Move) -> None:
        """Look once more, after the wait: a link put there meanwhile would lead outside."""
        try:
            diskwalk.refuse_links(self._tree.root, move.wanted.module)
        except StoreError:
            self._give_up(move)
            raise

    def _has_moved_in(self, staged: Path, folder: Path) -> bool:
        if folder.exists() and diskwalk.folder_state(folder, folder.name) is State.ABSENT:
            self._tree.set_aside(folder)
        with self._tree.lock:
            try:
                self._files.rename(staged, folder)
            except OSError as error:
                if error.errno in _TAKEN or not folder.parent.exists():
                    return False
                raise
        return True

    def _give_up(self, move: _Move) -> None:
        if move.staged is not None:
            self._tree.discard(move.staged)


def _refuse_other_mod(folder: Path, mod: bytes) -> None:
    if (folder / layout.DISK_GO_MOD).read_bytes() != mod:
        raise StoreError(
            "the stored go.mod differs from the one that came with the zip",
            where=str(folder),
            hint="run gopack check, and remove this version's folder if it is the wrong one",
        )
