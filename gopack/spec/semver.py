"""Semantic versions as Go writes them: a leading `v`, and `v1` or `v1.2` as short forms.

Rules kept: numbers have no leading zeros and any length; pre-release identifiers that are numbers
have no leading zeros either; build metadata never takes part in an ordering; what is not valid is
below everything valid and equal to everything else not valid.

Spec: golang.org/x/mod/semver.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from gopack.spec import runes

_NUMBER = r"(?:0|[1-9][0-9]*)"
_PRERELEASE_ID = rf"(?:{_NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_BUILD_ID = r"[0-9A-Za-z-]+"
_VERSION = re.compile(
    rf"v(?P<major>{_NUMBER})"
    rf"(?:\.(?P<minor>{_NUMBER})"
    rf"(?:\.(?P<patch>{_NUMBER})"
    rf"(?P<prerelease>-{_PRERELEASE_ID}(?:\.{_PRERELEASE_ID})*)?"
    rf"(?P<build>\+{_BUILD_ID}(?:\.{_BUILD_ID})*)?)?)?"
)

Precedence = tuple[object, ...]


class _Parts(NamedTuple):
    major: str
    minor: str
    patch: str
    prerelease: str
    build: str
    short: str


@lru_cache(maxsize=1 << 14)
def _parse(v: str) -> _Parts | None:
    match = _VERSION.fullmatch(v)
    if match is None:
        return None
    major, minor, patch, prerelease, build = match.groups()
    short = ".0.0" if minor is None else ".0" if patch is None else ""
    return _Parts(major, minor or "0", patch or "0", prerelease or "", build or "", short)


def is_valid(v: str) -> bool:
    """Whether v is a semantic version, short forms included.

    >>> is_valid("v1.2"), is_valid("1.2.3"), is_valid("v1.02.3")
    (True, False, False)
    """
    return _parse(v) is not None


def canonical(v: str) -> str:
    """Write v in full and without build metadata; empty if v is not valid.

    >>> canonical("v1.2"), canonical("v1.2.3+meta"), canonical("latest")
    ('v1.2.0', 'v1.2.3', '')
    """
    parts = _parse(v)
    if parts is None:
        return ""
    return v.removesuffix(parts.build) + parts.short


def major(v: str) -> str:
    """The major version prefix, like `v2`; empty if v is not valid.

    >>> major("v2.1.0")
    'v2'
    """
    parts = _parse(v)
    return f"v{parts.major}" if parts else ""


def major_minor(v: str) -> str:
    """The major.minor prefix, like `v2.1`; empty if v is not valid.

    >>> major_minor("v2.1.0"), major_minor("v3")
    ('v2.1', 'v3.0')
    """
    parts = _parse(v)
    return f"v{parts.major}.{parts.minor}" if parts else ""


def prerelease(v: str) -> str:
    """The pre-release suffix with its dash; empty if there is none or v is not valid.

    >>> prerelease("v2.1.0-pre.1+meta")
    '-pre.1'
    """
    parts = _parse(v)
    return parts.prerelease if parts else ""


def build(v: str) -> str:
    """The build metadata with its plus; empty if there is none or v is not valid.

    >>> build("v2.1.0+incompatible")
    '+incompatible'
    """
    parts = _parse(v)
    return parts.build if parts else ""


def _number_key(digits: str) -> tuple[int, str]:
    # Digits are compared as text of a length: versions may exceed what int() converts quickly.
    return (len(digits), digits)


def _prerelease_key(suffix: str) -> Precedence:
    if not suffix:
        return (1,)
    ids = suffix[1:].split(".")
    return (0, *((0, *_number_key(i)) if i.isdigit() else (1, 0, i) for i in ids))


@lru_cache(maxsize=1 << 14)
def precedence(v: str) -> Precedence:
    """A key whose ordering and equality are those of `compare`.

    >>> precedence("v1.0.0-rc.2") < precedence("v1.0.0-rc.10") < precedence("v1")
    True
    """
    parts = _parse(v)
    if parts is None:
        return ()
    return (
        _number_key(parts.major),
        _number_key(parts.minor),
        _number_key(parts.patch),
        _prerelease_key(parts.prerelease),
    )


def compare(a: str, b: str) -> int:
    """-1, 0 or +1 as a has a lower, the same or a higher precedence than b.

    >>> compare("v1.0.0-rc.1", "v1.0.0"), compare("v1", "v1.0.0+meta"), compare("v1.9.0", "x")
    (-1, 0, 1)
    >>> compare("v1.0.0", "v1.0.0"), compare("x", "y")
    (0, 0)
    """
    if a == b:
        return 0
    low, high = precedence(a), precedence(b)
    return (low > high) - (low < high)


def sort_key(v: str) -> tuple[Precedence, bytes]:
    """A key that orders as x/mod semver.Sort does: by precedence, then by the bytes of the text.

    >>> sorted(["v1.10.0", "v1.9.0+b", "v1.9.0", "v1.9.0-rc1"], key=sort_key)
    ['v1.9.0-rc1', 'v1.9.0', 'v1.9.0+b', 'v1.10.0']
    """
    return (precedence(v), runes.encoded(v))
