"""What `gopack prove --docker` lays out for Go's container; no engine is asked."""

from pathlib import Path

import pytest

from gopack.cli.provedocker import not_read, sealed_athens, verifying
from gopack.cli.push import read_compose
from gopack.errors import InputError, StoreError
from gopack.plan.layout import OWN_FOLDER
from gopack.spec.module import ModuleVersion
from gopack.spec.sumdb import lookup_path
from tests.fakes_sumdb import FakeSumDB
from tests.sumdb_laying import lay_sumdb

ONE = ModuleVersion("example.com/one", "v1.0.0")


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> FakeSumDB:
    log = FakeSumDB()
    monkeypatch.setenv("GOENV", "off")
    monkeypatch.setenv("GOSUMDB", str(log.verifier))
    return log


def storage_and_place(root: Path) -> tuple[Path, Path]:
    for name in ("storage", "place"):
        (root / name).mkdir()
    return root / "storage", root / "place"


def test_storage_without_proofs_turns_verification_off(log: FakeSumDB, tmp_path: Path) -> None:
    found = verifying(*storage_and_place(tmp_path))
    assert not found.gosumdb
    assert f"nothing of {log.name} is carried there" in found.notes[0]


def test_proofs_that_are_fetched_later_are_laid_out(log: FakeSumDB, tmp_path: Path) -> None:
    storage, place = storage_and_place(tmp_path)
    for module in (ONE, ModuleVersion("example.com/two", "v1.0.0")):
        lay_sumdb(storage, log, [module])
        found = verifying(storage, place)
        assert (found.gosumdb, found.notes) == (str(log.verifier), ())
        assert (place / lookup_path(module)).is_file()


def test_lost_tile_is_no_storage_without_proofs(log: FakeSumDB, tmp_path: Path) -> None:
    storage, place = storage_and_place(tmp_path)
    lay_sumdb(storage, log, [ONE])
    tiles = storage / OWN_FOLDER / "sumdb" / log.name / "tiles"
    next(path for path in sorted(tiles.rglob("*")) if path.is_file()).unlink()
    with pytest.raises(StoreError, match="a tile is missing"):
        verifying(storage, place)


def test_settings_of_env_files_are_as_compose_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATHENS_PATH_PREFIX", "/go")
    (tmp_path / "a.env").write_text("ATHENS_PORT=:80 # behind nginx\nATHENS_PATH_PREFIX\n")
    file = tmp_path / "compose.yaml"
    text = "services: {{athens: {{image: athens, env_file: [a.env, {{path: b.env{}}}]}}}}"
    file.write_text(text.format(", required: false"))
    athens = sealed_athens(read_compose(file, ""), file)
    assert athens.url("h") == "http://h:80/go"
    file.write_text(text.format(""))
    with pytest.raises(InputError, match="cannot be read"):
        sealed_athens(read_compose(file, ""), file)


def test_file_that_compose_lays_over_another_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "docker-compose.yml"
    file.write_text("services: {athens: {image: athens}}")
    found = read_compose(file, "")
    assert not not_read(found, None)
    (tmp_path / "docker-compose.override.yml").write_text("services: {}")
    [note] = not_read(found, None)
    assert note.startswith("docker-compose.override.yml was not read")
    assert not not_read(found, file), "Compose does not read it either"
    assert not not_read(None, None)
