"""A quicker way to many small answers: http.client on connections that stay open.

A fetch asks for thousands of small files, lookups and tiles, and with httpx most of the processor
time of each goes into what they do not need. What is plain is asked for here: a GET without
credentials, without a forward proxy, without redirects. Everything else is left to
adapters.web.Web, which knows what to do with it.

Rules: a connection serves one thread at a time, and what was used last is used next, so that there
are no more than were ever needed at once; trust, time-outs, paces and slots are Web's, and so are
the errors that a status or a time-out leads to.
"""

from __future__ import annotations

import io
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple, Never

from gopack.adapters import weberrors
from gopack.adapters.crowd import Crowd
from gopack.adapters.leastpace import LeastPace, Pacer, TrickleError
from gopack.adapters.web import FIRST_BYTE, USER_AGENT, Web, announced_size, is_good, is_too_much

if TYPE_CHECKING:
    import http.client
    import socket

    import httpx

_HEADERS = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
_NO_HEADERS: Mapping[str, str] = {}
_NOTHING = 1
"""The limit of who wants the size alone: a server may send all where a byte is asked for."""

_MAX_ERROR_BYTES = 1 << 16
"""Of an answer that is an error no more is read."""


class Answer(NamedTuple):
    """What a server said: 200, or what further headers lead to (206, 304)."""

    status: int
    headers: weberrors.Headers
    body: bytes


class _NotPlainError(Exception):
    """The answer is one that Web must see."""


