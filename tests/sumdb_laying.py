"""A storage's part of a checksum database, as `gopack fetch` would leave it."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from gopack.adapters.sumdb_store import SumdbStore
from gopack.flows.verify import Database, SumVerifier, Verified
from gopack.plan.layout import OWN_FOLDER
from gopack.spec.module import ModuleVersion
from gopack.spec.sumdb import Sums
from tests.fakes_sumdb import FakeSumDB, fake_h1


def lay_sumdb(
    root: Path,
    log: FakeSumDB,
    modules: Iterable[ModuleVersion],
    sums: Mapping[ModuleVersion, Sums] | None = None,
) -> None:
    """Record versions in the log and carry their proofs below `root`; sums are made up if none."""
    wanted: dict[ModuleVersion, Sums] = {}
    for module in modules:
        made_up = Sums(fake_h1(f"{module}/go.mod"), fake_h1(f"{module}"))
        wanted[module] = (sums or {}).get(module, made_up)
        log.grow(300)
        log.add(module, wanted[module].zip or "", wanted[module].mod)
    store = SumdbStore.of(root / OWN_FOLDER, log.name)
    database = Database(log, store, log.verifier)
    with SumVerifier(database, exempt=lambda _path: None) as verifier:
        outcomes = verifier.prove(wanted)
        assert all(isinstance(outcome, Verified) for outcome in outcomes.values())
        verifier.finish()
