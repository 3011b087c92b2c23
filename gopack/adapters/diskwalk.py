"""Reading a storage in Athens' disk layout: what each folder is, by its files alone.

A version folder is one that holds `go.mod` and `<its own name>.info`. A module path may contain
elements that look like versions, so the name alone decides nothing.
"""

import os
import stat
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from gopack.adapters.diskerrors import disk_errors
from gopack.errors import StoreError
from gopack.plan.layout import (
    DISK_GO_MOD,
    DISK_ZIP,
    OWN_FOLDER,
    FileKind,
    athens_disk_folder,
    athens_disk_name,
    is_version_folder_name,
)
from gopack.ports import State
from gopack.spec.module import ModuleVersion


@dataclass(frozen=True, slots=True)
class Leftover:
    """A folder that Athens offers as a version, or counts wrongly, because of what is in it."""

    folder: Path
    reason: str


class _Found(NamedTuple):
    """A folder with a version's name: the module path it would belong to, and its entries."""

    path: str
    version: str
    state: State
    files: frozenset[str]
    folders: frozenset[str]


def folder_state(folder: Path, version: str) -> State:
    """Tell what a folder holds of this version. May raise OSError other than not-found."""
    text = str(folder)  # a storage has thousands of versions, and paths as objects are slow
    for kind in (FileKind.INFO, FileKind.MOD):
        if not _is_file(f"{text}/{athens_disk_name(version, kind)}"):
            return State.ABSENT
    return State.COMPLETE if _is_file(f"{text}/{DISK_ZIP}") else State.MOD_ONLY


def holds_version_files(folder: Path, version: str) -> bool:
    """Tell whether any file of this version is in the folder."""
    return any(_is_file(f"{folder}/{athens_disk_name(version, kind)}") for kind in FileKind)


def sub_folder(folder: Path) -> Path | None:
    """Give a folder inside this one, if there is any."""
    return next((entry for entry in sorted(folder.iterdir()) if entry.is_dir()), None)


def walk(root: Path) -> Iterator[_Found]:
    """Walk every folder that has a version's name, whatever it holds; not gopack's own.

    Raises:
        StoreError: if a folder cannot be read, the root included.

    """
    waiting = [""]
    while waiting:
        path = waiting.pop()
        files, folders = _entries(root / path)
        parent, _, name = path.rpartition("/")
        if parent and is_version_folder_name(name):
            yield _Found(parent, name, _state(name, files), files, folders)
        for each in folders:
            if path or each != OWN_FOLDER:
                waiting.append(f"{path}/{each}" if path else each)


def leftovers(root: Path) -> Iterator[Leftover]:
    """Walk the folders that look like versions and are none, or hold more than a version."""
    for found in walk(root):
        reason = _fault(found)
        if reason:
            yield Leftover(root / found.path / found.version, reason)


def refuse_nesting(root: Path, module: ModuleVersion) -> None:
    """Refuse a module path that runs through another version's folder: Athens counts its entries.

    Raises:
        StoreError: naming both folders.

    """
    elements = module.path.split("/")
    for end in range(1, len(elements)):
        if not is_version_folder_name(elements[end]):
            continue
        folder = root / "/".join(elements[: end + 1])
        if holds_version_files(folder, elements[end]):
            raise StoreError(
                f"{module} would lie inside a version's folder",
                where=str(folder),
                hint="keep these two modules in two storages: Athens cannot serve both from one",
            )


def refuse_links(root: Path, module: ModuleVersion) -> None:
    """Refuse a version whose folder, or one on the way to it, is a symbolic link.

    What is written, or deleted, through it would lie outside of the storage, and Athens' catalog
    does not follow links.

    Raises:
        StoreError: naming the link.

    """
    folder = str(root)  # paths as objects are slow
    for element in athens_disk_folder(module).split("/"):
        folder = f"{folder}/{element}"
        refuse_link(folder)


def refuse_link(folder: Path | str) -> None:
    """Refuse a folder of the storage that is a symbolic link.

    Raises:
        StoreError: it is one.

    """
    if _has_mode(os.lstat, str(folder), stat.S_ISLNK):
        raise StoreError(
            "a symbolic link where the storage's own folder should be",
            where=str(folder),
            hint="put the folder itself there; only the storage's root may be a link",
        )


def refuse_links_below(folder: Path, *, but: Collection[Path] = ()) -> None:
    """Refuse a folder of gopack's own that has a symbolic link anywhere below.

    A storage may have been in other hands: what a run writes there must not land elsewhere.

    Args:
        folder: the folder; it need not exist.
        but: folders below that are not looked into.

    Raises:
        StoreError: naming the link.
    """
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        try:
            entries = list(os.scandir(here))
        except FileNotFoundError:
            continue
        for entry in entries:
            if entry.is_symlink():
                raise StoreError(
                    "a symbolic link among gopack's own files, which gopack never makes",
                    where=entry.path,
                    hint="remove the link, and ask who laid it there; then run again",
                )
            if entry.is_dir() and Path(entry.path) not in but:
                waiting.append(Path(entry.path))


def refuse_clash(root: Path, module: ModuleVersion, *, is_case_insensitive: bool) -> None:
    """Refuse a version that cannot lie beside what is there; see the three rules it asks for.

    Raises:
        StoreError: naming what is in the way.

    """
    refuse_links(root, module)
    refuse_nesting(root, module)
    if is_case_insensitive:
        refuse_other_case(root, module)


def refuse_other_case(root: Path, module: ModuleVersion) -> None:
    """Refuse a path that another one differs from in letter case only.

    Raises:
        StoreError: naming both paths.

    """
    here = ""
    for element in athens_disk_folder(module).split("/"):
        path = f"{here}/{element}" if here else element
        if not (root / here).is_dir():
            return
        for name in os.listdir(root / here):  # noqa: PTH208 - names are all that is wanted
            if name != element and name.casefold() == element.casefold():
                other = f"{here}/{name}" if here else name
                raise StoreError(
                    f"{path} and {other} are one folder on this case-insensitive disk",
                    where=str(module),
                    hint="use a disk that tells upper from lower case for the storage",
                )
        here = path


def _entries(folder: Path) -> tuple[frozenset[str], frozenset[str]]:
    files: list[str] = []
    folders: list[str] = []
    with disk_errors("read the storage", folder), os.scandir(folder) as entries:
        for entry in entries:
            (folders if entry.is_dir(follow_symlinks=False) else files).append(entry.name)
    return frozenset(files), frozenset(folders)


def _state(version: str, files: frozenset[str]) -> State:
    if not {DISK_GO_MOD, f"{version}.info"} <= files:
        return State.ABSENT
    return State.COMPLETE if DISK_ZIP in files else State.MOD_ONLY


def _fault(found: _Found) -> str:
    if found.state is State.ABSENT:
        if found.folders and not found.files:
            return ""  # a module path with an element that looks like a version
        missing = sorted({DISK_GO_MOD, f"{found.version}.info"} - found.files)
        return f"incomplete: {' and '.join(missing)} missing"
    known = {athens_disk_name(found.version, kind) for kind in FileKind}
    foreign = sorted((found.files - known) | found.folders)
    return f"holds more than a version: {', '.join(foreign)}" if foreign else ""


def _is_file(path: str) -> bool:
    return _has_mode(os.stat, path, stat.S_ISREG)


def _has_mode(
    look: Callable[[str], os.stat_result], path: str, is_wanted: Callable[[int], bool]
) -> bool:
    """Whether something is there, and of this kind. May raise OSError other than not-found."""
    try:
        return is_wanted(look(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
