"""Pruning: versions that no line needs any more leave the storage."""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence

from gopack.flows.fetch import FetchResult
from gopack.plan.manifest import Entry
from gopack.ports import AliasStore, Ledger, Store
from gopack.spec.module import ModuleVersion


def prunable(result: FetchResult, recorded: Mapping[ModuleVersion, Entry]) -> list[ModuleVersion]:
    """Tell the versions that a fetch put there and that no line needs; none if a line failed.

    A failed line's needs are not known, so nothing may go; versions that were put in by hand or by
    Athens itself are not gopack's to remove.
    """
    if result.outcome.exit_status:
        return []
    wanted = result.plan.wants()
    return sorted(m for m, entry in recorded.items() if m not in wanted and not entry.is_by_hand)


def prune_aliases(
    result: FetchResult,
    store: AliasStore,
    ledger: Ledger,
    recorded: Iterable[ModuleVersion],
    kept: Container[ModuleVersion],
) -> list[ModuleVersion]:
    """Remove the names that the list no longer has, none if a line failed; tell which."""
    going = [] if result.outcome.exit_status else sorted(a for a in recorded if a not in kept)
    for alias in going:
        store.remove_alias(alias)
        ledger.forget(alias)
    if going:
        ledger.save()
    return going


def prune(
    store: Store, ledger: Ledger, going: Sequence[ModuleVersion], say: Callable[[str], None]
) -> None:
    """Show the versions that go, then remove them, listed ones first."""
    if not going:
        say("nothing to prune")
        return
    say(f"pruning {len(going)} versions that no line needs:")
    for module in going:
        say(f"  {module}")
    for module in going:
        store.remove(module)
        ledger.forget(module)
    ledger.save()