class QuickReader:
    """Asks for what is plain itself, and leaves the rest to a Web; safe from many threads."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._lock = threading.Lock()
        self._idle: defaultdict[str, list[http.client.HTTPConnection]] = defaultdict(list)
        self._open: set[http.client.HTTPConnection] = set()
        self._plain: dict[str, bool] = {}
        self._crowds: defaultdict[str, Crowd] = defaultdict(Crowd)
        self._closed = threading.Event()
        web.when_closed(self._close)

    def read(self, url: str, *, where: str, limit: int) -> bytes:
        """Return a small body whole.

        Raises:
            UpstreamError: as Web.read.
        """
        answer = self.ask(url, where=where, limit=limit)
        return self._web.read(url, where=where, limit=limit) if answer is None else answer.body

    def size(self, url: str, *, where: str) -> int | None:
        """Ask for a body's size in bytes by its first byte; see Web.size.

        Raises:
            UpstreamError: as Web.size.
        """
        answer = self.ask(url, where=where, limit=_NOTHING, headers=FIRST_BYTE)
        if answer is None:
            return self._web.size(url, where=where)
        return announced_size(answer.status, answer.headers)

    def ask(
        self, url: str, *, where: str, limit: int, headers: Mapping[str, str] = _NO_HEADERS
    ) -> Answer | None:
        """Ask with further headers, which may lead to 206 or 304; None if Web has to ask.

        Raises:
            UpstreamError: any other status, or no answer in time.
        """
        origin, target = _split(url)
        if not self._is_plain(origin, url):
            return None
        crowd = self._crowds[origin]
        with crowd.one(), self._web.pace(url).turn() as turn, self._web.slot():
            begun = time.monotonic()
            try:
                answer = self._ask(origin, target, headers, limit)
            except _NotPlainError:
                return None
            except (TimeoutError, TrickleError) as error:
                _tell_time_out(where, url, error)
            crowd.answered(time.monotonic() - begun)
            turn.answered()
            if is_too_much(answer.status, answer.headers):
                turn.refused()
        if not is_good(answer.status, headers):
            raise weberrors.from_status(where, url, _response(answer), now=self._web.now())
        weberrors.check_not_a_page(where, url, answer.headers, answer.body)
        return answer

    def _is_plain(self, origin: str, url: str) -> bool:
        known = self._plain.get(origin)
        if known is None:
            known = self._plain[origin] = self._web.is_direct(url)
        return known and not self._closed.is_set()

    def _ask(self, origin: str, target: str, headers: Mapping[str, str], limit: int) -> Answer:
        import http.client  # noqa: PLC0415 - see web.py

        connection = self._take(origin)
        is_new, is_sound = connection is None, False
        try:
            if connection is None:
                connection = self._connect(origin)
            connection.request("GET", target, headers={**_HEADERS, **headers})
            response = connection.getresponse()
            answer = self._answer(origin, response, headers, limit)
            is_sound = response.isclosed()  # all of it was read
            return answer  # noqa: TRY300 - what else there is to do is done on every way out
        except TimeoutError:
            if is_new and connection is None:  # Web tells of a connection that is not made
                raise _NotPlainError from None
            raise
        except (OSError, http.client.HTTPException, ValueError) as error:
            # A connection that was open may have been closed meanwhile: that is no trouble.
            if is_new:
                self._plain[origin] = False
            raise _NotPlainError from error
        except AttributeError as error:  # http.client's, of a connection closed meanwhile
            if not self._closed.is_set():
                raise
            raise _NotPlainError from error
        finally:
            if connection is not None:
                self._put_back(origin, connection, is_sound=is_sound)

    def _answer(
        self,
        origin: str,
        answer: http.client.HTTPResponse,
        asked_with: Mapping[str, str],
        limit: int,
    ) -> Answer:
        status, headers = answer.status, answer.headers
        # What http.client takes for an answer may be a hint of one (103), or that it is elsewhere.
        is_answer = status >= 200 and not (300 <= status < 400 and "Location" in headers)
        has_end = answer.chunked or answer.length is not None
        if not is_answer or not has_end or "Content-Encoding" in headers:
            self._plain[origin] = False  # it answers like this again
            raise _NotPlainError
        if status == HTTPStatus.OK and limit == _NOTHING:
            return Answer(status, headers, b"")
        most = limit if is_good(status, asked_with) else _MAX_ERROR_BYTES
        if (answer.length or 0) > most:
            raise _NotPlainError
        body = answer.read(most + 1) if answer.chunked else answer.read()
        if len(body) > most:
            raise _NotPlainError
        return Answer(status, headers, body)

    def _take(self, origin: str) -> http.client.HTTPConnection | None:
        """Take an open connection that nobody uses; None where there is none."""
        with self._lock:
            idle = self._idle[origin]
            return idle.pop() if idle else None

    def _put_back(
        self, origin: str, connection: http.client.HTTPConnection, *, is_sound: bool
    ) -> None:
        """Have a connection used again, unless something went wrong, or the server closed it."""
        with self._lock:
            if is_sound and connection.sock is not None and not self._closed.is_set():
                self._idle[origin].append(connection)
                return
            self._open.discard(connection)
        connection.close()

    def _connect(self, origin: str) -> http.client.HTTPConnection:
        if self._closed.is_set():
            raise _NotPlainError
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
        made.sock = _PacedSocket(made.sock, self._web.least_pace)
        with self._lock:
            if not self._closed.is_set():
                self._open.add(made)
                return made
        made.close()
        raise _NotPlainError

    def _close(self) -> None:
        """Close all connections, those in use as well."""
        with self._lock:
            self._closed.set()
            self._idle.clear()
            for connection in self._open:
                connection.close()
            self._open.clear()


class _PacedSocket:
    """What http.client uses of a socket, with an eye on the pace of each answer."""

    def __init__(self, inner: socket.socket, pace: LeastPace) -> None:
        self._inner = inner
        self._pacer = Pacer(pace)
        self.close = inner.close

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


def _split(url: str) -> tuple[str, str]:
    scheme, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    return f"{scheme}://{host}", f"/{path}"


def _response(answer: Answer) -> httpx.Response:
    """Give an answer as Web would have it."""
    import httpx  # noqa: PLC0415 - see web.py

    return httpx.Response(answer.status, headers=list(answer.headers.items()), content=answer.body)


def _tell_time_out(where: str, url: str, error: Exception) -> Never:
    import httpx  # noqa: PLC0415

    with weberrors.translated(where, url):
        raise httpx.ReadTimeout(str(error)) from error
    raise AssertionError  # never reached: it was translated
