"""The go command at `gopack serve`: downloads, queries, and what it says of what is not there."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.serving import gopack_serve
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


def run_go(folder: Path, proxy: str, *command: str) -> subprocess.CompletedProcess[str]:
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GOENV": "off",
        "GOPATH": str(folder / "gopath"),
        "GOPROXY": proxy,
        "GOSUMDB": "off",
        "GOFLAGS": "-modcacherw",
        "GOTOOLCHAIN": "local",
    }
    return subprocess.run(
        ["go", *command],
        cwd=folder,
        env=env,
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
