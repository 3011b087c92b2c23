"""HTTP/1.1 on one connection, as far as it is plain: a request, and an answer of known length.

Rules kept:
- httptools (llhttp, as Node.js has it) judges the head of an answer, and is strict;
- what it refuses, and what leaves open where an answer ends, is no plain answer;
- what comes behind an answer is no answer to what comes next: such a connection is not used again.

Spec: RFC 9112 (HTTP/1.1), sections 2 to 6.
"""

from __future__ import annotations

import re
import select
import socket
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import httptools

from gopack.adapters.leastpace import LeastPace, Pacer

if TYPE_CHECKING:
    import ssl

MAX_HEAD_BYTES = 64 << 10
"""A longer head is not plain; http.client and Go's client take less than twice as much."""

_FIRST_BYTES = 16 << 10
"""How much is taken off a connection while a head is waited for: most small answers whole."""

_HEAD_START, _HEAD_END = b"HTTP/1.", b"\r\n\r\n"
_BARE_END = re.compile(rb"(?<!\r)\n")
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_PORTS = {"http": 80, "https": 443}
_BODILESS = frozenset({204, 304})
_KEPT = "keep-alive"
_TARGET, _HOST = re.compile(r"[!-~]+"), re.compile(r"[!-?A-~]+")  # a host has no `@`


class OddError(Exception):
    """An answer, or what is to be asked, is not plain."""


class CutShortError(Exception):
    """A body ended before all of it came."""


class Headers:
    """Headers by name, in any case; the first counts where several have one name."""

    __slots__ = ("_values",)

    def __init__(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        self._values: dict[str, str] = {}
        for name, value in pairs:
            self._values.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))

    def get(self, name: str, default: str, /) -> str:
        """Give the value of a header."""
        return self._values.get(name.lower(), default)

    def __contains__(self, name: str, /) -> bool:
        return name.lower() in self._values

    def items(self) -> Iterable[tuple[str, str]]:
        """Give the names, in lower case, with their values."""
        return self._values.items()


class Head(NamedTuple):
    """The head of an answer.

    `length` is its body's, in bytes, None where that is left open; `is_last` tells that no other
    answer follows on this connection.
    """

    status: int
    reason: str
    headers: Headers
    length: int | None
    is_last: bool


