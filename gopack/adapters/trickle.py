"""Connections of httpx on which answers that trickle are given up (leastpace.py).

Head, body and a forward proxy's words are counted alike. So are hints that an answer will come
(1xx): httpcore reads any number of them.
"""

import re
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakSet

import httpcore
import httpx

from gopack.adapters.leastpace import LeastPace, Pacer, TrickleError

MAX_HINTS = 16
"""Go takes five before an answer, or as many as fit into a head."""

_MAX_HEAD_BYTES = 128 << 10
_HEAD_END = re.compile(rb"\n\r?\n")  # as h11 has it


class TooSlowError(httpcore.ReadTimeout):
    """An answer trickles."""


class _Hints:
    """Counts the hints before an answer."""

    def __init__(self) -> None:
        self._head: bytes | None = b""
        self._count = 0

    def came(self, data: bytes) -> None:
        """Look through what came.

        Raises:
            RemoteProtocolError: there are too many.
        """
        if self._head is None:
            return
        head = self._head + data
        while end := _HEAD_END.search(head):
            if head[9:10] != b"1":  # HTTP/1.1 103
                self._head = None
                return
            self._count += 1
            head = head[end.end() :]
        if self._count > MAX_HINTS:
            raise httpcore.RemoteProtocolError("too many hints (1xx) and no answer")
        self._head = head if len(head) <= _MAX_HEAD_BYTES else None


def keep_pace(transport: httpx.HTTPTransport, pace: LeastPace) -> "Opened":
    """Have every connection that a transport opens from now on keep this pace.

    Returns:
        Those that are open; an interrupted request leaves some that the transport forgets.
    """
    opened = Opened()
    # httpx has no option for httpcore's documented `network_backend`.
    transport._pool._network_backend = _PacedBackend(pace, opened)  # noqa: SLF001
    return opened


class Opened:
    """The connections that were opened and are still used by somebody."""

    def __init__(self) -> None:
        self._streams: WeakSet[httpcore.NetworkStream] = WeakSet()
        self._lock = threading.Lock()

    def add(self, stream: httpcore.NetworkStream) -> None:
        """Count one more."""
        with self._lock:
            self._streams.add(stream)

    def close(self) -> None:
        """Close them all; those that are closed already stay so."""
        with self._lock:
            for stream in list(self._streams):
                stream.close()


class _PacedBackend(httpcore.NetworkBackend):
    """httpcore's own way to open connections, each of them watched."""

    def __init__(self, pace: LeastPace, opened: Opened) -> None:
        self._pace = pace
        self._opened = opened
        self._opening = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Open a connection; see httpcore."""
        opened = self._opening.connect_tcp(host, port, timeout, local_address, socket_options)
        self._opened.add(opened)
        return PacedStream(opened, self._pace)

    def sleep(self, seconds: float) -> None:
        """Wait between tries to connect; see httpcore."""
        self._opening.sleep(seconds)


class PacedStream(httpcore.NetworkStream):
    """A connection on which an answer, once begun, keeps a pace.

    Raises:
        TooSlowError: from `read`, where it does not.
    """

    def __init__(
        self,
        stream: httpcore.NetworkStream,
        pace: LeastPace,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream
        self._pace = pace
        self._pacer = Pacer(pace)
        self._hints = _Hints()
        self._clock = clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what is there, or wait for it."""
        begun = self._clock()
        data = self._stream.read(max_bytes, timeout)
        try:
            self._pacer.came(len(data), self._clock() - begun)
        except TrickleError as error:
            raise TooSlowError(str(error)) from error
        self._hints.came(data)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send; the next answer is counted anew."""
        self._pacer.sent()
        self._hints = _Hints()
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Go on in TLS; the handshake has its time-out as a whole."""
        secured = self._stream.start_tls(ssl_context, server_hostname, timeout)
        return PacedStream(secured, self._pace, clock=self._clock)

    def get_extra_info(self, info: str) -> Any:
        """Tell of the connection; see httpcore."""
        return self._stream.get_extra_info(info)
