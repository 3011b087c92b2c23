"""Proofs that a storage lost: a fetch notices, and has them brought again.

A storage that was copied in parts, or from which files were deleted, may claim proofs in its
manifest that are not there. Nothing is proven here: what lacks is only looked for.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from gopack.errors import IntegrityError
from gopack.plan.manifest import UNVERIFIED, Annotations, Manifest, vouched_by
from gopack.plan.sumtree import plan_tiles
from gopack.ports import ProofStore
from gopack.spec.module import ModuleVersion
from gopack.spec.sumdb import SignedHead, newest, read_head
from gopack.spec.tlog import Record

LOST = f"{UNVERIFIED}: its proof was lost"


class MendedLedger(Protocol):
    """The part of a ledger that this needs."""

    @property
    def manifest(self) -> Manifest:
        """What is known."""

    def annotate(self, notes: Annotations) -> None:
        """Note what is to be said of versions."""


def find_lost(ledger: MendedLedger, store: ProofStore, name: str) -> bool:
    """Note as unverified what the manifest says is proven and is not; tell if tiles lack.

    What another database vouches for counts as not proven: clients ask the one that is set. The
    fetch verifies the former again; the latter are had by completing what is kept.

    Raises:
        StoreError: what is kept cannot be read.
    """
    versions = ledger.manifest.versions
    claimed = {m: e.verified for m, e in versions.items() if not e.verified.startswith(UNVERIFIED)}
    if not claimed:
        return False
    heads = [head for head in map(read_head, store.heads().values()) if head is not None]
    size = max((head.tree.size for head in heads), default=0)
    records = {m: record for m, record in store.records().items() if 0 <= record.id < size}
    lost = [m for m, by in claimed.items() if by != vouched_by(name) or m not in records]
    if lost:
        ledger.annotate(Annotations(verified=dict.fromkeys(lost, LOST)))
    return bool(records) and _lacks_tiles(store, heads, records)


def _lacks_tiles(
    store: ProofStore, heads: Sequence[SignedHead], records: Mapping[ModuleVersion, Record]
) -> bool:
    try:
        wanted = plan_tiles(newest(heads), records.values(), heads)
    except IntegrityError:
        return True  # the heads exclude each other: whoever proves them says how
    return not all(store.has_tile(tile) for tile in wanted)
