"""Which toolchain modules a line that asks for Go means, and for which platforms.

Rules kept here:
- linux/amd64 is always among them: go asks for it on every platform.
- Every Go version comes for the same platforms, those that any line names and those the run is
  told: go picks the newest version in the list whatever its platform, and fails where that one is
  not there for its own.
- A platform that only another line names is left out where this Go version was not built for it;
  one that the line itself names is an error.

Spec: go.dev/doc/toolchain#select, the go command's toolchain NewerToolchain and modfetch
toolchainRepo.
"""

from collections.abc import Iterable

from gopack.errors import InputError, NotFoundError
from gopack.plan.items import Item, ToolchainItem
from gopack.plan.query import Steps, parse_versions
from gopack.spec import gover
from gopack.spec.goproxy import VersionList
from gopack.spec.module import ModuleVersion
from gopack.spec.toolchain import (
    TOOLCHAIN_PATH,
    Toolchain,
    match_go_version,
    parse_toolchain,
)

ALWAYS = "linux/amd64"
SWITCHING_SINCE = "1.21"
"""Go commands before this one never ask for another Go."""


def platforms_of(items: Iterable[Item], wished: Iterable[str] = ()) -> frozenset[str]:
    """Tell the platforms that every Go version is stored for."""
    named = (p for item in items if isinstance(item, ToolchainItem) for p in item.platforms)
    return frozenset({ALWAYS, *wished, *named})


def resolve_toolchains(
    query: str, required: Iterable[str], wished: Iterable[str]
) -> Steps[tuple[ModuleVersion, ...]]:
    """Choose the Go version a query means, and give its toolchains for these platforms.

    Raises:
        NotFoundError: no such version, or none for a required platform.
    """
    offered = _offered((yield VersionList(TOOLCHAIN_PATH)))
    version = match_go_version(query, offered)
    if version is None:
        raise NotFoundError(
            f"no Go version matches {query!r}",
            where=f"go@{query}",
            hint=f"the newest one offered is {_newest(offered)}",
        )
    platforms = offered[version]
    for platform in sorted({ALWAYS, *required}):
        if platform not in platforms:
            raise NotFoundError(
                f"Go {version} was not built for {platform}",
                where=f"toolchain@go{version}",
                hint=f"it is there for {', '.join(sorted(platforms))}",
            )
    chosen = platforms & {ALWAYS, *required, *wished}
    return tuple(Toolchain(version, platform).module for platform in sorted(chosen))


def _offered(list_text: bytes) -> dict[str, set[str]]:
    offered: dict[str, set[str]] = {}
    for name in parse_versions(list_text):
        if name.startswith("v0.0.1-go"):
            try:
                found = parse_toolchain(name)
            except InputError:
                continue
            offered.setdefault(found.version, set()).add(found.platform)
    return offered


def _newest(offered: Iterable[str]) -> str:
    return max(offered, key=gover.precedence, default="none")


def needed_go_line(needed: str, stored: Iterable[str]) -> str:
    """Tell the line to add so that Go itself suffices for `needed`; '' where nothing is missing.

    `stored` are the Go versions that are listed already.

    >>> needed_go_line("1.25.3", ["1.24.0"]), needed_go_line("1.25", []), needed_go_line("1.18", [])
    ('go@1.25.3', 'go@1.25.x', '')
    >>> needed_go_line("1.25.3", ["1.26.0"])
    ''
    """
    if not needed or gover.compare(needed, SWITCHING_SINCE) < 0:
        return ""
    if any(gover.compare(version, needed) >= 0 for version in stored):
        return ""
    return f"go@{needed}.x" if gover.is_lang(needed) else f"go@{needed}"
