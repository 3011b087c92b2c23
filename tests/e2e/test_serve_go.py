"""The go command at `gopack serve`: downloads, queries, and what it says of what is not there."""

import json
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from gopack.spec.module import ModuleVersion
from tests.fakes_sumdb import NAME
from tests.gosettings import go_settings
from tests.serving import gopack_serve
from tests.stored import A, B, C, Stored, store
from tests.sumdb_laying import lay_sumdb
from tests.upstream import make_info, make_zip

pytestmark = pytest.mark.oracle


def lay(
    root: Path, path: str, version: str, mod: str, *, stamp: str = "2020-01-01T00:00:00Z"
) -> None:
    folder = root / path / version
    folder.mkdir(parents=True)
    (folder / f"{version}.info").write_bytes(make_info(version, stamp))
    (folder / "go.mod").write_text(mod)
    files = {"go.mod": mod.encode(), "a.go": b"package a\n"}
    (folder / "source.zip").write_bytes(make_zip(path, version, files))


def run_go(
    folder: Path, proxy: str, *command: str, **settings: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["go", *command],
        cwd=folder,
        env=go_settings(folder, proxy, GOPATH=str(folder / "gopath"), **settings),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_go_downloads_and_queries_a_served_storage(tmp_path: Path) -> None:
    root, client = tmp_path / "storage", tmp_path / "client"
    client.mkdir()
    lay(root, "example.com/Big/a", "v1.0.0", "module example.com/Big/a\n")
    needs = "module example.com/b/v2\n\nrequire example.com/Big/a v1.0.0\n"
    lay(root, "example.com/b/v2", "v2.0.0", needs)
    slip = f"{needs}\nretract v2.1.0\n"
    lay(root, "example.com/b/v2", "v2.1.0", slip)
    pseudo = [f"v0.0.0-20{year}0101000000-{letter * 12}" for year, letter in ((19, "f"), (20, "a"))]
    for version in pseudo:
        lay(root, "example.com/rev", version, "module example.com/rev\n")
    with gopack_serve(root) as served:

        def downloaded(query: str) -> str:
            done = run_go(client, served.url, "mod", "download", "-json", query)
            assert done.returncode == 0, done.stdout + done.stderr
            version: str = json.loads(done.stdout)["Version"]
            return version

        assert downloaded("example.com/Big/a@v1.0.0") == "v1.0.0"
        assert downloaded("example.com/b/v2@latest") == "v2.0.0"
        assert downloaded("example.com/rev@latest") == pseudo[1]
        missing = run_go(client, served.url, "mod", "download", "example.com/none@v1.0.0")
        assert missing.returncode != 0
        assert "404" in missing.stderr
        answered = {line.split('"')[2].split()[0] for line in served.access}
        assert answered <= {"200", "404"}


def with_sumdb(
    folder: Path, proxy: str, stored: Stored, *modules: ModuleVersion
) -> subprocess.CompletedProcess[str]:
    """Download with checksum verification on; the database is reached through the proxy alone."""
    shutil.rmtree(folder / "gopath" / "pkg" / "mod", ignore_errors=True)
    gosumdb = {"GOSUMDB": str(stored.log.verifier)}
    return run_go(folder, proxy, "mod", "download", *map(str, modules), **gosumdb)


def test_go_verifies_through_serve_and_through_updates(tmp_path: Path) -> None:
    stored, client = store(tmp_path / "storage"), tmp_path / "client"
    client.mkdir()
    late = tmp_path / "late"
    late.mkdir()
    with gopack_serve(stored.root) as served:
        done = with_sumdb(client, served.url, stored, A, B)
        assert done.returncode == 0, done.stderr
        lay_sumdb(stored.root, stored.log, [ModuleVersion("example.com/more", "v1.0.0")])
        for folder in (client, late):  # one that saw the former head, one that saw none
            done = with_sumdb(folder, served.url, stored, A, B)
            assert done.returncode == 0, done.stderr
        unknown = with_sumdb(client, served.url, stored, C)
        assert unknown.returncode != 0  # a private module: no database knows it
        assert not any("fetch --head" in line for line in served.said)


def test_attack_go_refuses_spoilt_files_and_serve_explains_foreign_heads(tmp_path: Path) -> None:
    stored, client = store(tmp_path / "storage"), tmp_path / "client"
    client.mkdir()
    target = stored.root / A.path / A.version / "go.mod"
    whole = target.read_bytes()
    with gopack_serve(stored.root) as served:
        target.write_bytes(whole + b"// more\n")
        done = with_sumdb(client, served.url, stored, A)
        assert "SECURITY ERROR" in done.stderr
        target.write_bytes(whole)
        stored.log.grow(700)
        latest = client / "gopath" / "pkg" / "sumdb" / NAME / "latest"
        latest.write_bytes(stored.log.head())  # this client was online meanwhile
        done = with_sumdb(client, served.url, stored, A)
        assert done.returncode != 0
        deadline = time.monotonic() + 5
        while not any(
            "fetch --head" in line and "a newer tree head" in line for line in served.said
        ):
            assert time.monotonic() < deadline, (done.stderr, served.access, served.said)
            time.sleep(0.05)
