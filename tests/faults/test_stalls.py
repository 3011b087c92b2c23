"""Servers that stall, in the TLS handshake or in an answer: nobody waits for them for ever.

The time-outs are shortened; the program's own are in gopack.adapters.web.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from gopack.adapters.goproxy import HttpSource
from gopack.adapters.web import TIMEOUTS_S, Web
from gopack.errors import UpstreamError
from gopack.spec.goenv import GoEnv
from gopack.spec.goproxy import VersionList
from tests.faults.report import Tally

SHORT_S = {"connect": 0.3, "read": 0.3, "write": 0.3, "pool": None}
ENOUGH_S = 10.0
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
SAID = {
    "silence": b"",
    "half a head": HEAD[:20],
    "no body": HEAD,
    "half a body": HEAD + bytes(50),
}


@contextmanager
def stalling(said: bytes) -> Iterator[int]:
    """A server that says this much to everybody and then nothing; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connections: list[socket.socket] = []

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                connection.sendall(said)
                connections.append(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        for connection in connections:
            connection.close()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_stalled_server_is_given_up_and_may_be_asked_again(
    scheme: str, tally: Callable[[str], Tally]
) -> None:
    counted = tally("stalled TLS and answers")

    def stall(said: bytes) -> None:
        with stalling(said) as port:
            web = Web(GoEnv(proxies=()), timeouts_s=SHORT_S)
            started = time.monotonic()
            with pytest.raises(UpstreamError) as caught:
                HttpSource(f"{scheme}://127.0.0.1:{port}", web).read(VersionList("example.com/a"))
            assert time.monotonic() - started < ENOUGH_S
            if scheme == "http" or not said:  # https gets no TLS from the others
                assert caught.value.retryable, caught.value
            web.close()

    for name, said in SAID.items():
        counted.tried(partial(stall, said), f"{scheme}: {name}")
    counted.nothing_is_lost()


def test_every_wait_of_the_program_ends() -> None:
    assert all(TIMEOUTS_S[step] for step in ("connect", "read", "write"))
