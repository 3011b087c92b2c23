"""What the go command makes of a git repository: where a module lies, which version a commit has.

Rules kept:
- A module in a folder has tags with that folder before them; `/vN` at a path's end may be a folder
  or not, and is no part of the tags.
- A commit's version is the highest tag on it that fits the path and is not retracted, else a
  pseudo-version above the highest such tag before it.
- A tag of v2 or more may serve a module without go.mod, as `+incompatible`.

Spec: modfetch.codeRepo (convert, findDir, isMajor), codehost gitRepo (Tags, RecentTag, stat).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gopack.errors import InputError
from gopack.spec import gomod, semver
from gopack.spec.info import Origin
from gopack.spec.module import match_path_major, split_path_version
from gopack.spec.pseudo import is_pseudo, pseudo_rev, pseudo_time, pseudo_version

REV_DIGITS = 12
"""Digits of a commit in a pseudo-version (modfetch.codehost.ShortenSHA1)."""

TAGS = "refs/tags/"
_INCOMPATIBLE = "+incompatible"

ReadFile = Callable[[str], bytes | None]
"""Reads a file of the commit by its path from the repository's root; None if it is not there."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit: its hash in hex, and the committer's time in UTC."""

    hash: str
    time: datetime


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


def locate(given: str, folder: str, read: ReadFile, *, where: str) -> Place:
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
    if not own or given in {"", own}:
        path = given or own
        return Place(path, without_major(folder, path))
    root, stem = split_path_version(own)[0], split_path_version(given)[0]
    if stem == root:
        return Place(given, without_major(folder, own))
    if stem.startswith(f"{root}/"):
        return Place(given, _join(folder, stem.removeprefix(f"{root}/")))
    hint = f"Leave MODULE out, or write {own} or a path below it."
    raise InputError(
        "the module path disagrees with go.mod", where=where, expected=given, got=own, hint=hint
    )


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
                raise _misplaced(place, f"{folder}/go.mod", _module_of(second), where)
            if is_first:
                what = f"{_join(place.code_dir, 'go.mod')} and {folder}/go.mod are both {major[1:]}"
                raise InputError(what, where=where, hint="Keep one of the two.")
            return folder, second
    if is_first:
        return place.code_dir, first
    if first is not None:
        raise _misplaced(place, _join(place.code_dir, "go.mod"), _module_of(first), where)
    if not place.code_dir and not major.startswith("/"):
        return "", None
    missing = _join(place.code_dir, "go.mod")
    raise InputError(
        f"there is no {missing}",
        where=where,
        hint="Only a repository's root may be a module without go.mod, below v2.",
    )


def _misplaced(place: Place, file: str, path: str, where: str) -> InputError:
    return InputError(
        f"{file} is another module's", where=where, expected=place.path, got=path or "no module"
    )


def version_of_tag(tag: str, prefix: str) -> tuple[str, bool]:
    """Tell the version that a tag stands for, and whether it is written in full; empty if none.

    >>> version_of_tag("sub/v1.2.0", "sub/"), version_of_tag("v1.2.0+meta", "")
    (('v1.2.0', True), ('v1.2.0', False))
    """
    if not tag.startswith(prefix) or is_pseudo(tag):
        return "", False
    trimmed = tag.removeprefix(prefix)
    version = semver.canonical(trimmed)
    if not version or not trimmed.startswith(version):
        return "", False
    return version, version == trimmed


@dataclass(frozen=True, slots=True)
class Tags:
    """A repository's tags, as far as one module's version depends on them.

    Args:
        here: the tags on the commit.
        before: the tags on the commit and on those before it.
        is_retracted: whether the module's newest go.mod retracts a version.
        may_be_incompatible: whether a tag of v2 or more may serve this module.
    """

    here: Sequence[str]
    before: Sequence[str]
    is_retracted: Callable[[str], bool]
    may_be_incompatible: Callable[[str], bool]


def choose_version(place: Place, commit: Commit, tags: Tags, *, asked_tag: str = "") -> str:
    """Give the version that the go command gives a commit; `asked_tag` is what it was asked by."""

    def fits(version: str) -> bool:
        return match_path_major(version, place.path_major) or tags.may_be_incompatible(version)

    asked, in_full = version_of_tag(asked_tag, place.tag_prefix)
    if asked and in_full and fits(asked):
        return _suffixed(asked, place)
    best = ""
    for tag in tags.here:
        version, in_full = version_of_tag(tag, place.tag_prefix)
        if in_full and semver.compare(best, version) < 0 and fits(version):
            best = best if tags.is_retracted(version) else version
    if best:
        return _suffixed(best, place)
    found = (version_of_tag(tag, place.tag_prefix)[0] for tag in tags.before)
    base = ""
    for version in found:
        if version and semver.compare(base, version) < 0 and fits(version):
            base = base if tags.is_retracted(version) else version
    major = place.path_major[1:].removesuffix("-unstable")
    made = pseudo_version(major, base, commit.time, commit.hash[:REV_DIGITS])
    return _suffixed(made, place)


def versions_in(place: Place, tags: Iterable[str]) -> list[str]:
    """List the versions that a module's tags stand for, lowest first."""
    found = (version_of_tag(tag, place.tag_prefix) for tag in tags)
    fitting = {v for v, in_full in found if in_full and match_path_major(v, place.path_major)}
    return sorted(fitting, key=semver.sort_key)


