"""Attacks on the quicker reader: raw servers that lie. Web says what is right."""

import gzip
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

import pytest

from gopack.adapters.quick import QuickReader
from gopack.adapters.resuming import Asking
from gopack.adapters.web import TIMEOUTS_S, Web, entity_tag, pour
from gopack.errors import NotFoundError, UpstreamError
from gopack.spec.goenv import GoEnv

Step = bytes | float | Callable[[socket.socket], object]
Script = Callable[[int, str], list[Step]]

ZIP = b"HTTP/1.1 200 OK\r\nContent-Type: application/zip\r\n"
CHUNKED = ZIP + b"Transfer-Encoding: chunked\r\n\r\n"
NONE: Mapping[str, str] = {}
TIMEOUT_S = 1.0
LATE_S = 0.5
"""By then what a server sends a moment later has come, however busy the machine."""


def whole(body: bytes) -> bytes:
    return ZIP + b"Content-Length: %d\r\n\r\n" % len(body) + body


def hang_up(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def raw_server(script: Script) -> Iterator[str]:
    """Answers request number n (of all) on connection c with `script(n, path)`."""
    opened: list[socket.socket] = []
    counter = iter(range(1000))

    def serve(connection: socket.socket) -> None:
        with suppress(OSError):
            while head := connection.recv(65536):
                for step in script(next(counter), head.split(b" ")[1].decode()):
                    if isinstance(step, bytes):
                        connection.sendall(step)
                    elif isinstance(step, float):
                        time.sleep(step)
                    else:
                        step(connection)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection = listener.accept()[0]
                opened.append(connection)
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
    for connection in opened:
        connection.close()


@pytest.fixture
def web() -> Iterator[Web]:
    made = Web(GoEnv(()), timeouts_s={**TIMEOUTS_S, "read": TIMEOUT_S})
    yield made
    made.close()


@pytest.fixture(params=["quick", "web"])
def asking(request: pytest.FixtureRequest, web: Web) -> Asking:
    """Both: they must agree."""
    return web if request.param == "web" else QuickReader(web)


def got(
    asking: Asking, url: str, headers: Mapping[str, str] = NONE, *, limit: int = 1 << 30
) -> bytes:
    pieces: list[bytes] = []
    too_large = UpstreamError("too large", where="it")
    with asking.answer(url, where="it", headers=headers) as body:
        pour(body, pieces.append, url=url, where="it", limit=limit, too_large=too_large)
    return b"".join(pieces)


# 1. Errors with odd headers.


@pytest.mark.parametrize("header", [b"X-Org: Z\xfcrich", "X-Org: Zürich".encode()])
@pytest.mark.parametrize("status", [b"404 Not Found", b"503 Busy", b"429 Too Many Requests"])
def test_error_with_a_header_beyond_ascii_is_told(
    asking: Asking, status: bytes, header: bytes
) -> None:
    answer = b"HTTP/1.1 " + status + b"\r\n" + header + b"\r\nContent-Length: 0\r\n\r\n"
    with raw_server(lambda _n, _path: [answer]) as url, pytest.raises(UpstreamError) as caught:
        got(asking, f"{url}/zip")
    assert caught.value.status == int(status[:3])


def test_small_file_that_is_refused_with_a_header_beyond_ascii_is_told(web: Web) -> None:
    answer = b"HTTP/1.1 404 Not Found\r\nX-Org: Z\xfcrich\r\nContent-Length: 0\r\n\r\n"
    with raw_server(lambda _n, _path: [answer]) as url, pytest.raises(NotFoundError):
        QuickReader(web).read(f"{url}/a", where="it", limit=100)


# 2. What is on the line after an answer.

FORGED = whole(b"FORGED")


@pytest.mark.parametrize(
    "first",
    [
        [whole(b"first"), 0.05, FORGED],
        [CHUNKED + b"5\r\nfirst\r\n0\r\n\r\n", 0.05, FORGED],
    ],
)
def test_bytes_behind_an_answer_are_not_the_next_one(asking: Asking, first: list[Step]) -> None:
    def script(number: int, path: str) -> list[Step]:
        return first if number == 0 else [whole(path.encode())]

    with raw_server(script) as url:
        got(asking, f"{url}/0")
        time.sleep(LATE_S)
        assert [got(asking, f"{url}/{n}") for n in (1, 2, 3)] == [b"/1", b"/2", b"/3"]


def test_bytes_that_come_with_the_end_of_a_body_are_not_the_next_answer(web: Web) -> None:
    """httpx takes these for one."""
    first: list[Step] = [whole(b"f" * 20000) + FORGED]

    def script(number: int, path: str) -> list[Step]:
        return first if number == 0 else [whole(path.encode())]

    reader = QuickReader(web)
    with raw_server(script) as url:
        got(reader, f"{url}/0")
        time.sleep(LATE_S)
        assert [got(reader, f"{url}/{n}") for n in (1, 2, 3)] == [b"/1", b"/2", b"/3"]


def test_server_that_says_408_as_it_closes_an_idle_connection_is_no_trouble(
    asking: Asking,
) -> None:
    late = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

    closing: list[Step] = [0.05, late, hang_up]

    def script(number: int, path: str) -> list[Step]:
        return [whole(path.encode()), *(closing if number == 0 else [])]

    with raw_server(script) as url:
        got(asking, f"{url}/0")
        time.sleep(LATE_S)
        assert got(asking, f"{url}/1") == b"/1"


# 3. Idle for minutes, and forgotten by a firewall without a word.


def test_connection_that_was_idle_for_long_is_not_used_again(
    asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With each that is, a time-out would be waited for."""
    later_s, clock = [0.0], time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: clock() + later_s[0])
    old: set[tuple[str, int]] = set()

    def script(_number: int, path: str) -> list[Step]:
        def answer(connection: socket.socket) -> None:
            if connection.getpeername() not in old:
                connection.sendall(whole(path.encode()))
            if not later_s[0]:
                old.add(connection.getpeername())

        return [answer]

    with raw_server(script) as url:
        got(asking, f"{url}/0")
        later_s[0] = 600.0
        assert got(asking, f"{url}/1") == b"/1"


# 4. Bodies that are cut short, and lengths that can be understood in two ways.


def test_chunked_body_ends_when_all_connections_are_closed(web: Web, asking: Asking) -> None:
    steps: list[Step] = [CHUNKED + b"5\r\nhello\r\n", 0.5, b"5\r\nworld\r\n0\r\n\r\n"]

    def read(url: str) -> None:
        with asking.answer(f"{url}/zip", where="it") as body:
            pieces = iter(body.pieces)
            assert next(pieces) == b"hello"
            web.close()
            assert not [*pieces]

    with raw_server(lambda _n, _path: steps) as url, pytest.raises(UpstreamError):
        read(url)


@pytest.mark.parametrize("cut", [b"0", b"00"])
def test_chunk_size_that_is_cut_after_its_first_zeros_is_no_end(asking: Asking, cut: bytes) -> None:
    """The next line would have been 0005, and its chunk."""
    answer = CHUNKED + b"0005\r\nhello\r\n" + cut
    with (
        raw_server(lambda _n, _path: [answer, hang_up]) as url,
        pytest.raises(UpstreamError),
    ):
        got(asking, f"{url}/zip")


@pytest.mark.parametrize("lengths", [(b"3", b"5"), (b"5", b"3")])
def test_two_lengths_that_differ_are_none(asking: Asking, lengths: tuple[bytes, bytes]) -> None:
    head = ZIP + b"".join(b"Content-Length: " + length + b"\r\n" for length in lengths)
    with (
        raw_server(lambda _n, _path: [head + b"\r\nhello"]) as url,
        pytest.raises(UpstreamError, match="broke the HTTP protocol"),
    ):
        got(asking, f"{url}/zip")


@pytest.mark.parametrize(
    "odd",
    [
        ZIP + b"Content-Length: +5\r\n\r\nhello",
        ZIP + b"Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n\r\nhello",
        ZIP + b"Content-Length: 5\r\nno header\r\nTransfer-Encoding: chunked\r\n\r\nhello",
        ZIP + b"X: a\rContent-Length: 3\r\nContent-Length: 5\r\n\r\nhello",
        CHUNKED + b"+5\r\nhello\r\n0\r\n\r\n",
        CHUNKED + b"5\r\nhelloXX0\r\n\r\n",
    ],
)
def test_framing_that_web_refuses_is_refused(asking: Asking, odd: bytes) -> None:
    with (
        raw_server(lambda _n, _path: [odd]) as url,
        pytest.raises(UpstreamError, match="broke the HTTP protocol"),
    ):
        got(asking, f"{url}/zip")


# 5. Odd and endless chunks.


@pytest.mark.parametrize("length", [b"5, 5", b"abc", b"9" * 5000, b"\xb2"])
def test_length_of_chunks_is_no_crash(asking: Asking, length: bytes) -> None:
    answer = CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Length: " + length + b"\r\n\r\n")
    with (
        raw_server(lambda _n, _path: [answer + b"5\r\nhello\r\n0\r\n\r\n"]) as url,
        suppress(UpstreamError),
    ):
        assert got(asking, f"{url}/zip") == b"hello"


def test_trailers_without_end_are_given_up(asking: Asking) -> None:
    def endless(connection: socket.socket) -> None:
        end = time.monotonic() + 5
        while time.monotonic() < end:
            connection.sendall(b"A: bbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n" * 1000)
            time.sleep(0.01)

    begun = time.monotonic()
    steps: list[Step] = [CHUNKED + b"5\r\nhello\r\n0\r\n", endless, b"\r\n"]
    with raw_server(lambda _n, _path: steps) as url, suppress(UpstreamError):
        got(asking, f"{url}/zip")
    assert time.monotonic() - begun < 2.5, "it goes on for as long as the server likes"


# 6. How refusals are told.


@pytest.mark.parametrize("kind", [b"text/html", b"text/plain"])
def test_refusal_whose_text_does_not_come_is_a_refusal(asking: Asking, kind: bytes) -> None:
    """With GOPROXY=a,b a 404 sends to b; a time-out does not."""
    answer = b"HTTP/1.1 404 Not Found\r\nContent-Type: " + kind + b"\r\nContent-Length: 9\r\n\r\nx"
    with raw_server(lambda _n, _path: [answer]) as url, pytest.raises(NotFoundError):
        got(asking, f"{url}/zip")


def test_what_a_server_says_beside_its_status_is_shown(asking: Asking) -> None:
    """Artifactory, Nexus and company proxies explain themselves there."""
    answer = b"HTTP/1.1 403 Blocked by policy 17\r\nContent-Length: 0\r\n\r\n"
    with raw_server(lambda _n, _path: [answer]) as url, pytest.raises(UpstreamError) as caught:
        got(asking, f"{url}/zip")
    assert "403 Blocked by policy 17" in str(caught.value)


def test_refusal_with_a_large_page_is_asked_for_once(asking: Asking) -> None:
    """A server that says 429 must not be asked again before the pace or a wait heeds it."""
    asked: list[str] = []
    answer = (
        b"HTTP/1.1 429 Busy\r\nRetry-After: 7\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100000
    )

    def script(_number: int, path: str) -> list[Step]:
        asked.append(path)
        return [answer]

    with raw_server(script) as url, pytest.raises(UpstreamError):
        got(asking, f"{url}/zip")
    assert asked == ["/zip"]


# 7. Entity tags that are odd.


@pytest.mark.parametrize(
    ("tag", "usable"),
    [('"a b"', '"a b"'), ('W/"a"', 'W/"a"'), ('"\xe9"', ""), ('"a"\r\n b', ""), ('"\0"', "")],
)
def test_tag_that_cannot_be_sent_back_counts_as_none(tag: str, usable: str) -> None:
    assert entity_tag({"ETag": tag}) == usable


@pytest.mark.parametrize("location", ["http://[::1", "//[x]/"])
def test_redirect_to_what_is_no_url_is_told(asking: Asking, location: str) -> None:
    answer = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    with raw_server(lambda _n, _path: [answer.encode()]) as url, pytest.raises(UpstreamError):
        got(asking, f"{url}/zip")


# What else a server can send where an answer is waited for.


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\n\r\nhi",
        b"HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nhi",
    ],
)
def test_head_with_bare_line_feeds_is_read_as_web_reads_it(asking: Asking, answer: bytes) -> None:
    begun = time.monotonic()
    with raw_server(lambda _n, _path: [answer]) as url:
        assert got(asking, f"{url}/a") == b"hi"
    assert time.monotonic() - begun < TIMEOUT_S, "and nobody waits for its end"


def test_refusal_with_bare_line_feeds_is_told_at_once(asking: Asking) -> None:
    answer = b"HTTP/1.1 404 No\nContent-Length: 0\n\n"
    with raw_server(lambda _n, _path: [answer]) as url, pytest.raises(NotFoundError):
        got(asking, f"{url}/a")


@pytest.mark.parametrize(
    "start",
    [
        b"RTSP/1.0 200 OK",
        b"ICE/1.0 200 OK",
        b"\r\nHTTP/1.1 200 OK",
        b"\rHTTP/1.1 200 OK",
        b"HTTP/1.1 404 No\0thing",
        b"HTTP/1.1 200 O\x0bK",
    ],
)
def test_what_is_not_quite_http_is_no_answer(asking: Asking, start: bytes) -> None:
    answer = start + b"\r\nContent-Length: 2\r\n\r\nhi"
    with raw_server(lambda _n, _path: [answer]) as url, pytest.raises(UpstreamError) as caught:
        got(asking, f"{url}/a")
    assert "broke the HTTP protocol" in caught.value.what


def test_other_protocols_are_not_waited_for(asking: Asking) -> None:
    begun = time.monotonic()
    settings = b"\0\0\0\4\0\0\0\0\0"
    with raw_server(lambda _n, _path: [settings]) as url, pytest.raises(UpstreamError):
        got(asking, f"{url}/a")
    assert time.monotonic() - begun < TIMEOUT_S


def test_refusal_whose_page_does_not_come_is_told_at_once(asking: Asking) -> None:
    answer = b"HTTP/1.1 404 No\r\nContent-Type: text/html\r\nContent-Length: 99\r\n\r\n<p"
    begun = time.monotonic()
    with raw_server(lambda _n, _path: [answer]) as url, pytest.raises(NotFoundError):
        got(asking, f"{url}/a")
    assert time.monotonic() - begun < TIMEOUT_S


@pytest.mark.parametrize(
    "later",
    [b"Mon, 01 Jan 99999999999 00:00:00 GMT", b"Mon, 01 Jan 2020 23:59:59 +999999999999999"],
)
def test_time_beyond_all_calendars_is_no_time(asking: Asking, later: bytes) -> None:
    answer = b"HTTP/1.1 503 No\r\nRetry-After: " + later + b"\r\nContent-Length: 0\r\n\r\n"
    with raw_server(lambda _n, _path: [answer]) as url, pytest.raises(UpstreamError) as caught:
        got(asking, f"{url}/a")
    assert (caught.value.status, caught.value.retry_after_s) == (503, None)


@pytest.mark.parametrize("digits", [19, 5000])
@pytest.mark.parametrize("kind", [QuickReader, lambda web: web])
def test_size_beyond_all_disks_is_no_size(
    web: Web, digits: int, kind: Callable[[Web], QuickReader | Web]
) -> None:
    total = b"bytes 0-0/" + b"9" * digits
    answer = b"HTTP/1.1 206 Part\r\nContent-Range: " + total + b"\r\nContent-Length: 1\r\n\r\nx"
    with raw_server(lambda _n, _path: [answer]) as url:
        assert kind(web).size(f"{url}/a", where="it") is None


def test_small_answer_ends_when_all_connections_are_closed(web: Web) -> None:
    asked = threading.Event()
    numbers: list[int] = []

    def script(number: int, _path: str) -> list[Step]:
        numbers.append(number)
        asked.set()
        return [LATE_S, whole(b"late")]

    def close() -> None:
        asked.wait(TIMEOUT_S)
        web.close()

    with raw_server(script) as url:
        closing = threading.Thread(target=close)
        closing.start()
        with pytest.raises(UpstreamError, match="the run ends"):
            QuickReader(web).read(f"{url}/a", where="it", limit=9)
        closing.join()
    assert numbers == [0], "it is not asked for once more"


def test_upper_case_https_is_never_asked_in_plain_text(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    came: list[bytes] = []
    asked: list[tuple[str, int]] = []
    connect = socket.create_connection

    def serve() -> None:
        with suppress(OSError):
            while True:
                with listener.accept()[0] as connection:
                    came.append(connection.recv(1000))

    def connect_here(address: tuple[str, int], *_: object, **__: object) -> socket.socket:
        asked.append(address)
        return connect(listener.getsockname(), 5)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = threading.Thread(target=serve)
        serving.start()
        monkeypatch.setattr(socket, "create_connection", connect_here)
        with pytest.raises(UpstreamError):
            QuickReader(web).read("HTTPS://proxy.example/secret", where="it", limit=9)
        listener.shutdown(socket.SHUT_RDWR)
        serving.join()
    assert set(asked) == {("proxy.example", 443)}
    assert b"secret" not in b"".join(came)


@pytest.mark.parametrize("host", ["a..b", "a" * 64 + ".example"])
def test_name_that_nobody_can_have_is_told(asking: Asking, host: str) -> None:
    with pytest.raises(UpstreamError):
        got(asking, f"http://{host}/a")


def test_compressed_words_of_a_refusal_are_not_unpacked(asking: Asking) -> None:
    body = gzip.compress(bytes(1 << 24))
    head = b"HTTP/1.1 404 No\r\nContent-Type: text/plain\r\nContent-Encoding: gzip\r\n"
    answer = head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    tracemalloc.start()
    try:
        with raw_server(lambda _n, _path: [answer]) as url, pytest.raises(NotFoundError):
            got(asking, f"{url}/a")
        assert tracemalloc.get_traced_memory()[1] < 1 << 23
    finally:
        tracemalloc.stop()


def test_compressed_body_is_unpacked_no_further_than_it_may_be(asking: Asking) -> None:
    body = gzip.compress(bytes(1 << 26))
    head = ZIP + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    tracemalloc.start()
    try:
        with (
            raw_server(lambda _n, _path: [head + body]) as url,
            pytest.raises(UpstreamError, match="too large"),
        ):
            got(asking, f"{url}/a", limit=1 << 20)
        assert tracemalloc.get_traced_memory()[1] < 1 << 24
    finally:
        tracemalloc.stop()


def compressed(coding: str, body: bytes) -> bytes:
    head = b"Content-Encoding: %b\r\nContent-Length: %d\r\n\r\n" % (coding.encode(), len(body))
    return ZIP + head + body


def bare_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


PADDED = gzip.compress(b"v1") + bytes(512)
BYTES = bytes(range(256)) * 4096
PACKED = [
    pytest.param("gzip", gzip.compress(BYTES), id="gzip"),
    pytest.param("X-GZip", gzip.compress(BYTES), id="x-gzip"),
    pytest.param("identity, gzip", gzip.compress(BYTES), id="a list of codings"),
    pytest.param("gzip", gzip.compress(BYTES[:9]) + gzip.compress(BYTES[9:]), id="two members"),
    pytest.param("deflate", zlib.compress(BYTES), id="deflate"),
    pytest.param("deflate", bare_deflate(BYTES), id="bare deflate"),
]


@pytest.mark.parametrize(("coding", "packed"), PACKED)
def test_compressed_body_is_given_whole(asking: Asking, coding: str, packed: bytes) -> None:
    with raw_server(lambda _n, _path: [compressed(coding, packed)]) as url:
        assert got(asking, f"{url}/a") == got(asking, f"{url}/a") == BYTES


def test_compressed_body_may_be_padded_or_empty(asking: Asking) -> None:
    with raw_server(lambda _n, _path: [compressed("gzip", PADDED)]) as url:
        assert got(asking, f"{url}/a") == b"v1"
    with raw_server(lambda _n, _path: [compressed("gzip", b"")]) as url:
        assert got(asking, f"{url}/a") == b""


@pytest.mark.parametrize("lost_bytes", [1, 4, 9, 1000])
@pytest.mark.parametrize(("coding", "packed"), PACKED)
def test_compressed_body_without_its_end_was_cut_short(
    asking: Asking, coding: str, packed: bytes, lost_bytes: int
) -> None:
    answer = compressed(coding, packed[:-lost_bytes])
    with (
        raw_server(lambda _n, _path: [answer]) as url,
        pytest.raises(UpstreamError, match="cut short") as caught,
    ):
        got(asking, f"{url}/a")
    assert caught.value.retryable


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip"])
def test_body_in_a_coding_that_is_not_known_is_refused(asking: Asking, coding: str) -> None:
    with (
        raw_server(lambda _n, _path: [compressed(coding, b"packed")]) as url,
        pytest.raises(UpstreamError, match=f"was not asked for \\({coding}\\)") as caught,
    ):
        got(asking, f"{url}/a")
    assert not caught.value.retryable
    assert caught.value.hint


@pytest.mark.parametrize("coding", ["utf-8", "none, x"])
def test_word_that_is_no_coding_says_nothing(asking: Asking, coding: str) -> None:
    with raw_server(lambda _n, _path: [compressed(coding, b"as it is")]) as url:
        assert got(asking, f"{url}/a") == b"as it is"


@pytest.mark.parametrize(
    "body", [b"no gzip at all", gzip.compress(b"v1") + b"more"], ids=["no gzip", "more behind it"]
)
def test_compressed_body_that_is_broken_is_told(asking: Asking, body: bytes) -> None:
    with (
        raw_server(lambda _n, _path: [compressed("gzip", body)]) as url,
        pytest.raises(UpstreamError, match="broke the HTTP protocol"),
    ):
        got(asking, f"{url}/a")


def deflated(pieces: bytes) -> bytes:
    """An answer of chunks that say they are deflated."""
    head = CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Encoding: deflate\r\n\r\n")
    return head + b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in [pieces] * 64)


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(deflated(b"\x00\x00\x00\xff\xff" * 13000), id="it decodes to nothing"),
        pytest.param(
            CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n")
            + b"%x\r\n%b\r\n" % (len(gzip.compress(b"v1")), gzip.compress(b"v1"))
            + (b"10000\r\n" + bytes(65536) + b"\r\n") * 64,
            id="it has ended long ago",
        ),
        pytest.param(b"HTTP/1.1 103 Soon\r\n\r\n" * 40, id="hints"),
        pytest.param(b"HTTP/1.1 103 Soon\nLink: x\n\n" * 40, id="hints with bare line feeds"),
    ],
)
def test_answer_without_an_end_is_given_up(asking: Asking, start: bytes) -> None:
    def endless(connection: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection.sendall(b"HTTP/1.1 103 Soon\r\n\r\n")
                time.sleep(0.01)

    with (
        raw_server(lambda _n, _path: [start, endless]) as url,
        pytest.raises(UpstreamError, match="broke the HTTP protocol"),
    ):
        got(asking, f"{url}/a")


def test_hints_before_an_answer_are_passed_over(asking: Asking) -> None:
    cut = [b"HTTP/1.1 103 So", b"on\r\nLink: x\r\n", b"\r\nHTTP/1.1 100 Go on\r\n\r\nHT"]
    with raw_server(lambda _n, _path: [*cut, whole(b"body")[2:]]) as url:
        assert got(asking, f"{url}/a") == got(asking, f"{url}/b") == b"body"


def test_size_whose_only_byte_does_not_come_is_told(web: Web) -> None:
    """Quick asks first, and Web once more."""
    head = (
        b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-0/9\r\nContent-Length: 1\r\n\r\n"
    )
    with raw_server(lambda _n, _path: [head, hang_up]) as url:
        for ask in (QuickReader(web).size, web.size):
            with pytest.raises(UpstreamError) as caught:
                ask(f"{url}/a", where="x")
            assert caught.value.retryable


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (b"206 Partial Content", {"If-None-Match": '"tag"'}),
        (b"304 Not Modified", {"Range": "bytes=1-"}),
    ],
)
def test_answer_to_another_header_than_was_sent_is_refused(
    asking: Asking, status: bytes, headers: Mapping[str, str]
) -> None:
    answer = b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n"
    with (
        raw_server(lambda _n, _path: [answer]) as url,
        pytest.raises(UpstreamError, match=status[:3].decode()),
        asking.answer(f"{url}/a", where="x", headers=headers),
    ):
        pass
