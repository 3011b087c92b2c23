"""`gopack serve` as a process: what it answers, what it survives, how it ends."""

import contextlib
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from gopack.spec.module import ModuleVersion
from tests import athens_layout
from tests.fakes_sumdb import NAME, FakeSumDB
from tests.serving import Served, gopack_serve, impatient_serve
from tests.sumdb_laying import lay_sumdb
from tests.tls import Authority

pytestmark = pytest.mark.e2e  # whole servers: too long for make check

TOML = "github.com/BurntSushi/toml"
BASE = "/github.com/!burnt!sushi/toml/@v"
ONE = ModuleVersion(TOML, "v1.0.0")


def info(version: str) -> bytes:
    return b'{"Version":"%s","Time":"2020-01-01T00:00:00Z"}' % version.encode()


def lay(
    root: Path, path: str, version: str, *, zip_bytes: bytes | None = b"PK zip", mod: str = ""
) -> None:
    folder = root / path / version
    folder.mkdir(parents=True)
    (folder / f"{version}.info").write_bytes(info(version))
    (folder / "go.mod").write_text(mod or f"module {path}\n")
    if zip_bytes is not None:
        (folder / "source.zip").write_bytes(zip_bytes)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("serve") / "storage"
    lay(root, TOML, "v1.0.0", zip_bytes=os.urandom(700_000))
    lay(root, TOML, "v1.1.0", zip_bytes=None)
    retracting = f"module {TOML}\n\nretract v1.2.0 // a slip\n"
    lay(root, TOML, "v1.2.0", mod=retracting)
    lay(root, TOML, "v0.0.0-20200101000000-abcdefabcdef")
    (root / TOML / "main").mkdir()
    (root / TOML / "main" / "main.info").write_bytes(info("v1.0.0"))
    (root / TOML / "v1.9.0").mkdir()  # half copied in
    (root / TOML / "v1.9.0" / "go.mod").write_text("module x\n")
    lay(root, "example.com/rev", "v0.0.0-20200101000000-abcdefabcdef")
    lay(root, "example.com/rev", "v0.0.0-20190101000000-ffffffffffff")
    (root / "example.com" / "pipe" / "v1.0.0").mkdir(parents=True)
    os.mkfifo(root / "example.com" / "pipe" / "v1.0.0" / "go.mod")
    (root / ".gopack").mkdir()
    (root / ".gopack" / "manifest.json").write_text("{}")
    return root


@pytest.fixture(scope="module")
def served(root: Path) -> Iterator[Served]:
    with gopack_serve(root) as running:
        yield running


def test_check_of_its_url_finds_no_way_out(served: Served, root: Path, tmp_path: Path) -> None:
    for storage in (root, tmp_path / "none"):
        words = ["check", "--url", served.url, str(ONE), "--storage", str(storage)]
        done = subprocess.run(
            [sys.executable, "-m", "gopack", *words], capture_output=True, text=True, check=False
        )
        assert f"200 {BASE.removesuffix('/@v')}/@latest" in done.stderr
        assert "no way to an upstream can be seen from here" in done.stderr
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "path",
    [
        f"{BASE}/v1.0.0.info",
        f"{BASE}/v1.0.0.mod",
        f"{BASE}/v1.0.0.zip",
        f"{BASE.replace('!', '%21')}/v1.1.0.mod",
        f"{BASE}/v1.1.0.zip",
        f"{BASE}/main.info",
        f"{BASE}/v0.0.0-20200101000000-abcdefabcdef.info",
        f"{BASE}/v3.0.0.info",
        "/example.com/none/@v/v1.0.0.zip",
        "/example.com/pipe/@v/v1.0.0.zip",
    ],
)
def test_file_is_answered_as_athens_does(served: Served, root: Path, path: str) -> None:
    expected = athens_layout.answer(root, path)
    status, _, body = served.ask(path)
    assert status == expected.status
    if status == 200:
        assert body == expected.content()


def test_list_offers_what_athens_does_and_is_whole(served: Served, root: Path) -> None:
    listed = served.ask(f"{BASE}/list")[2].decode().split()
    athens = athens_layout.answer(root, f"{BASE}/list").content().decode().split()
    assert listed == [version for version in athens if version != "v1.9.0"]


@pytest.mark.parametrize("path", ["/example.com/none", "/example.com", "/github.com/!burnt!sushi"])
def test_list_of_what_is_no_module_is_404(served: Served, path: str) -> None:
    assert served.ask(f"{path}/@v/list")[0] == 404
    assert served.ask(f"{path}/@latest")[0] == 404


