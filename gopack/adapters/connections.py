"""Connections that stay open, for whoever asks a server next.

Rules kept:
- a connection serves one thread at a time, and what was used last is used next, so that there are
  no more than were ever needed at once;
- one on which anything came since its last answer is closed: that is no answer to what comes next;
- so is one that was idle for long: what stands between may have forgotten it without a word;
- trust, time-outs and the least pace are Web's.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from gopack.adapters.web import Web

if TYPE_CHECKING:
    from gopack.adapters.plainhttp import Connection

IDLE_S = 30.0
"""How long a connection may be idle and still be used."""


class NotPlainError(Exception):
    """There is no connection here, or an answer that Web must see.

    `stays` says that it will be like this again.
    """

    def __init__(self, *, stays: bool = False) -> None:
        super().__init__()
        self.stays = stays


class Lent(NamedTuple):
    """A connection that somebody has."""

    connection: Connection
    is_new: bool


class Connections:
    """Connections to any servers, http or https; safe from many threads."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._lock = threading.Lock()
        self._idle: defaultdict[str, list[tuple[Connection, float]]]
        self._idle = defaultdict(list)
        self._open: set[Connection] = set()
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
        while (idle := self._pop(origin)) is not None:
            connection, since_s = idle
            if time.monotonic() - since_s < IDLE_S and not _is_readable(connection):
                return Lent(connection, is_new=False)
            self._drop(connection)
        try:
            return Lent(self._connect(origin), is_new=True)
        except TimeoutError:
            raise NotPlainError from None
        except (OSError, ValueError) as error:
            raise NotPlainError(stays=True) from error

    def _put_back(self, origin: str, lent: Lent) -> None:
        """Have a connection used again, unless something went wrong, or the server closed it."""
        with self._lock:
            if lent.connection.is_sound and not self._closed.is_set():
                self._idle[origin].append((lent.connection, time.monotonic()))
                return
        self._drop(lent.connection)

    def _pop(self, origin: str) -> tuple[Connection, float] | None:
        with self._lock:
            idle = self._idle[origin]
            return idle.pop() if idle else None

    def _drop(self, connection: Connection) -> None:
        with self._lock:
            self._open.discard(connection)
        connection.close()

    def _connect(self, origin: str) -> Connection:
        if self._closed.is_set():
            raise NotPlainError
        from gopack.adapters import plainhttp  # noqa: PLC0415 - see web.py

        scheme, _, host = origin.partition("://")
        times_s = self._web.timeouts_s
        context = self._web.context() if scheme == "https" else None
        opened = plainhttp.connect(scheme, host, context, timeout_s=times_s["connect"])
        opened.settimeout(times_s["read"])
        made = plainhttp.Connection(opened, host, self._web.least_pace)
        with self._lock:
            if not self._closed.is_set():
                self._open.add(made)
                return made
        made.close()
        raise NotPlainError

    def _close(self) -> None:
        """Close all connections; those in use end, and are closed by who has them."""
        with self._lock:
            self._closed.set()
            for connection in self._open:
                connection.hang_up()
            idle = [connection for each in self._idle.values() for connection, _ in each]
            self._idle.clear()
        for connection in idle:
            self._drop(connection)


def _is_readable(connection: Connection) -> bool:
    """Whether an idle connection has something to read, or was closed."""
    try:
        return connection.is_readable()
    except (OSError, ValueError):  # closed meanwhile
        return True
