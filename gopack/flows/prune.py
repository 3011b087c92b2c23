"""Pruning: versions that no line needs any more leave the storage."""

from collections.abc import Callable, Container, Mapping, Sequence

from gopack.errors import GopackError, InputError
from gopack.flows.fetch import FetchResult
from gopack.plan.aliases import aliases_of
from gopack.plan.manifest import Entry
from gopack.plan.publishing import in_order
from gopack.plan.summary import required_by
from gopack.ports import AliasStore, FileKind, Ledger, Store
from gopack.spec.module import ModuleVersion


def prunable(result: FetchResult, recorded: Mapping[ModuleVersion, Entry]) -> list[ModuleVersion]:
    """Tell the versions that a fetch put there and that no line needs; none if a line failed.

    A failed line's needs are not known, so nothing may go; versions that were put in by hand or by
    Athens itself are not gopack's to remove.

    Raises:
        InputError: no line needs anything, which is the wrong list far sooner than the end of all.
    """
    if result.outcome.exit_status:
        return []
    wanted = result.plan.wants()
    going = sorted(m for m, entry in recorded.items() if m not in wanted and not entry.is_by_hand)
    if going and not wanted:
        raise InputError(
            f"no line needs any version, and all {len(going)} that were fetched would go",
            where="--prune",
            hint="Give the lists that the storage is for; nothing was removed.",
        )
    return going


def prune_aliases(
    result: FetchResult,
    store: AliasStore,
    ledger: Ledger,
    recorded: Mapping[ModuleVersion, str],
    going_versions: Container[ModuleVersion],
) -> list[ModuleVersion]:
    """Remove the names that the list no longer has, none if a line failed; tell which.

    A name stays that a line has, whether this run made it answerable or an earlier one, while the
    version that it stands for stays.
    """
    if result.outcome.exit_status:
        return []
    listed = aliases_of(result.plan.lines)
    going = [
        alias
        for alias, version in sorted(recorded.items())
        if alias not in listed or ModuleVersion(alias.path, version) in going_versions
    ]
    for alias in going:
        store.remove_alias(alias)
        ledger.forget(alias)
    if going:
        ledger.save()
    return going


def prune(
    store: Store, ledger: Ledger, going: Sequence[ModuleVersion], say: Callable[[str], None]
) -> None:
    """Show the versions that go, then remove them, what requires others before these.

    What has gone is forgotten even where the storage refuses to let the next one go.
    """
    if not going:
        say("nothing to prune")
        return
    say(f"pruning {len(going)} versions that no line needs:")
    for module in going:
        say(f"  {module}")
    try:
        for module in reversed(in_order({m: _required(store, m) for m in going})):
            store.remove(module)
            ledger.forget(module)
    finally:
        ledger.save()


def _required(store: Store, module: ModuleVersion) -> Sequence[ModuleVersion]:
    try:
        with store.open(module, FileKind.MOD) as file:
            return required_by(module, file.read())
    except GopackError:  # somebody has been there before
        return ()
