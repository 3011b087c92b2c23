"""The guard against clients that stall: whom it hangs up on, and whom it bears with."""

import asyncio
import contextlib
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from gopack.adapters.serve_http import Limits, protocol_for
from tests.tls import Authority

GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
PIECE = 256 * 1024
Connect = Callable[[], socket.socket]


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers with as many bytes as the query says, in pieces as gopack's own application does."""
    left = int(scope["query_string"] or b"2")
    head = [(b"content-length", b"%d" % left)]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    while left:
        piece = min(left, PIECE)
        left -= piece
        await send({"type": "http.response.body", "body": bytes(piece), "more_body": left > 0})
        await asyncio.sleep(0)


def get(count: int, *headers: str) -> bytes:
    more = "".join(f"{each}\r\n" for each in headers)
    return f"GET /?{count} HTTP/1.1\r\nhost: x\r\n{more}\r\n".encode()


@contextlib.contextmanager
def guarded(
    context: ssl.SSLContext | None = None, *, kernel_bytes: int = PIECE, **limits: float
) -> Iterator[int]:
    """A server on a thread, whose kernel takes so much that no client took yet; gives its port."""
    chosen = Limits(**limits)  # type: ignore[arg-type]
    protocol: Any = protocol_for(chosen, context)
    config = uvicorn.Config(app, ws="none", lifespan="off", log_config=None, interface="asgi3")
    state, loop, started = ServerState(), asyncio.new_event_loop(), threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, kernel_bytes)

    async def serve() -> None:
        make = lambda: protocol(config, state, {})  # noqa: E731
        server = await loop.create_server(make, sock=listener)
        started.set()
        await ended.wait()
        server.close()
        for each in list(state.connections):
            each.shutdown()
        await asyncio.sleep(0.05)

    ended = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert started.wait(10)
        yield listener.getsockname()[1]
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(10)
        listener.close()
        loop.close()


@pytest.fixture(params=["http", "https"])
def context(request: pytest.FixtureRequest, tmp_path: Path) -> ssl.SSLContext | None:
    return Authority(tmp_path).server_context() if request.param == "https" else None


