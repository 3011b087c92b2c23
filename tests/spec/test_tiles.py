"""Tiles: coordinates, and that none is trusted before it is proven."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gopack.errors import InputError, IntegrityError
from gopack.spec import tiles, tlog
from gopack.spec.tiles import Tile, TileProver
from tests.examples import examples
from tests.fakes_sumdb import FakeSumDB

LOG = FakeSumDB()
LOG.grow(700)
HEIGHTS = st.integers(1, 10)
SIZES = st.integers(0, 700)


def proven(size: int, indexes: list[int], height: int = 2) -> TileProver:
    prover = TileProver(LOG.tree(size), height=height)
    assert prover.admit({t: LOG.tile_data(t) for t in prover.missing(indexes)}) == []
    return prover


@given(st.integers(1, 30), st.integers(-1, 63), st.integers(0, (1 << 60)), st.data())
def test_tile_path_round_trips(height: int, level: int, number: int, data: st.DataObject) -> None:
    tile = Tile(height, level, number, data.draw(st.integers(1, 1 << height)))
    assert tiles.parse_tile_path(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/8/0/1",
        "tile/0/0/001",
        "tile/31/0/001",
        "tile/08/0/001",
        "tile/8/-1/001",
        "tile/8/0/x000/001",
        "tile/8/0/001/002",
        "tile/8/0/001.p/0",
        "tile/8/0/001.p/256",
        "tile/8/0/001.p/01",
        "tile/8/0/../001",
        "/tile/8/0/001",
        "tile/8/0/" + "x001/" * 100 + "001",
    ],
)
def test_tile_path_malformed_is_an_error(path: str) -> None:
    with pytest.raises(InputError, match="malformed tile path"):
        tiles.parse_tile_path(path)


@given(HEIGHTS, st.integers(1, 700), st.data())
def test_hash_from_tile_gives_every_stored_hash(
    height: int, size: int, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, tlog.stored_hash_count(size) - 1))
    tile = tiles.tile_for_index(height, index)
    for wide in (tile, tiles.widest(tile, size)):
        assert wide is not None
        assert tiles.hash_from_tile(wide, LOG.tile_data(wide), index) == LOG.stored[index]


def test_hash_from_tile_of_another_place_is_an_error() -> None:
    with pytest.raises(InputError, match="is in tile/2/0/001"):
        tiles.hash_from_tile(Tile(2, 0, 0, 4), bytes(128), tlog.stored_hash_index(0, 5))
    with pytest.raises(InputError):
        tiles.hash_from_tile(Tile(2, 0, 1, 1), bytes(128), tlog.stored_hash_index(0, 5))
    with pytest.raises(IntegrityError, match="too short"):
        tiles.hash_from_tile(Tile(2, 0, 1, 2), bytes(63), tlog.stored_hash_index(0, 5))


@given(HEIGHTS, SIZES, SIZES)
def test_new_tiles_hold_every_hash_of_the_growth(height: int, one: int, other: int) -> None:
    old, new = sorted((one, other))
    published = set(tiles.new_tiles(height, old, new))
    for index in range(tlog.stored_hash_count(old), tlog.stored_hash_count(new)):
        level, n = tlog.split_stored_hash_index(index)
        if level % height == 0:
            assert tiles.widest(tiles.tile_for_index(height, index), new) in published, (level, n)


@settings(max_examples=examples(60))
@given(HEIGHTS, st.integers(1, 700), st.data())
def test_prover_reads_every_hash_it_planned_for(
    height: int, size: int, data: st.DataObject
) -> None:
    top = tlog.stored_hash_count(size) - 1
    indexes = data.draw(st.lists(st.integers(0, top), max_size=20))
    prover = proven(size, indexes, height)
    assert prover.read(indexes) == LOG.read(indexes)
    assert prover.missing(indexes) == []
    assert tlog.tree_hash(size, prover.read) == prover.tree.hash


@settings(max_examples=examples(60))
@given(st.integers(0, 700), st.data())
def test_prover_shows_every_older_tree_consistent(size: int, data: st.DataObject) -> None:
    older = data.draw(st.integers(0, size))
    prover = proven(size, tlog.subtree_indexes(0, older))
    assert tlog.tree_hash(older, prover.read) == LOG.tree(older).hash


def test_prover_asks_for_each_tile_once_and_parents_first() -> None:
    prover = TileProver(LOG.tree(700), height=2)
    indexes = [tlog.stored_hash_index(0, n) for n in range(700)]
    wanted = prover.missing(indexes)
    assert len(wanted) == len(set(wanted))
    place = {tile: i for i, tile in enumerate(wanted)}
    for tile in wanted:
        parent = tiles.tile_parent(tile, 700)
        assert parent is None or tile in prover.root_tiles or place[parent] < place[tile]


def test_prover_grows_over_waves_without_asking_again() -> None:
    prover = proven(700, [0])
    wanted = prover.missing([tlog.stored_hash_index(0, 500)])
    assert wanted
    assert not set(wanted) & set(prover.root_tiles)
    assert prover.admit({t: LOG.tile_data(t) for t in wanted}) == []
    assert prover.admit({t: LOG.tile_data(t) for t in wanted}) == []
    assert set(wanted) < set(prover.proven)


def test_attack_index_outside_the_tree_is_refused() -> None:
    for index in (-1, tlog.stored_hash_index(0, 700)):
        with pytest.raises(IntegrityError, match="not in the tree"):
            TileProver(LOG.tree(700)).missing([index])


def test_attack_hash_read_before_its_tile_is_proven_is_refused() -> None:
    with pytest.raises(IntegrityError, match="not proven"):
        proven(700, []).read([0])


@settings(max_examples=examples(60))
@given(st.integers(1, 700), st.integers(0, 1 << 30), st.data())
def test_attack_flipped_tile_is_never_admitted(size: int, bit: int, data: st.DataObject) -> None:
    n = data.draw(st.integers(0, size - 1))
    index = tlog.stored_hash_index(0, n)
    prover = TileProver(LOG.tree(size), height=2)
    wanted = {tile: LOG.tile_data(tile) for tile in prover.missing([index])}
    victim = data.draw(st.sampled_from(sorted(wanted)))
    spoilt = bytearray(wanted[victim])
    spoilt[bit // 8 % len(spoilt)] ^= 1 << bit % 8
    wanted[victim] = bytes(spoilt)
    if victim in prover.root_tiles:
        with pytest.raises(IntegrityError, match="do not hash to the signed tree head"):
            prover.admit(wanted)
        assert not prover.proven
    else:
        assert victim in prover.admit(wanted)
        assert victim not in prover.proven
        with pytest.raises(IntegrityError, match="not proven"):
            prover.read([index])
        good = {tile: LOG.tile_data(tile) for tile in prover.missing([index])}
        assert prover.admit(good) == []
        assert prover.read([index]) == [LOG.stored[index]]


@pytest.mark.parametrize("change", [-32, -1, 1, 32])
def test_attack_wrong_width_tile_is_refused(change: int) -> None:
    def resized(data: bytes) -> bytes:
        return data[:change] if change < 0 else data + bytes(change)

    prover = TileProver(LOG.tree(700), height=2)
    wanted = {tile: LOG.tile_data(tile) for tile in prover.missing([0])}
    root, below = prover.root_tiles[0], Tile(2, 0, 0, 4)
    with pytest.raises(IntegrityError):
        prover.admit({**wanted, root: resized(wanted[root])})
    assert prover.admit({**wanted, below: resized(wanted[below])}) == [below]


@pytest.mark.parametrize("level", [1, 2])
def test_attack_short_tile_of_inner_hashes_is_refused(level: int) -> None:
    """Fewer hashes from higher up hash to the same as the tile; only its width tells them apart."""
    prover = TileProver(LOG.tree(700), height=2)
    wanted = {tile: LOG.tile_data(tile) for tile in prover.missing([0])}
    below = Tile(2, 0, 0, 4)
    inner = [LOG.stored[tlog.stored_hash_index(level, n)] for n in range(4 >> level)]
    assert tiles.tile_hash(b"".join(inner)) == tiles.tile_hash(wanted[below])
    assert prover.admit({**wanted, below: b"".join(inner)}) == [below]


def test_attack_narrow_or_orphan_or_foreign_tile_is_refused() -> None:
    prover = proven(700, [])
    narrow, orphan, foreign = Tile(2, 0, 3, 2), Tile(2, 0, 3, 4), Tile(2, 0, 999, 4)
    data = {
        narrow: LOG.tile_data(narrow),
        orphan: LOG.tile_data(orphan),
        foreign: bytes(foreign.size_bytes),
    }
    assert set(prover.admit(data)) == {narrow, orphan, foreign}


def test_attack_tiles_of_a_fork_do_not_support_the_head() -> None:
    honest = FakeSumDB()
    honest.grow(100)
    fork = honest.fork()
    honest.grow(50)
    fork.append(b"evil.test v1.0.0 h1:x\n")
    fork.grow(49)
    prover = TileProver(honest.tree())
    with pytest.raises(IntegrityError, match="signed tree head"):
        prover.admit({tile: fork.tile_data(tile) for tile in prover.missing([])})


def test_prover_of_the_empty_tree_needs_no_tile() -> None:
    prover = TileProver(tlog.EMPTY_TREE)
    assert prover.missing([]) == []
    assert prover.admit({}) == []


def test_attack_empty_tree_with_another_hash_is_refused() -> None:
    with pytest.raises(IntegrityError, match="signed tree head"):
        TileProver(tlog.Tree(0, bytes(32)))


def test_tile_full_is_what_a_tile_grows_to() -> None:
    assert Tile(8, 0, 5, 17).full == Tile(8, 0, 5, 256)
