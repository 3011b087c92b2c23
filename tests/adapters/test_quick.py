"""The quicker reader: what it reads itself, and what it leaves to Web."""

import errno
import os
import socket
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from gopack.adapters import plainhttp, quick
from gopack.adapters.connections import NotPlainError
from gopack.adapters.crowd import Crowd
from gopack.adapters.goproxy import HttpSource
from gopack.adapters.quick import _PIECE_BYTES, QuickReader
from gopack.adapters.web import TIMEOUTS_S, Body, Web
from gopack.errors import NotFoundError, UpstreamError
from gopack.spec.goenv import GoEnv
from gopack.spec.goproxy import GoMod, Info, VersionList
from gopack.spec.module import ModuleVersion
from tests.tls import Authority
from tests.upstream import LOGIN_PAGE, Fault, Upstream

LIMIT = 100
_NONE: Mapping[str, str] = {}


class Counting(Web):
    """A Web that tells what it was asked."""

    def __init__(self, env: GoEnv, *, timeouts_s: Mapping[str, float | None] = TIMEOUTS_S) -> None:
        super().__init__(env, timeouts_s=timeouts_s)
        self.asked: list[str] = []

    @contextmanager
    def answer(self, url: str, *, where: str, headers: Mapping[str, str] = _NONE) -> Iterator[Body]:
        self.asked.append(url)
        with super().answer(url, where=where, headers=headers) as body:
            yield body


@pytest.fixture
def web() -> Iterator[Counting]:
    made = Counting(GoEnv(()))
    yield made
    made.close()


@pytest.fixture
def reader(web: Counting, upstream: Upstream) -> QuickReader:
    upstream.put("a", b"an answer")
    return QuickReader(web)


def read(reader: QuickReader, upstream: Upstream, path: str = "/a") -> bytes:
    return reader.read(f"{upstream.url}{path}", where="it", limit=LIMIT)


