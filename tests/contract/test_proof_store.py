"""ports.ProofStore: each MUST and MUST NOT, on the disk and on the fake."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from gopack.adapters.sumdb_store import SumdbStore
from gopack.ports import ProofStore
from gopack.spec import sumdb
from gopack.spec.module import ModuleVersion
from gopack.spec.tiles import Tile
from gopack.spec.tlog import Record
from tests.fakes_sumdb import NAME, FakeProofStore, FakeSumDB

ONE = ModuleVersion("github.com/Azure/x", "v1.0.0")
TWO = ModuleVersion("github.com/azure/x", "v1.0.0")
LOG = FakeSumDB()
LOG.grow(300)
FULL, PART = Tile(8, 0, 0, 256), Tile(8, 0, 1, 44)
HEADS = [sumdb.open_head(LOG.head(size), LOG.verifier) for size in (5, 40, 300)]
RECORDS: Mapping[ModuleVersion, Record] = {
    ONE: Record(3, b"github.com/Azure/x v1.0.0 h1:a\n"),
    TWO: Record(0, b"github.com/azure/x v1.0.0 h1:b\nand more\n"),
}


def disk(folder: Path) -> ProofStore:
    return SumdbStore.of(folder / ".gopack", NAME)


def fake(folder: Path) -> ProofStore:
    return FakeProofStore()


@pytest.fixture(params=[disk, fake])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ProofStore:
    make: Callable[[Path], ProofStore] = request.param
    return make(tmp_path)


def test_new_store_is_empty(store: ProofStore) -> None:
    assert (store.records(), store.tile(FULL), list(store.heads().values())) == ({}, None, [])


def test_save_is_read_back(store: ProofStore) -> None:
    tiles = {tile: LOG.tile_data(tile) for tile in (FULL, PART)}
    store.save(records=RECORDS, tiles=tiles, heads=HEADS[1:])
    assert store.records() == RECORDS
    assert store.tile(FULL) == tiles[FULL]
    assert store.tile(PART) == tiles[PART]
    assert list(store.heads().values()) == [head.message for head in HEADS[1:]]


def test_heads_are_smallest_first_whatever_the_order_of_saves(store: ProofStore) -> None:
    for head in (HEADS[1], HEADS[2], HEADS[0]):
        store.save(records={}, tiles={}, heads=[head])
    assert list(store.heads().values()) == [head.message for head in HEADS]


def test_partial_tile_is_cut_from_a_full_one(store: ProofStore) -> None:
    store.save(records={}, tiles={FULL: LOG.tile_data(FULL)}, heads=[])
    narrow = Tile(8, 0, 0, 7)
    assert store.tile(narrow) == LOG.tile_data(narrow)
    assert store.has_tile(narrow)


def test_tile_is_told_where_it_is_there(store: ProofStore) -> None:
    store.save(records={}, tiles={PART: LOG.tile_data(PART)}, heads=[])
    assert store.has_tile(PART)
    assert not store.has_tile(FULL)
    assert not store.has_tile(PART.full)


def test_head_that_is_saved_again_stays_as_it_is(store: ProofStore) -> None:
    store.save(records={}, tiles={}, heads=HEADS)
    other = sumdb.SignedHead(HEADS[0].tree, b"other note")
    store.save(records={}, tiles={}, heads=[other])
    assert list(store.heads().values()) == [head.message for head in HEADS]


def test_spoilt_record_is_replaced_by_a_proven_one(store: ProofStore) -> None:
    store.save(records={**RECORDS, ONE: Record(9, b"spoilt\n")}, tiles={}, heads=[])
    store.save(records=RECORDS, tiles={}, heads=[])
    assert store.records() == RECORDS


def test_spoilt_tile_is_replaced_by_a_proven_one(store: ProofStore) -> None:
    store.save(records={}, tiles={FULL: bytes(FULL.size_bytes)}, heads=[])
    store.save(records={}, tiles={FULL: LOG.tile_data(FULL)}, heads=[])
    assert store.tile(FULL) == LOG.tile_data(FULL)


def test_evidence_is_kept_where_it_says(store: ProofStore) -> None:
    one, two = store.keep_evidence("two heads"), store.keep_evidence("two other heads")
    assert one != two
    if isinstance(store, SumdbStore):
        assert Path(one).read_text() == "two heads"
