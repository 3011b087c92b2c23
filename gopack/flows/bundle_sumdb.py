"""The checksum database in a bundle: what to carry, how it is written, and the proof of it.

Rules:
- Carried are the records, heads and tiles that the other side lacks; its tiles follow from its
  inventory, since import keeps all tiles of the plan.
- Records are proven in batches, so that memory does not grow with their number.
- A tile may come from the bundle or from what is kept already; which one does not matter, since
  the signed head proves it.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gopack.errors import GopackError, InputError, IntegrityError, StoreError
from gopack.flows.keptheads import open_heads
from gopack.plan import sumtree
from gopack.plan.bundle.inventory import Proofs, natural
from gopack.ports import ProofStore
from gopack.spec import note
from gopack.spec.module import ModuleVersion
from gopack.spec.sumdb import HeadProver, SignedHead, newest, open_head, recorded_lines
from gopack.spec.tiles import Tile, parse_tile_path
from gopack.spec.tlog import EMPTY_HASH, Record, Tree

BATCH = 256
"""Records proven at once: some 4 MB of tiles."""

ReadTile = Callable[[Tile], bytes | None]


@dataclass(frozen=True, slots=True)
class Holdings:
    """Records, heads and tiles of one database, tiles by name only."""

    key: note.Verifier
    records: Mapping[ModuleVersion, Record]
    heads: tuple[SignedHead, ...]
    tiles: tuple[Tile, ...]

    @property
    def head(self) -> SignedHead:
        """The newest head."""
        return newest(self.heads)

    @property
    def proofs(self) -> Proofs:
        """The same as an inventory has it."""
        return Proofs(
            frozenset(record.id for record in self.records.values()),
            frozenset(head.tree.size for head in self.heads),
            self.head.message.decode(),
        )

    @property
    def tiles_bytes(self) -> int:
        """How long all tiles are, joined."""
        return sum(tile.size_bytes for tile in self.tiles)


def kept(store: ProofStore, key: note.Verifier, *, only: Proofs | None = None) -> Holdings | None:
    """Tell what a storage keeps of a database, or what it kept when it had `only` these.

    Records beyond the newest head are left out: a run was broken off before it kept their head.

    Raises:
        IntegrityError: a head is not signed by the key.
    """
    heads = open_heads(store, key)
    records = dict(store.records())
    if only is not None:
        heads = [head for head in heads if head.tree.size in only.heads]
        records = {module: r for module, r in records.items() if r.id in only.records}
    if not heads:
        return None
    size = newest(heads).tree.size
    records = {module: record for module, record in records.items() if record.id < size}
    tiles = sumtree.plan_tiles(newest(heads), records.values(), heads)
    return Holdings(key, records, tuple(heads), tuple(tiles))


def lacking(all_: Holdings, base: Proofs) -> Holdings:
    """Leave out what a side with this inventory has."""
    there = set(_tiles_of(base))
    return Holdings(
        all_.key,
        {m: r for m, r in sorted(all_.records.items()) if r.id not in base.records},
        tuple(h for h in all_.heads if h.tree.size not in base.heads or h == all_.head),
        tuple(tile for tile in all_.tiles if tile not in there),
    )


def _tiles_of(base: Proofs) -> list[Tile]:
    """The tiles that a side keeps; only sizes matter for where tiles lie."""
    if not base.heads:
        return []
    heads = [SignedHead(Tree(size, EMPTY_HASH), b"") for size in base.heads if size]
    head = max(heads, key=lambda one: one.tree.size)
    records = (Record(number, b"") for number in base.records if number < base.size)
    return sumtree.plan_tiles(head, records, heads)


def dumps(holdings: Holdings) -> bytes:
    """Write records, heads and the tiles' names."""
    raw = {
        "heads": [head.message.decode() for head in holdings.heads],
        "records": [
            [*module, record.id, record.text.decode()]
            for module, record in sorted(holdings.records.items())
        ],
        "tiles": [tile.path for tile in holdings.tiles],
    }
    return (json.dumps(raw, separators=(",", ":"), ensure_ascii=False) + "\n").encode()


def loads(data: bytes, key: note.Verifier, *, where: str) -> Holdings:
    """Read them back; the heads' signatures are checked, the rest is not proven yet.

    Raises:
        IntegrityError: malformed, or a head is not signed by the key.
    """
    try:
        raw = json.loads(data)
        return Holdings(
            key,
            dict(_record(item) for item in raw["records"]),
            tuple(open_head(message.encode(), key) for message in raw["heads"]),
            tuple(parse_tile_path(path) for path in raw["tiles"]),
        )
    except (
        *(ValueError, TypeError, LookupError, AttributeError, RecursionError, OverflowError),
        InputError,
    ) as error:
        raise IntegrityError(
            f"malformed checksum records: {error}",
            where=where,
            hint="the bundle is forged or made by a broken program; nothing was imported",
        ) from error
    except GopackError as error:
        error.where = error.where or where
        raise


def _record(raw: list[Any]) -> tuple[ModuleVersion, Record]:
    path, version, number, text = raw
    module = ModuleVersion(str(path), str(version))
    record = Record(natural(number), str(text).encode())
    if not recorded_lines(record, module):
        raise ValueError(f"a record under the name of {module} that is not its")
    return module, record


class MissingTileError(StoreError):
    """A tile that a proof needs is in neither the bundle nor the storage."""


def prove(
    head: SignedHead,
    records: Mapping[ModuleVersion, Record],
    older: Sequence[SignedHead],
    read_tile: ReadTile,
) -> Iterator[Mapping[Tile, bytes]]:
    """Prove records and older heads at a head; give the tiles that did it, batch by batch.

    Raises:
        IntegrityError: a tile is spoilt, a record is not in the log, or the log is forked.
        MissingTileError: a tile is nowhere.
    """
    ordered = sorted(records.items(), key=lambda item: item[1].id)
    for start in range(0, max(len(ordered), 1), BATCH):
        batch = ordered[start : start + BATCH]
        yield _prove_batch(head, batch, older if not start else (), read_tile)


def _prove_batch(
    head: SignedHead,
    records: Iterable[tuple[ModuleVersion, Record]],
    older: Sequence[SignedHead],
    read_tile: ReadTile,
) -> Mapping[Tile, bytes]:
    prover = HeadProver(head)
    records = list(records)
    wanted = prover.missing((r.id for _, r in records), [one.tree for one in older])
    for spoilt in prover.admit({tile: _found(read_tile, tile) for tile in wanted}):
        raise IntegrityError(
            "a tile of the checksum database is spoilt", where=spoilt.path, hint=_SPOILT
        )
    for one in older:
        prover.check_older(one)
    for module, record in records:
        try:
            prover.check_record(record)
        except IntegrityError as error:
            error.where = str(module)
            raise
    return prover.proven


_SPOILT = "do not trust where it comes from; fetch again on the connected side"


def _found(read_tile: ReadTile, tile: Tile) -> bytes:
    data = read_tile(tile)
    if data is None:
        raise MissingTileError("a tile of the checksum database is missing", where=tile.path)
    return data
