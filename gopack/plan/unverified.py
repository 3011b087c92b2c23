"""What of a run's versions no checksum database vouches for, and why: for the summary."""

from collections.abc import Iterable, Mapping

from gopack.plan.manifest import UNVERIFIED, Entry
from gopack.spec.module import ModuleVersion

MAX_NAMED = 3
"""Versions that a person reads; the JSON has all."""


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


def told(reason: str, modules: list[ModuleVersion]) -> str:
    """Say it in a line.

    >>> told("GONOSUMDB", [ModuleVersion("corp.example/x", "v1.0.0")])
    'not verified (GONOSUMDB): 1 version: corp.example/x@v1.0.0'
    """
    names = ", ".join(str(module) for module in modules[:MAX_NAMED])
    more = f" and {len(modules) - MAX_NAMED} more" if len(modules) > MAX_NAMED else ""
    count = f"{len(modules)} version{'s' if len(modules) > 1 else ''}"
    return f"not verified ({reason}): {count}: {names}{more}"
