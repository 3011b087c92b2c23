"""Plain HTTP on one connection: what is an answer, where it ends, and what is left to others."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from threading import Thread

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gopack.adapters import plainhttp
from gopack.adapters.leastpace import LEAST
from gopack.adapters.plainhttp import Connection, CutShortError, OddError

OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def pair() -> Iterator[tuple[Connection, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(10)
        yield Connection(ours, "a.b:1", LEAST), theirs


def head_of(data: bytes) -> plainhttp.Head:
    return plainhttp.parse_head(data)


def test_a_request_is_what_the_server_gets(pair: tuple[Connection, socket.socket]) -> None:
    connection, server = pair
    server.sendall(OK + b"Content-Length: 2\r\nETag: one\r\netag: two\r\n\r\nhi")
    head = connection.ask("/a?b", {"Range": "bytes=0-0"})
    assert server.recv(1000) == b"GET /a?b HTTP/1.1\r\nHost: a.b:1\r\nRange: bytes=0-0\r\n\r\n"
    assert (head.status, head.reason, head.length, head.is_last) == (200, "OK", 2, False)
    assert (head.headers.get("ETAG", ""), "x" in head.headers) == ("one", False)
    assert list(head.headers.items()) == [("content-length", "2"), ("etag", "one")]
    assert not connection.is_sound
    assert connection.read(1) + connection.read_all() + connection.read(1) == b"hi"
    assert connection.is_sound


@pytest.mark.parametrize("target", ["", "/a b", "/a\r\nX: y", "/\N{SNOWMAN}", "/\x7f"])
def test_what_cannot_be_sent_is_not(pair: tuple[Connection, socket.socket], target: str) -> None:
    connection, server = pair
    with pytest.raises(OddError):
        connection.ask(target, {})
    server.settimeout(0)
    with pytest.raises(BlockingIOError):
        server.recv(1)


@pytest.mark.parametrize(
    ("scheme", "host"),
    [
        ("http", ""),
        ("http", "a b"),
        ("http", "\N{SNOWMAN}.example"),
        ("http", "@127.0.0.1"),
        ("HTTP", "127.0.0.1"),
        ("https", "127.0.0.1"),  # with no trust
    ],
)
def test_who_cannot_be_asked_plainly_is_not(scheme: str, host: str) -> None:
    with pytest.raises(ValueError, match="plainly"):
        plainhttp.connect(scheme, host, None, timeout_s=1)


def test_a_head_may_come_byte_by_byte(pair: tuple[Connection, socket.socket]) -> None:
    connection, server = pair
    answer = OK + b"Content-Length: 5\r\n\r\n\r\n\r\n!"

    def send() -> None:
        for at in range(len(answer)):
            server.sendall(answer[at : at + 1])

    sending = Thread(target=send)
    sending.start()
    assert connection.ask("/", {}).length == 5
    assert connection.read_all() == b"\r\n\r\n!"
    sending.join()


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (b"", ConnectionResetError),
        (OK, OddError),
        (OK + b"A: b\r\n", OddError),
        (OK + b"A: " + b"b" * 2 * plainhttp.MAX_HEAD_BYTES, OddError),
    ],
)
def test_a_head_that_does_not_end_is_none(
    pair: tuple[Connection, socket.socket], sent: bytes, error: type[Exception]
) -> None:
    connection, server = pair

    def send() -> None:
        with suppress(OSError):  # it is not read to its end
            server.sendall(sent)
            server.shutdown(socket.SHUT_WR)

    sending = Thread(target=send)
    sending.start()
    with pytest.raises(error):
        connection.ask("/", {})
    assert not connection.is_sound
    connection.close()
    sending.join()


def test_a_body_that_breaks_off_is_told(pair: tuple[Connection, socket.socket]) -> None:
    connection, server = pair
    server.sendall(OK + b"Content-Length: 3\r\n\r\nhi")
    server.shutdown(socket.SHUT_WR)
    connection.ask("/", {})
    assert connection.read(9) == b"hi"
    with pytest.raises(CutShortError):
        connection.read(9)


def test_what_comes_behind_an_answer_spoils_a_connection(
    pair: tuple[Connection, socket.socket],
) -> None:
    connection, server = pair
    server.sendall(OK + b"Content-Length: 2\r\n\r\nhi" + OK)
    connection.ask("/", {})
    assert connection.read_all() == b"hi"
    assert not connection.is_sound


def test_who_waits_is_let_go_and_reads_nothing_more(
    pair: tuple[Connection, socket.socket],
) -> None:
    connection, server = pair
    server.sendall(OK + b"Content-Length: 9\r\n\r\n")
    connection.ask("/", {})
    server.sendall(b"hi")
    connection.hang_up()
    with pytest.raises(ConnectionAbortedError):
        connection.read(9)


@pytest.mark.parametrize(
    "answer", [OK + b"\r\n", b"HTTP/1.1 103 Early Hints\r\nContent-Length: 0\r\n\r\n"]
)
def test_where_the_end_is_open_no_other_answer_follows(
    pair: tuple[Connection, socket.socket], answer: bytes
) -> None:
    connection, server = pair
    server.sendall(answer)
    connection.ask("/", {})
    assert not connection.is_sound


@pytest.mark.parametrize(
    ("data", "length", "follows"),
    [
        (OK + b"Content-Length: 0\r\n\r\n", 0, True),
        (OK + b"Content-Length: 7\r\nConnection: Keep-Alive\r\n\r\n", 7, True),
        (OK + b"Content-Length: 7\r\nConnection: close\r\n\r\n", 7, False),
        (OK + b"Content-Length: 7\r\nConnection: x, close\r\n\r\n", 7, False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\n", 7, False),
        (b"HTTP/1.1 200\r\nContent-Length: 7\r\n\r\n", 7, True),
        (b"HTTP/1.1 204 No\r\n\r\n", 0, True),
        (b"HTTP/1.1 304 Same\r\nContent-Length: 7\r\n\r\n", 0, True),
        (OK + b"\r\n", None, True),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", None, True),
        (OK + b"Transfer-Encoding: gzip\r\n\r\n", None, True),
        (OK + b"A: \xfc\xff\r\nContent-Length: 1\r\n\r\n", 1, True),
    ],
)
def test_where_an_answer_ends_is_told_by_its_head(
    data: bytes, length: int | None, *, follows: bool
) -> None:
    head = head_of(data)
    assert (head.length, not head.is_last) == (length, follows)


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
        OK + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\n",
        OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        OK + b"Content-Length: +1\r\n\r\n",
        OK + b"Content-Length: -1\r\n\r\n",
        OK + b"Content-Length: 1, 1\r\n\r\n",
        OK + b"Content-Length: 99999999999999999999\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
        OK + b"A: b\r\n c\r\n\r\n",
        OK + b"A b: c\r\n\r\n",
        OK + b"A: b\x00c\r\n\r\n",
        OK + b"A: b\nContent-Length: 1\r\n\r\n",
        OK + b"no colon\r\n\r\n",
    ],
)
def test_a_head_that_can_be_taken_in_two_ways_is_none(data: bytes) -> None:
    with pytest.raises(OddError):
        head_of(data)


@given(
    st.lists(
        st.sampled_from([OK, b"\r\n", b"Content-Length: 1", b"A: b", b":", b"\n"]) | st.binary()
    )
)
@example([OK, b"Content-Length: \xb2\r\n"])
def test_whatever_comes_is_a_head_or_odd(parts: list[bytes]) -> None:
    try:
        head = head_of(b"".join(parts) + b"\r\n\r\n")
    except OddError:
        return
    assert 0 <= head.status <= 999
    assert head.length is None or head.length >= 0
