"""`gopack check` as a process: exit status, what it prints, JSON, processes, read-only."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.launching import launch
from tests.stored import Stored, store


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    return store(tmp_path_factory.mktemp("sound") / "storage")


@dataclass(frozen=True)
class Done:
    """A check that ended."""

    returncode: int
    stdout: str
    stderr: str


def run_check(stored: Stored, *options: str) -> Done:
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "HOME": "/nonexistent",
        "GOSUMDB": str(stored.log.verifier),
        "GOPACK_STORAGE": str(stored.root),
    }
    run = launch(["check", *options], folder=stored.root.parent, env=env)
    out, err = run.communicate(timeout=60)
    return Done(run.returncode, out, err)


def test_check_of_a_sound_storage_ends_with_0(sound: Stored) -> None:
    done = run_check(sound, "--json", "-")
    assert done.returncode == 0, done.stderr
    assert "all is well" in done.stderr
    told = json.loads(done.stdout)
    assert (told["versions"], told["proven"], told["by_manifest"]) == (4, 3, 1)
    assert told["findings"] == []


def test_check_of_a_spoilt_storage_ends_with_4_and_repairs(sound: Stored, tmp_path: Path) -> None:
    stored = Stored(tmp_path / "storage", sound.log)
    shutil.copytree(sound.root, stored.root)
    target = stored.root / "example.com" / "Big" / "v1.0.0" / "source.zip"
    data = bytearray(target.read_bytes())
    data[60] ^= 1
    target.write_bytes(data)
    done = run_check(stored)
    assert done.returncode == 4
    assert "spoilt: example.com/Big/v1.0.0/source.zip" in done.stderr
    done = run_check(stored, "--repair", "--json", str(tmp_path / "out.json"))
    assert done.returncode == 4
    assert "example.com/Big@v1.0.0" in done.stderr
    assert "gopack fetch" in done.stderr
    told = json.loads((tmp_path / "out.json").read_text())
    assert told["refetch"] == ["example.com/Big@v1.0.0"]
    assert list(told["moved_aside"]) == ["example.com/Big/v1.0.0/source.zip"]
    assert run_check(stored).returncode == 5


def test_check_of_no_storage_ends_with_5(sound: Stored, tmp_path: Path) -> None:
    assert run_check(Stored(tmp_path / "none", sound.log)).returncode == 5


def test_check_reads_a_read_only_storage(sound: Stored, tmp_path: Path) -> None:
    stored = Stored(tmp_path / "storage", sound.log)
    shutil.copytree(sound.root, stored.root)
    folders = [stored.root, *(p for p in stored.root.rglob("*") if p.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        assert run_check(stored).returncode == 0
        if os.geteuid() != 0:
            assert run_check(stored, "--repair").returncode == 5
    finally:
        for folder in folders:
            folder.chmod(0o755)


def test_check_of_a_storage_that_was_copied_one_folder_too_deep_says_where_it_is(
    sound: Stored, tmp_path: Path
) -> None:
    shutil.copytree(sound.root, tmp_path / "athens" / "ATHENS_STORAGE")
    done = run_check(Stored(tmp_path / "athens", sound.log))
    assert done.returncode == 5
    assert "athens/ATHENS_STORAGE" in done.stderr
    assert "cp -a ROOT/. TARGET/" in done.stderr


def test_repair_of_a_running_proxy_is_refused(sound: Stored) -> None:
    done = run_check(sound, "--repair", "--url", "http://localhost:1", "example.com/a@v1.0.0")
    assert done.returncode == 2
    assert "--repair mends a storage" in done.stderr
