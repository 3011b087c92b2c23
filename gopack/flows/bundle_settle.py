"""Merging a bundle's checksum records into what a storage keeps, proven before anything is kept.

Rules:
- Of all heads the newest counts, whoever brought it; a newer one is never replaced by an older.
- At that head every record must prove, those that were there before too, and so must every older
  head that the storage has shown to clients: otherwise they would ask for tiles that nobody has.
- The records that the bundle builds on must be here: what came to a newer head without their tiles
  could never be joined by the bundles that bring them.
- An older head that only the bundle brings is kept if it proves, and left out if it does not: no
  client of this storage has seen it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gopack.errors import IntegrityError, StoreError
from gopack.flows import bundle_sumdb
from gopack.flows.bundle_open import Opened, parent_is_missing
from gopack.flows.bundle_sumdb import Holdings, MissingTileError, ReadTile
from gopack.flows.bundle_verify import CarriedTiles
from gopack.plan.bundle.inventory import Proofs
from gopack.ports import ProofStore
from gopack.spec.module import ModuleVersion
from gopack.spec.sumdb import NO_HEAD, SignedHead, newest
from gopack.spec.tiles import Tile
from gopack.spec.tlog import Record

_SAVED_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Settled:
    """What may be kept: records, heads, and the carried tiles with their digests."""

    head: SignedHead
    records: Mapping[ModuleVersion, Record]
    fresh: Mapping[ModuleVersion, Record]
    heads: Sequence[SignedHead]
    tiles: Mapping[Tile, bytes]


def settle(opened: Opened, carried: Holdings, store: ProofStore) -> Settled:
    """Prove the union of what is carried and what is kept.

    Raises:
        IntegrityError: something is spoilt, or the log is forked.
        StoreError: the bundle before this one is missing; or the two do not meet: the proofs
            between them are in neither.
    """
    site = bundle_sumdb.kept(store, carried.key)
    site_heads = site.heads if site else ()
    site_records = dict(site.records) if site else {}
    head = newest([*site_heads, *carried.heads])
    site_head = site.head if site else NO_HEAD
    _refuse_gap(opened, carried.key.name, site_records)
    _refuse_other_records(site_records, carried.records)
    union = {**carried.records, **site_records}
    merge = _Merge(CarriedTiles(opened, carried), store)
    try:
        if head.tree == site_head.tree:
            merge.prove(head, carried.records, ())
        else:
            merge.prove(head, union, site_heads)
    except MissingTileError as error:
        raise _does_not_meet(opened, site_head, head, error) from error
    heads = [one for one in carried.heads if one == head or merge.fits(head, one)]
    fresh = {m: r for m, r in carried.records.items() if m not in site_records}
    return Settled(head, union, fresh, heads, merge.tiles)


def keep(settled: Settled, opened: Opened, carried: Holdings, store: ProofStore) -> None:
    """Keep what was proven: tiles first, then records, then heads.

    Raises:
        IntegrityError: the medium changed meanwhile.
        StoreError: the disk refuses it.
    """
    tiles = CarriedTiles(opened, carried)
    names = sorted(settled.tiles)
    for start in range(0, len(names), _SAVED_AT_ONCE):
        batch = {}
        for tile in names[start : start + _SAVED_AT_ONCE]:
            data = tiles.read(tile) or b""
            if hashlib.sha256(data).digest() != settled.tiles[tile]:
                raise IntegrityError("the bundle changed while it was read", where=opened.where)
            batch[tile] = data
        store.save(records={}, tiles=batch, heads=())
    store.save(records=settled.fresh, tiles={}, heads=settled.heads)


class _Merge:
    """Proves at one head and notes which carried tiles did it."""

    def __init__(self, carried: CarriedTiles, store: ProofStore) -> None:
        self._carried = carried
        self._store = store
        self.tiles: dict[Tile, bytes] = {}

    def prove(
        self,
        head: SignedHead,
        records: Mapping[ModuleVersion, Record],
        older: Sequence[SignedHead],
    ) -> None:
        for proven in bundle_sumdb.prove(head, records, older, self._reader()):
            for tile, data in proven.items():
                if tile in self._carried:
                    self.tiles[tile] = hashlib.sha256(data).digest()

    def fits(self, head: SignedHead, older: SignedHead) -> bool:
        """Tell whether an older head can be shown to be a part of the newest one."""
        try:
            self.prove(head, {}, (older,))
        except MissingTileError:
            return False
        return True

    def _reader(self) -> ReadTile:
        def read(tile: Tile) -> bytes | None:
            data = self._carried.read(tile)
            return self._store.tile(tile) if data is None else data

        return read


def _refuse_gap(opened: Opened, name: str, site: Mapping[ModuleVersion, Record]) -> None:
    base = opened.index.builds_on.sumdbs.get(name, Proofs())
    missing = base.records - {record.id for record in site.values()}
    if missing:
        raise parent_is_missing(
            opened, f"{len(missing)} checksum records that it builds on are not here"
        )


def _refuse_other_records(
    site: Mapping[ModuleVersion, Record], carried: Mapping[ModuleVersion, Record]
) -> None:
    for module, record in carried.items():
        known = site.get(module, record)
        if known != record:
            raise IntegrityError(
                "the checksum record differs from the one that is kept",
                where=str(module),
                expected=known.text.decode(errors="replace").split("\n")[0],
                got=record.text.decode(errors="replace").split("\n")[0],
                hint="one of the two is forged: do not import this, and look where it comes from",
            )


def _does_not_meet(
    opened: Opened, site_head: SignedHead, head: SignedHead, error: MissingTileError
) -> StoreError:
    parent = opened.index.parent
    site, newest_ = site_head.tree.size, head.tree.size
    hint = (
        f"on the host that makes these bundles run `gopack fetch --head LATEST` with this side's "
        f"tree head ({site} records; `gopack export sumdb` writes it as `latest`), and make the "
        "bundle anew"
    )
    if parent is not None:
        hint = f"import bundle {parent.sequence} ({parent.id}) first; if it is in already, {hint}"
    return StoreError(
        f"the checksum database's proofs do not reach from what is here to the head of {newest_} "
        f"records ({error.where} is missing)",
        where=opened.where,
        hint=hint,
    )
