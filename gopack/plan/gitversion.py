"""Which version the go command gives a commit of a git repository.

Rules kept:
- A commit's version is the highest tag on it that fits the path and is not retracted, else a
  pseudo-version above the highest such tag before it.
- A tag of v2 or more may serve a module without go.mod, as `+incompatible`.

Spec: modfetch.codeRepo (convert), codehost gitRepo (Tags, RecentTag, stat).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gopack.errors import InputError
from gopack.plan.gitplace import Place
from gopack.spec import semver
from gopack.spec.info import Origin
from gopack.spec.module import match_path_major
from gopack.spec.pseudo import is_pseudo, pseudo_base, pseudo_rev, pseudo_time, pseudo_version

REV_DIGITS = 12
"""Digits of a commit in a pseudo-version (modfetch.codehost.ShortenSHA1)."""

TAGS = "refs/tags/"
_INCOMPATIBLE = "+incompatible"


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit: its hash in hex, and the committer's time in UTC."""

    hash: str
    time: datetime


class GitError(InputError):
    """Git cannot give what a repository should have: it is partial, damaged or another user's."""


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


def released(tag: str, prefix: str) -> str:
    """Tell the version that a tag makes a module have; empty if it makes none.

    One that looks like a pseudo-version makes none, not with a folder before it either: the go
    command takes such a tag for a later commit's base, and lists none (modfetch.codeRepo.Versions).

    >>> released("sub/v1.2.0", "sub/"), released("sub/v0.0.0-20200101000000-abcdefabcdef", "sub/")
    ('v1.2.0', '')
    """
    version, in_full = version_of_tag(tag, prefix)
    return version if in_full and not is_pseudo(version) else ""


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
    # A tag with build metadata is no version, and yet what was asked for.
    base = asked if asked != asked_tag.removeprefix(place.tag_prefix) and fits(asked) else ""
    for tag in () if base else tags.before:
        version = version_of_tag(tag, place.tag_prefix)[0]
        if version and semver.compare(base, version) < 0 and fits(version):
            base = base if tags.is_retracted(version) else version
    major = place.path_major[1:].removesuffix("-unstable")
    made = pseudo_version(major, base, commit.time, commit.hash[:REV_DIGITS])
    return _suffixed(made, place)


def tag_of(place: Place, version: str) -> str:
    """Give the tag that a version of a module has."""
    return f"{place.tag_prefix}{version.removesuffix(_INCOMPATIBLE)}"


def versions_in(place: Place, tags: Iterable[str]) -> list[str]:
    """List the versions that a module's tags stand for, lowest first."""
    found = (released(tag, place.tag_prefix) for tag in tags)
    fitting = {v for v in found if v and match_path_major(v, place.path_major)}
    return sorted(fitting, key=semver.sort_key)


def highest(versions: Sequence[str]) -> str:
    """Tell the version whose go.mod carries the retractions: the highest release, else the highest.

    >>> highest(["v1.0.0", "v1.1.0-rc1"]), highest([])
    ('v1.0.0', '')
    """
    releases = [v for v in versions if not semver.prerelease(v)]
    return (releases or [*versions] or [""])[-1]


def check_pseudo(place: Place, version: str, commit: Commit) -> None:
    """Check that a pseudo-version that was given is this commit's.

    Raises:
        InputError: its revision or its time is another, or its major version needs a tag.
    """
    rev = commit.hash[:REV_DIGITS]
    if pseudo_rev(version) != rev:
        raise _pseudo_error("is another commit's", version, rev, pseudo_rev(version))
    if pseudo_time(version) != commit.time:
        own, given = (f"{time:%Y%m%d%H%M%S}" for time in (commit.time, pseudo_time(version)))
        raise _pseudo_error("has another time than the commit", version, own, given)
    if not _base(version) and not place.path_major and semver.major(version) == "v1":
        raise _pseudo_error("is below no tag", version, "v0", "v1")


def check_pseudo_base(place: Place, version: str, tags: Tags) -> None:
    """Check that the tag that a pseudo-version is made from is before its commit.

    Raises:
        InputError: it is not, or it is on the commit itself.
    """
    base = _base(version)
    if not base:
        return
    tag = f"{place.tag_prefix}{base}"
    if tag in tags.here:
        raise _pseudo_error("is that of a commit with a tag", version, base, version)
    if base not in {version_of_tag(each, place.tag_prefix)[0] for each in tags.before}:
        raise _pseudo_error("follows a tag that is not before its commit", version, tag, "none")


def _base(version: str) -> str:
    return pseudo_base(version.removesuffix(_INCOMPATIBLE))


def _pseudo_error(what: str, version: str, expected: str, got: str) -> InputError:
    hint = "Leave VERSION out, and it is made from the commit."
    return InputError(
        f"the pseudo-version {what}", where=version, expected=expected, got=got, hint=hint
    )


def origin_of(
    place: Place, version: str, commit: Commit, refs: Mapping[str, str], *, url: str
) -> Origin:
    """Tell a version's origin as the go command writes it into the version's .info.

    Of a pseudo-version the commit alone counts; a tag is named, since it may move. `refs` maps
    tags by their full names to the commits they stand for.
    """
    tag = f"{TAGS}{tag_of(place, version)}"
    ref = tag if not is_pseudo(version) and refs.get(tag) == commit.hash else ""
    return Origin(vcs="git", url=url, subdir=place.code_dir, hash=commit.hash, ref=ref)


def _suffixed(version: str, place: Place) -> str:
    return version if match_path_major(version, place.path_major) else version + _INCOMPATIBLE