def connected(port: int, *, tls: bool = False) -> socket.socket:
    """A client with little room for what it has not read."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 * 1024)
    client.settimeout(10)
    client.connect(("127.0.0.1", port))
    if not tls:
        return client
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    return trusting.wrap_socket(client)


def taken(client: socket.socket, count: int) -> int:
    """Take so many bytes, or what there is until the server hangs up; tell how many.

    Raises:
        TimeoutError: it neither sends nor hangs up.
    """
    got = 0
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while got < count and (piece := client.recv(min(65536, count - got))):
            got += len(piece)
    return got


def taken_slowly(client: socket.socket, seconds: float) -> int:
    """Take some 200 KiB a second for so long."""
    got, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        got += taken(client, 20 * 1024)
        time.sleep(0.1)
    return got


def test_slow_client_gets_all_of_a_long_answer(context: ssl.SSLContext | None) -> None:
    count = 3_000_000
    with guarded(context, stall_s=0.4) as port, connected(port, tls=bool(context)) as client:
        client.sendall(get(count))
        got = taken_slowly(client, 2)
        assert got + taken(client, count - got) == count


def test_slow_client_gets_the_end_of_its_answer(context: ssl.SSLContext | None) -> None:
    """All of it is written at once; the clock for the next head must not run yet."""
    with (
        guarded(context, kernel_bytes=32 * 1024, head_s=0.2, stall_s=0.6) as port,
        connected(port, tls=bool(context)) as client,
    ):
        client.sendall(get(PIECE))
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += client.recv(1)
        got = taken_slowly(client, 0.8)
        assert got + taken(client, PIECE - got) == PIECE


def test_attack_client_that_takes_no_end_is_hung_up_on(context: ssl.SSLContext | None) -> None:
    with (
        guarded(context, head_s=30, stall_s=0.3) as port,
        connected(port, tls=bool(context)) as client,
    ):
        client.settimeout(3)
        client.sendall(get(100_000))
        time.sleep(1)  # what the kernel has of it comes all the same, and then the end
        taken(client, PIECE)


def test_attack_bytes_during_an_answer_do_not_stop_its_clock(
    context: ssl.SSLContext | None,
) -> None:
    count = 3_000_000
    with guarded(context, stall_s=0.5) as port, connected(port, tls=bool(context)) as client:
        client.sendall(get(count))
        time.sleep(0.2)
        client.sendall(b"G")
        time.sleep(1)
        assert taken(client, count) < count


def test_attack_next_request_during_an_answers_end_does_not_stop_its_clock(
    context: ssl.SSLContext | None,
) -> None:
    count = 4 * PIECE
    with guarded(context, stall_s=0.5) as port, connected(port, tls=bool(context)) as client:
        client.sendall(get(count) + get(count))
        taken(client, count // 2)
        time.sleep(1.5)
        assert taken(client, 2 * count) < 3 * count // 2


def test_connection_whose_answer_is_not_taken_yet_does_not_make_room(
    context: ssl.SSLContext | None,
) -> None:
    tls = bool(context)
    with guarded(context, connections=1) as port, connected(port, tls=tls) as busy:
        busy.sendall(get(PIECE))
        time.sleep(0.1)
        with connected(port, tls=tls) as other:
            assert other.recv(100).startswith(b"HTTP/1.1 503")
        assert taken(busy, PIECE) == PIECE


def test_attack_client_that_there_was_no_room_for_cannot_stay(
    context: ssl.SSLContext | None,
) -> None:
    """It does not end the TLS connection on its side; what lies below is ended all the same."""
    tls = bool(context)
    with guarded(context, connections=1) as port, connected(port, tls=tls) as busy:
        busy.sendall(get(8 * PIECE))
        time.sleep(0.1)
        with (
            connected(port, tls=tls) as other,
            socket.socket(fileno=os.dup(other.fileno())) as below,
        ):
            below.settimeout(5)
            assert taken(below, PIECE) < PIECE


def test_connection_whose_answer_is_taken_makes_room_at_once() -> None:
    with guarded(connections=1) as port, connected(port) as former:
        former.sendall(GET)
        assert former.recv(100).startswith(b"HTTP/1.1 200")
        time.sleep(0.1)
        with connected(port) as other:
            other.sendall(GET)
            assert other.recv(100).startswith(b"HTTP/1.1 200")


def test_attack_idle_connection_is_hung_up_on(context: ssl.SSLContext | None) -> None:
    with (
        guarded(context, head_s=0.2, stall_s=30) as port,
        connected(port, tls=bool(context)) as client,
    ):
        client.sendall(GET)
        assert client.recv(1000).startswith(b"HTTP/1.1 200")
        began = time.monotonic()
        taken(client, 1000)
        assert time.monotonic() - began < 5


def test_attack_handshakes_that_never_begin_keep_nobody_out(tmp_path: Path) -> None:
    context = Authority(tmp_path).server_context()
    with guarded(context, connections=3) as port, contextlib.ExitStack() as held:
        silent = [held.enter_context(connected(port)) for _ in range(20)]
        with connected(port, tls=True) as client:
            client.sendall(GET)
            assert client.recv(100).startswith(b"HTTP/1.1 200")
        for oldest in silent[:17]:
            assert taken(oldest, 1) == 0, "it is held no more"


def test_attack_handshakes_that_never_begin_drive_out_nobody(tmp_path: Path) -> None:
    context = Authority(tmp_path).server_context()
    with guarded(context, connections=2) as port, contextlib.ExitStack() as held:
        idle = held.enter_context(connected(port, tls=True))
        for _ in range(10):
            held.enter_context(connected(port))
        time.sleep(0.2)
        idle.sendall(GET)
        assert idle.recv(100).startswith(b"HTTP/1.1 200")


def test_attack_handshake_that_does_not_end_is_hung_up_on(tmp_path: Path) -> None:
    context = Authority(tmp_path).server_context()
    with guarded(context, head_s=0.2) as port, connected(port) as client:
        client.sendall(b"\x16\x03\x01")
        began = time.monotonic()
        assert taken(client, 1) == 0
        assert time.monotonic() - began < 5


def test_what_is_no_handshake_is_hung_up_on(tmp_path: Path) -> None:
    context = Authority(tmp_path).server_context()
    with guarded(context, connections=1) as port:
        for _ in range(3):
            with connected(port) as client:
                client.sendall(GET)
                taken(client, 1000)  # an alert, and the end
        with connected(port, tls=True) as client:
            client.sendall(GET)
            assert client.recv(100).startswith(b"HTTP/1.1 200")
