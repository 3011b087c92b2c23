"""Aliases of a fetch: names that the list has become answerable, as `plan.aliases` says."""

from gopack.flows.fetch import FetchResult
from gopack.plan.aliases import aliases_of
from gopack.plan.manifest import Annotations
from gopack.ports import AliasStore, FileKind, Ledger, State, Store
from gopack.spec.module import ModuleVersion


def publish_aliases(
    result: FetchResult, store: Store, aliases: AliasStore, ledger: Ledger
) -> dict[ModuleVersion, str]:
    """Make the names of all lines that are done answerable; give them with their versions.

    Raises:
        StoreError: the storage refuses what is written.
    """
    failed = {outcome.text for outcome in result.outcome.lines if outcome.error is not None}
    done = [line for line in result.plan.lines if line.item.text not in failed]
    published = {}
    for alias, version in sorted(aliases_of(done).items()):
        module = ModuleVersion(alias.path, version)
        if store.state(module) is State.COMPLETE:
            with store.open(module, FileKind.INFO) as info:
                aliases.publish_alias(alias, info.read())
            published[alias] = version
    ledger.annotate(Annotations(aliases=published))
    ledger.save()
    return published
