"""`gopack export sumdb`, on a storage with proofs of a database in memory."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gopack.adapters.sumdb_store import SumdbStore
from gopack.cli import failing
from gopack.cli.main import main
from gopack.flows.verify import Database, SumVerifier
from gopack.spec.module import ModuleVersion
from gopack.spec.sumdb import Sums
from tests.fakes_sumdb import NAME, FakeSumDB, fake_h1

MODULE = ModuleVersion("github.com/Azure/x", "v1.0.0")


@pytest.fixture
def log() -> FakeSumDB:
    log = FakeSumDB()
    log.grow(300)
    log.add(MODULE)
    return log


def fetched(log: FakeSumDB, storage: Path) -> None:
    store = SumdbStore.of(storage / ".gopack", NAME)
    database = Database(log, store, log.verifier)
    with SumVerifier(database, exempt=lambda path: None) as verifier:
        verifier.prove({MODULE: Sums(fake_h1(f"{MODULE}/go.mod"))})
        verifier.finish()


def export(log: FakeSumDB, storage: Path, folder: Path, **settings: str) -> Result:
    environ = {"GOPROXY": "off", "GOSUMDB": str(log.verifier), "GOENV": "off", **settings}
    words = ["export", "sumdb", str(folder), "--storage", str(storage)]
    return CliRunner().invoke(main, words, env=environ)


@pytest.fixture(autouse=True)
def ends_by_exit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real end kills the process, and would the tests'."""

    def end(status: int) -> None:
        raise SystemExit(status)

    monkeypatch.setattr(failing, "end", end)


def test_export_writes_the_tree_and_says_what(log: FakeSumDB, tmp_path: Path) -> None:
    fetched(log, tmp_path / "storage")
    done = export(log, tmp_path / "storage", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "1 lookups and" in done.output
    tree = tmp_path / "out" / NAME
    assert (tree / "latest").read_bytes() == log.head()
    assert (tree / "lookup/github.com/!azure/x@v1.0.0").read_bytes() == log.lookup(MODULE)
    assert (tree / "supported").read_bytes() == b""


def test_export_again_writes_only_what_changed(log: FakeSumDB, tmp_path: Path) -> None:
    fetched(log, tmp_path / "storage")
    export(log, tmp_path / "storage", tmp_path / "out")
    done = export(log, tmp_path / "storage", tmp_path / "out")
    assert "0 files written" in done.output
    assert not list((tmp_path / "out").rglob("*.part"))


def test_export_of_a_storage_without_proofs_is_a_store_error(
    log: FakeSumDB, tmp_path: Path
) -> None:
    done = export(log, tmp_path / "storage", tmp_path / "out")
    assert done.exit_code == 5
    assert ".gopack" in done.output
    assert not (tmp_path / "out").exists()


def test_export_with_the_database_off_is_an_input_error(log: FakeSumDB, tmp_path: Path) -> None:
    assert export(log, tmp_path, tmp_path / "out", GOSUMDB="off").exit_code == 2


def test_export_needs_no_goproxy(log: FakeSumDB, tmp_path: Path) -> None:
    """A sealed host without Go has none; GOSUMDB is all that counts."""
    fetched(log, tmp_path / "storage")
    nowhere = {"GOPROXY": "", "PATH": "", "GOROOT": str(tmp_path / "none")}
    done = export(log, tmp_path / "storage", tmp_path / "out", **nowhere)
    assert done.exit_code == 0, done.output
    done = export(log, tmp_path / "storage", tmp_path / "out", **nowhere, GOSUMDB="")
    assert done.exit_code == 2
    assert "GOSUMDB is not set" in done.output


def test_attack_proofs_under_another_key_are_refused(log: FakeSumDB, tmp_path: Path) -> None:
    fetched(log, tmp_path / "storage")
    other = FakeSumDB(seed=b"\x66" * 32)
    done = export(other, tmp_path / "storage", tmp_path / "out")
    assert done.exit_code == 4
    assert "/heads/" in done.output
    assert not (tmp_path / "out").exists()


def test_export_where_it_cannot_write_is_a_store_error(log: FakeSumDB, tmp_path: Path) -> None:
    fetched(log, tmp_path / "storage")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / NAME).write_text("a file where a folder belongs")
    assert export(log, tmp_path / "storage", tmp_path / "out").exit_code == 5
