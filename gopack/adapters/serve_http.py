"""The HTTP server of `gopack serve`: uvicorn with h11, and a guard against clients that stall.

Rules:
- A connection that does not send a whole request head in time, or takes next to nothing of its
  answer, is closed. What it takes is what its side has acknowledged (adapters.untaken).
- Where all connections are taken, the one that has been idle longest makes room for a new one;
  where none is idle, the new one gets 503. None is idle before it has taken all of its answer.
- TLS handshakes under way have places and a clock of their own (adapters.serve_tls).
- SIGTERM and SIGINT end it: no new connections, answers under way have STOP_S to end.
- h11 refuses a request head over 64 KiB.
- What a client can provoke is told in a line at most, and not without end.
"""

import asyncio
import contextlib
import logging
import resource
import signal
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from gopack.adapters.serve_app import App
from gopack.adapters.serve_tls import Tls, TlsProtocol, tls_context
from gopack.adapters.untaken import Untaken
from gopack.errors import InputError

STOP_S = 30
_LOOK_S = 1.0
"""How often it is looked at what a client has taken: the kernel does not say when it has."""
_LEAVE_S = 1.0
"""How long a client may stay that there was no room for."""

_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nretry-after: 1\r\n"
    b"connection: close\r\n\r\n"
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What clients may take of the server.

    `head_s` is for a TLS handshake, for a request head, and between requests; in `stall_s` at least
    `least_bytes` of an answer must be taken; `connections` at once, and as many TLS handshakes.
    """

    head_s: float = 30
    stall_s: float = 60
    least_bytes: int = 16 * 1024
    connections: int = 500


class _GuardedProtocol(H11Protocol):
    """One connection; `limits` is set by a subclass a server.

    It waits for a request head, under `head_s`; or for the client to take something, under
    `stall_s`; or else for the answer to be made, under no clock. The end of an answer is waited
    for like the rest of it, and the head of the next request only after that.
    """

    limits = Limits()
    _untaken: Untaken
    _timer: asyncio.TimerHandle | None = None
    _idle_since: float | None = None
    _left_bytes = 0
    _stalls_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection, if there is room for it."""
        assert isinstance(transport, asyncio.Transport)
        super().connection_made(transport)
        self._untaken = Untaken(transport)
        served = [each for each in self.connections if isinstance(each, _GuardedProtocol)]
        if len(served) > self.limits.connections and not _make_room(served):
            transport.write(_BUSY)
            transport.close()  # in TLS this waits for the client's own end, which may never come
            self.loop.call_later(_LEAVE_S, transport.abort)
            return
        self._wait_for_head()

    def idle_since(self) -> float | None:
        """When it began to wait for a whole request head; None while it is served."""
        if self._idle_since is None and self._timer is not None:
            self._look()  # it may have taken the end of its answer just now
        return self._idle_since

    def _wait_for_head(self) -> None:
        self._idle_since = self.loop.time()
        self._set_timer(self.limits.head_s, self.transport.abort)

    def _wait_until_taken(self) -> None:
        """Begin to watch how much the client takes of what was written."""
        self._left_bytes = self._untaken.count()
        self._stalls_at = self.loop.time() + self.limits.stall_s
        self._look()

    def _look(self) -> None:
        """Go on to watch, or hang up on a client that took too little for too long."""
        left, now = self._untaken.count(), self.loop.time()
        if left <= self._left_bytes - self.limits.least_bytes:
            self._left_bytes, self._stalls_at = left, now + self.limits.stall_s
        if not left and not self._is_answering():
            self._wait_for_head()
        elif now >= self._stalls_at:
            self.transport.abort()
        else:
            self._set_timer(min(_LOOK_S, self._stalls_at - now), self._look)

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what the client sent; a begun answer stops the clock for its head."""
        try:
            super().data_received(data)
        except h11.ProtocolError:
            self.transport.abort()  # nonsense in the midst of an answer
            return
        self._stop_if_begun()

    def _stop_if_begun(self) -> None:
        if self._is_answering():
            self._idle_since = None
            if not self.flow.write_paused:  # else the client is still to take something
                self._disarm()

    def on_response_complete(self) -> None:
        """Wait for the client to take the answer, then for its next request."""
        self._wait_until_taken()
        super().on_response_complete()
        self._stop_if_begun()  # it was there already

    def timeout_keep_alive_handler(self) -> None:
        """Leave it to the guard: uvicorn's clock knows nothing of what is still to be taken."""

    def shutdown(self) -> None:
        """Close the connection when the server stops; asyncio forgets a TLS one closed twice."""
        if not self.transport.is_closing():
            super().shutdown()

    def pause_writing(self) -> None:
        """Wait for the client to take something."""
        super().pause_writing()
        self._wait_until_taken()

    def resume_writing(self) -> None:
        """Go on: the client took something."""
        if self._is_answering():
            self._disarm()
        super().resume_writing()

    def _set_timer(self, seconds: float, then: Callable[[], None]) -> None:
        self._disarm()
        self._timer = self.loop.call_later(seconds, then)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _make_room(served: Iterable[_GuardedProtocol]) -> bool:
    """Hang up on the connection that has been idle longest; false if none is."""
    idle = [(since, id(each), each) for each in served if (since := each.idle_since()) is not None]
    if not idle:
        return False
    longest = min(idle)[-1]
    longest.connections.discard(longest)
    longest.transport.abort()
    return True


