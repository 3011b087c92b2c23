"""Which toolchain modules a line that asks for Go means, and for which platforms.

Rules kept here:
- linux/amd64 is always among them: go asks for it on every platform.
- Every Go version comes for the same platforms, those that any line names and those the run is
  told: go picks the newest version in the list whatever its platform, and fails where that one is
  not there for its own.
- A query means the newest version that is there for all these platforms; where none is, the newest
  that is there for those the line itself names.

Spec: go.dev/doc/toolchain#select, the go command's toolchain NewerToolchain and modfetch
toolchainRepo.
"""

from collections.abc import Collection, Iterable, Mapping

from gopack.errors import InputError, NotFoundError
from gopack.plan.items import Item, ToolchainItem
from gopack.plan.query import parse_versions
from gopack.spec import gover
from gopack.spec.module import ModuleVersion
from gopack.spec.toolchain import (
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


def choose_toolchains(
    list_text: bytes, query: str, *, required: Iterable[str], wished: Iterable[str]
) -> tuple[ModuleVersion, ...]:
    """Choose the Go version a query means, and give its toolchains for these platforms.

    `list_text` is the list of the module's versions.

    Raises:
        NotFoundError: no such version, or none for a required platform.
    """
    offered = _offered(list_text)
    needed = {ALWAYS, *required}
    for platforms in (needed | {*wished}, needed):
        whole = [version for version, there in offered.items() if platforms <= there]
        if version := match_go_version(query, whole):
            chosen = offered[version] & (needed | {*wished})
            return tuple(Toolchain(version, platform).module for platform in sorted(chosen))
    raise _not_offered(query, needed, offered)


def _not_offered(query: str, needed: set[str], offered: Mapping[str, set[str]]) -> NotFoundError:
    version = match_go_version(query, offered)
    if version is None:
        newest = max(offered, key=gover.precedence, default="none")
        hint = f"the newest one offered is {newest}"
        return NotFoundError(f"no Go version matches {query!r}", where=f"go@{query}", hint=hint)
    absent = ", ".join(sorted(needed - offered[version]))
    return NotFoundError(
        f"Go {version} is not there for {absent}",
        where=f"toolchain@go{query}",
        hint=f"it is there for {', '.join(sorted(offered[version]))}",
    )


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


def exact_go(go: str, toolchain: str) -> str:
    """Tell the Go that a main module with these lines has an older one switch to; '' for none.

    It is just that one, where a dependency's go line lets the newest there is do.

    >>> exact_go("1.25", ""), exact_go("1.25.0", "go1.25.5"), exact_go("1.26.1", "default")
    ('1.25.0', '1.25.5', '')

    Source: the go command's toolchain.Select.
    """
    if toolchain == "default":
        return ""
    is_language = gover.is_lang(go) and gover.compare(go, SWITCHING_SINCE) >= 0
    named = gover.from_toolchain(toolchain)
    return max(named, f"{go}.0" if is_language else go, key=gover.precedence)


def needed_go_lines(needed: str, exact: Iterable[str], stored: Collection[str]) -> tuple[str, ...]:
    """Tell the lines to add so that Go suffices: for what dependencies ask, and main modules.

    `exact` are the versions that main modules switch to, `stored` those that are listed already.

    >>> needed_go_lines("1.25.3", ["1.25.5", "1.24.0"], ["1.24.0"])
    ('go@1.25.5',)
    >>> needed_go_lines("1.25.3", ["1.25.5"], ["1.26.0"]), needed_go_lines("1.25.3", [], [])
    (('go@1.25.5',), ('go@1.25.3',))
    """
    lacking = {
        version
        for version in exact
        if version not in stored and gover.compare(version, SWITCHING_SINCE) >= 0
    }
    lines = [f"go@{version}" for version in sorted(lacking, key=gover.precedence)]
    more = needed_go_line(needed, [*stored, *lacking])
    return tuple([*lines, more] if more else lines)
