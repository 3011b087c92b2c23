"""The go command with its checksum database ON, against nothing but what gopack carried.

gopack verifies real modules against the public checksum database (through the public Go module
proxy), exports the static tree, and a new go command, GOSUMDB at its default, has only that tree
and the modules' files.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import unquote

import pytest

from gopack.adapters import goenv
from gopack.adapters.checksumdb import ChecksumDatabase
from gopack.adapters.sumdb_store import SumdbStore
from gopack.adapters.web import Web
from gopack.errors import IntegrityError, UpstreamError
from gopack.flows.export_sumdb import export_sumdb
from gopack.flows.verify import Database, SumVerifier, Verified
from gopack.ports import ChecksumLog
from gopack.spec import note, sumdb
from gopack.spec.goenv import GoEnv, ProxyEntry, SumDB
from gopack.spec.module import ModuleVersion
from gopack.spec.sumdb import Sums
from tests.athens_layout import threaded
from tests.e2e.caching_proxy import caching_proxy

pytestmark = pytest.mark.e2e

MAIN = """module gopack.invalid/sealed

go 1.21

require (
	github.com/BurntSushi/toml v1.3.2
	github.com/pkg/errors v0.9.1
	rsc.io/quote v1.5.2
)
"""
WAIT_S = 120
TOML = ModuleVersion("github.com/BurntSushi/toml", "v1.3.2")


def run_go(folder: Path, words: list[str], **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the go command as on a new machine: no settings but these, nothing cached."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "GOENV": "off",
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-modcacherw",
        "GOVCS": "*:off",
        **settings,
    }
    work = folder / "work"
    work.mkdir(exist_ok=True)
    (work / "go.mod").write_text(MAIN)
    (work / "go.sum").unlink(missing_ok=True)
    return subprocess.run(
        ["go", *words],
        cwd=work,
        env=environ,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )


@dataclass(frozen=True, slots=True)
class Carried:
    """What crosses the gap: the modules' files and the database's static tree."""

    modules: Path
    before: Path
    tree: Path
    name: str
    heads: tuple[bytes, ...]
    old_head: bytes
    foreign_head: bytes


def downloaded(folder: Path, proxy: str) -> dict[ModuleVersion, Sums]:
    """Have the go command download everything, connected; what it found the sums to be."""
    done = run_go(folder, ["mod", "download", "-json", "all"], GOPROXY=proxy)
    assert done.returncode == 0, done.stderr
    sums: dict[ModuleVersion, Sums] = {}
    decoder, text = json.JSONDecoder(), done.stdout.strip()
    while text:
        said, end = decoder.raw_decode(text)
        sums[ModuleVersion(said["Path"], said["Version"])] = Sums(said["GoModSum"], said["Sum"])
        text = text[end:].strip()
    return sums


def database(proxy: str, web: Web) -> tuple[ChecksumDatabase, note.Verifier]:
    settings = goenv.load({**os.environ, "GOPROXY": proxy})
    assert isinstance(settings.sumdb, SumDB)
    log = ChecksumDatabase(settings.sumdb.name, web=web, proxies=[ProxyEntry(proxy)])
    return log, note.parse_verifier(settings.sumdb.key)


class Earlier:
    """The same database on the day of an earlier head."""

    def __init__(self, log: ChecksumDatabase, head: bytes) -> None:
        self.name, self.lookup, self.tile = log.name, log.lookup, log.tile
        self._head = head

    def latest(self) -> bytes:
        return self._head


def verify_all(
    log: ChecksumLog,
    store: SumdbStore,
    key: note.Verifier,
    sums: Mapping[ModuleVersion, Sums],
    heads: Mapping[str, bytes],
) -> None:
    with SumVerifier(Database(log, store, key), exempt=lambda path: None) as verifier:
        for module in sums:
            verifier.prefetch(module)
        outcomes = verifier.prove(sums)
        assert all(isinstance(outcome, Verified) for outcome in outcomes.values()), outcomes
        verifier.finish(heads)


def export(store: SumdbStore, key: note.Verifier, root: Path) -> Path:
    def write(path: str, data: bytes) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)

    export_sumdb(store, key, write)
    return root


@pytest.fixture(scope="module")
def carried(tmp_path_factory: pytest.TempPathFactory) -> Carried:
    folder = tmp_path_factory.mktemp("carried")
    web = Web(GoEnv(()))
    with caching_proxy() as proxy:
        sums = downloaded(folder, proxy.url)
        log, key = database(proxy.url, web)
        store = SumdbStore.of(folder / ".gopack", log.name)
        old = [sumdb.parse_lookup(log.lookup(module)).head for module in sorted(sums)]
        old.sort(key=lambda head: sumdb.open_head(head, key).tree.size)
        verify_all(Earlier(log, old[-1]), store, key, sums, {})
        before = export(store, key, folder / "before")
        verify_all(log, store, key, sums, {"laptop.latest": old[0]})
        check_refusals(log, store, key, sums[TOML])
    web.close()
    return Carried(
        modules=folder / "home/go/pkg/mod/cache/download",
        before=before,
        tree=export(store, key, folder / "tree"),
        name=log.name,
        heads=tuple(store.heads().values()),
        old_head=old[0],
        foreign_head=old[1],
    )


def check_refusals(
    log: ChecksumDatabase, store: SumdbStore, key: note.Verifier, right: Sums
) -> None:
    """Wrong sums, and a version that the real database does not know."""
    wrong, unknown = Sums(right.mod, right.mod), ModuleVersion("gopack.invalid/x", "v1.0.0")
    with SumVerifier(Database(log, store, key), exempt=lambda path: None) as verifier:
        outcomes = verifier.prove({TOML: wrong, unknown: wrong})
    assert isinstance(outcomes[TOML], IntegrityError)
    assert isinstance(outcomes[unknown], UpstreamError)


@contextmanager
def serving(
    carried: Carried, *, tree: Path | None = None, spoil: Mapping[str, bytes] | None = None
) -> Iterator[tuple[str, list[str]]]:
    """One static server for both trees; gives its URL and what it did not have."""
    misses: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = self.content(unquote(self.path.lstrip("/")))
            if data is None:
                misses.append(self.path)
            self.send_response(404 if data is None else 200)
            self.send_header("Content-Length", str(len(data or b"")))
            self.end_headers()
            self.wfile.write(data or b"")

        def content(self, path: str) -> bytes | None:
            prefix = f"sumdb/{carried.name}/"
            if path.startswith("sumdb/"):
                file = (tree or carried.tree) / path.removeprefix(prefix)
            else:
                file = carried.modules / path
            if spoil and path in spoil:
                return spoil[path]
            return file.read_bytes() if file.is_file() else None

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Keep the tests' output clean."""

    with threaded(Handler) as url:
        yield url, misses


