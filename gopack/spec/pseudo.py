"""Pseudo-versions: versions made from a commit's time and revision where there is no tag.

Their forms, for a commit after `older` (or after no tag at all):

    vX.0.0-yyyymmddhhmmss-rev                 no earlier tag of major version X
    vX.Y.(Z+1)-0.yyyymmddhhmmss-rev           after vX.Y.Z
    vX.Y.Z-pre.0.yyyymmddhhmmss-rev           after the pre-release vX.Y.Z-pre

each with the build metadata of `older`, if it has any (`+incompatible`).

Spec: go.dev/ref/mod#pseudo-versions, golang.org/x/mod/module (pseudo.go).
Differs: a time in the year 0 is refused, since datetime has no such year.
"""

import re
from datetime import UTC, datetime
from typing import NamedTuple

from gopack.errors import InputError
from gopack.spec import semver

_PSEUDO = re.compile(
    r"v[0-9]+\.(?:0\.0-|[0-9]+\.[0-9]+-(?:[^+]*\.)?0\.)[0-9]{14}-[A-Za-z0-9]+"
    r"(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?",
    re.DOTALL,
)
_NO_REVISION = "000000000000"
_ZERO_TIME = datetime(1, 1, 1, tzinfo=UTC)


class _Parts(NamedTuple):
    base: str
    timestamp: str
    rev: str
    build: str


def is_pseudo(v: str) -> bool:
    """Whether v has the form of a pseudo-version; its time need not be one.

    >>> is_pseudo("v0.0.0-20191109021931-daa7c04131f5"), is_pseudo("v1.2.3-pre")
    (True, False)
    """
    return v.count("-") >= 2 and semver.is_valid(v) and _PSEUDO.fullmatch(v) is not None


def pseudo_time(v: str) -> datetime:
    """The commit's time, in UTC.

    >>> pseudo_time("v0.0.0-20191109021931-daa7c04131f5").isoformat()
    '2019-11-09T02:19:31+00:00'

    Raises:
        InputError: v is not a pseudo-version, or no such time exists.
    """
    stamp = _parse(v).timestamp
    try:
        return datetime.fromisoformat(f"{stamp[:8]}T{stamp[8:]}").replace(tzinfo=UTC)
    except ValueError as error:
        raise _refusal(v, f"malformed time {stamp}") from error


def pseudo_rev(v: str) -> str:
    """The revision: the last part of the pseudo-version.

    >>> pseudo_rev("v2.0.1-0.20191109021931-daa7c04131f5+incompatible")
    'daa7c04131f5'

    Raises:
        InputError: v is not a pseudo-version.
    """
    return _parse(v).rev


def pseudo_base(v: str) -> str:
    """The tag that v comes after, or an empty string if there is none.

    >>> pseudo_base("v1.2.4-0.20191109021931-daa7c04131f5")
    'v1.2.3'
    >>> pseudo_base("v0.0.0-20191109021931-daa7c04131f5")
    ''

    Raises:
        InputError: v is not a pseudo-version, or no tag can lie before it.
    """
    parts = _parse(v)
    suffix = semver.prerelease(parts.base)
    if not suffix:
        if parts.build:
            raise _refusal(v, f"no tag lies before it, yet it has build metadata {parts.build}")
        return ""
    if suffix != "-0":
        return parts.base.removesuffix(".0") + parts.build
    release = parts.base.removesuffix(suffix)
    stem, _, patch = release.rpartition(".")
    if patch == "0":
        raise _refusal(v, f"the version before {release} would have a negative patch number")
    return f"{stem}.{_decremented(patch)}{parts.build}"


def pseudo_version(major: str, older: str, time: datetime, rev: str) -> str:
    """Make the pseudo-version of a commit.

    `major` (like `v2`, empty for `v0`) counts only where `older`, the tag before, is empty.
    `time` must be aware; it is turned into UTC.

    >>> at = datetime(2019, 11, 9, 2, 19, 31, tzinfo=UTC)
    >>> pseudo_version("", "", at, "daa7c04131f5")
    'v0.0.0-20191109021931-daa7c04131f5'
    >>> pseudo_version("", "v1.2.9", at, "daa7c04131f5")
    'v1.2.10-0.20191109021931-daa7c04131f5'
    """
    utc = time.astimezone(UTC)
    # strftime does not pad the year on every platform.
    segment = f"{utc.year:04}{utc:%m%d%H%M%S}-{rev}"
    base = semver.canonical(older)
    if not base:
        return f"{major or 'v0'}.0.0-{segment}"
    if semver.prerelease(base):
        return f"{base}.0.{segment}{semver.build(older)}"
    stem, _, patch = base.rpartition(".")
    return f"{stem}.{_incremented(patch)}-0.{segment}{semver.build(older)}"


def zero_pseudo_version(major: str) -> str:
    """The pseudo-version below all others of that major version.

    >>> zero_pseudo_version("v2")
    'v2.0.0-00010101000000-000000000000'
    """
    return pseudo_version(major, "", _ZERO_TIME, _NO_REVISION)


def is_zero_pseudo(v: str) -> bool:
    """Whether v is its major version's zero pseudo-version (what a `replace` alone leaves).

    >>> is_zero_pseudo("v0.0.0-00010101000000-000000000000")
    True
    """
    return v == zero_pseudo_version(semver.major(v))


def _parse(v: str) -> _Parts:
    if not is_pseudo(v):
        raise _refusal(v, "not of the form of a pseudo-version")
    build = semver.build(v)
    rest, _, rev = v.removesuffix(build).rpartition("-")
    # The timestamp follows a dash in the first form and a dot in the others.
    at = max(rest.rfind("-"), rest.rfind("."))
    return _Parts(rest[:at], rest[at + 1 :], rev, build)


def _refusal(v: str, why: str) -> InputError:
    return InputError(f"invalid pseudo-version: {why}", where=v)


def _incremented(digits: str) -> str:
    # By hand, since int() refuses numbers of thousands of digits.
    kept = digits.rstrip("9")
    zeros = "0" * (len(digits) - len(kept))
    if not kept:
        return f"1{zeros}"
    return f"{kept[:-1]}{int(kept[-1]) + 1}{zeros}"


def _decremented(digits: str) -> str:
    kept = digits.rstrip("0")
    nines = "9" * (len(digits) - len(kept))
    last = int(kept[-1]) - 1
    head = "" if kept == "1" and nines else f"{kept[:-1]}{last}"
    return head + nines
