"""Sealed behind `gopack serve`, with the real checksum database and GOSUMDB at its default.

The clients have GOPROXY set and nothing else that the go command knows; every way out of this
machine is closed for them. What they ask for was fetched by the real program, twice: the second
delivery has a later tree head.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gopack.spec.sumdb import read_head
from tests.e2e.delivered.delivering import LATER, MODULES, TOOLCHAIN, Client, Delivered
from tests.serving import Served, gopack_serve

pytestmark = pytest.mark.e2e


def test_new_client_downloads_tidies_and_builds_with_gosumdb_at_its_default(
    delivered: Delivered, client: Client
) -> None:
    with gopack_serve(delivered.first) as served:
        for module, package in MODULES.items():
            client.builds(served.url, module, package)
        lookups = f"/sumdb/{delivered.name}/lookup/"
        assert any(lookups in line for line in served.access), "the database was not asked"
        assert _refused(served) == []
    assert client.newest_seen(delivered.name) == delivered.heads(delivered.first)[-1]


def _refused(served: Served) -> list[str]:
    """What of the checksum database was asked for and not there."""
    return [line for line in served.access if "/sumdb/" in line and '" 200 ' not in line]


def test_go_switches_to_a_toolchain_over_http(delivered: Delivered, client: Client) -> None:
    with gopack_serve(delivered.second) as served:
        done = client.go(served.url, "switch", "version", GOTOOLCHAIN=TOOLCHAIN)
        assert done.returncode == 0, done.stderr
        assert f" {TOOLCHAIN} " in done.stdout
        assert any("/golang.org/toolchain/@v/" in line for line in served.access)
        assert any("/lookup/golang.org/toolchain@" in line for line in served.access)
        assert _refused(served) == []


def test_attack_spoilt_toolchain_is_refused_by_go_and_named_by_check(
    delivered: Delivered, client: Client, tmp_path: Path
) -> None:
    root = tmp_path / "storage"
    shutil.copytree(delivered.second, root)
    [zip_file] = root.glob(f"golang.org/toolchain/*{TOOLCHAIN}*/source.zip")
    with zip_file.open("r+b") as file:
        file.seek(zip_file.stat().st_size // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))
    with gopack_serve(root) as served:
        done = client.go(served.url, "switch", "version", GOTOOLCHAIN=TOOLCHAIN)
    assert done.returncode != 0
    command = [sys.executable, "-m", "gopack", "check", "--storage", str(root)]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 4
    assert str(zip_file.relative_to(root)) in told.stderr


def test_storage_update_with_a_later_head_serves_the_same_client(
    delivered: Delivered, client: Client, tmp_path: Path
) -> None:
    """The storage grows below a server that runs on."""
    root = tmp_path / "storage"
    shutil.copytree(delivered.first, root)
    module, package = next(iter(MODULES.items()))
    with gopack_serve(root) as served:
        client.builds(served.url, module, package)
        before = client.newest_seen(delivered.name)
        shutil.copytree(delivered.second, root, dirs_exist_ok=True)
        client.forget_modules()
        client.builds(served.url, LATER, LATER.partition("@")[0])
        assert _refused(served) == []
    after = client.newest_seen(delivered.name)
    assert after == delivered.heads(delivered.second)[-1]
    trees = [head.tree.size for head in map(read_head, (before, after)) if head]
    assert trees[0] < trees[1]


def test_client_with_a_carried_older_head_is_served(delivered: Delivered, client: Client) -> None:
    assert delivered.carried_head in delivered.heads(delivered.second)
    client.sees(delivered.name, delivered.carried_head)
    module, package = next(iter(MODULES.items()))
    with gopack_serve(delivered.second) as served:
        client.builds(served.url, module, package)
        assert _refused(served) == []


def test_client_with_a_foreign_head_fails_and_the_server_says_what_to_do(
    delivered: Delivered, client: Client
) -> None:
    """It was online after the first delivery was made."""
    client.sees(delivered.name, delivered.heads(delivered.second)[-1])
    module = next(iter(MODULES))
    with gopack_serve(delivered.first) as served:
        done = client.go(served.url, "foreign", "mod", "download", module)
        assert done.returncode != 0
        assert "/tile/" in done.stderr
        deadline = time.monotonic() + 5
        while not any("fetch --head" in line for line in served.said):
            assert time.monotonic() < deadline, served.said
            time.sleep(0.05)
