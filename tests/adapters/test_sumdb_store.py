"""The proofs on the disk: across processes, kills, damage and read-only media."""

from collections.abc import Collection
from pathlib import Path

import pytest

from gopack.adapters.files import Files
from gopack.adapters.sumdb_store import SumdbStore
from gopack.errors import InputError, StoreError
from gopack.spec import sumdb
from gopack.spec.module import ModuleVersion
from gopack.spec.tiles import Tile
from gopack.spec.tlog import Record
from tests.fakes_sumdb import FakeSumDB

ONE, TWO = ModuleVersion("a.test/A", "v1.0.0"), ModuleVersion("b.test/b", "v2.0.0+incompatible")
RECORDS = {ONE: Record(3, b"one\n"), TWO: Record(70_000_000, "zwölf\nlines\n".encode())}
LOG = FakeSumDB()
LOG.grow(300)
FULL, PART = Tile(8, 0, 0, 256), Tile(8, 0, 1, 44)
TILES = {tile: LOG.tile_data(tile) for tile in (FULL, PART)}
HEAD = sumdb.open_head(LOG.head(), LOG.verifier)


class Killed(BaseException):
    """The process dies here."""


class Mortal(Files):
    """Dies before its nth change of the disk."""

    def __init__(self, lives: int) -> None:
        self.lives = lives

    def _live(self) -> None:
        self.lives -= 1
        if self.lives < 0:
            raise Killed

    def make_folder(self, path: Path) -> None:
        self._live()
        super().make_folder(path)

    def write(self, path: Path, data: bytes) -> None:
        self._live()
        super().write(path, data)

    def dress(self, path: Path, time_ns: int | None = None) -> None:
        self._live()
        super().dress(path, time_ns)

    def sync_all(self, disk: int, paths: Collection[Path]) -> None:
        self._live()
        super().sync_all(disk, paths)

    def rename(self, source: Path, target: Path) -> None:
        self._live()
        super().rename(source, target)

    def sync_folder(self, path: Path, time_ns: int | None = None) -> None:
        self._live()
        super().sync_folder(path, time_ns)


def test_store_opened_again_has_everything(tmp_path: Path) -> None:
    SumdbStore(tmp_path / "db").save(records=RECORDS, tiles=TILES, heads=[HEAD])
    again = SumdbStore(tmp_path / "db")
    assert again.records() == RECORDS
    assert again.tile(PART) == TILES[PART]
    assert list(again.heads().values()) == [HEAD.message]


def test_records_are_appended_over_runs(tmp_path: Path) -> None:
    SumdbStore(tmp_path).save(records={ONE: RECORDS[ONE]}, tiles={}, heads=[])
    SumdbStore(tmp_path).save(records=RECORDS, tiles={}, heads=[])
    assert SumdbStore(tmp_path).records() == RECORDS


def test_kill_at_every_change_leaves_what_was_there_and_is_mended(tmp_path: Path) -> None:
    lives = 0
    while True:
        folder = tmp_path / str(lives)
        SumdbStore(folder).save(records={ONE: RECORDS[ONE]}, tiles={}, heads=[])
        try:
            SumdbStore(folder, files=Mortal(lives)).save(records=RECORDS, tiles=TILES, heads=[HEAD])
        except Killed:
            pass
        else:
            break
        after = SumdbStore(folder)
        assert after.records() in ({ONE: RECORDS[ONE]}, RECORDS)
        for tile, data in TILES.items():
            assert after.tile(tile) in {None, data}
        if after.heads():
            assert after.records() == RECORDS
            assert after.tile(FULL)
        after.save(records=RECORDS, tiles=TILES, heads=[HEAD])
        assert not list(folder.rglob("*.part"))
        assert SumdbStore(folder).records() == RECORDS
        lives += 1
    assert lives > 10


@pytest.mark.parametrize("keep", range(1, 60, 7))
def test_torn_end_of_records_is_cut_and_written_anew(tmp_path: Path, keep: int) -> None:
    SumdbStore(tmp_path).save(records=RECORDS, tiles={}, heads=[])
    path = tmp_path / "records"
    path.write_bytes(path.read_bytes()[:keep])
    torn = SumdbStore(tmp_path)
    assert len(torn.records()) < 2
    torn.save(records=RECORDS, tiles={}, heads=[])
    assert SumdbStore(tmp_path).records() == RECORDS


def test_zeros_at_the_end_of_records_are_cut(tmp_path: Path) -> None:
    SumdbStore(tmp_path).save(records=RECORDS, tiles={}, heads=[])
    with (tmp_path / "records").open("ab") as file:
        file.write(bytes(50) + b"\n\n")
    assert SumdbStore(tmp_path).records() == RECORDS


@pytest.mark.parametrize("spoilt", [b"a.test/a v1\nx\ntext\n\n", b"\xff v1\n1\ntext\n\n"])
def test_damaged_records_are_an_error_that_says_what_to_do(tmp_path: Path, spoilt: bytes) -> None:
    (tmp_path / "records").write_bytes(spoilt)
    with pytest.raises(StoreError, match="damaged") as raised:
        SumdbStore(tmp_path).records()
    assert "gopack fetch" in raised.value.hint


def test_torn_tile_or_head_reads_as_absent(tmp_path: Path) -> None:
    store = SumdbStore(tmp_path)
    store.save(records={}, tiles=TILES, heads=[HEAD])
    for path in (*(tmp_path / "tiles").iterdir(), tmp_path / "heads/300"):
        path.write_bytes(b"")
    assert store.tile(FULL) is None
    assert list(store.heads().values()) == []


@pytest.mark.parametrize("key", ["tiles", "tiles/8-0-000", "heads/300", "records"])
def test_attack_link_is_not_followed(tmp_path: Path, key: str) -> None:
    store, outside = SumdbStore(tmp_path / "db"), tmp_path / "outside"
    store.save(records=RECORDS, tiles=TILES, heads=[HEAD])
    (tmp_path / "db" / key).rename(outside)
    (tmp_path / "db" / key).symlink_to(outside)
    with pytest.raises(StoreError):
        (SumdbStore(tmp_path / "db").records(), store.tile(FULL), store.heads())


def test_stray_files_among_the_heads_are_ignored(tmp_path: Path) -> None:
    store = SumdbStore(tmp_path)
    store.save(records={}, tiles={}, heads=[HEAD])
    (tmp_path / "heads/README").write_text("hello")
    assert list(store.heads().values()) == [HEAD.message]


def test_read_makes_nothing(tmp_path: Path) -> None:
    store = SumdbStore.of(tmp_path / ".gopack", "db.test/path")
    assert store.records() == {}
    assert store.tile(FULL) is None
    assert list(store.heads().values()) == []
    assert not list(tmp_path.iterdir())


def test_modes_are_readable_for_all(tmp_path: Path) -> None:
    store = SumdbStore(tmp_path / "db")
    store.save(records=RECORDS, tiles=TILES, heads=[HEAD])
    for path in (tmp_path / "db").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644)


@pytest.mark.parametrize("name", ["", "..", "a/../b", "a//b", "a\\b", "/a"])
def test_attack_name_that_leaves_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError):
        SumdbStore.of(tmp_path, name)


def test_disk_trouble_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "heads").write_text("a file where a folder belongs")
    with pytest.raises(StoreError):
        SumdbStore(tmp_path).heads()
    with pytest.raises(StoreError):
        SumdbStore(tmp_path).save(records={}, tiles={}, heads=[HEAD])