def test_latest_passes_over_what_is_retracted(served: Served) -> None:
    status, headers, body = served.ask(f"{BASE[:-3]}/@latest")
    assert (status, body) == (200, info("v1.1.0"))
    assert headers["content-type"] == "application/json"


def test_latest_of_pseudo_versions_is_newest_by_time(served: Served) -> None:
    assert b"abcdefabcdef" in served.ask("/example.com/rev/@latest")[2]


def test_range_continues_a_download(served: Served, root: Path) -> None:
    path, whole = f"{BASE}/v1.0.0.zip", (root / TOML / "v1.0.0" / "source.zip").read_bytes()
    _, headers, _ = served.ask(path)
    etag = headers["etag"]
    asked = {"Range": "bytes=300000-", "If-Range": etag}
    status, shown, body = served.ask(path, headers=asked)
    assert (status, body) == (206, whole[300_000:])
    assert shown["content-range"] == f"bytes 300000-699999/{len(whole)}"
    status, _, body = served.ask(path, headers={"Range": "bytes=300000-", "If-Range": '"old"'})
    assert (status, body) == (200, whole)
    status, shown, body = served.ask(path, headers={"Range": "bytes=700000-"})
    assert (status, shown["content-range"], body) == (416, "bytes */700000", b"")


def test_etag_that_is_known_sends_nothing(served: Served) -> None:
    etag = served.ask(f"{BASE}/v1.0.0.mod")[1]["etag"]
    assert served.ask(f"{BASE}/v1.0.0.mod", headers={"If-None-Match": etag})[::2] == (304, b"")


def test_head_tells_the_length_alone(served: Served) -> None:
    status, headers, body = served.ask(f"{BASE}/v1.0.0.zip", method="HEAD")
    assert (status, headers["content-length"], body) == (200, "700000", b"")
    assert headers["accept-ranges"] == "bytes"
    asked = served.ask(f"{BASE}/v1.0.0.zip", method="HEAD", headers={"Range": "bytes=1-2"})
    assert asked[0] == 200


def test_healthz_is_ok_and_other_methods_are_405(served: Served) -> None:
    assert served.ask("/healthz")[::2] == (200, b"ok")
    status, headers, _ = served.ask("/healthz", method="POST", headers={"Content-Length": "0"})
    assert (status, headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 404),
        ("/.gopack/manifest.json", 404),
        ("/../storage/.gopack/manifest.json", 404),
        ("/%2e%2e/%2e%2e/etc/passwd", 404),
        (f"{BASE}/", 404),
        (f"{BASE}/{'v' * 300}.info", 404),
        ("/a.b/%zz/@v/list", 400),
        ("/a.b/" + "x" * 5000, 414),
        ("/example.com/pipe/@v/v1.0.0.mod", 404),
    ],
)
def test_attack_by_path_gets_nothing(served: Served, path: str, status: int) -> None:
    assert served.ask(path)[0] == status


