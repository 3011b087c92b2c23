"""Go's own versions (`1.21`, `1.21rc1`, `1.26.3`), toolchain names, and the pseudo-modules.

Rules kept: `1.21 < 1.21rc1 < 1.21.0`, since `1.21` names the language; before 1.21 a missing patch
number is 0; only a version without a patch number may be a pre-release; what is not valid is below
everything valid. A toolchain is named `go` and the version, then perhaps a suffix behind a dash or
a space. In a module graph `go` and `toolchain` stand as modules, and the `mod_` functions compare
their versions that way and all other modules' as semantic versions.

Spec: go.dev/doc/toolchain#version, the go command's internal/gover.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from gopack.spec import semver

DEFAULT_GO_MOD_VERSION = "1.16"
"""What a go.mod without a go line counts as (gover.DefaultGoModVersion)."""

_NUMBER = r"(?:0|[1-9][0-9]*)"
_VERSION = re.compile(
    rf"({_NUMBER})(?:\.({_NUMBER})(?:\.({_NUMBER})|([a-z]+)({_NUMBER})?)?)?",
)
_SUFFIX = re.compile(r"[ \t-]")
_FIRST_STRICT_MINOR = 21

Key = tuple[tuple[int, str], tuple[int, str], tuple[int, str], str, tuple[int, str]]


class _Parts(NamedTuple):
    major: str
    minor: str
    patch: str
    kind: str
    pre: str


_NONE = _Parts("", "", "", "", "")


@lru_cache(maxsize=1 << 12)
def _parse(v: str) -> _Parts:
    match = _VERSION.fullmatch(v)
    if match is None:
        return _NONE
    major, minor, patch, kind, pre = match.groups("")
    if not minor:
        return _Parts(major, "0", "0", "", "")
    if not patch and not kind and _number_key(minor) < _number_key(str(_FIRST_STRICT_MINOR)):
        patch = "0"
    return _Parts(major, minor, patch, kind, pre)


def _number_key(digits: str) -> tuple[int, str]:
    return (len(digits), digits)


@lru_cache(maxsize=1 << 12)
def precedence(v: str) -> Key:
    """A key whose ordering and equality are those of `compare`.

    >>> precedence("1.21") < precedence("1.21rc2") < precedence("1.21.0")
    True
    """
    parts = _parse(v)
    return (
        _number_key(parts.major),
        _number_key(parts.minor),
        _number_key(parts.patch),
        parts.kind,
        _number_key(parts.pre),
    )


def compare(a: str, b: str) -> int:
    """-1, 0 or +1 as Go version a is below, the same as or above b.

    >>> compare("1.21", "1.21.0"), compare("1.20", "1.20.0"), compare("1.9", "1.10")
    (-1, 0, -1)
    """
    low, high = precedence(a), precedence(b)
    return (low > high) - (low < high)


def is_valid(v: str) -> bool:
    """Whether v is a Go version, without `go` before it.

    >>> is_valid("1.21rc1"), is_valid("go1.21"), is_valid("1.21.0rc1")
    (True, False, False)
    """
    return _parse(v) != _NONE


def is_lang(v: str) -> bool:
    """Whether v names a language version, not a release of it.

    >>> is_lang("1.21"), is_lang("1.21.0"), is_lang("1.20")
    (True, False, False)
    """
    parts = _parse(v)
    return parts != _NONE and not (parts.patch or parts.kind or parts.pre)


def is_prerelease(v: str) -> bool:
    """Whether v is a pre-release of Go.

    >>> is_prerelease("1.21rc1"), is_prerelease("1.21")
    (True, False)
    """
    return _parse(v).kind != ""


def lang(v: str) -> str:
    """The language version of a Go version; empty if v is not valid.

    >>> lang("1.21.3"), lang("1.22rc1"), lang("1.0.1")
    ('1.21', '1.22', '1')
    """
    parts = _parse(v)
    if not parts.minor or (parts.major, parts.minor) == ("1", "0"):
        return parts.major
    return f"{parts.major}.{parts.minor}"


def from_toolchain(name: str) -> str:
    """The Go version in a toolchain's name; empty if the name is none.

    >>> from_toolchain("go1.21.3-bigcorp"), from_toolchain("default")
    ('1.21.3', '')
    """
    if "/" in name or "\\" in name or not name.startswith("go"):
        return ""
    v = _SUFFIX.split(name[2:], maxsplit=1)[0]
    return v if is_valid(v) else ""


def is_toolchain(path: str) -> bool:
    """Whether path is one of the pseudo-modules `go` and `toolchain`.

    >>> is_toolchain("go"), is_toolchain("golang.org/toolchain")
    (True, False)
    """
    return path in ("go", "toolchain")


def mod_precedence(path: str, v: str) -> tuple[object, ...]:
    """A key that orders versions of the module `path` as `mod_compare` does.

    >>> mod_precedence("go", "1.21rc1") < mod_precedence("go", "1.21.0")
    True
    """
    if path == "go":
        return precedence(v)
    if path == "toolchain":
        return precedence(v if is_valid(v) else from_toolchain(v))
    return semver.precedence(v)


def mod_compare(path: str, a: str, b: str) -> int:
    """-1, 0 or +1 for two versions of the module `path`, a pseudo-module or any other.

    >>> mod_compare("toolchain", "go1.21.0", "go1.21.0-x"), mod_compare("a.b", "v1.2.0", "v1.10.0")
    (0, -1)
    """
    low, high = mod_precedence(path, a), mod_precedence(path, b)
    return (low > high) - (low < high)


def mod_is_valid(path: str, v: str) -> bool:
    """Whether v has the form of a version of the module `path`.

    >>> mod_is_valid("go", "1.21"), mod_is_valid("toolchain", "go1.21"), mod_is_valid("a.b", "v1")
    (True, True, True)
    """
    if is_toolchain(path):
        return is_valid(_go_version(path, v))
    return semver.is_valid(v)


def mod_is_prefix(path: str, v: str) -> bool:
    """Whether v, which is valid, stands for all versions that begin with it (`v1`, `v1.2`).

    >>> mod_is_prefix("a.b", "v1.2"), mod_is_prefix("a.b", "v1.2.3"), mod_is_prefix("go", "1.21")
    (True, False, True)
    """
    if is_toolchain(path):
        return is_lang(_go_version(path, v))
    return not ("-" in v or "+" in v or v.count(".") >= 2)


def mod_is_prerelease(path: str, v: str) -> bool:
    """Whether v is a pre-release version of the module `path`.

    >>> mod_is_prerelease("go", "1.21rc1"), mod_is_prerelease("a.b", "v1.0.0")
    (True, False)
    """
    if is_toolchain(path):
        return is_prerelease(_go_version(path, v))
    return semver.prerelease(v) != ""


def mod_major_minor(path: str, v: str) -> str:
    """The prefix that an `@patch` query keeps.

    >>> mod_major_minor("toolchain", "go1.21.3"), mod_major_minor("a.b", "v1.2.3")
    ('go1.21', 'v1.2')
    """
    if is_toolchain(path):
        return ("go" if path == "toolchain" else "") + lang(_go_version(path, v))
    return semver.major_minor(v)


def _go_version(path: str, v: str) -> str:
    return from_toolchain(v) if path == "toolchain" else v
