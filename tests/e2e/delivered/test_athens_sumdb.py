"""The carried checksum database beside the real Athens: a front server, GOPROXY, GOSUMDB.

Athens (ATHENS_BIN) serves the storage, sealed; the static tree that `gopack export sumdb` wrote is
served beside it. GOSUMDB stays on, and nothing is asked for elsewhere.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.athens_layout import real_athens, threaded
from tests.e2e.delivered.delivering import MODULES, TOOLCHAIN, Client, Delivered, asked

ATHENS = os.environ.get("ATHENS_BIN")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not ATHENS, reason="ATHENS_BIN names no Athens binary"),
]


@pytest.fixture(scope="module")
def tree(delivered: Delivered, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the operator lays beside Athens."""
    folder = tmp_path_factory.mktemp("tree")
    words = ("export", "sumdb", str(folder), "--storage", str(delivered.second))
    command = [sys.executable, "-m", "gopack", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def athens(delivered: Delivered) -> Iterator[str]:
    with real_athens(Path(ATHENS or ""), delivered.second) as running:
        yield running.url


@contextmanager
def front(tree: Path, behind: str | None = None) -> Iterator[tuple[str, list[str]]]:
    """A server with the location /sumdb/; all else is asked behind it. Tells what it refused."""
    refused: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = self.answer(unquote(self.path))
            if status != 200 and self.path.startswith("/sumdb/"):
                refused.append(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def answer(self, path: str) -> tuple[int, bytes]:
            if path.startswith("/sumdb/"):
                file = tree / path.removeprefix("/sumdb/")
                return (200, file.read_bytes()) if file.is_file() else (404, b"")
            return asked(behind + self.path) if behind else (404, b"")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Keep the tests' output clean."""

    with threaded(Handler) as url:
        yield url, refused


def builds_everything(client: Client, proxy: str, **settings: str) -> None:
    for module, package in MODULES.items():
        client.builds(proxy, module, package, **settings)


def test_location_in_front_of_athens_needs_no_client_setting(
    tree: Path, athens: str, client: Client, delivered: Delivered
) -> None:
    with front(tree, athens) as (url, refused):
        builds_everything(client, url)
        assert refused == []
        done = client.go(url, "switch", "version", GOTOOLCHAIN=TOOLCHAIN)
    assert done.returncode == 0, done.stderr
    assert f" {TOOLCHAIN} " in done.stdout
    assert client.newest_seen(delivered.name) == delivered.heads(delivered.second)[-1]


@pytest.mark.parametrize("tree_first", [True, False])
def test_tree_as_an_entry_of_goproxy(
    tree: Path, athens: str, client: Client, *, tree_first: bool
) -> None:
    with front(tree) as (url, refused):
        entries = [url, athens] if tree_first else [athens, url]
        builds_everything(client, ",".join(entries))
        assert refused == []


def test_gosumdb_with_an_http_url(
    tree: Path, athens: str, client: Client, delivered: Delivered
) -> None:
    with front(tree) as (url, refused):
        builds_everything(client, athens, GOSUMDB=f"{delivered.name} {url}/sumdb/{delivered.name}")
        assert refused == []


def test_gosumdb_with_a_file_url(
    tree: Path, athens: str, client: Client, delivered: Delivered
) -> None:
    setting = f"{delivered.name} {(tree / delivered.name).as_uri()}"
    builds_everything(client, athens, GOSUMDB=setting)


def test_athens_alone_leaves_go_without_the_database(athens: str, client: Client) -> None:
    """So that what passes above passes by the tree."""
    done = client.go(athens, "alone", "mod", "download", next(iter(MODULES)))
    assert done.returncode != 0
