"""Real modules across the gap on a stick with FAT: fetched, bundled, imported, checked, proven.

The checksum database is the public one, on both sides; the sealed side has no way to it.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bundling import files_below
from tests.e2e.caching_proxy import caching_proxy
from tests.gobuild import build_cache

pytestmark = pytest.mark.e2e

LINES = "github.com/BurntSushi/toml@v1.5.0\ngithub.com/google/uuid@v1.6.0\n"
MORE = "github.com/pkg/errors@v0.9.1\n"
IMAGE_BYTES = 48 << 20


def gopack(folder: Path, *words: str | Path, goproxy: str = "off") -> str:
    """Run the real program with the go command's own defaults, but for the proxy."""
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "GOPROXY": goproxy}
    env |= {"GOENV": "off", "PYTHONPATH": str(Path(__file__).parents[2])}
    env |= {"GOCACHE": str(build_cache())}
    done = subprocess.run(
        [sys.executable, "-m", "gopack", *map(str, words)],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def carried(files: list[Path], folder: Path, name: str) -> Path:
    """Put files on a FAT file system and take them off again, as it names them."""
    image, there = folder / f"{name}.img", folder / name
    there.mkdir()
    with image.open("wb") as file:
        file.truncate(IMAGE_BYTES)
    run("mkfs.vfat", image)
    run("mcopy", "-i", image, *files, "::/")
    run("mcopy", "-i", image, "::/*", there)
    return there


def run(*words: str | Path) -> None:
    command = shutil.which(str(words[0]), path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if command is None:
        pytest.skip(f"no {words[0]} here")
    subprocess.run([command, *words[1:]], check=True, capture_output=True)


def test_real_modules_over_a_fat_stick_are_what_they_are_connected(tmp_path: Path) -> None:
    connected, sealed = tmp_path / "connected", tmp_path / "sealed"
    connected.mkdir()
    sealed.mkdir()
    key, listed = connected / "key", connected / "goget.txt"
    gopack(connected, "key", "new", "ops.example", key)
    split = ("--sign", key, "--volume-size", "512KiB")
    with caching_proxy() as proxy:
        listed.write_text(LINES)
        gopack(connected, "fetch", goproxy=proxy.url)
        gopack(connected, "bundle", "create", "a", *split)
        listed.write_text(LINES + MORE)
        gopack(connected, "fetch", goproxy=proxy.url)
        gopack(connected, "bundle", "create", "b", *split, "--since", "1")
    shutil.copy(f"{key}.pub", sealed)
    for name in ("a", "b"):
        volumes = sorted(connected.glob(f"{name}.0*"))
        stick = carried(volumes, tmp_path, f"stick-{name}")
        gopack(sealed, "bundle", "import", stick / name, "--trust", "key.pub")
    ours, theirs = connected / "ATHENS_STORAGE", sealed / "ATHENS_STORAGE"
    assert files_below(theirs) == files_below(ours)
    manifests = [root / ".gopack/manifest.json" for root in (ours, theirs)]
    assert manifests[0].read_bytes() == manifests[1].read_bytes()
    gopack(sealed, "check")
    (sealed / "goget.txt").write_text(MORE)
    said = gopack(sealed, "prove")
    assert "checksum verification is off" not in said
