"""What a folder that versions are left in looks like afterwards, whatever happened."""

import os
from pathlib import Path

import pytest

from gopack.adapters.outfolder import OutFolder
from gopack.cli.console import make_console
from gopack.cli.packsinks import folder_sink, storage_sink
from gopack.cli.wiring import make_progress
from gopack.errors import InputError, StoreError
from gopack.spec.module import ModuleVersion
from tests.adapters.test_sourcetree import as_nobody, folder

__all__ = ["folder"]

M = ModuleVersion("corp.example/m", "v1.0.0")
OTHER = ModuleVersion("corp.example/m/sub", "v1.0.0")


def left(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


def test_sink_that_is_broken_off_leaves_nothing(tmp_path: Path) -> None:
    def broken_off() -> None:
        with folder_sink(tmp_path / "a/b", is_single=False) as sink:
            for module in (M, OTHER):
                sink.staged_path(module).write_bytes(b"PK")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_off()
    assert left(tmp_path) == []


def test_sink_keeps_what_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with folder_sink(tmp_path / "out", is_single=False) as sink:
        sink.staged_path(M).write_bytes(b"PK")
        (tmp_path / "out/corp.example/mine").touch()
    assert left(tmp_path) == ["out", "out/corp.example", "out/corp.example/mine"]


@pytest.mark.parametrize("goes_to", ["folder", "storage"])
def test_what_another_run_left_in_the_source_is_the_sink_s_own(
    goes_to: str, tmp_path: Path
) -> None:
    source = tmp_path / "m"
    source.mkdir()
    pair = {source / "v1.0.0-rc.1.zip", source / "v1.0.0-rc.1.info"}
    staged = {source / ".gopack-0123-v1.1.0.zip"}
    for path in (*pair, *staged, source / "v1.2.0.zip", source / "v1.3.0.info", source / "m.zip"):
        path.touch()
    with (
        make_progress(make_console()) as progress,
        folder_sink(tmp_path / "out", is_single=True)
        if goes_to == "folder"
        else storage_sink(tmp_path / "st", level=None, jobs=1, progress=progress) as sink,
    ):
        assert sink.own_paths(source) == pair | staged
        assert sink.own_paths(tmp_path / "missing") == set()


def put(out: OutFolder, *, may_replace: bool = False) -> bool:
    staged = out.staged_path(M)
    staged.write_bytes(b"PK")
    return out.put(M, info=b"{}", mod=b"module m\n", zip_file=staged, may_replace=may_replace)


def test_put_that_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "v1.0.0.info").mkdir()
    out = OutFolder(tmp_path)
    with pytest.raises(InputError, match=r"v1\.0\.0\.info is there already"):
        put(out)
    with pytest.raises(StoreError, match="directory"):
        put(out, may_replace=True)
    assert left(tmp_path) == ["v1.0.0.info"]


def test_put_does_not_write_through_a_link(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    out = tmp_path / "out"
    out.mkdir()
    for name in ("go.mod", "v1.0.0.zip", "v1.0.0.info", f".gopack-{os.getpid()}-go.mod"):
        (out / name).symlink_to(victim)
    with pytest.raises(InputError, match="are there already"):
        put(OutFolder(out))
    assert put(OutFolder(out), may_replace=True)
    assert victim.read_text() == "mine"
    assert not (out / "go.mod").is_symlink()


def test_folder_that_may_not_be_written_is_a_store_error(folder: Path) -> None:
    with as_nobody():
        with pytest.raises(StoreError, match="Permission denied"):
            OutFolder(folder / "new").staged_path(M)
        with pytest.raises(StoreError, match="Permission denied"):
            OutFolder(folder).put(M, info=b"", mod=b"", zip_file=folder / "a.go", may_replace=False)
    assert left(folder) == ["a.go"]