def test_what_others_wait_for_is_urgent(
    web: Counting, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    class Noting(Crowd):
        @contextmanager
        def one(self, *, urgent: bool = False) -> Iterator[None]:
            asked.append(urgent)
            with super().one(urgent=urgent):
                yield

    monkeypatch.setattr(quick, "Crowd", Noting)
    module = ModuleVersion("example.com/m", "v1.0.0")
    upstream.add(*module)
    source = HttpSource(upstream.url, web)
    source.read(GoMod(module))
    source.zip_size(module)
    source.read(Info(*module))
    source.read(VersionList(module.path))
    assert asked == [True, True, False, False]


def test_plain_answers_are_read_on_one_connection(
    reader: QuickReader, web: Counting, upstream: Upstream
) -> None:
    assert [read(reader, upstream) for _ in range(5)] == [b"an answer"] * 5
    assert web.asked == []
    assert upstream.connections == 1
    assert upstream.log[0].headers["User-Agent"].startswith("gopack/")


def test_threads_that_ask_one_after_another_share_a_connection(
    reader: QuickReader, upstream: Upstream
) -> None:
    for _ in range(5):
        asking = Thread(target=read, args=(reader, upstream))
        asking.start()
        asking.join()
    assert len(upstream.log) == 5
    assert upstream.connections == 1


def test_threads_that_ask_at_once_never_share_an_answer(
    web: Counting, reader: QuickReader, upstream: Upstream
) -> None:
    paths = [f"/{n}" for n in range(64)]
    for path in paths:
        upstream.put(path[1:], path.encode())
    with ThreadPoolExecutor(16) as executor:
        answers = list(executor.map(lambda path: read(reader, upstream, path), paths))
    assert answers == [path.encode() for path in paths]
    assert upstream.connections <= 16
    assert web.asked == []


def test_plain_answers_over_tls_are_trusted_as_web_does(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with Upstream(tls=authority.server_context()) as upstream:
        upstream.put("a", b"an answer")
        for env, is_trusted in (
            (GoEnv((), cert_files=(str(authority.ca_file),)), True),
            (GoEnv(()), False),
        ):
            web = Counting(env)
            reader = QuickReader(web)
            if is_trusted:
                assert read(reader, upstream) == b"an answer"
                assert web.asked == []
            else:
                with pytest.raises(UpstreamError):
                    read(reader, upstream)
            web.close()


@pytest.mark.parametrize(
    "fault",
    [
        Fault(without_length=True),
        Fault(truncate_at=3),
        Fault(reset=True),
        Fault(headers={"Content-Encoding": "x"}),
        Fault(body=b"x" * (LIMIT + 1)),
    ],
)
def test_what_is_not_plain_is_webs(
    reader: QuickReader, web: Counting, upstream: Upstream, fault: Fault
) -> None:
    upstream.fail("/a", fault, times=1)
    assert read(reader, upstream) == b"an answer"
    assert web.asked == [f"{upstream.url}/a"]


def test_what_is_wrong_is_told_as_web_tells_it(
    reader: QuickReader, web: Counting, upstream: Upstream
) -> None:
    with pytest.raises(NotFoundError):
        read(reader, upstream, "/none")
    upstream.fail("/a", LOGIN_PAGE)
    with pytest.raises(UpstreamError, match="HTML page"):
        read(reader, upstream)
    assert web.asked == []
    upstream.mend()
    upstream.put("a", b"x" * (LIMIT + 1))
    with pytest.raises(UpstreamError, match="larger than"):
        read(reader, upstream)


def test_connection_that_was_closed_meanwhile_is_no_trouble(
    reader: QuickReader, web: Counting, upstream: Upstream
) -> None:
    assert read(reader, upstream) == b"an answer"
    upstream.fail("/a", Fault(reset=True), times=1)
    assert read(reader, upstream) == b"an answer"
    assert len(web.asked) == 1
    assert read(reader, upstream) == b"an answer"
    assert len(web.asked) == 1, "it goes on being quick"


def test_new_connection_that_fails_leaves_everything_to_web(
    reader: QuickReader, web: Counting, upstream: Upstream
) -> None:
    upstream.fail("/a", Fault(reset=True), times=1)
    assert [read(reader, upstream) for _ in range(3)] == [b"an answer"] * 3
    assert len(web.asked) == 3


@pytest.mark.parametrize(
    "odd", [Fault(without_length=True), Fault(headers={"Content-Encoding": "identity"})]
)
def test_server_that_answers_oddly_is_asked_by_web_from_then_on(
    reader: QuickReader, web: Counting, upstream: Upstream, odd: Fault
) -> None:
    upstream.fail("/a", odd)
    assert [read(reader, upstream) for _ in range(3)] == [b"an answer"] * 3
    assert len(web.asked) == 3
    assert len(upstream.log) == 4


def test_server_without_types_that_hangs_up_each_time_is_asked_once_for_each(
    web: Counting,
) -> None:
    class Plain(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_args: object) -> None:
            pass

    asked: list[str] = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Plain) as server:
        Thread(target=server.serve_forever).start()
        reader, url = QuickReader(web), f"http://127.0.0.1:{server.server_port}/"
        for number in range(3):
            assert reader.read(f"{url}{number}", where="it", limit=LIMIT) == b"ok"
        server.shutdown()
    assert asked == ["/0", "/1", "/2"]
    assert web.asked == []


def test_hint_of_an_answer_is_none(web: Counting) -> None:
    hint = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    whole = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for _ in range(2):
                connection = listener.accept()[0]
                connection.recv(65536)
                with suppress(OSError):
                    connection.sendall(hint + whole)
                connection.close()

        thread = Thread(target=serve)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/a"
        assert QuickReader(web).read(url, where="it", limit=LIMIT) == b"ok"
        thread.join()
    assert web.asked == [url]


def test_server_that_redirects_is_asked_by_web_from_then_on(
    reader: QuickReader, web: Counting, upstream: Upstream
) -> None:
    upstream.put("b", b"elsewhere")
    upstream.fail("/a", Fault(status=302, headers={"Location": "/b"}))
    assert [read(reader, upstream) for _ in range(3)] == [b"elsewhere"] * 3
    assert len(web.asked) == 3
    assert [asked.path for asked in upstream.log] == ["/a", *["/a", "/b"] * 3]


def test_further_headers_lead_to_what_they_ask_for(web: Counting) -> None:
    with Upstream(tags=True) as upstream:
        upstream.put("a", b"an answer")
        url, reader = f"{upstream.url}/a", QuickReader(web)
        assert reader.size(url, where="it") == len(b"an answer")
        whole = reader.ask(url, where="it", limit=LIMIT)
        assert whole is not None
        tag = {"If-None-Match": whole.headers.get("ETag", "")}
        same = reader.ask(url, where="it", limit=LIMIT, headers=tag)
        assert same is not None
        assert (same.status, same.body) == (304, b"")
        assert web.asked == []
        assert upstream.connections == 1


def test_size_is_told_by_a_server_that_knows_no_ranges(
    reader: QuickReader, web: Counting, upstream: Upstream
) -> None:
    upstream.put("zip", b"x" * 10 * LIMIT)
    upstream.fail("/zip", Fault(headers={"X-Whole": "yes"}))
    assert [reader.size(f"{upstream.url}/zip", where="it") for _ in range(2)] == [10 * LIMIT] * 2
    assert len(upstream.log) == 2
    assert read(reader, upstream) == b"an answer"


def test_server_that_is_asked_too_much_is_asked_less(
    reader: QuickReader, web: Counting, upstream: Upstream
) -> None:
    upstream.fail("/a", Fault(status=429, headers={"Retry-After": "7"}), times=1)
    with pytest.raises(UpstreamError) as caught:
        read(reader, upstream)
    assert (caught.value.status, caught.value.retry_after_s) == (429, 7)
    assert web.pace(upstream.url).limit == 1
    assert read(reader, upstream) == b"an answer"


@pytest.mark.parametrize("size", [LIMIT, LIMIT + 1])
def test_chunks_are_webs_to_put_together(
    reader: QuickReader, web: Counting, upstream: Upstream, size: int
) -> None:
    chunked = {"Transfer-Encoding": "chunked", "Connection": "close"}
    body = b"%x\r\n%b\r\n0\r\n\r\n" % (size, b"x" * size)
    upstream.fail("/a", Fault(headers=chunked, body=body, without_length=True))
    if size <= LIMIT:
        assert read(reader, upstream) == b"x" * size
    else:
        with pytest.raises(UpstreamError, match="larger than"):
            read(reader, upstream)
    upstream.mend()
    assert len(web.asked) == 1
    assert read(reader, upstream) == b"an answer"
    assert len(web.asked) == 2, "from then on it is Web that asks this server"


def test_closed_reader_asks_nothing(reader: QuickReader, web: Counting, upstream: Upstream) -> None:
    assert read(reader, upstream) == b"an answer"
    web.close()
    assert reader.ask(f"{upstream.url}/a", where="it", limit=LIMIT) is None


def test_server_that_closes_each_connection_is_watched_on_the_next(
    reader: QuickReader, web: Counting, upstream: Upstream
) -> None:
    upstream.fail("/a", Fault(headers={"Connection": "close"}), times=1)
    assert [read(reader, upstream) for _ in range(3)] == [b"an answer"] * 3
    assert web.asked == []
    assert upstream.connections == 2
    assert len(reader._connections._open) == 1


def test_connection_closed_as_a_run_ends_is_not_made_anew(
    reader: QuickReader, web: Counting, upstream: Upstream
) -> None:
    """Another thread was about to ask: what it opened then, nobody would close."""
    assert read(reader, upstream) == b"an answer"
    [connection] = reader._connections._open
    web.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        connection.ask("/a", {})
    with pytest.raises(NotPlainError), reader._connections.one(upstream.url):
        pass
    assert upstream.connections == 1


def test_connection_that_is_made_while_a_run_ends_is_closed(
    reader: QuickReader, web: Counting, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    connect = plainhttp.connect

    def connect_late(*to: Any, **how: Any) -> socket.socket:
        made.append(connect(*to, **how))
        web.close()
        return made[0]

    monkeypatch.setattr(plainhttp, "connect", connect_late)
    with pytest.raises(NotPlainError), reader._connections.one(upstream.url):
        pass
    assert [opened.fileno() for opened in made] == [-1]
    assert not reader._connections._open


@pytest.mark.parametrize("url", ["http://user:pw@{}/a", "https://{}/a"])
def test_credentials_are_webs_to_send(
    reader: QuickReader, web: Counting, upstream: Upstream, url: str
) -> None:
    host = upstream.url.partition("://")[2]
    with pytest.raises(UpstreamError):
        reader.read(url.format(host), where="it", limit=LIMIT)
    assert web.asked == [url.format(host)]


LARGE = 3 * _PIECE_BYTES + 5


def large(reader: QuickReader, upstream: Upstream, path: str = "/zip", **headers: str) -> bytes:
    url = f"{upstream.url}{path}"
    with reader.answer(url, where="it", headers=headers) as body:
        return b"".join(body.pieces)


@pytest.mark.parametrize("size", [0, 1, _PIECE_BYTES, LARGE])
def test_large_bodies_come_piece_by_piece_on_one_connection(
    reader: QuickReader, web: Counting, upstream: Upstream, size: int
) -> None:
    upstream.put("zip", os.urandom(size))
    for _ in range(3):
        assert large(reader, upstream) == upstream.files["/zip"][0]
    assert read(reader, upstream) == b"an answer"
    assert web.asked == []
    assert upstream.connections == 1


def test_rest_of_a_large_body_is_asked_for(web: Counting) -> None:
    with Upstream(tags=True) as upstream:
        upstream.put("zip", os.urandom(LARGE))
        whole, _ = upstream.files["/zip"]
        assert large(QuickReader(web), upstream, Range="bytes=7-") == whole[7:]
        assert web.asked == []


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault(truncate_at=LARGE - 1), "cut short"),
        (Fault(truncate_at=1), "cut short"),
        (Fault(status=503, body=b"busy"), "503 .*"),
        (Fault(status=404, body=b"none"), "404 .*"),
    ],
)
def test_large_body_that_fails_is_told_as_web_tells_it(
    reader: QuickReader, web: Counting, upstream: Upstream, fault: Fault, message: str
) -> None:
    upstream.put("zip", os.urandom(LARGE))
    upstream.fail("/zip", fault, times=2)
    with pytest.raises(UpstreamError, match=message) as caught:
        large(reader, upstream)
    with (
        pytest.raises(UpstreamError, match=message) as webs,
        web.answer(f"{upstream.url}/zip", where="it") as body,
    ):
        assert [*body.pieces]
    assert str(caught.value) == str(webs.value)
    assert caught.value.hint == webs.value.hint
    assert caught.value.retryable == webs.value.retryable
    assert web.asked == [f"{upstream.url}/zip"]
    assert large(reader, upstream) == upstream.files["/zip"][0]


