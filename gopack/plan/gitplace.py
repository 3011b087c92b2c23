"""Where a module lies in a git repository, as the go command finds it.

Rules kept:
- A module in a folder has tags with that folder before them; `/vN` at a path's end may be a folder
  or not, and is no part of the tags.
- Only the root of a repository may be a module without go.mod.

Spec: modfetch.codeRepo (findDir, isMajor).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gopack.errors import InputError
from gopack.spec import gomod
from gopack.spec.module import split_path_version

ReadFile = Callable[[str], bytes | None]
"""Reads a file of the commit by its path from the repository's root; None if it is not there."""


@dataclass(frozen=True, slots=True)
class Place:
    """A module in a repository: its path, and its folder without a `vN` at the end."""

    path: str
    code_dir: str = ""

    @property
    def path_major(self) -> str:
        """The major version suffix: `/v2`, `.v2` or empty."""
        return split_path_version(self.path)[1]

    @property
    def tag_prefix(self) -> str:
        """What stands before the version in this module's tags."""
        return f"{self.code_dir}/" if self.code_dir else ""


Declared = Callable[[], Mapping[str, str]]
"""Tells the folders of a commit that have a go.mod, and the module path that each declares."""


def locate(given: str, folder: str, read: ReadFile, declared: Declared, *, where: str) -> Place:
    """Find where the module that is meant lies: by `given`, its path, or by the folder's go.mod.

    Raises:
        InputError: neither names it, or they cannot both be right.
    """
    go_mod = read(_join(folder, "go.mod"))
    own = "" if go_mod is None else gomod.parse(go_mod, where=f"{where}: go.mod").module
    if not own and not given:
        what = "there is no go.mod" if go_mod is None else "go.mod names no module"
        hint = "Name the module, give its folder with --source, or pack the commit that has one."
        raise InputError(what, where=where, hint=hint)
    if given in {"", own}:
        return Place(own, without_major(folder, own))
    if own and _stem(given) == _stem(own):
        return Place(given, without_major(folder, own))
    return _elsewhere(given, folder, own, declared(), where=where)


def _elsewhere(
    given: str, folder: str, own: str, declared: Mapping[str, str], *, where: str
) -> Place:
    """Find a module that the folder's go.mod does not name.

    It lies where a root's path tells, else where a go.mod names it all the same.
    """
    roots = {each: _root(each, path) for each, path in declared.items()}
    named = sorted(each for each, path in declared.items() if path == given)
    exact = [each for each in named if roots[each]]
    if len(exact) == 1:
        return Place(given, without_major(exact[0], given))
    for root in sorted(set(roots.values()) - {""}):
        if f"{_stem(given)}/".startswith(f"{root}/"):
            return Place(given, _stem(given)[len(root) + 1 :])
    if len(named) == 1:
        return Place(given, without_major(named[0], given))
    if named:
        what = f"{' and '.join(_join(each, 'go.mod') for each in named)} all name {given}"
        raise InputError(what, where=where, hint="Say which with --source.")
    if not own:
        return Place(given, without_major(folder, given))
    hint = f"Leave MODULE out, or write {own} or another module of the repository."
    raise InputError(
        "the module path disagrees with go.mod", where=where, expected=given, got=own, hint=hint
    )


def _root(folder: str, path: str) -> str:
    """Tell the path of the repository's root that a module in a folder implies; empty if none.

    >>> _root("sub/v2", "example.com/m/sub/v2"), _root("tools", "tools"), _root("", "example.com/m")
    ('example.com/m', '', 'example.com/m')
    """
    below, stem = without_major(folder, path), _stem(path)
    if not below:
        return stem
    return stem.removesuffix(f"/{below}") if stem.endswith(f"/{below}") else ""


def _stem(path: str) -> str:
    return split_path_version(path)[0]


def find_folder(place: Place, read: ReadFile, *, where: str) -> tuple[str, bytes | None]:
    """Tell the folder that holds the module in a commit, and its go.mod if it has one.

    Raises:
        InputError: there is none, or two.
    """
    major = place.path_major
    first = read(_join(place.code_dir, "go.mod"))
    is_first = first is not None and _is_major(_module_of(first), major)
    if major.startswith("/"):
        folder = _join(place.code_dir, major[1:])
        second = read(_join(folder, "go.mod"))
        if second is not None:
            if not _is_major(_module_of(second), major):
                raise _misplaced(place, f"{folder}/go.mod", second, where)
            if is_first:
                what = f"{_join(place.code_dir, 'go.mod')} and {folder}/go.mod are both {major[1:]}"
                raise InputError(what, where=where, hint="Keep one of the two.")
            return folder, second
    if is_first:
        return place.code_dir, first
    if first is not None:
        raise _misplaced(place, _join(place.code_dir, "go.mod"), first, where)
    if not place.code_dir and not major.startswith("/"):
        return "", None
    missing = _join(place.code_dir, "go.mod")
    raise InputError(
        f"there is no {missing}",
        where=where,
        hint="Only a repository's root may be a module without go.mod, below v2.",
    )


def _misplaced(place: Place, file: str, go_mod: bytes, where: str) -> InputError:
    try:
        path = gomod.parse(go_mod, where=f"{where}: {file}").module
    except InputError as error:
        error.hint = error.hint or "No go command can use this version."
        return error
    return InputError(
        f"{file} is another module's", where=where, expected=place.path, got=path or "no module"
    )


def without_major(folder: str, path: str) -> str:
    """Give a module's folder without the `vN` that its path ends with, too.

    >>> without_major("sub/v2", "example.com/m/sub/v2"), without_major("sub", "example.com/m/v2")
    ('sub', 'sub')
    """
    major = split_path_version(path)[1]
    parent, _, last = folder.rpartition("/")
    return parent if major.startswith("/") and last == major[1:] else folder


def _module_of(go_mod: bytes) -> str:
    try:
        return gomod.parse(go_mod).module
    except InputError:
        return ""


def _is_major(path: str, path_major: str) -> bool:
    """Whether a go.mod's path and the wanted one have the same major version rules."""
    _, own, ok = split_path_version(path)
    if not path or not ok:
        return False
    if not path_major or not own:
        return not path_major and own in {"", ".v0", ".v1"}
    return own[1:] == path_major[1:]


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
