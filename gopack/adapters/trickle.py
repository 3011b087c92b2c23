"""Answers that trickle are given up: one that has begun must go on at a minimum pace.

A time-out on each read alone lets a server that sends a byte now and then keep a run for ever.
Here the time spent waiting for an answer's bytes is counted, from its first byte on, over its
head, its body and a forward proxy's words alike. How long the first byte may take, and how long
silence may last, the read time-out says; time in which nobody reads does not count.
"""

import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx


@dataclass(frozen=True, slots=True)
class LeastPace:
    """The least that an answer must bring: this many bytes in this much waiting.

    The default is generous: 16 jobs that share a line of 56 kbit/s reach it.
    """

    bytes: int = 16 << 10
    seconds: float = 60.0


LEAST = LeastPace()


class TooSlowError(httpcore.ReadTimeout):
    """An answer trickles."""


def keep_pace(transport: httpx.HTTPTransport, pace: LeastPace) -> None:
    """Have every connection that a transport opens from now on keep this pace."""
    # httpx has no option for httpcore's documented `network_backend`.
    transport._pool._network_backend = _PacedBackend(pace)  # noqa: SLF001


class _PacedBackend(httpcore.NetworkBackend):
    """httpcore's own way to open connections, each of them watched."""

    def __init__(self, pace: LeastPace) -> None:
        self._pace = pace
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
        self._clock = clock
        self._has_begun = False
        self._waited_s = 0.0
        self._bytes = 0

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what is there, or wait for it."""
        begun = self._clock()
        data = self._stream.read(max_bytes, timeout)
        self._count(len(data), self._clock() - begun)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send; the next answer is counted anew."""
        self._has_begun = False
        self._waited_s, self._bytes = 0.0, 0
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

    def _count(self, size: int, waited_s: float) -> None:
        if self._has_begun:
            self._waited_s += waited_s
        self._has_begun = True
        self._bytes += size
        if self._bytes >= self._pace.bytes:
            self._waited_s, self._bytes = 0.0, 0
        elif size and self._waited_s >= self._pace.seconds:
            raise TooSlowError(f"{self._bytes} bytes in {self._waited_s:.0f} s")
