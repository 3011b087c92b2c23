"""The versions of module golang.org/toolchain, which carry Go itself, and queries for them.

Rules kept here:
- A toolchain is module golang.org/toolchain at `v0.0.1-go<version>.<goos>-<goarch>`.
- Asking for a language version, `1.26` or `1.26.x`, means its newest release.

Spec: go.dev/doc/toolchain#version, #name; the go command's modfetch toolchainRepo.
"""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from gopack.errors import InputError
from gopack.spec import gover
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

_NAME = re.compile(re.escape(_PREFIX) + r"(.+)\.([a-z0-9]+)-([a-z0-9]+)")
_QUERY = re.compile(r"([0-9]+\.[0-9]+)\.x")


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
    if match is None or not gover.is_valid(match[1]):
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
    """Check what stands after `go@`, and give it back for `match_go_version`.

    >>> check_go_query("1.26.x"), check_go_query("1.26.3"), check_go_query("latest")
    ('1.26.x', '1.26.3', 'latest')

    Raises:
        InputError: for anything but `latest`, a version, a language version, and that with `.x`.
    """
    if query == "latest" or gover.is_valid(query) or _QUERY.fullmatch(query):
        return query
    raise InputError(
        f"invalid Go version {query!r}",
        hint="Write 1.26.x for the newest 1.26, 1.26.3 for that one, 1.27rc1, or latest.",
    )


def match_go_version(query: str, versions: Iterable[str]) -> str | None:
    """Choose the Go version that a checked query means, or None if there is none.

    A language version means its newest release, with or without `.x`; `latest` the newest of
    all, and a pre-release only where there is no release.

    >>> match_go_version("1.26.x", ["1.26rc1", "1.26.0", "1.26.1", "1.27rc1"])
    '1.26.1'

    Source: modload queryMatcher, whose prefix `1.26.` leaves pre-releases out.
    Differs: `.x` is no query of go.
    """
    valid = [v for v in versions if gover.is_valid(v)]
    wanted = query.removesuffix(".x")
    if query == "latest":
        valid = [v for v in valid if not gover.is_prerelease(v)] or valid
    elif wanted != query or gover.is_lang(query):
        valid = [v for v in valid if v == wanted or v.startswith(f"{wanted}.")]
    else:
        valid = [v for v in valid if v == query]
    return max(valid, key=gover.precedence, default=None)