def see_head(folder: Path, carried: Carried, head: bytes) -> None:
    """Have the client in `folder` remember a tree head."""
    file = folder / "home/go/pkg/sumdb" / carried.name / "latest"
    file.parent.mkdir(parents=True)
    file.write_bytes(head)


def test_new_client_with_the_default_gosumdb_verifies_everything(
    carried: Carried, tmp_path: Path
) -> None:
    with serving(carried) as (url, misses):
        done = run_go(tmp_path, ["mod", "download", "-x", "all"], GOPROXY=url)
    assert done.returncode == 0, done.stderr
    assert f"{carried.name}/lookup" in done.stderr
    assert misses == []
    kept = tmp_path / "home/go/pkg/sumdb" / carried.name / "latest"
    assert kept.read_bytes() == carried.heads[-1]


@pytest.mark.parametrize("form", ["http", "file"])
def test_client_with_gosumdb_at_a_url_verifies_everything(
    carried: Carried, tmp_path: Path, form: str
) -> None:
    with serving(carried) as (url, misses):
        where = f"{url}/sumdb/{carried.name}" if form == "http" else f"file://{carried.tree}"
        done = run_go(
            tmp_path, ["mod", "download", "all"], GOPROXY=url, GOSUMDB=f"{carried.name} {where}"
        )
    assert done.returncode == 0, done.stderr
    assert misses == []


def test_client_that_saw_a_carried_older_head_verifies_everything(
    carried: Carried, tmp_path: Path
) -> None:
    see_head(tmp_path, carried, carried.old_head)
    with serving(carried) as (url, misses):
        done = run_go(tmp_path, ["mod", "download", "all"], GOPROXY=url)
    assert done.returncode == 0, done.stderr
    assert misses == []


def test_client_that_saw_a_head_that_was_not_carried_fails(
    carried: Carried, tmp_path: Path
) -> None:
    assert carried.foreign_head not in carried.heads
    see_head(tmp_path, carried, carried.foreign_head)
    with serving(carried) as (url, misses):
        done = run_go(tmp_path, ["mod", "download", "all"], GOPROXY=url)
    assert done.returncode != 0
    assert any("/tile/" in path for path in misses)


@pytest.mark.parametrize("kind", ["lookup", "tile", "note", "zip"])
def test_attack_one_flipped_byte_is_caught_by_the_go_command(
    carried: Carried, tmp_path: Path, kind: str
) -> None:
    lookup = f"lookup/{sumdb.lookup_path(TOML).removeprefix('lookup/')}"
    file, place = {
        "lookup": (carried.tree / lookup, 60),
        "note": (carried.tree / lookup, -20),
        "tile": (max((carried.tree / "tile/8/0").rglob("*.p/*")), 5),
        "zip": (carried.modules / "rsc.io/quote/@v/v1.5.2.zip", 60),
    }[kind]
    data = bytearray(file.read_bytes())
    data[place] ^= 1
    root = carried.modules if kind == "zip" else carried.tree
    prefix = "" if kind == "zip" else f"sumdb/{carried.name}/"
    spoil = {f"{prefix}{file.relative_to(root)}": bytes(data)}
    with serving(carried, spoil=spoil) as (url, _):
        done = run_go(tmp_path, ["mod", "download", "all"], GOPROXY=url)
    assert done.returncode != 0


def test_storage_updated_to_a_later_head_serves_the_same_client(
    carried: Carried, tmp_path: Path
) -> None:
    assert carried.before.is_dir()
    see = (carried.before, carried.tree)
    for tree in see:
        with serving(carried, tree=tree) as (url, misses):
            done = run_go(tmp_path, ["mod", "download", "all"], GOPROXY=url)
        assert done.returncode == 0, done.stderr
        assert misses == []
        kept = tmp_path / "home/go/pkg/sumdb" / carried.name / "latest"
        assert kept.read_bytes() == (tree / "latest").read_bytes()
        shutil.rmtree(tmp_path / "home/go/pkg/mod")
    assert (see[0] / "latest").read_bytes() != (see[1] / "latest").read_bytes()
