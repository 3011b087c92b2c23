"""Sealed behind `gopack serve`, with the real checksum database and GOSUMDB at its default.

The clients have GOPROXY set and nothing else that the go command knows; every way out of this
machine is closed for them. What they ask for was fetched by the real program, twice: the second
delivery has a later tree head.
"""

import os
import shutil
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from gopack.adapters.sumdb_store import SumdbStore
from gopack.spec.sumdb import lookup_path, parse_lookup, read_head
from tests.athens_layout import threaded
from tests.e2e.caching_proxy import caching_proxy
from tests.serving import Served, gopack_serve

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("serve-sealed")]

TOOLCHAIN = "go1.25.4"
MODULES = {
    "github.com/BurntSushi/toml@v1.3.2": "github.com/BurntSushi/toml",
    "github.com/pkg/errors@v0.9.1": "github.com/pkg/errors",
    "github.com/spf13/cobra@v1.9.1": "github.com/spf13/cobra",
}
LATER = "github.com/google/uuid@v1.6.0"
CLOSED = {"HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}
"""Nobody listens there, so that only loopback is left (it is never asked through a proxy)."""
WAIT_S = 240


@contextmanager
def earlier_day(url: str) -> Iterator[str]:
    """The same proxy, which tells of nothing new: neither versions nor the database's head."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.endswith("/@v/list"):
                status, body = 200, b""
            elif self.path.endswith("latest"):
                status, body = 404, b""
            else:
                status, body = _asked(url + self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815 - a name that http.server looks for

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Keep the tests' output clean."""

    with threaded(Handler) as there:
        yield there


def _asked(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return 200, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, b""


@dataclass(frozen=True, slots=True)
class Delivered:
    """Two states of one storage, the database's name, and a head that the second carries, too."""

    first: Path
    second: Path
    name: str
    carried_head: bytes

    def heads(self, root: Path) -> list[bytes]:
        return list(SumdbStore.of(root / ".gopack", self.name).heads())


def fetch(storage: Path, proxy: str, lines: list[str], *options: str) -> None:
    listed = storage.with_suffix(".txt")
    listed.write_text("".join(f"{line}\n" for line in lines))
    words = ("fetch", str(listed), "--storage", str(storage), *options)
    command = [sys.executable, "-m", "gopack", *words]
    env = {**os.environ, "GOPROXY": proxy, "GOENV": "off", "GOSUMDB": "", "GONOSUMDB": ""}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Delivered:
    folder = tmp_path_factory.mktemp("delivered")
    first, second = folder / "first", folder / "second"
    lines = [*MODULES]
    with caching_proxy() as proxy:
        with earlier_day(proxy.url) as earlier:
            fetch(first, earlier, lines)
        [name] = [path.name for path in (first / ".gopack/sumdb").iterdir()]
        kept = SumdbStore.of(first / ".gopack", name)
        asked = (f"{proxy.url}/sumdb/{name}/{lookup_path(module)}" for module in kept.records())
        seen = sorted({parse_lookup(_asked(url)[1]).head for url in asked} - {*kept.heads()})
        assert seen, "the database answered every lookup with one head"
        (folder / "laptop.latest").write_bytes(seen[0])
        shutil.copytree(first, second)
        options = ("--head", str(folder / "laptop.latest"))
        fetch(second, proxy.url, [*lines, LATER, f"toolchain@{TOOLCHAIN}"], *options)
    return Delivered(first, second, name, seen[0])


@dataclass(slots=True)
class Client:
    """A new machine: a home folder, and a project for each module."""

    folder: Path

    def go(
        self, url: str, project: str, *words: str, **settings: str
    ) -> subprocess.CompletedProcess[str]:
        place = self.folder / project
        place.mkdir(parents=True, exist_ok=True)
        cache = os.environ.get("GOCACHE") or str(Path.home() / ".cache" / "go-build")
        env: Mapping[str, str] = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "GOCACHE": cache,
            "GOPROXY": url,
            **CLOSED,
            **settings,
        }
        return subprocess.run(
            ["go", *words],
            cwd=place,
            env=env,
            capture_output=True,
            text=True,
            timeout=WAIT_S,
            check=False,
        )

    def builds(self, url: str, module: str, package: str) -> None:
        """Download, tidy and build a program that imports the package."""
        project = package.replace("/", "-")
        place = self.folder / project
        place.mkdir(parents=True)
        (place / "main.go").write_text(
            f'package main\n\nimport _ "{package}"\n\nfunc main() {{}}\n'
        )
        for words in (
            ("mod", "init", "main.test/x"),
            ("get", module),
            ("mod", "tidy"),
            ("mod", "verify"),
            ("build", "-o", os.devnull, "."),
        ):
            done = self.go(url, project, *words)
            assert done.returncode == 0, (words, done.stderr)
        assert (place / "go.sum").read_text()

    def sees(self, name: str, head: bytes) -> None:
        file = self.folder / "go/pkg/sumdb" / name / "latest"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(head)

    def newest_seen(self, name: str) -> bytes:
        return (self.folder / "go/pkg/sumdb" / name / "latest").read_bytes()

    def forget_modules(self) -> None:
        """Without GOFLAGS=-modcacherw the cache is read-only."""
        for path, folders, _ in os.walk(self.folder / "go/pkg/mod"):
            for each in folders:
                (Path(path) / each).chmod(stat.S_IRWXU)
        shutil.rmtree(self.folder / "go/pkg/mod", ignore_errors=True)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    made = Client(tmp_path / "client")
    yield made
    made.forget_modules()


def test_new_client_downloads_tidies_and_builds_with_gosumdb_at_its_default(
    delivered: Delivered, client: Client
) -> None:
    with gopack_serve(delivered.first) as served:
        for module, package in MODULES.items():
            client.builds(served.url, module, package)
        asked = [line for line in served.access if f"/sumdb/{delivered.name}/lookup/" in line]
        assert asked, "the database was not asked"
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
