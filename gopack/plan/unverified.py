"""What of a storage's versions no checksum database vouches for, and why.

Rules:
- Of some it was known when they were stored that none would: a setting says so, or a person brought
  them. Of all others the proof lacks: it was lost, spoilt, or not carried along.
"""

from collections.abc import Iterable, Mapping, Sequence

from gopack.plan.manifest import UNVERIFIED, Entry
from gopack.spec.module import ModuleVersion

MAX_NAMED = 3
"""Versions that a person reads; the JSON has all."""

_EXEMPT = tuple(
    f"{UNVERIFIED}: {reason}"
    for reason in (
        "GONOSUMDB",
        "GOSUMDB=off",
        "not in the checksum database",
        "not compared with the checksum database",
    )
)
"""How these entries begin. Source: spec.sumdb.exemption, plan.packing, flows.add."""


def exempt_paths(noted: Mapping[ModuleVersion, Entry]) -> list[str]:
    """Name the modules, sorted, with a version that no checksum database has to vouch for."""
    return sorted({m.path for m, entry in noted.items() if entry.verified.startswith(_EXEMPT)})


def unverified(
    wanted: Iterable[ModuleVersion], noted: Mapping[ModuleVersion, Entry]
) -> dict[str, list[ModuleVersion]]:
    """Sort the versions that are there unverified by the reason, sorted themselves."""
    found: dict[str, list[ModuleVersion]] = {}
    for module in sorted(wanted):
        entry = noted.get(module)
        if entry is not None and entry.verified.startswith(UNVERIFIED):
            reason = entry.verified.removeprefix(UNVERIFIED).lstrip(": ") or "no reason noted"
            found.setdefault(reason, []).append(module)
    return found


def exempt_told(paths: Sequence[str]) -> list[str]:
    """Say in a line which modules go does not verify; nothing where there are none.

    >>> exempt_told(["corp.example/x"])
    ['not verified, since no checksum database has to know it: 1 module: corp.example/x']
    """
    if not paths:
        return []
    count = "it: 1 module" if len(paths) == 1 else f"them: {len(paths)} modules"
    names = _first(paths)
    return [f"not verified, since no checksum database has to know {count}: {names}"]


def told(reason: str, modules: list[ModuleVersion]) -> str:
    """Say it in a line.

    >>> told("GONOSUMDB", [ModuleVersion("corp.example/x", "v1.0.0")])
    'not verified (GONOSUMDB): 1 version: corp.example/x@v1.0.0'
    """
    count = f"{len(modules)} version{'s' if len(modules) > 1 else ''}"
    return f"not verified ({reason}): {count}: {_first(modules)}"


def _first(named: Sequence[object]) -> str:
    more = f" and {len(named) - MAX_NAMED} more" if len(named) > MAX_NAMED else ""
    return f"{', '.join(map(str, named[:MAX_NAMED]))}{more}"
