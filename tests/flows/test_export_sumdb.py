"""The static tree from what is kept, and that nothing spoilt gets into it."""

import pytest

from gopack.errors import IntegrityError, StoreError
from gopack.flows import bundle_sumdb
from gopack.flows.export_sumdb import export_sumdb, prove_tree
from gopack.flows.verify import Database, SumVerifier
from gopack.spec.module import ModuleVersion
from gopack.spec.sumdb import Sums
from gopack.spec.tiles import Tile
from tests.fakes_sumdb import FakeProofStore, FakeSumDB, fake_h1

MODULES = [ModuleVersion(f"m{n}.test/a", f"v1.{n}.0") for n in range(5)]


def fetched() -> tuple[FakeSumDB, FakeProofStore]:
    log, store = FakeSumDB(), FakeProofStore()
    for module in MODULES:
        log.grow(300)
        log.add(module)
        versions = {module: Sums(fake_h1(f"{module}/go.mod"))}
        with SumVerifier(Database(log, store, log.verifier), exempt=lambda path: None) as verifier:
            verifier.prove(versions)
            verifier.finish()
    return log, store


def test_export_writes_a_tree_that_proves_every_record_from_every_head() -> None:
    log, store = fetched()
    files: dict[str, bytes] = {}
    tree = export_sumdb(store, log.verifier, files.__setitem__)
    assert list(files)[-1] == "latest"
    assert files["latest"] == log.head()
    assert len(store.heads()) == 5
    assert tree.head.tree == log.tree()
    for module in MODULES:
        assert files[f"lookup/{module}"] == log.lookup(module)
    for tile in tree.tiles:
        assert files[tile.path] == log.tile_data(tile)


def test_export_without_proofs_says_how_to_get_them() -> None:
    with pytest.raises(StoreError, match="nothing of the checksum database is kept") as raised:
        prove_tree(FakeProofStore(), FakeSumDB().verifier)
    assert ".gopack" in raised.value.hint


def test_export_with_a_missing_tile_names_it() -> None:
    log, store = fetched()
    del store.kept_tiles[Tile(8, 0, 1, 256)]
    with pytest.raises(StoreError, match="tile/8/0/001"):
        prove_tree(store, log.verifier)


@pytest.mark.parametrize("tile", [Tile(8, 0, 1, 256), Tile(8, 1, 0, 5)])
def test_attack_spoilt_kept_tile_is_not_exported(tile: Tile) -> None:
    log, store = fetched()
    store.kept_tiles[tile] = bytes(tile.size_bytes)
    with pytest.raises(IntegrityError) as raised:
        export_sumdb(store, log.verifier, lambda path, data: pytest.fail("written"))
    assert "the tiles do not hash" in raised.value.what or "gopack check" in raised.value.hint


def test_attack_spoilt_kept_record_is_not_exported() -> None:
    log, store = fetched()
    record = store.kept_records[MODULES[2]]
    store.kept_records[MODULES[2]] = record._replace(text=record.text + b"more\n")
    with pytest.raises(IntegrityError) as raised:
        prove_tree(store, log.verifier)
    assert raised.value.where == str(MODULES[2])


def test_attack_forked_kept_head_is_not_exported() -> None:
    log, store = fetched()
    other = FakeSumDB()
    other.append(b"evil.test v1.0.0 h1:x\n")
    other.grow(6)
    store.kept_heads[7] = other.head()
    way = Tile(8, 0, 0, 256)
    store.kept_tiles[way] = log.tile_data(way)
    with pytest.raises(IntegrityError, match="forked"):
        prove_tree(store, log.verifier)


def test_records_whose_head_a_broken_off_run_did_not_keep_are_left_out() -> None:
    log, store = fetched()
    del store.kept_heads[log.tree().size]
    assert prove_tree(store, log.verifier).records.keys() == set(MODULES[:-1])
    kept = bundle_sumdb.kept(store, log.verifier)
    assert kept is not None
    assert kept.records.keys() == set(MODULES[:-1])
    for _ in bundle_sumdb.prove(kept.head, kept.records, kept.heads, store.tile):
        pass
