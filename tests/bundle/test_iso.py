"""Images for optical discs, made by xorriso where it is installed."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.bundling import Side

SPLIT = ("--volume-size", "64KiB")
needs_xorriso = pytest.mark.skipif(not shutil.which("xorriso"), reason="no xorriso here")


def taken_out(images: list[Path], folder: Path) -> Path:
    """Copy what the images hold into one folder, as a person would from the discs."""
    folder.mkdir()
    for image in images:
        words = ["xorriso", "-osirrox", "on", "-indev", str(image), "-extract", "/", str(folder)]
        subprocess.run(words, check=True, capture_output=True)
    return folder


@needs_xorriso
def test_each_volume_is_on_a_disc_with_its_checksum_file(
    connected: Side, sealed: Side, tmp_path: Path
) -> None:
    connected.put("example.com/big@v1.0.0", size_bytes=150_000)
    connected.done("bundle", "create", tmp_path / "m", *SPLIT, "--iso")
    images = sorted(tmp_path.glob("m*"))
    assert {path.suffix for path in images} == {".iso"}
    folder = taken_out(images, tmp_path / "copied")
    assert sorted(p.suffix for p in folder.glob("m.001*")) == [".001", ".sha256"]
    subprocess.run("sha256sum -c m.*.sha256", shell=True, check=True, cwd=folder)
    sealed.done("bundle", "import", folder / "m")
    assert sealed.versions() == connected.versions()


@needs_xorriso
def test_lost_disc_is_made_again_alone_and_is_the_same(connected: Side, tmp_path: Path) -> None:
    connected.done("bundle", "create", tmp_path / "m", *SPLIT, "--iso")
    lost = (tmp_path / "m.001.iso").read_bytes()
    (tmp_path / "m.001.iso").unlink()
    words = ("--again", "1", "--only", "1", "--iso", *SPLIT)
    connected.done("bundle", "create", tmp_path / "m", *words)
    assert (tmp_path / "m.001.iso").read_bytes() == lost


@needs_xorriso
def test_one_file_becomes_one_image(connected: Side, sealed: Side, tmp_path: Path) -> None:
    connected.done("bundle", "create", tmp_path / "m", "--iso")
    folder = taken_out([tmp_path / "m.iso"], tmp_path / "copied")
    sealed.done("bundle", "import", folder / "m")
    assert connected.run("bundle", "create", tmp_path / "m").exit_code == 2


def test_bundle_whose_image_fails_is_recorded_all_the_same(
    connected: Side, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its volumes may be carried; `--since` and `--again` must know it."""
    failing = tmp_path / "bin" / "xorriso"
    failing.parent.mkdir()
    failing.write_text("#!/bin/sh\nexit 1\n")
    failing.chmod(0o755)
    monkeypatch.setenv("PATH", f"{failing.parent}:{os.environ['PATH']}")
    assert connected.run("bundle", "create", tmp_path / "m", "--iso").exit_code == 5
    connected.done("bundle", "create", tmp_path / "again", "--again", "1")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "m").read_bytes()


def test_iso_without_xorriso_says_what_to_install(
    connected: Side, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = connected.run("bundle", "create", tmp_path / "m", "--iso")
    assert result.exit_code == 2
    assert "xorriso" in result.output
    assert "install it" in result.output
    assert not list(tmp_path.glob("m*"))
