"""A quicker way to many small answers: http.client on connections that stay open.

A verified fetch asks for thousands of lookups and tiles of a few hundred bytes, and with httpx most
of the processor time of each goes into what they do not need. What is plain is read here: a GET
without credentials, without a forward proxy, answered with 200 and what is no page. Everything else
is asked again by adapters.web.Web, which knows what to say of it.

Rules: each thread has connections of its own; trust and settings are Web's.
"""

import http.client
import threading

from gopack.adapters.web import TIMEOUTS_S, USER_AGENT, Web

_HEADERS = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
_CONNECT_S, _READ_S = TIMEOUTS_S["connect"], TIMEOUTS_S["read"]
_FAILED = (OSError, http.client.HTTPException, ValueError)


class _NotPlainError(Exception):
    """The answer is one that Web must see."""


class QuickReader:
    """Reads what is plain itself, and leaves the rest to a Web; safe from many threads."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._local = threading.local()
        self._lock = threading.Lock()
        self._open: set[http.client.HTTPConnection] = set()
        self._plain: dict[str, bool] = {}
        self._is_off = False
        web.when_closed(self._close)

    def read(self, url: str, *, where: str, limit: int) -> bytes:
        """Return a small body whole.

        Raises:
            UpstreamError: as Web.read.
        """
        origin, target = _split(url)
        if not self._is_off and self._is_plain(origin, url):
            try:
                return self._read(origin, target, limit)
            except _NotPlainError:
                self._hang_up(origin)
        return self._web.read(url, where=where, limit=limit)

    def _is_plain(self, origin: str, url: str) -> bool:
        known = self._plain.get(origin)
        if known is None:
            known = self._plain[origin] = self._web.is_direct(url)
        return known

    def _read(self, origin: str, target: str, limit: int) -> bytes:
        connections = self._connections()
        connection = connections.get(origin)
        is_new = connection is None
        try:
            if connection is None:
                connection = connections[origin] = self._connect(origin)
            with self._web.slot():
                connection.request("GET", target, headers=_HEADERS)
                return _body(connection.getresponse(), limit)
        except _FAILED as error:
            # A connection that was open may have been closed meanwhile: that is no trouble.
            self._is_off = self._is_off or is_new
            raise _NotPlainError from error

    def _connections(self) -> dict[str, http.client.HTTPConnection]:
        known: dict[str, http.client.HTTPConnection] | None
        known = getattr(self._local, "connections", None)
        if known is None:
            known = self._local.connections = {}
        return known

    def _connect(self, origin: str) -> http.client.HTTPConnection:
        scheme, _, host = origin.partition("://")
        if scheme == "https":
            context = self._web.context()
            made: http.client.HTTPConnection = http.client.HTTPSConnection(
                host, timeout=_CONNECT_S, context=context
            )
        else:
            made = http.client.HTTPConnection(host, timeout=_CONNECT_S)
        with self._lock:
            self._open.add(made)
        made.connect()
        made.sock.settimeout(_READ_S)
        return made

    def _hang_up(self, origin: str) -> None:
        connection = self._connections().pop(origin, None)
        if connection is not None:
            connection.close()
            with self._lock:
                self._open.discard(connection)

    def _close(self) -> None:
        """Close every thread's connections."""
        self._is_off = True
        with self._lock:
            for connection in self._open:
                connection.close()
            self._open.clear()


def _split(url: str) -> tuple[str, str]:
    scheme, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    return f"{scheme}://{host}", f"/{path}"


def _body(answer: http.client.HTTPResponse, limit: int) -> bytes:
    is_odd = answer.status != http.client.OK or "Content-Encoding" in answer.headers
    may_be_page = "html" in answer.headers.get("Content-Type", "html")
    if is_odd or may_be_page or answer.length is None or answer.length > limit:
        raise _NotPlainError
    return answer.read()
