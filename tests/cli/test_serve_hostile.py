"""`gopack serve` against clients that mean harm: raw bytes, held connections, files that change."""

import contextlib
import resource
import socket
import ssl
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_serve import lay, until_closed
from tests.serving import Served, gopack_serve, impatient_serve
from tests.tls import Authority

pytestmark = pytest.mark.e2e  # whole servers: too long for make check

ZIP = "/example.com/a/@v/v1.0.0.zip"
LIST = b"GET /example.com/a/@v/list HTTP/1.1\r\nhost: x\r\n\r\n"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    root = tmp_path_factory.mktemp("hostile") / "storage"
    lay(root, "example.com/a", "v1.0.0", zip_bytes=bytes(20_000_000))
    with gopack_serve(root) as running:
        yield running


def said(served: Served, data: bytes, *, then: bytes = b"") -> bytes:
    """Everything that comes back until the server hangs up, or half a second passes in silence."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as client:
        client.sendall(data)
        if then:
            time.sleep(0.1)
            with contextlib.suppress(OSError):
                client.sendall(then)
        client.settimeout(0.5)
        got = b""
        with contextlib.suppress(TimeoutError, ConnectionResetError):
            while piece := client.recv(65536):
                got += piece
        return got


SMUGGLED = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"


@pytest.mark.parametrize(
    "head",
    [
        b"content-length: %d\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n" % len(SMUGGLED),
        b"transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
        b"content-length: %d\r\n\r\n" % len(SMUGGLED),
        b"content-length: 0%d\r\n\r\n" % len(SMUGGLED),
        b"content-length: 4\r\ncontent-length: 40\r\n\r\n",
        b"content-length: +4\r\n\r\n",
        b"content-length: -1\r\n\r\n",
        b"transfer-encoding: xchunked\r\n\r\n",
        b"transfer-encoding : chunked\r\n\r\n0\r\n\r\n",
        b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"transfer-encoding: chunked\r\n\r\nzz\r\n",
        b"transfer-encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
        b"x: a\r\n content-length: 4\r\ncontent-length: 4\r\n\r\n",
    ],
)
@pytest.mark.parametrize("method", [b"GET", b"POST"])
def test_attack_smuggled_request_is_never_answered(
    served: Served, method: bytes, head: bytes
) -> None:
    """Whatever the lengths say: one refusal, and the connection is closed."""
    start = method + b" /example.com/a/@v/list HTTP/1.1\r\nhost: x\r\n"
    got = said(served, start + head + SMUGGLED)
    assert got.count(b"HTTP/1.1 ") == 1, got
    assert got.split()[1] in {b"400", b"413", b"501"}, got
    assert b"\r\nconnection: close\r\n" in got.lower()
    assert b"ok" not in got.split(b"\r\n\r\n", 1)[1]


def test_pipelined_requests_are_answered_in_order(served: Served) -> None:
    got = said(served, LIST + SMUGGLED + LIST)
    assert got.count(b"HTTP/1.1 200") == 3
    assert got.index(b"v1.0.0\n") < got.index(b"\r\n\r\nok")


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),  # TLS on the plain port
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n",
        b"G" * 70_000,
        b"GET / HTTP/1.1\r\nhost: x\r\nx: " + b"y" * 70_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\n" + b"a: b\r\n" * 20_000 + b"\r\n",
        b"\r\n" * 40_000,
    ],
)
def test_attack_nonsense_is_refused_and_the_connection_closed(served: Served, data: bytes) -> None:
    got = said(served, data)
    assert got.count(b"HTTP/1.1 ") <= 1
    assert b" 200 " not in got.split(b"\r\n", 1)[0]


@pytest.mark.parametrize(
    "target",
    [
        b"http://elsewhere.test/.gopack/manifest.json",
        b"//elsewhere.test/healthz",
        b"*",
        b"elsewhere.test:443",
        b"/healthz#x",
        b"/healthz/",
        b"/healthz/../healthz",
        b"/%68ealthz%00",
        b"/sumdb/../.gopack/manifest.json",
        b"/sumdb/sum.example.test%2f..%2f..%2fmanifest.json/supported",
        b"/example.com/a/@v/..%2f..%2fa%2fv1.0.0.zip",
        b"/example.com/a/@v/v1.0.0.zip%2f..",
        b"/example.com/a/@v/%76%31.0.0.%7ai%70x",
        b"/example.com/a/@v/.info",
        b"/example.com/a/@v/...info",
        b"/example.com\\a/@v/list",
        b"/example.com/a/@v/source.zip",
        b"/example.com/a/v1.0.0/source.zip",
        b"/-/@v/list",
        b"/@v/list",
        b"/a/@v/list",
        b"/example.com/a/@v/v1.0.0.info/@v/list",
    ],
)
def test_attack_other_targets_name_nothing(served: Served, target: bytes) -> None:
    got = said(served, b"GET " + target + b" HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    assert got.split()[1] in {b"400", b"404"}, got


def test_target_with_an_address_is_answered(served: Served) -> None:
    got = said(served, b"GET http://proxy.test/healthz HTTP/1.1\r\nhost: x\r\n\r\n")
    assert got.split()[1] == b"200", got


@pytest.mark.parametrize(
    "value",
    [
        "bytes=0-0,0-0,0-0,0-0",
        "bytes=" + ",".join(f"{n}-{n}" for n in range(3000)),
        "bytes=-",
        "bytes=5-2",
        "bytes=0-99999999999999999999999",
        "bytes=--1",
        "lines=0-5",
        "bytes=0x0-0x5",
        "bytes = 0-5",
    ],
)
def test_attack_odd_ranges_are_answered_whole(served: Served, value: str) -> None:
    path = "/example.com/a/@v/v1.0.0.mod"
    status, headers, body = served.ask(path, headers={"Range": value})
    assert (status, body) == (200, b"module example.com/a\n")
    assert "content-range" not in headers


@pytest.mark.parametrize(
    ("value", "status", "length"),
    [
        ("bytes=0-0", 206, 1),
        ("bytes=-5", 206, 5),
        ("bytes=-99999999", 206, 21),
        ("bytes=20-99999999", 206, 1),
        ("bytes=21-", 416, 0),
        ("bytes=-0", 416, 0),
        ("bytes=9223372036854775807-", 416, 0),
    ],
)
def test_attack_ranges_at_the_edge(served: Served, value: str, status: int, length: int) -> None:
    got = served.ask("/example.com/a/@v/v1.0.0.mod", headers={"Range": value})
    assert (got[0], len(got[2])) == (status, length)


def test_attack_nonsense_during_an_answer_leaves_no_traceback(served: Served) -> None:
    start = f"GET {ZIP} HTTP/1.1\r\nhost: x\r\n".encode()
    said(served, start + b"\r\n", then=b"\x00nonsense\r\n\r\n" * 100)
    said(served, start + b"transfer-encoding: chunked\r\n\r\n5\r\nab", then=b"zz\r\n\r\n")
    said(served, start + b"expect: 100-continue\r\n\r\n", then=b"zz\r\n\r\n")
    assert served.ask("/healthz")[0] == 200
    assert not any("Traceback" in line or "Error" in line for line in served.said), served.said


def test_attack_client_that_hangs_up_leaves_no_trace_but_its_line(served: Served) -> None:
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", served.port)) as client:
            client.sendall(f"GET {ZIP} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
            client.recv(100)
    assert served.ask("/healthz")[0] == 200
    assert not any("Traceback" in line or "Error" in line for line in served.said), served.said


def test_attack_path_cannot_forge_the_access_log(served: Served) -> None:
    said(served, b'GET /x"%0a200"\x20 HTTP/1.1\r\nhost: x\r\n\r\n')
    said(served, b'GET /forged"200 HTTP/1.1\r\nhost: x\r\n\r\n')
    deadline = time.monotonic() + 5
    while not (found := [line for line in served.access if "forged" in line]):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert found[0].count('"') == 2
    assert '"GET /forged%22200" 404 ' in found[0]


def test_attack_idle_connections_make_room_for_those_that_ask(tmp_path: Path) -> None:
    lay(tmp_path, "example.com/a", "v1.0.0")
    with impatient_serve(tmp_path, connections=5) as served, contextlib.ExitStack() as held:
        address = ("127.0.0.1", served.port)
        idle = [held.enter_context(socket.create_connection(address)) for _ in range(5)]
        for client in idle[:3]:
            client.sendall(b"GET /heal")  # half a head is idle, too
        time.sleep(0.1)
        assert served.ask("/example.com/a/@v/list")[0] == 200
        assert until_closed(idle[0]) == b"", "the one that waited longest"


def test_attack_silent_clients_do_not_stop_a_tls_server(tmp_path: Path) -> None:
    """They are more than it may open files; nor do they keep it from its end."""
    authority = Authority(tmp_path)
    authority.server_context()
    trusted = ssl.create_default_context(cafile=authority.ca_file)
    trusted.verify_flags &= ~ssl.VERIFY_X509_STRICT  # Python 3.13's default, stricter than Go
    lay(tmp_path / "s", "example.com/a", "v1.0.0")
    given = ("--tls-cert", str(tmp_path / "server.pem"), "--connections", "5")
    with gopack_serve(tmp_path / "s", *given) as served, contextlib.ExitStack() as held:
        resource.prlimit(served.process.pid, resource.RLIMIT_NOFILE, (100, 100))
        for _ in range(200):
            held.enter_context(socket.create_connection(("127.0.0.1", served.port), timeout=5))
        with urllib.request.urlopen(
            f"{served.url}/example.com/a/@v/list", context=trusted, timeout=10
        ) as reply:
            assert reply.read() == b"v1.0.0\n"
        began = time.monotonic()
        assert served.stop() == 0
        assert time.monotonic() - began < 10


def test_attack_client_that_takes_next_to_nothing_is_hung_up_on(tmp_path: Path) -> None:
    lay(tmp_path, "example.com/a", "v1.0.0", zip_bytes=bytes(30_000_000))
    with impatient_serve(tmp_path, stall_s=0.5) as served, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", served.port))
        client.sendall(f"GET {ZIP} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
        deadline = time.monotonic() + 15
        while not served.access:
            assert time.monotonic() < deadline, "it is still being served"
            with contextlib.suppress(OSError):
                client.recv(10)
            time.sleep(0.05)
        assert served.ask("/healthz")[0] == 200


def test_file_that_shrinks_while_it_is_sent_ends_the_answer_with_a_line(tmp_path: Path) -> None:
    lay(tmp_path, "example.com/a", "v1.0.0", zip_bytes=bytes(30_000_000))
    with (
        gopack_serve(tmp_path) as served,
        socket.create_connection(("127.0.0.1", served.port), timeout=10) as client,
    ):
        client.sendall(f"GET {ZIP} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
        got = len(client.recv(1000))
        (tmp_path / "example.com/a/v1.0.0/source.zip").write_bytes(b"short")
        got += len(until_closed(client))
        assert got < 30_000_000
        deadline = time.monotonic() + 5
        while not any("became shorter" in line for line in served.said):
            assert time.monotonic() < deadline, served.said
            time.sleep(0.02)
        assert not any("Traceback" in line for line in served.said)
