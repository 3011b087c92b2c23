"""Where a module lies in a git repository, as the go command finds it.

Rules kept:
- A module in a folder has tags with that folder before them; `/vN` at a path's end may be a folder
  or not, and is no part of the tags.
- Only the root of a repository may be a module without go.mod.
- A go.mod that cannot be parsed still names its module, by its first module line.

Spec: modfetch.codeRepo (newCodeRepo, findDir, isMajor, canReplaceMismatchedVersionDueToBug).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gopack.errors import InputError
from gopack.plan.summary import named_module, parse_fault
from gopack.spec import gomod
from gopack.spec.module import split_path_version

_MAJOR_FOLDER = re.compile(r"v[1-9][0-9]*")
_URL = re.compile(r"(?:[a-z+]+://)?(?:[^@/]*@)?([^/:@]+)(?::[0-9]+)?[/:]([^/].*)", re.DOTALL)

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


def locate(
    given: str, folder: str, read: ReadFile, declared: Declared, *, where: str, url: str = ""
) -> Place:
    """Find where the module that is meant lies: by `given`, its path, or by the folder's go.mod.

    `url` is the repository's, as far as it is known.

    Raises:
        InputError: neither names it, they cannot both be right, or the go command looks elsewhere.
    """
    go_mod = read(_join(folder, "go.mod"))
    own = "" if go_mod is None else named_module(go_mod)
    if not own and not given:
        raise _unnamed(go_mod, _join(folder, "go.mod"), where)
    if given in {"", own}:
        return _own_place(folder, own, read, url, where)
    if own and _stem(given) == _stem(own):
        return Place(given, _own_place(folder, own, read, url, where).code_dir)
    return _elsewhere(given, folder, own, read, declared, where=where, url=url)


def _unnamed(go_mod: bytes | None, file: str, where: str) -> InputError:
    if go_mod is not None:
        gomod.parse(go_mod, where=f"{where}: {file}")
    what = f"there is no {file}" if go_mod is None else f"{file} names no module"
    hint = "Name the module, give its folder with --source, or pack the commit that has one."
    return InputError(what, where=where, hint=hint)


def _own_place(folder: str, path: str, read: ReadFile, url: str, where: str) -> Place:
    """Tell the place of a module that a folder's go.mod names.

    What the path of the repository's root is shows in the module's path, the repository's URL, the
    folder itself, the root's go.mod or the name of a `vN` folder, the surest first. Where nothing
    shows it, a server may tell the go command this folder.
    """
    place = Place(path, without_major(folder, path))
    top = read("go.mod") if folder else None
    parent, _, last = folder.rpartition("/")
    signs = [
        _root_in(path), root_of_url(url), _root(folder, path), named_module(top) if top else "",
        _root(parent, path) if _MAJOR_FOLDER.fullmatch(last) else "",
    ]  # fmt: skip
    for root in filter(None, signs):
        if _is_below(path, root):
            code_dir = _stem(path)[len(root) + 1 :]
            if code_dir != place.code_dir:
                raise _looked_for_elsewhere(folder, path, code_dir, where)
            break
    return place


def _looked_for_elsewhere(folder: str, path: str, code_dir: str, where: str) -> InputError:
    major = split_path_version(path)[1]
    places = [_join(code_dir, "go.mod")]
    if major.startswith("/"):
        places.append(f"{_join(code_dir, major[1:])}/go.mod")
    return InputError(
        f"{folder}/go.mod names {path}, which the go command looks for in {' or '.join(places)}",
        where=where,
        hint="Mend the module line, or move the folder; without --git it is packed as it is.",
    )


def _elsewhere(  # noqa: PLR0913 - locate's own
    given: str, folder: str, own: str, read: ReadFile, declared: Declared, *, where: str, url: str
) -> Place:
    """Find a module that the folder's go.mod does not name.

    It lies where a root's path tells, else where a go.mod names it all the same.
    """
    for root in filter(None, (_root_in(given), root_of_url(url))):
        if _is_below(given, root):
            return Place(given, _stem(given)[len(root) + 1 :])
    there = declared()
    roots = {each: _root(each, path) for each, path in there.items()}
    named = sorted(each for each, path in there.items() if path == given)
    exact = [each for each in named if roots[each]]
    if len(exact) == 1:
        return Place(given, without_major(exact[0], given))
    for root in sorted(set(roots.values()) - {""}):
        if _is_below(given, root):
            return Place(given, _stem(given)[len(root) + 1 :])
    if len(named) == 1:
        return _own_place(named[0], given, read, url, where)
    if named:
        what = f"{' and '.join(_join(each, 'go.mod') for each in named)} all name {given}"
        raise InputError(what, where=where, hint="Say which with --source.")
    if not own:
        return Place(given, without_major(folder, given))
    hint = f"Leave MODULE out, or write {own} or another module of the repository."
    raise InputError(
        "the module path disagrees with go.mod", where=where, expected=given, got=own, hint=hint
    )


def _is_below(path: str, root: str) -> bool:
    return f"{_stem(path)}/".startswith(f"{root}/")


def _root(folder: str, path: str) -> str:
    """Tell the path of the repository's root that a module in a folder implies; empty if none.

    >>> _root("sub/v2", "example.com/m/sub/v2"), _root("tools", "tools"), _root("", "example.com/m")
    ('example.com/m', '', 'example.com/m')
    """
    below, stem = without_major(folder, path), _stem(path)
    if not below:
        return stem
    return stem.removesuffix(f"/{below}") if stem.endswith(f"/{below}") else ""


def root_of_url(url: str) -> str:
    """Tell the path that a repository's URL gives its root; empty if it gives none.

    >>> root_of_url("https://git.example:8443/team/m.git"), root_of_url("git@git.example:team/m")
    ('git.example/team/m', 'git.example/team/m')
    """
    found = _URL.fullmatch(url.rstrip("/").removesuffix(".git"))
    return "/".join(found.groups()) if found else ""


def _root_in(path: str) -> str:
    """Tell the root that a path with an element `x.git` names itself; empty if there is none.

    >>> _root_in("git.example/team/m.git/sub"), _root_in("git.example/team/m")
    ('git.example/team/m.git', '')
    """
    elements = path.split("/")
    ends = [
        at for at, each in enumerate(elements) if at and each.removesuffix(".git") not in {"", each}
    ]
    return "/".join(elements[: ends[0] + 1]) if ends else ""


def _stem(path: str) -> str:
    return split_path_version(path)[0]


def find_folder(place: Place, read: ReadFile, *, where: str) -> tuple[str, bytes | None]:
    """Tell the folder that holds the module in a commit, and its go.mod if it has one.

    Raises:
        InputError: there is none, or two.
    """
    major = place.path_major
    first = read(_join(place.code_dir, "go.mod"))
    is_first = first is not None and _is_major(gomod.module_path(first), major)
    if major.startswith("/"):
        folder = _join(place.code_dir, major[1:])
        second = read(_join(folder, "go.mod"))
        if second is not None:
            if not _is_major(gomod.module_path(second), major):
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
    path = gomod.module_path(go_mod)
    if not path and (fault := parse_fault(go_mod)):
        hint = "No go command can use this version."
        return InputError(f"{file} names no module: {fault}", where=where, hint=hint)
    if named_module(go_mod) == place.path != path:
        what = f"{file} names its module in a block, where the go command does not find it"
        return InputError(what, where=where, hint="Write `module PATH` in one line.")
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


def _is_major(path: str, path_major: str) -> bool:
    """Whether a go.mod's path and the wanted one have the same major version rules."""
    _, own, ok = split_path_version(path)
    if not path or not ok:
        return False
    if not path_major:
        is_low = own.removesuffix("-unstable") in {"", ".v0", ".v1"}
        return is_low or path.startswith("gopkg.in/")  # the latter is an old bug that go keeps
    return bool(own) and own[1:] == path_major[1:]


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