def protocol_for(limits: Limits, context: ssl.SSLContext | None) -> type[asyncio.BaseProtocol]:
    """Make a server's class of connections, with TLS or without."""
    guarded = type("_Protocol", (_GuardedProtocol,), {"limits": limits})
    if context is None:
        return guarded
    said = {
        "context": context,
        "served": guarded,
        "handshake_s": limits.head_s,
        "handshakes": limits.connections,
    }
    return type("_TlsProtocol", (TlsProtocol,), said)


def bind(host: str, port: int) -> socket.socket:
    """Listen on an address; port 0 chooses a free one.

    Raises:
        InputError: it cannot be listened on.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        is_any = host == "::" and socket.has_dualstack_ipv6()  # IPv4, too
        return socket.create_server(
            family[4][:2], family=family[0], backlog=1024, dualstack_ipv6=is_any
        )
    except OSError as error:
        raise InputError(
            f"cannot listen: {error.strerror or error}",
            where=f"{host}:{port}",
            hint="give another address with --listen HOST:PORT",
        ) from error


def run(
    app: App,
    listener: socket.socket,
    *,
    limits: Limits,
    warn: Callable[[str], None],
    tls: Tls | None = None,
) -> None:
    """Serve until a signal says to stop; `listener` is closed then. `warn` is told in lines.

    Raises:
        InputError: the TLS files do not fit or cannot be read.
    """
    protocol: Any = protocol_for(limits, tls_context(tls) if tls else None)
    config = uvicorn.Config(
        app,
        http=protocol,
        loop="asyncio",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_S,
    )
    _set_file_limit(limits.connections)
    with _told_in_lines(warn), _signals_ignored_afterwards():
        uvicorn.Server(config).run(sockets=[listener])


@contextmanager
def _signals_ignored_afterwards() -> Iterator[None]:
    """Have uvicorn's signals end in a return: it raises them again when it has stopped."""
    old = {each: signal.signal(each, _nothing) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in old.items():
            signal.signal(each, handler)


def _nothing(_number: int, _frame: object) -> None:
    """Take the signal that uvicorn raises again."""


def _set_file_limit(connections: int) -> None:
    """Let as many files be open as connections take, two each, and as many TLS handshakes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4 * connections + 256
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class _Lines(logging.Handler):
    """What uvicorn and asyncio have to say, a line each, the first MAX of them."""

    MAX = 1000

    def __init__(self, warn: Callable[[str], None]) -> None:
        super().__init__(logging.ERROR)
        self._warn = warn
        self._left = self.MAX

    def emit(self, record: logging.LogRecord) -> None:
        """Tell what happened; not where in the program."""
        if self._left > 0:
            self._left -= 1
            error = record.exc_info[1] if record.exc_info else None
            told = record.getMessage().split("\n", 1)[0].strip()
            self._warn(f"{told}: {error!r}" if error else told)


@contextmanager
def _told_in_lines(warn: Callable[[str], None]) -> Iterator[None]:
    handler = _Lines(warn)
    loggers = [logging.getLogger(name) for name in ("uvicorn.error", "asyncio")]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