def test_body_that_stops_coming_is_given_up(upstream: Upstream) -> None:
    upstream.put("zip", os.urandom(LARGE))
    upstream.fail("/zip", Fault(delay_s=2), times=2)
    web = Counting(GoEnv(()), timeouts_s={**TIMEOUTS_S, "read": 0.2})
    reader = QuickReader(web)
    for _ in range(2):
        with pytest.raises(UpstreamError, match="time-out: no answer in time") as caught:
            large(reader, upstream)
        assert caught.value.retryable
    web.close()


@pytest.mark.parametrize(
    "odd",
    [
        Fault(status=302, headers={"Location": "/elsewhere"}),
        Fault(without_length=True),
        Fault(headers={"Content-Encoding": "identity"}),
        Fault(
            headers={"Transfer-Encoding": "chunked", "Connection": "close"},
            body=b"5\r\na zip\r\n0\r\n\r\n",
            without_length=True,
        ),
    ],
)
def test_server_whose_zips_are_not_plain_is_still_asked_for_what_is_small(
    reader: QuickReader, web: Counting, upstream: Upstream, odd: Fault
) -> None:
    upstream.put("zip", b"a zip")
    upstream.put("elsewhere", b"a zip")
    upstream.fail("/zip", odd)
    assert [large(reader, upstream) for _ in range(3)] == [b"a zip"] * 3
    assert len(web.asked) == 3
    assert read(reader, upstream) == b"an answer"
    assert len(web.asked) == 3


def test_what_goes_wrong_with_who_reads_is_no_trouble_of_the_server(
    reader: QuickReader, web: Counting, upstream: Upstream
) -> None:
    upstream.put("zip", os.urandom(LARGE))
    full = OSError(errno.ENOSPC, "the disk is full")

    def read_on_a_full_disk() -> None:
        with reader.answer(f"{upstream.url}/zip", where="it") as body:
            assert next(body.pieces)
            raise full

    with pytest.raises(OSError, match="the disk is full") as caught:
        read_on_a_full_disk()
    assert caught.value is full
    assert web.asked == []
    assert large(reader, upstream) == upstream.files["/zip"][0]
    assert upstream.connections == 2, "what was not read to its end is not used again"


def test_large_body_ends_when_all_connections_are_closed(
    reader: QuickReader, web: Counting, upstream: Upstream
) -> None:
    upstream.put("zip", os.urandom(LARGE))
    with reader.answer(f"{upstream.url}/zip", where="it") as body:
        assert next(body.pieces)
        web.close()
        with pytest.raises(UpstreamError) as caught:
            next(body.pieces)
    assert caught.value.retryable
