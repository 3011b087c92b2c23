"""Go versions, and the versions of module golang.org/toolchain that carry Go itself.

Rules kept here:
- A Go version is `1`, `1.26`, `1.26.3` or `1.27rc1`: not a semantic version.
- `1.26` is a language version: less than 1.26rc1 and every release of 1.26; before 1.21 it is the
  release `1.20.0` itself.
- A toolchain is module golang.org/toolchain at `v0.0.1-go<version>.<goos>-<goarch>`.

Spec: go.dev/doc/toolchain#version, #name; the go command's internal/gover and modfetch
toolchainRepo.
"""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from gopack.errors import InputError
from gopack.spec.module import ModuleVersion

TOOLCHAIN_PATH = "golang.org/toolchain"
_PREFIX = "v0.0.1-go"

_PLATFORMS_TEXT = """
    aix/ppc64 darwin/amd64 darwin/arm64 dragonfly/amd64
    freebsd/386 freebsd/amd64 freebsd/arm freebsd/arm64 freebsd/riscv64 illumos/amd64
    linux/386 linux/amd64 linux/arm linux/arm64 linux/loong64 linux/mips linux/mips64
    linux/mips64le linux/mipsle linux/ppc64 linux/ppc64le linux/riscv64 linux/s390x
    netbsd/386 netbsd/amd64 netbsd/arm netbsd/arm64
    openbsd/386 openbsd/amd64 openbsd/arm openbsd/arm64 openbsd/ppc64 openbsd/riscv64
    plan9/386 plan9/amd64 plan9/arm solaris/amd64
    windows/386 windows/amd64 windows/arm windows/arm64
    """
PLATFORMS = frozenset(_PLATFORMS_TEXT.split())
"""The platforms a go command runs on: `go tool dist list` without the targets that only run
programs built elsewhere (android, ios, js, wasip1), and with those of earlier releases."""

_VERSION = re.compile(
    r"(0|[1-9][0-9]*)(?:\.(0|[1-9][0-9]*)(?:\.(0|[1-9][0-9]*)|([a-z]+)(0|[1-9][0-9]*))?)?"
)
_NAME = re.compile(re.escape(_PREFIX) + r"(.+)\.([a-z0-9]+)-([a-z0-9]+)")
_QUERY = re.compile(r"([0-9]+\.[0-9]+)\.x")


def is_go_version(version: str) -> bool:
    """Tell whether this is a Go version, without the prefix `go`.

    >>> is_go_version("1.26.3"), is_go_version("1.27rc1"), is_go_version("1.26.x")
    (True, True, False)
    """
    return _VERSION.fullmatch(version) is not None


def go_version_key(version: str) -> tuple[int, int, int, str, int]:
    """Order Go versions as the go command does; what is none comes before all.

    >>> sorted(["1.26.0", "1.26", "1.26rc1", "1.3"], key=go_version_key)
    ['1.3', '1.26', '1.26rc1', '1.26.0']

    Source: internal/gover Parse and Compare.
    """
    match = _VERSION.fullmatch(version)
    if match is None:
        return (-1, -1, -1, "", -1)
    major, minor, patch, kind, pre = match.groups()
    if minor is None:
        minor, patch = "0", "0"
    if patch is None and kind is None and int(minor) < 21:
        patch = "0"
    return (int(major), int(minor), -1 if patch is None else int(patch), kind or "", int(pre or -1))


def is_language_version(version: str) -> bool:
    """Tell whether this names a language, `1.26`, that no toolchain has as its own version."""
    match = _VERSION.fullmatch(version)
    return match is not None and match[3] is None and match[4] is None


@dataclass(frozen=True, slots=True)
class Toolchain:
    """One Go release for one platform.

    Args:
        version: the Go version, without the prefix `go`.
        platform: `goos/goarch`, as `go tool dist list` prints it.

    """

    version: str
    platform: str

    @property
    def module(self) -> ModuleVersion:
        """The module version whose zip is this toolchain.

        >>> print(Toolchain("1.26.3", "linux/amd64").module)
        golang.org/toolchain@v0.0.1-go1.26.3.linux-amd64
        """
        return ModuleVersion(
            TOOLCHAIN_PATH, f"{_PREFIX}{self.version}.{self.platform.replace('/', '-')}"
        )


def parse_toolchain(version: str) -> Toolchain:
    """Read a version of golang.org/toolchain.

    >>> parse_toolchain("v0.0.1-go1.26.3.linux-amd64")
    Toolchain(version='1.26.3', platform='linux/amd64')

    Raises:
        InputError: when it names no Go version or no platform.
    """
    match = _NAME.fullmatch(version)
    if match is None or not is_go_version(match[1]):
        raise InputError(
            "no toolchain version",
            where=f"{TOOLCHAIN_PATH}@{version}",
            expected="v0.0.1-go1.26.3.linux-amd64 or the like",
            got=repr(version),
        )
    return Toolchain(match[1], f"{match[2]}/{match[3]}")


def check_platform(platform: str) -> None:
    """Check that a go command runs on this platform.

    Raises:
        InputError: for any other text; the hint has what was probably meant.
    """
    if platform in PLATFORMS:
        return
    dashed = platform.replace("-", "/", 1).lower()
    if dashed in PLATFORMS:
        near = [dashed]
    elif "/" in dashed:
        near = difflib.get_close_matches(dashed, sorted(PLATFORMS), n=4)
    else:
        near = sorted(p for p in PLATFORMS if dashed in p.split("/"))
    raise InputError(
        f"unknown platform {platform!r}",
        hint=f"Did you mean {', '.join(near)}?"
        if near
        else "Write goos/goarch, for example linux/amd64 or windows/amd64.",
    )


def check_go_query(query: str) -> str:
    """Check what stands after `go@`, and give it in the form `match_go_version` takes.

    That is `latest`, an exact version, or a language version for its newest release.

    >>> check_go_query("1.26.x"), check_go_query("1.26.3"), check_go_query("latest")
    ('1.26', '1.26.3', 'latest')

    Raises:
        InputError: for anything else.
    """
    if query == "latest" or is_go_version(query):
        return query
    if match := _QUERY.fullmatch(query):
        return match[1]
    raise InputError(
        f"invalid Go version {query!r}",
        hint="Write 1.26.x for the newest 1.26, 1.26.3 for that one, 1.27rc1, or latest.",
    )


def match_go_version(query: str, versions: Iterable[str]) -> str | None:
    """Choose the Go version that a checked query means, or None if there is none.

    A language version means its newest release; `latest` the newest of all, and a pre-release
    only where there is no release.

    >>> match_go_version("1.26", ["1.26rc1", "1.26.0", "1.26.1", "1.27rc1"])
    '1.26.1'

    Source: modload queryMatcher, whose prefix `1.26.` leaves pre-releases out.
    """
    valid = [v for v in versions if is_go_version(v)]
    if query == "latest":
        valid = [v for v in valid if not go_version_key(v)[3]] or valid
    elif is_language_version(query):
        valid = [v for v in valid if v == query or v.startswith(f"{query}.")]
    else:
        valid = [v for v in valid if v == query]
    return max(valid, key=go_version_key, default=None)