class Connection:
    """An open connection, used by one thread at a time; `hang_up` may come from any.

    Errors of the socket are OSErrors, those of TLS among them.
    """

    def __init__(self, opened: socket.socket, host: str, pace: LeastPace) -> None:
        self._socket = opened
        self._host = host
        self._pacer = Pacer(pace)
        self._behind = b""
        self._left = 0
        self._is_last = False
        self._is_over = False

    @property
    def is_sound(self) -> bool:
        """Whether the answer was read to its end, and another may follow."""
        return not (self._left or self._behind or self._is_last)

    @property
    def left(self) -> int:
        """How much of the body is still to be read, in bytes."""
        return self._left

    @property
    def has_come(self) -> bool:
        """Whether all of the body is here."""
        return self._left <= len(self._behind)

    def ask(self, target: str, headers: Mapping[str, str]) -> Head:
        """Send a GET request, and read the head of the answer; its body is read by `read`.

        Raises:
            OddError: it is not plain, or there is none.
            OSError, TrickleError: the connection broke, or is too slow.
        """
        if not _TARGET.fullmatch(target):
            raise OddError
        lines = [f"GET {target} HTTP/1.1", f"Host: {self._host}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._is_last = True  # until it is known better
        self._pacer.sent()
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
        data = self._receive_head()
        end = data.index(_HEAD_END) + len(_HEAD_END)
        head = parse_head(data[:end])
        is_open = head.length is None or head.status < 200  # what follows is no other answer
        self._left, self._is_last = head.length or 0, head.is_last or is_open
        self._behind = data[end:]
        return head

    def read(self, most: int) -> bytes:
        """Read the next bytes of the body, at most so many; none at its end.

        Raises:
            CutShortError: the connection ended before the body did.
            OSError, TrickleError: it broke, or is too slow.
        """
        most = min(most, self._left)
        if self._behind:
            piece, self._behind = self._behind[:most], self._behind[most:]
        else:
            piece = self._receive(most) if most else b""
            if most and not piece:
                raise CutShortError
        self._left -= len(piece)
        return piece

    def read_all(self) -> bytes:
        """Read what is left of the body; raises as `read`."""
        pieces = []
        while piece := self.read(self._left):
            pieces.append(piece)
        return b"".join(pieces)

    def is_readable(self) -> bool:
        """Whether something came, or the server hung up."""
        poller = select.poll()
        poller.register(self._socket.fileno(), select.POLLIN)
        # What came in one TLS record with what was read is not the socket's any more.
        pending = getattr(self._socket, "pending", int)
        return bool(poller.poll(0)) or pending() > 0

    def hang_up(self) -> None:
        """Have whoever waits for an answer wait no more."""
        self._is_over = True
        with suppress(OSError):  # TLS's own way would have what is sent meanwhile go in plain text
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of the socket; nobody may be using it."""
        self._socket.close()

    def _receive_head(self) -> bytes:
        """Receive all of a head at least; what cannot become one is not waited for."""
        data = self._receive(_FIRST_BYTES)
        if not data:
            raise ConnectionResetError("closed before an answer")
        came = bytearray(data)
        while data and len(came) <= MAX_HEAD_BYTES:
            if not (came.startswith(_HEAD_START) or _HEAD_START.startswith(came)):
                break
            if came.find(_HEAD_END, -len(data) - len(_HEAD_END)) >= 0:
                return bytes(came)
            if _BARE_END.search(came, len(came) - len(data)):
                break
            data = self._receive(_FIRST_BYTES)
            came += data
        raise OddError

    def _receive(self, most: int) -> bytes:
        begun = time.monotonic()
        data = self._socket.recv(most)
        self._pacer.came(len(data), time.monotonic() - begun)
        if self._is_over:  # what had come by then could be read all the same
            raise ConnectionAbortedError("the run ends")
        return data


def connect(
    scheme: str, host: str, context: ssl.SSLContext | None, *, timeout_s: float | None
) -> socket.socket:
    """Open a connection to `host:port` or `host`, over TLS where there is a context.

    Raises:
        OSError, ValueError: none can be made, or should be.
    """
    from urllib.parse import urlsplit  # noqa: PLC0415

    is_secure = scheme == "https"
    if not _HOST.fullmatch(host) or scheme not in _PORTS or is_secure != bool(context):
        raise ValueError("not to be asked plainly")
    parsed = urlsplit(f"{scheme}://{host}")
    name, port = parsed.hostname or "", parsed.port or _PORTS[scheme]
    opened = socket.create_connection((name, port), timeout_s)
    try:
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return context.wrap_socket(opened, server_hostname=name) if context else opened
    except BaseException:
        opened.close()
        raise


class _HeadParser:
    """What httptools tells of a head."""

    def __init__(self) -> None:
        self.reason = b""
        self.pairs: list[tuple[bytes, bytes]] = []
        self.is_complete = False

    def on_status(self, reason: bytes) -> None:
        self.reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        self.pairs.append((name, value))

    def on_headers_complete(self) -> None:
        self.is_complete = True


def parse_head(data: bytes) -> Head:
    """Read a head, up to and with the empty line.

    Raises:
        OddError: it can be understood in more than one way, or not at all.
    """
    told = _HeadParser()
    parser = httptools.HttpResponseParser(told)
    try:
        parser.feed_data(data)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
        raise OddError from error
    if not told.is_complete or _BARE_END.search(data) or _CONTROL.search(told.reason):
        raise OddError
    status, headers = parser.get_status_code(), Headers(told.pairs)
    length = 0 if status in _BODILESS else _length(headers)
    is_kept = (
        parser.get_http_version() == "1.1" and headers.get("Connection", _KEPT).lower() == _KEPT
    )
    return Head(status, told.reason.decode("latin-1"), headers, length, not is_kept)


def _length(headers: Headers) -> int | None:
    announced = headers.get("Content-Length", "")
    is_open = "Transfer-Encoding" in headers or not (announced.isascii() and announced.isdigit())
    return None if is_open else int(announced)
