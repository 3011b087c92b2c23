"""A storage as an audit sees it: every file by its key; and moving aside what is spoilt.

Rules:
- Reading writes nothing, so a read-only medium can be audited.
- What is moved aside goes to `.gopack/aside/` by one rename; nothing is deleted or overwritten. An
  `.info` there gets another name: Athens' catalog walks that folder, too.
"""

import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from gopack.adapters.diskerrors import disk_errors, store_error
from gopack.adapters.files import Files
from gopack.adapters.sumdb_store import SumdbStore
from gopack.errors import InputError, StoreError
from gopack.plan.inventory import Folder
from gopack.plan.layout import ASIDE, OWN_FOLDER, STAGING
from gopack.spec.module import ModuleVersion
from gopack.spec.tiles import Tile, parse_tile_path
from gopack.spec.tlog import Record

_SCRAP_FOLDERS = (STAGING, "incoming")


class AuditedDisk:
    """flows.check.AuditedStorage on a folder in Athens' layout."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def folders(self) -> Sequence[Folder]:
        """Every folder but gopack's own; the root itself is one."""
        return list(_walk(self._root))

    def read(self, key: str) -> bytes:
        """A file's bytes."""
        return _read(self._root, key)

    def size_bytes(self, key: str) -> int:
        """A file's size; 0 where it cannot be told."""
        try:
            return os.stat(f"{self._root}/{key}").st_size  # noqa: PTH116 - one of thousands
        except OSError:
            return 0

    def has(self, key: str) -> bool:
        """Whether there is such a file or folder."""
        return (self._root / key).exists()

    def scraps(self) -> Sequence[str]:
        """What interrupted runs left."""
        found: list[str] = []
        for name in _SCRAP_FOLDERS:
            folder = f"{OWN_FOLDER}/{name}"
            found += [f"{folder}/{entry}" for entry in _names(self._root / folder)]
        return found

    def databases(self) -> "Mapping[str, KeptSumdb]":
        """Every folder below `.gopack/sumdb` that looks like a database's."""
        top = self._root / OWN_FOLDER / "sumdb"
        marks = [*top.glob("**/heads"), *top.glob("**/records"), *top.glob("**/tiles")]
        folders = sorted({mark.parent for mark in marks})
        return {str(f.relative_to(top)): KeptSumdb(self._root, f) for f in folders}


class KeptSumdb:
    """flows.check_sumdb.KeptProofs on `.gopack/sumdb/<name>/`."""

    def __init__(self, root: Path, folder: Path) -> None:
        self._folder = folder
        self._store = SumdbStore(folder)
        self.read = partial(_read, root)
        self.key = folder.relative_to(root).as_posix()
        self.records_key = f"{self.key}/records"

    def records(self) -> Mapping[ModuleVersion, Record]:
        """Every record; StoreError if the file is damaged."""
        return self._store.records()

    def heads(self) -> Mapping[str, bytes]:
        """Every head, by its key."""
        names = _names(self._folder / "heads")
        return {key: self.read(key) for key in (f"{self.key}/heads/{name}" for name in names)}

    def tiles(self) -> Mapping[Tile, str]:
        """Every tile's key; names that are no tile's are passed over."""
        found: dict[Tile, str] = {}
        for name in _names(self._folder / "tiles"):
            try:
                tile = parse_tile_path("tile/" + name.replace("-", "/"))
            except InputError:
                continue
            found[tile] = f"{self.key}/tiles/{name}"
        return found


def set_aside(root: Path, keys: Sequence[str], *, files: Files | None = None) -> list[str]:
    """Move files, folders and links to `.gopack/aside`; tell where each went, in order.

    Raises:
        StoreError: the storage cannot be written.
    """
    files = files or Files()
    target = root / OWN_FOLDER / ASIDE
    with disk_errors("make the folder for what is spoilt", target):
        for folder in (root / OWN_FOLDER, target):
            if not folder.is_dir():
                files.make_folder(folder)
                files.sync_folder(folder.parent)
    moved = []
    for key in keys:
        with disk_errors("move it aside", root / key):
            moved.append(_move(files, root, key, target))
    return moved


def _move(files: Files, root: Path, key: str, target: Path) -> str:
    source = root / key
    plain = key.replace("/", "%").lstrip(".")
    name = next(
        name
        for name in (f"{plain}.{number}.spoilt" for number in range(len(_names(target)) + 1))
        if not (target / name).exists()
    )
    files.rename(source, target / name)
    files.sync_folder(source.parent)
    if not (target / name).is_symlink():  # what it leads to is somebody else's
        for info in sorted((target / name).rglob("*.info")):
            files.rename(info, info.with_name(info.name + ".spoilt"))
    files.sync_folder(target)
    return f"{OWN_FOLDER}/{ASIDE}/{name}"


def _walk(root: Path) -> Iterator[Folder]:
    waiting = [""]
    while waiting:
        key = waiting.pop()
        try:
            folder = _look_into(root, key)
        except StoreError as error:
            if not key:
                raise
            folder = Folder(key, frozenset(), frozenset(), fault=error)
        yield folder
        waiting += [f"{key}/{name}" if key else name for name in folder.folders]


def _look_into(root: Path, key: str) -> Folder:
    kinds: dict[str, list[str]] = {"files": [], "folders": [], "others": []}
    with disk_errors("read the storage", root / key), os.scandir(root / key) as entries:
        for entry in entries:
            if key or entry.name != OWN_FOLDER:
                kinds[_kind(entry)].append(entry.name)
    files, folders, others = (frozenset(names) for names in kinds.values())
    return Folder(key, files, folders, others)


def _kind(entry: os.DirEntry[str]) -> str:
    """Tell what an entry is itself, and not what a link leads to."""
    if entry.is_dir(follow_symlinks=False):
        return "folders"
    return "files" if entry.is_file(follow_symlinks=False) else "others"


def _names(folder: Path) -> list[str]:
    with disk_errors("read the storage", folder):
        try:
            return sorted(entry.name for entry in os.scandir(folder))
        except FileNotFoundError:
            return []


def _read(root: Path, key: str) -> bytes:
    try:
        with open(f"{root}/{key}", "rb") as file:  # noqa: PTH123 - one of thousands
            return file.read()
    except OSError as error:
        raise store_error(error, "read the storage", root / key) from error


def refuse_unwritable_root(root: Path) -> None:
    """Say early that a repair is not possible here.

    Raises:
        StoreError: the storage cannot be written.
    """
    if os.access(root, os.W_OK, effective_ids=True):
        return
    with disk_errors("repair it", root):
        if not os.statvfs(root).f_flag & os.ST_RDONLY:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    raise StoreError(
        "cannot be repaired: it is read-only",
        where=str(root),
        hint="copy it to a disk first (cp -a ROOT/. TARGET/), then repair the copy",
    )
