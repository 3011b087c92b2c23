"""A switch of toolchains from a `GOPROXY=file://` tree, with the real go command and database.

With GOSUMDB at its default, or naming the tree's own database, the go command verifies what it
switches to. Over HTTP it does so even with GOSUMDB=off; from a file tree alone it can be told not
to (modfetch useSumDB). What is imported here was fetched by the real program; every way out is
closed.
"""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.e2e.delivered.delivering import TOOLCHAIN, Client, Delivered

pytestmark = pytest.mark.e2e


def gopack(*words: str | Path) -> None:
    command = [sys.executable, "-m", "gopack", *map(str, words)]
    env = {**os.environ, "GOENV": "off", "GOPROXY": "off", "GOSUMDB": ""}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def tree(delivered: Delivered, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The delivery, carried in a bundle and laid out as a GOPROXY tree."""
    folder = tmp_path_factory.mktemp("toolchain")
    bundle = folder / "all.bundle"
    gopack("bundle", "create", bundle, "--storage", delivered.second)
    options = ("--layout", "goproxy", "--insecure-unsigned")
    gopack("bundle", "import", bundle, "--storage", folder / "tree", *options)
    bundle.unlink()
    return folder / "tree"


@pytest.mark.parametrize("gosumdb", ["default", "file"])
def test_go_switches_to_a_toolchain_from_a_file_tree(
    gosumdb: str, tree: Path, delivered: Delivered, client: Client
) -> None:
    database = f"{delivered.name} file://{tree}/sumdb/{delivered.name}"
    settings = {"default": {}, "file": {"GOSUMDB": database}}[gosumdb]
    words = ("env", "GOVERSION")
    here = client.go("off", "switch", *words, GOTOOLCHAIN="local").stdout.strip()
    assert here != TOOLCHAIN
    done = client.go(tree.as_uri(), "switch", *words, GOTOOLCHAIN=TOOLCHAIN, **settings)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == TOOLCHAIN


def test_go_chooses_the_toolchain_that_a_query_names(tree: Path, client: Client) -> None:
    project = client.folder / "query"
    project.mkdir(parents=True)
    (project / "go.mod").write_text("module main.test/x\n\ngo 1.24\n")
    done = client.go(tree.as_uri(), "query", "get", "toolchain@go1.25", GOTOOLCHAIN="local")
    assert done.returncode == 0, done.stderr
    assert f"toolchain {TOOLCHAIN}\n" in (project / "go.mod").read_text()


def test_toolchain_without_its_checksum_database_is_refused_unless_the_tree_is_trusted(
    tree: Path, client: Client, tmp_path: Path
) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(tree, bare, ignore=shutil.ignore_patterns("sumdb"))
    switch = ("bare", "version")
    refused = client.go(bare.as_uri(), *switch, GOTOOLCHAIN=TOOLCHAIN)
    assert refused.returncode != 0
    assert "golang.org/toolchain" in refused.stderr
    trusted = client.go(bare.as_uri(), *switch, GOTOOLCHAIN=TOOLCHAIN, GOSUMDB="off")
    assert trusted.returncode == 0, trusted.stderr


def test_attack_spoilt_toolchain_in_a_file_tree_is_refused(
    tree: Path, client: Client, tmp_path: Path
) -> None:
    """A whole zip, only with one file more than the database knows."""
    spoilt = tmp_path / "spoilt"
    shutil.copytree(tree, spoilt)
    [zip_file] = spoilt.glob(f"golang.org/toolchain/@v/*{TOOLCHAIN}*.zip")
    with zipfile.ZipFile(zip_file, "a") as archive:
        top = archive.namelist()[0].partition("/@v")[0].split("/")[:2]
        archive.writestr(f"{'/'.join(top)}/more.txt", b"more")
    done = client.go(spoilt.as_uri(), "spoilt", "version", GOTOOLCHAIN=TOOLCHAIN)
    assert done.returncode != 0
    assert "SECURITY ERROR" in done.stderr