def highest(versions: Sequence[str]) -> str:
    """Tell the version whose go.mod carries the retractions: the highest release, else the highest.

    >>> highest(["v1.0.0", "v1.1.0-rc1"]), highest([])
    ('v1.0.0', '')
    """
    releases = [v for v in versions if not semver.prerelease(v)]
    return (releases or [*versions] or [""])[-1]


def check_pseudo(version: str, commit: Commit) -> None:
    """Check that a pseudo-version that was given is this commit's.

    Raises:
        InputError: its revision or its time is another.
    """
    rev = commit.hash[:REV_DIGITS]
    if pseudo_rev(version) != rev:
        raise InputError(
            "the pseudo-version is another commit's", where=version, expected=rev,
            got=pseudo_rev(version), hint="Leave VERSION out, and it is made from the commit.",
        )  # fmt: skip
    if pseudo_time(version) != commit.time:
        raise InputError(
            "the pseudo-version has another time than the commit", where=version,
            expected=f"{commit.time:%Y%m%d%H%M%S}", got=f"{pseudo_time(version):%Y%m%d%H%M%S}",
            hint="Leave VERSION out, and it is made from the commit.",
        )  # fmt: skip


def origin_of(
    place: Place, version: str, commit: Commit, refs: Mapping[str, str], *, url: str
) -> Origin:
    """Tell a version's origin as the go command writes it into the version's .info.

    Of a pseudo-version the commit alone counts; a tag is named, since it may move. `refs` maps
    tags by their full names to the commits they stand for.
    """
    tag = f"{TAGS}{place.tag_prefix}{version.removesuffix(_INCOMPATIBLE)}"
    ref = tag if not is_pseudo(version) and refs.get(tag) == commit.hash else ""
    return Origin(vcs="git", url=url, subdir=place.code_dir, hash=commit.hash, ref=ref)


def _suffixed(version: str, place: Place) -> str:
    return version if match_path_major(version, place.path_major) else version + _INCOMPATIBLE


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


def without_major(folder: str, path: str) -> str:
    """Give a module's folder without the `vN` that its path ends with, too.

    >>> without_major("sub/v2", "example.com/m/sub/v2"), without_major("sub", "example.com/m/v2")
    ('sub', 'sub')
    """
    major = split_path_version(path)[1]
    parent, _, last = folder.rpartition("/")
    return parent if major.startswith("/") and last == major[1:] else folder


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
