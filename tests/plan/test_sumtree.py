"""The static tree: what is in it, and in which order."""

from gopack.plan import sumtree
from gopack.spec import sumdb, tlog
from gopack.spec.module import ModuleVersion
from gopack.spec.tiles import Tile
from tests.fakes_sumdb import FakeSumDB

LOG = FakeSumDB()
LOG.grow(600)
MODULE = ModuleVersion("github.com/Azure/x", "v1.0.0")
LOG.add(MODULE)
LOG.grow(600)
RECORD = tlog.Record(LOG.ids[MODULE], LOG.texts[LOG.ids[MODULE]])
HEAD = sumdb.open_head(LOG.head(), LOG.verifier)


def test_plan_tiles_covers_records_and_older_heads() -> None:
    older = sumdb.open_head(LOG.head(300), LOG.verifier)
    assert set(sumtree.plan_tiles(HEAD, [RECORD], [])) == {
        Tile(8, 1, 0, 4),
        Tile(8, 0, 4, 177),
        Tile(8, 0, 2, 256),
    }
    assert Tile(8, 0, 1, 256) in sumtree.plan_tiles(HEAD, [RECORD], [older])


def test_plan_tiles_leaves_newer_heads_out() -> None:
    smaller = sumdb.open_head(LOG.head(900), LOG.verifier)
    assert sumtree.plan_tiles(smaller, [RECORD], [HEAD]) == sumtree.plan_tiles(
        smaller, [RECORD], []
    )


def test_plan_narrow_tiles_gives_what_an_older_client_asks_for_first() -> None:
    older = [sumdb.open_head(LOG.head(size), LOG.verifier) for size in (300, 1201, 1190)]
    assert sumtree.plan_narrow_tiles(HEAD, older) == {
        Tile(8, 1, 0, 1): Tile(8, 1, 0, 4),
        Tile(8, 0, 1, 44): Tile(8, 0, 1, 256),
        Tile(8, 0, 4, 166): Tile(8, 0, 4, 177),
    }
    assert sumtree.plan_narrow_tiles(older[0], [HEAD]) == {}


def test_compose_gives_every_lookup_the_one_head_and_latest_last() -> None:
    tiles = sumtree.plan_tiles(HEAD, [RECORD], [])
    files = list(sumtree.compose(HEAD, {MODULE: RECORD}, tiles, LOG.tile_data))
    assert [path for path, _ in files[-3:]] == [
        "lookup/github.com/!azure/x@v1.0.0",
        "supported",
        "latest",
    ]
    assert dict(files)["lookup/github.com/!azure/x@v1.0.0"] == LOG.lookup(MODULE)
    assert dict(files)["latest"] == LOG.head()
    assert {path for path, _ in files[:-3]} == {tile.path for tile in tiles}
