"""Compose the static tree of a checksum database from what is kept of it, proving it again.

Rules:
- Nothing is taken on trust: signatures, tiles and records are proven before the first file is
  written, so a spoilt storage does not become a spoilt tree.
- The tree is at the newest head kept, and carries the way there from every head kept.
- What is written comes in the order of plan.sumtree: `latest` last.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gopack.errors import IntegrityError, StoreError
from gopack.flows.keptheads import REPAIR, open_heads
from gopack.plan import sumtree
from gopack.ports import ProofStore
from gopack.spec import note
from gopack.spec.module import ModuleVersion
from gopack.spec.sumdb import LATEST_PATH, HeadProver, SignedHead, newest
from gopack.spec.tiles import Tile
from gopack.spec.tlog import Record


@dataclass(frozen=True, slots=True)
class ProvenTree:
    """Everything that a static tree is made of, proven; `files` composes it."""

    head: SignedHead
    records: dict[ModuleVersion, Record]
    tiles: dict[Tile, bytes]

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Path and content of each file below `/sumdb/<name>/`, `latest` last."""
        return sumtree.compose(self.head, self.records, list(self.tiles), self.tiles.__getitem__)


def prove_tree(store: ProofStore, key: note.Verifier) -> ProvenTree:
    """Read and prove what is kept of a database.

    Records beyond the newest head are left out: a run was broken off before it kept their head.

    Raises:
        StoreError: no head is kept, or a tile that is needed is not.
        IntegrityError: a signature, tile, record or older head does not prove.
    """
    heads = open_heads(store, key)
    if not heads:
        raise StoreError(
            "nothing of the checksum database is kept in this storage",
            hint="copy the storage with its .gopack folder (cp -a ROOT/. TARGET/), or " + REPAIR,
        )
    head = newest(heads)
    records = {m: r for m, r in store.records().items() if r.id < head.tree.size}
    prover = HeadProver(head)
    wanted = sumtree.plan_tiles(head, records.values(), heads)
    _admit(prover, {tile: _read(store, tile) for tile in wanted})
    for older in heads:
        prover.check_older(older)
    for module, record in records.items():
        _check(prover, module, record)
    tiles = {tile: prover.proven[tile] for tile in wanted}
    for narrow, wide in sumtree.plan_narrow_tiles(head, heads).items():
        tiles[narrow] = tiles[wide][: narrow.size_bytes]
    return ProvenTree(head, records, tiles)


def _read(store: ProofStore, tile: Tile) -> bytes:
    data = store.tile(tile)
    if data is None:
        raise StoreError("a tile is missing", where=tile.path, hint=REPAIR)
    return data


def _admit(prover: HeadProver, tiles: dict[Tile, bytes]) -> None:
    for tile in prover.admit(tiles):
        raise IntegrityError("a kept tile is spoilt", where=tile.path, hint=REPAIR)


def _check(prover: HeadProver, module: ModuleVersion, record: Record) -> None:
    try:
        prover.check_record(record)
    except IntegrityError as error:
        error.where = str(module)
        raise


def export_sumdb(
    store: ProofStore,
    key: note.Verifier,
    write: Callable[[str, bytes], None],
    write_last: Callable[[str, bytes], None] | None = None,
) -> ProvenTree:
    """Write the static tree, file by file, through `write`; give what was written.

    `write(path, data)` must have each file appear whole. `latest` goes through `write_last` where
    that is given: it must first make sure that everything before is on the disk.

    Raises:
        StoreError, IntegrityError: as prove_tree, before anything is written.
        Whatever `write` raises.
    """
    tree = prove_tree(store, key)
    for path, data in tree.files():
        (write_last or write if path == LATEST_PATH else write)(path, data)
    return tree
