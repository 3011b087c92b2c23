"""Answers that trickle are given up, whatever they go through; those that keep pace are not."""

import contextlib
import itertools
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpcore
import pytest

from gopack.adapters.goproxy import HttpSource
from gopack.adapters.leastpace import LeastPace
from gopack.adapters.partfile import PartFile
from gopack.adapters.trickle import PacedStream, TooSlowError
from gopack.adapters.web import Web
from gopack.errors import UpstreamError
from gopack.spec.goenv import GoEnv
from gopack.spec.goproxy import VersionList
from gopack.spec.httpproxy import ProxySettings
from gopack.spec.module import ModuleVersion
from tests.forward import ForwardProxy
from tests.tls import Authority

PACE = LeastPace(bytes=1000, seconds=0.2)
PLAIN = GoEnv(proxies=())
TRICKLE_S = 0.02
GIVES_UP_S = 20.0
"""By then a server that trickles has hung up of itself."""
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@contextmanager
def trickling(
    said: bytes, drops: Callable[[], Iterator[bytes]], context: ssl.SSLContext | None = None
) -> Iterator[int]:
    """A server that answers with `said` at once and with `drops` one by one; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def talk(connection: socket.socket) -> None:
            with contextlib.suppress(OSError):
                if context is not None:
                    connection = context.wrap_socket(connection, server_side=True)
                connection.recv(65536)
                connection.sendall(said)
                until = time.monotonic() + GIVES_UP_S
                for drop in drops():
                    if time.monotonic() > until:
                        break
                    connection.sendall(drop)
                    time.sleep(TRICKLE_S)
            connection.close()

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    threads.append(threading.Thread(target=talk, args=(listener.accept()[0],)))
                    threads[-1].start()

        threads = [threading.Thread(target=serve)]
        threads[0].start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()


def bytes_for_ever() -> Iterator[bytes]:
    return itertools.repeat(b"x")


def chunks_for_ever() -> Iterator[bytes]:
    return itertools.repeat(b"1\r\nx\r\n")


def check_given_up(ask: Callable[[], object]) -> UpstreamError:
    begun = time.monotonic()
    with pytest.raises(UpstreamError, match="too slow to wait for") as caught:
        ask()
    assert time.monotonic() - begun < GIVES_UP_S
    assert caught.value.retryable
    assert "--jobs" in caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("said", "drops"),
    [
        (b"HTTP/1.1 200 OK\r\nX-Word: ", bytes_for_ever),
        (HEAD, bytes_for_ever),
        (CHUNKED, chunks_for_ever),
        (HEAD.replace(b"Content", b"Content-Type: text/plain\r\nContent"), bytes_for_ever),
    ],
    ids=["head", "body", "chunks", "body that is read quickly"],
)
def test_answer_that_trickles_is_given_up(
    said: bytes, drops: Callable[[], Iterator[bytes]]
) -> None:
    with trickling(said, drops) as port, contextlib.closing(Web(PLAIN, pace=PACE)) as web:
        source = HttpSource(f"http://127.0.0.1:{port}", web)
        error = check_given_up(lambda: source.read(VersionList("example.com/a")))
        assert error.where == "example.com/a"


def test_zip_that_trickles_is_given_up_and_can_be_gone_on_with(tmp_path: Path) -> None:
    head = b'HTTP/1.1 200 OK\r\nETag: "1"\r\nContent-Length: 2000000\r\n\r\n' + bytes(50_000)
    with (
        trickling(head, bytes_for_ever) as port,
        contextlib.closing(Web(PLAIN, pace=PACE)) as web,
        PartFile(tmp_path / "a.part") as part,
    ):
        source = HttpSource(f"http://127.0.0.1:{port}", web)
        check_given_up(lambda: source.copy_zip(ModuleVersion("example.com/a", "v1.0.0"), part))
        assert part.can_be_continued
        part.flush()
        assert part.path.stat().st_size > 50_000


def test_trickle_through_tls_and_a_forward_proxy_is_given_up(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = authority.server_context("proxy.example")
    with trickling(HEAD, bytes_for_ever, context) as port, ForwardProxy() as forward:
        env = GoEnv(
            proxies=(),
            cert_files=(str(authority.ca_file),),
            forward=ProxySettings(https_proxy=f"http://{forward.address}"),
        )
        with contextlib.closing(Web(env, pace=PACE)) as web:
            source = HttpSource(f"https://proxy.example:{port}", web)
            check_given_up(lambda: source.read(VersionList("example.com/a")))


def test_slow_answer_that_keeps_pace_is_waited_for() -> None:
    """Each piece is enough for a while, and all of them take many such whiles."""
    pieces, pace = 30, LeastPace(bytes=250, seconds=0.1)
    said = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (pieces * 250)
    with (
        trickling(said, lambda: iter([b"v" * 250] * pieces)) as port,
        contextlib.closing(Web(PLAIN, pace=pace)) as web,
    ):
        begun = time.monotonic()
        answer = HttpSource(f"http://127.0.0.1:{port}", web).read(VersionList("example.com/a"))
        assert len(answer) == pieces * 250
        assert time.monotonic() - begun > 4 * pace.seconds


class Scripted(httpcore.NetworkStream):
    """Gives one byte a read; each takes as long as the clock is told."""

    def __init__(self) -> None:
        self.now = 0.0
        self.takes_s = 1.0

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self.now += self.takes_s
        return b"x"

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        pass


def test_wait_for_the_first_byte_and_time_nobody_reads_do_not_count() -> None:
    slow = Scripted()
    stream = PacedStream(slow, LeastPace(bytes=100, seconds=10), clock=lambda: slow.now)
    for _ in range(5):  # requests on one connection
        stream.write(b"GET")
        slow.takes_s = 50.0
        stream.read(1)
        slow.takes_s = 2.0
        for _ in range(4):
            slow.now += 1000  # whoever reads is busy elsewhere
            stream.read(1)
    with pytest.raises(TooSlowError, match="6 bytes in 10 s"):
        stream.read(1)
