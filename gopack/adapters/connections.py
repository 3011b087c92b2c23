"""Connections of http.client that stay open, for whoever asks a server next.

Rules kept:
- a connection serves one thread at a time, and what was used last is used next, so that there are
  no more than were ever needed at once;
- one on which anything came since its last answer is closed: that is no answer to what comes next;
- so is one that was idle for long: what stands between may have forgotten it without a word;
- trust, time-outs and the least pace are Web's.
"""

from __future__ import annotations

import io
import select
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gopack.adapters.leastpace import LeastPace, Pacer
from gopack.adapters.web import Web

if TYPE_CHECKING:
    import http.client
    import socket


IDLE_S = 30.0
"""How long a connection may be idle and still be used."""


class NotPlainError(Exception):
    """There is no connection here, or an answer that Web must see.

    `stays` says that it will be like this again.
    """

    def __init__(self, *, stays: bool = False) -> None:
        super().__init__()
        self.stays = stays


@dataclass(slots=True)
class Lent:
    """A connection that somebody has; it is used again only where `is_sound` is set."""

    connection: http.client.HTTPConnection
    is_new: bool
    is_sound: bool = False


class Connections:
    """Connections to any servers, http or https; safe from many threads."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._lock = threading.Lock()
        self._idle: defaultdict[str, list[tuple[http.client.HTTPConnection, float]]]
        self._idle = defaultdict(list)
        self._open: set[http.client.HTTPConnection] = set()
        self._closed = threading.Event()
        web.when_closed(self._close)

    @property
    def are_closed(self) -> bool:
        """Whether nothing is to be asked any more."""
        return self._closed.is_set()

    @contextmanager
    def one(self, origin: str) -> Iterator[Lent]:
        """Have a connection to a server (`https://host:port`) until the block ends.

        Raises:
            NotPlainError: none can be made, or all are closed.
        """
        lent = self._take(origin)
        try:
            yield lent
        finally:
            self._put_back(origin, lent)

    def _take(self, origin: str) -> Lent:
        import http.client  # noqa: PLC0415 - see web.py

        while (idle := self._pop(origin)) is not None:
            connection, since_s = idle
            if time.monotonic() - since_s < IDLE_S and not _is_readable(connection):
                return Lent(connection, is_new=False)
            self._drop(connection)
        try:
            return Lent(self._connect(origin), is_new=True)
        except TimeoutError:
            raise NotPlainError from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NotPlainError(stays=True) from error

    def _put_back(self, origin: str, lent: Lent) -> None:
        """Have a connection used again, unless something went wrong, or the server closed it."""
        connection = lent.connection
        with self._lock:
            if lent.is_sound and connection.sock is not None and not self._closed.is_set():
                self._idle[origin].append((connection, time.monotonic()))
                return
        self._drop(connection)

    def _pop(self, origin: str) -> tuple[http.client.HTTPConnection, float] | None:
        with self._lock:
            idle = self._idle[origin]
            return idle.pop() if idle else None

    def _drop(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            self._open.discard(connection)
        connection.close()

    def _connect(self, origin: str) -> http.client.HTTPConnection:
        if self._closed.is_set():
            raise NotPlainError
        import http.client  # noqa: PLC0415

        scheme, _, host = origin.partition("://")
        times_s = self._web.timeouts_s
        if scheme == "https":
            context = self._web.context()
            made: http.client.HTTPConnection = http.client.HTTPSConnection(
                host, timeout=times_s["connect"], context=context
            )
        else:
            made = http.client.HTTPConnection(host, timeout=times_s["connect"])
        made.auto_open = 0  # what is closed stays closed: nobody would close it again
        made.connect()
        made.sock.settimeout(times_s["read"])
        made.sock = PacedSocket(made.sock, self._web.least_pace)
        with self._lock:
            if not self._closed.is_set():
                self._open.add(made)
                return made
        made.close()
        raise NotPlainError

    def _close(self) -> None:
        """Close all connections, those in use as well."""
        with self._lock:
            self._closed.set()
            self._idle.clear()
            for connection in self._open:
                connection.close()
            self._open.clear()


def _is_readable(connection: http.client.HTTPConnection) -> bool:
    """Whether an idle connection has something to read, or was closed."""
    try:
        return connection.sock.is_readable()  # type: ignore[no-any-return, union-attr]
    except (OSError, ValueError, AttributeError):  # closed meanwhile
        return True


class PacedSocket:
    """What http.client uses of a socket, with an eye on the pace of each answer."""

    def __init__(self, inner: socket.socket, pace: LeastPace) -> None:
        self._inner = inner
        self._pacer = Pacer(pace)
        self.close = inner.close

    def is_readable(self) -> bool:
        """Whether something came, or the server hung up."""
        poller = select.poll()
        poller.register(self._inner.fileno(), select.POLLIN)
        # What came in one TLS record with what was read is not the socket's any more.
        pending = getattr(self._inner, "pending", int)
        return bool(poller.poll(0)) or pending() > 0

    def sendall(self, data: bytes) -> None:
        """Send; the next answer is counted anew."""
        self._pacer.sent()
        self._inner.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        """Give a reader of the answer."""
        del mode  # http.client reads bytes
        return io.BufferedReader(_PacedFile(self._inner.makefile("rb", buffering=0), self._pacer))


class _PacedFile(io.RawIOBase):
    """The bytes that come, counted."""

    def __init__(self, inner: io.RawIOBase, pacer: Pacer) -> None:
        self._inner = inner
        self._pacer = pacer

    def readable(self) -> bool:
        """Tell that this is for reading."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Wait for the next bytes."""
        begun = time.monotonic()
        size = self._inner.readinto(buffer) or 0
        self._pacer.came(size, time.monotonic() - begun)
        return size

    def close(self) -> None:
        """Let go of the socket."""
        self._inner.close()
        super().close()