def test_attack_endless_head_is_refused(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\nx: ")
        with pytest.raises(OSError, match=r"reset|Broken|abort"):
            client.sendall(b"y" * 16_000_000)
    assert served.ask("/healthz")[0] == 200


def test_log_has_a_line_a_request_without_its_query(served: Served) -> None:
    served.ask(f"{BASE}/v1.1.0.mod?token=secret", headers={"Authorization": "Basic c2VjcmV0"})
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        found = [line for line in served.access if f'"GET {BASE}/v1.1.0.mod" 200' in line]
        if found:
            break
        time.sleep(0.02)
    assert found
    assert "127.0.0.1" in found[-1]
    assert not any("secret" in line or "c2VjcmV0" in line for line in served.access)


def until_closed(client: socket.socket) -> bytes:
    """What still comes; fails if the server has not hung up after ten seconds."""
    client.settimeout(10)
    got = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := client.recv(65536):
            got += piece
    return got


def test_attack_slow_head_is_hung_up_on(root: Path) -> None:
    with impatient_serve(root, head_s=0.5) as served:
        address = ("127.0.0.1", served.port)
        with socket.create_connection(address) as silent, socket.create_connection(address) as slow:
            slow.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
            assert slow.recv(4096).startswith(b"HTTP/1.1 200")
            began = time.monotonic()
            with contextlib.suppress(OSError):
                while time.monotonic() - began < 5:
                    slow.sendall(b"G")  # a byte now and then does not start the clock anew
                    time.sleep(0.1)
            assert time.monotonic() - began < 4
            assert until_closed(silent) == b""


def test_attack_client_that_takes_nothing_is_hung_up_on(tmp_path: Path) -> None:
    lay(tmp_path, "example.com/a", "v1.0.0", zip_bytes=bytes(30_000_000))
    with impatient_serve(tmp_path, stall_s=0.5) as served:
        with socket.create_connection(("127.0.0.1", served.port)) as client:
            client.sendall(b"GET /example.com/a/@v/v1.0.0.zip HTTP/1.1\r\nhost: x\r\n\r\n")
            deadline = time.monotonic() + 10
            while not served.access:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            assert len(until_closed(client)) < 30_000_000
        assert served.ask("/healthz")[0] == 200


def test_attack_slow_but_steady_client_gets_all(tmp_path: Path) -> None:
    lay(tmp_path, "example.com/a", "v1.0.0", zip_bytes=bytes(8_000_000))
    with (
        impatient_serve(tmp_path, stall_s=2, head_s=0.3) as served,
        socket.create_connection(("127.0.0.1", served.port)) as client,
    ):
        client.sendall(
            b"GET /example.com/a/@v/v1.0.0.zip HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        )
        got = 0
        while piece := client.recv(400_000):
            got += len(piece)
            time.sleep(0.05)
        assert got > 8_000_000


def test_attack_too_many_connections_are_told_to_come_again(tmp_path: Path) -> None:
    lay(tmp_path, "example.com/a", "v1.0.0", zip_bytes=bytes(30_000_000))
    with impatient_serve(tmp_path, connections=3) as served:
        address = ("127.0.0.1", served.port)
        with contextlib.ExitStack() as held:
            for _ in range(3):
                busy = held.enter_context(socket.create_connection(address))
                busy.sendall(b"GET /example.com/a/@v/v1.0.0.zip HTTP/1.1\r\nhost: x\r\n\r\n")
            time.sleep(0.2)
            with socket.create_connection(address) as extra:
                assert until_closed(extra).startswith(b"HTTP/1.1 503")
        deadline = time.monotonic() + 5
        while served.ask("/healthz")[0] != 200:
            assert time.monotonic() < deadline


def test_storage_that_grows_is_seen_at_once(tmp_path: Path) -> None:
    lay(tmp_path, "example.com/a", "v1.0.0")
    with gopack_serve(tmp_path) as served:
        assert any("no .gopack folder" in line for line in served.said)
        assert served.ask("/sumdb/s.test/supported")[0] == 404
        assert served.ask("/example.com/a/@v/list")[2] == b"v1.0.0\n"
        lay(tmp_path, "example.com/a", "v1.1.0")
        lay(tmp_path, "example.com/b", "v1.0.0")
        assert served.ask("/example.com/a/@v/list")[2] == b"v1.0.0\nv1.1.0\n"
        assert served.ask("/example.com/b/@v/v1.0.0.zip")[0] == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop_lets_the_answer_under_way_end(tmp_path: Path, number: signal.Signals) -> None:
    lay(tmp_path, "example.com/a", "v1.0.0", zip_bytes=bytes(30_000_000))
    with gopack_serve(tmp_path) as served:
        url = f"{served.url}/example.com/a/@v/v1.0.0.zip"
        with urllib.request.urlopen(url, timeout=20) as reply:
            got = len(reply.read(1000))
            served.process.send_signal(number)
            time.sleep(0.3)
            with pytest.raises(OSError, match="refused"):
                served.ask("/healthz")
            got += len(reply.read())
        assert got == 30_000_000
        assert served.process.wait(timeout=20) == 0


def test_tls_with_given_files(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    authority.server_context()
    lay(tmp_path / "s", "example.com/a", "v1.0.0")
    with gopack_serve(tmp_path / "s", "--tls-cert", str(tmp_path / "server.pem")) as served:
        trust = ssl.create_default_context(cafile=authority.ca_file)
        trust.verify_flags &= ~ssl.VERIFY_X509_STRICT  # Python 3.13's default, stricter than Go
        with urllib.request.urlopen(
            f"https://127.0.0.1:{served.port}/example.com/a/@v/list", context=trust, timeout=20
        ) as reply:
            assert reply.read() == b"v1.0.0\n"
        assert served.scheme == "https"


# The checksum database


def test_sumdb_is_composed_and_grows(tmp_path: Path) -> None:
    log = FakeSumDB()
    lay(tmp_path, TOML, "v1.0.0")
    lay_sumdb(tmp_path, log, [ONE])
    first = log.head()
    with gopack_serve(tmp_path) as served:
        base = f"/sumdb/{NAME}"
        assert served.ask(f"{base}/supported")[0] == 200
        assert served.ask(f"{base}/latest")[2] == first
        lookup = f"{base}/lookup/github.com/!burnt!sushi/toml@v1.0.0"
        assert served.ask(lookup)[2] == log.lookup(ONE)
        two = ModuleVersion("example.com/two", "v1.0.0")
        assert served.ask(f"{base}/lookup/{two}")[0] == 404
        lay_sumdb(tmp_path, log, [two])
        assert served.ask(f"{base}/latest")[2] == log.head() != first
        assert served.ask(lookup)[2] == log.lookup(ONE)
        assert served.ask(f"{base}/lookup/{two}")[2] == log.lookup(two)
        asked = served.ask(f"{base}/tile/8/3/001.p/9", headers={})
        assert asked[0] == 404
        deadline = time.monotonic() + 5
        while not any("fetch --head" in line for line in served.said):
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_sumdb_half_copied_in_serves_the_former_head(tmp_path: Path) -> None:
    log, whole, target = FakeSumDB(), tmp_path / "whole", tmp_path / "target"
    lay_sumdb(whole, log, [ONE])
    shutil.copytree(whole, target)
    first = log.head()
    lay_sumdb(whole, log, [ModuleVersion("example.com/two", "v1.0.0")])
    base, folder = f"/sumdb/{NAME}", Path(".gopack") / "sumdb" / NAME
    with gopack_serve(target) as served:
        assert served.ask(f"{base}/latest")[2] == first
        shutil.copytree(whole / folder / "heads", target / folder / "heads", dirs_exist_ok=True)
        shutil.copy(whole / folder / "records", target / folder / "records")
        assert served.ask(f"{base}/latest")[2] == first
        shutil.copytree(whole / folder / "tiles", target / folder / "tiles", dirs_exist_ok=True)
        deadline = time.monotonic() + 5
        while served.ask(f"{base}/latest")[2] == first:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert served.ask(f"{base}/latest")[2] == log.head()


def test_storage_that_was_copied_one_folder_too_deep_is_found(tmp_path: Path) -> None:
    lay_sumdb(tmp_path / "ATHENS_STORAGE", FakeSumDB(), [ONE])
    with gopack_serve(tmp_path) as served:
        assert any("there is one in" in line and "ATHENS_STORAGE" in line for line in served.said)


def test_sumdb_copied_without_some_tiles_says_so_and_not_that_the_client_is_wrong(
    tmp_path: Path,
) -> None:
    log = FakeSumDB()
    lay_sumdb(tmp_path, log, [ONE])
    [lost, *_] = (tmp_path / ".gopack" / "sumdb" / NAME / "tiles").glob("8-0-*")
    path = lost.name.replace("-", "/")
    lost.unlink()
    with gopack_serve(tmp_path) as served:
        assert served.ask(f"/sumdb/{NAME}/tile/{path}")[0] == 404
        deadline = time.monotonic() + 5
        while not any("not whole here" in line for line in served.said):
            assert time.monotonic() < deadline, served.said
            time.sleep(0.02)
        assert not any("fetch --head" in line for line in served.said)


@pytest.mark.parametrize("kept", [True, False])
def test_sumdb_on_a_read_only_medium_is_served(tmp_path: Path, *, kept: bool) -> None:
    log = FakeSumDB()
    lay(tmp_path, TOML, "v1.0.0")
    if kept:
        lay_sumdb(tmp_path, log, [ONE])
    folders = [tmp_path, *(path for path in tmp_path.rglob("*") if path.is_dir())]
    before = {path: path.stat().st_mtime_ns for path in folders}
    for folder in folders:
        folder.chmod(0o555)
    try:
        with gopack_serve(tmp_path) as served:
            assert served.ask(f"{BASE}/v1.0.0.zip")[0] == 200
            assert served.ask(f"/sumdb/{NAME}/supported")[0] == (200 if kept else 404)
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert {path: path.stat().st_mtime_ns for path in folders} == before, "nothing was written"
