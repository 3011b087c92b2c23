"""HTTP as the go command speaks it: who is trusted, through which proxy, with whose credentials.

Rules kept:
- credentials come from the URL, else (https only) from netrc; they are never sent over plain http,
  never follow a redirect to another origin, and appear in no text;
- at most 10 redirects, none from https to http;
- each thread has connections of its own (measured: four times as fast as a shared pool);
- a server that says or shows that it is asked too much is asked less at once (pace.py);
- bodies are streamed and bounded; one that ends early is an error;
- an answer that trickles is given up (trickle.py).

Spec: cmd/go/internal/web (get, checkRedirect, HTTPError), net/http (Client redirects).
The HTTP library, and those of the standard library that it uses, are imported at the first request:
they are slow to load, and a run with nothing new asks for nothing.
Differs: Go sends credentials on to sub-domains and other ports of the first host too.
"""

from __future__ import annotations

import base64
import functools
import io
import re
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin

from gopack import __version__
from gopack.adapters import weberrors
from gopack.adapters.leastpace import LEAST, LeastPace
from gopack.adapters.pace import Pace
from gopack.adapters.slots import Slots
from gopack.adapters.unpacking import unpacked
from gopack.errors import InputError, UpstreamError
from gopack.ports import ZipTarget
from gopack.spec import gourl, httpproxy, netrc
from gopack.spec.goenv import GoEnv
from gopack.spec.gourl import Login, Url

if TYPE_CHECKING:
    import ssl

    import httpx

USER_AGENT = f"gopack/{__version__}"
TIMEOUTS_S = {"connect": 15.0, "read": 60.0, "write": 30.0, "pool": None}
READ_BYTES = 1 << 20
"""How much is taken off a connection at once: with httpcore's 64 KiB a zip costs twice the time."""
MAX_REDIRECTS = 10  # net/http and cmd/go/internal/web
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LED_TO_BY: Mapping[int, str] = {
    HTTPStatus.PARTIAL_CONTENT: "Range",
    HTTPStatus.NOT_MODIFIED: "If-None-Match",
}
"""Answers that only a header of the request leads to."""

_CONNECTIONS = 4
"""The most that a thread keeps to one host."""

_KEEPALIVE_S = 30
_NO_HEADERS: Mapping[str, str] = {}
FIRST_BYTE: Mapping[str, str] = {"Range": "bytes=0-0"}
_LENGTH = re.compile(r"\d{1,18}", re.ASCII)
_SCHEMES = frozenset({"http", "https"})


class Body(NamedTuple):
    """An answer whose body is to be read, piece by piece, as it comes."""

    status: int
    headers: weberrors.Headers
    pieces: Iterator[bytes]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Web:
    """GET over the settings of a GoEnv; safe from many threads at once."""

    def __init__(
        self,
        env: GoEnv,
        *,
        slots: Slots | None = None,
        timeouts_s: Mapping[str, float | None] = TIMEOUTS_S,
        pace: LeastPace = LEAST,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        """Take the settings; `slots` bounds what is under way at once, with other processes."""
        self._env = env
        self._slot = slots.one if slots else nullcontext
        self._extensions = {"timeout": dict(timeouts_s)}
        self.least_pace = pace
        self.timeouts_s = timeouts_s
        self.now = now
        self._local = threading.local()
        self._lock = threading.Lock()
        self._endings: list[Callable[[], None]] = []
        self._when_closed: list[Callable[[], None]] = []
        self._context: ssl.SSLContext | None = None
        self._paces: defaultdict[str, Pace] = defaultdict(Pace)

    def read(self, url: str, *, where: str, limit: int) -> bytes:
        """Return a small body whole.

        Raises:
            UpstreamError: no answer, a status other than 200, a body cut short or over the limit.

        """
        out = io.BytesIO()
        self.copy(url, out, where=where, too_large=_too_large(where, limit), limit=limit)
        return out.getvalue()

    def copy(
        self, url: str, target: ZipTarget, *, where: str, limit: int, too_large: Exception
    ) -> int:
        """Stream a body into `target`, return its size; raise `too_large` beyond the limit.

        Raises:
            UpstreamError: as for `read`.

        """
        with self.answer(url, where=where) as answer:
            return pour(
                answer, target.write, url=url, where=where, limit=limit, too_large=too_large
            )

    @contextmanager
    def answer(
        self, url: str, *, where: str, headers: Mapping[str, str] = _NO_HEADERS
    ) -> Iterator[Body]:
        """Ask with further headers: the answer is whole (200), or what they lead to (206, 304).

        Raises:
            UpstreamError: as for `read`, while the body is read too.
        """
        with (
            self._ask("GET", url, where, headers=headers) as answer,
            weberrors.translated(where, url),
        ):
            yield Body(answer.status_code, answer.headers, _chunks(answer, where, url))

    def size(self, url: str, *, where: str) -> int | None:
        """Ask for a body's size in bytes; None where the server does not tell.

        It asks for the first byte alone: some proxies are slow to answer HEAD, and the total
        stands in the Content-Range of a partial answer (RFC 9110, 14.4).

        Raises:
            UpstreamError: as for `read`.
        """
        with (
            self._ask("GET", url, where, headers=FIRST_BYTE) as answer,
            weberrors.translated(where, url),
        ):
            if answer.headers.get("Content-Length") == "1":
                answer.read()  # so that the connection can be used again
            return announced_size(answer.status_code, answer.headers)

    def pace(self, url: str) -> Pace:
        """Give the pace of requests to a URL's server; redirects count for who redirects."""
        server = url.partition("://")[2].partition("/")[0]
        with self._lock:
            return self._paces[server]

    def is_direct(self, url: str) -> bool:
        """Tell whether a URL is asked with no credentials and through no forward proxy."""
        try:
            parsed = gourl.parse(url)
        except InputError:
            return False
        has_login = parsed.login is not None or netrc.find_login(self._env.machines, parsed)
        return not has_login and httpproxy.proxy_for(self._env.forward, parsed) is None

    def slot(self) -> AbstractContextManager[None]:
        """Give the right to one request under way, to be held while it is."""
        return self._slot()

    def context(self) -> ssl.SSLContext:
        """Give the trust that https is asked with."""
        return self._trusted()

    def when_closed(self, call: Callable[[], None]) -> None:
        """Have this called when the connections are closed."""
        self._when_closed.append(call)

    def close(self) -> None:
        """Close every thread's connections; call it when no thread asks any more."""
        for call in self._when_closed:
            call()
        with self._lock:
            for end in self._endings:
                end()
            self._endings.clear()
            self._local = threading.local()

    @contextmanager
    def _ask(
        self, method: str, url: str, where: str, *, headers: Mapping[str, str] = _NO_HEADERS
    ) -> Iterator[httpx.Response]:
        """Follow redirects to an answer with a body; close it in the end, whatever happens."""
        complaint = functools.partial(_complaint, self._env)
        with self.pace(url).turn() as turn, self._slot(), ExitStack() as ending:
            turn.asks()
            with weberrors.translated(where, url, trust_complaint=complaint):
                response = self._follow(method, url, where, headers)
                ending.callback(response.close)
                turn.answered()
                if is_too_much(response.status_code, response.headers):
                    turn.refused()
                if not is_good(response.status_code, headers):
                    raise weberrors.from_status(where, url, _refusal(response), now=self.now())
            yield response

    def _follow(
        self, method: str, url: str, where: str, headers: Mapping[str, str]
    ) -> httpx.Response:
        target = _parse(url, where)
        authorization = self._authorization(target, where)
        text = url
        for _ in range(MAX_REDIRECTS + 1):
            response = self._send(method, text, target, authorization, headers)
            location = response.headers.get("Location")
            if response.status_code not in _REDIRECTS or not location:
                return response
            response.close()
            text = _joined(text, location, where)
            before, target = target, _parse(text, where)
            if before.scheme == "https" and target.scheme != "https":
                raise UpstreamError(
                    f"redirected from secure URL {before} to insecure URL {target}", where=where
                )
            if target.login is not None:
                authorization = self._authorization(target, where)
            elif (before.scheme, before.host) != (target.scheme, target.host):
                authorization = None
        raise UpstreamError(
            f"stopped after {MAX_REDIRECTS} redirects", where=where, url=weberrors.shown(url)
        )

    def _authorization(self, url: Url, where: str) -> str | None:
        login = url.login or netrc.find_login(self._env.machines, url)
        if login is not None and url.scheme != "https":
            raise UpstreamError(
                f"refusing to pass credentials to insecure URL: {url}",
                where=where,
                url=str(url),
                hint="use https://",
            )
        return None if login is None else _basic(login)

    def _send(
        self,
        method: str,
        text: str,
        url: Url,
        authorization: str | None,
        more: Mapping[str, str],
    ) -> httpx.Response:
        import httpx  # noqa: PLC0415 - see above

        if url.login is not None:
            text = _without_login(text)
        headers = {
            "User-Agent": USER_AGENT,
            "Accept-Encoding": "identity",
            **more,
        }
        if authorization is not None:
            headers["Authorization"] = authorization
        request = httpx.Request(method, text, headers=headers, extensions=self._extensions)
        try:
            return self._transport(url).handle_request(request)
        except UnicodeError as error:  # a name that no DNS server can be asked for
            raise httpx.InvalidURL(str(error)) from error

    def _transport(self, url: Url) -> httpx.HTTPTransport:
        known: dict[tuple[str, str], httpx.HTTPTransport] | None
        known = getattr(self._local, "known", None)
        if known is None:
            known = self._local.known = {}
        key = (url.scheme, url.host)
        found = known.get(key)
        if found is None:
            found = known[key] = self._make_transport(url)
        return found

    def _make_transport(self, url: Url) -> httpx.HTTPTransport:
        import httpcore  # noqa: PLC0415
        import httpx  # noqa: PLC0415

        from gopack.adapters import trickle  # noqa: PLC0415

        httpcore.HTTP11Connection.READ_NUM_BYTES = READ_BYTES
        forward = httpproxy.proxy_for(self._env.forward, url)
        secure = url.scheme == "https" or (forward is not None and forward.scheme == "https")
        context = self._trusted() if secure else _distrusting()
        transport = httpx.HTTPTransport(
            verify=context,
            trust_env=False,
            limits=httpx.Limits(
                max_connections=_CONNECTIONS,
                max_keepalive_connections=_CONNECTIONS,
                keepalive_expiry=_KEEPALIVE_S,
            ),
            proxy=None if forward is None else _forward_proxy(forward, context),
        )
        opened = trickle.keep_pace(transport, self.least_pace)
        with self._lock:
            self._endings += [transport.close, opened.close]
        return transport

    def _trusted(self) -> ssl.SSLContext:
        with self._lock:
            if self._context is None:
                from gopack.adapters import trust  # noqa: PLC0415 - see above

                self._context = trust.make_context(self._env)
            return self._context


def _complaint(env: GoEnv) -> str:
    """Say what is wrong with the settings of what is trusted."""
    from gopack.adapters import trust  # noqa: PLC0415

    return trust.complaint(env)


@functools.cache
def _distrusting() -> ssl.SSLContext:
    """A context for plain http: it trusts nobody, should it ever be used."""
    import ssl  # noqa: PLC0415

    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _forward_proxy(forward: Url, context: ssl.SSLContext) -> httpx.Proxy:
    import httpx  # noqa: PLC0415

    if forward.scheme not in {"http", "https", "socks5", "socks5h"} or not forward.host:
        raise InputError(
            f"a proxy of HTTP_PROXY or HTTPS_PROXY has an unknown scheme: {forward.scheme}",
            hint="use http://, https:// or socks5://",
        )
    return httpx.Proxy(
        f"{forward.scheme}://{forward.host}",
        auth=None if forward.login is None else (forward.login.user, forward.login.password),
        ssl_context=context if forward.scheme == "https" else None,
    )


def pour(  # noqa: PLR0913 - all but two by keyword
    answer: Body,
    write: Callable[[bytes], object],
    *,
    url: str,
    where: str,
    limit: int,
    too_large: Exception,
    size: int = 0,
) -> int:
    """Write an answer's body, which follows `size` bytes that are there; give the size of all.

    Raises:
        UpstreamError: it is a page, or breaks off.
        Exception: `too_large`, beyond the limit.
    """
    if size + int(answer.headers.get("Content-Length", "") or 0) > limit:
        raise too_large
    for chunk in answer.pieces:
        if size == 0:
            weberrors.check_not_a_page(where, url, answer.headers, chunk)
        size += len(chunk)
        if size > limit:
            raise too_large
        write(chunk)
    return size


def _chunks(response: httpx.Response, where: str, url: str) -> Iterator[bytes]:
    encoding = response.headers.get("Content-Encoding", "")
    pieces: Iterator[bytes] = iter(response.stream)  # type: ignore[arg-type]  # a sync transport's
    return unpacked(encoding, pieces, where=where, url=url) if encoding else pieces


def _refusal(response: httpx.Response) -> weberrors.Refusal:
    """Read what a server says to its refusal, as far as that comes."""
    import httpx  # noqa: PLC0415

    start = b""
    if weberrors.is_plain_text(response.headers) and "Content-Encoding" not in response.headers:
        with suppress(httpx.HTTPError):
            for chunk in response.iter_raw():
                start += chunk
                if len(start) > weberrors.MAX_DETAIL_BYTES:
                    break
    status = response.status_code
    return weberrors.Refusal(status, response.reason_phrase, response.headers, start)


def announced_size(status: int, headers: weberrors.Headers) -> int | None:
    """Read the size of a body from the answer to a request for its FIRST_BYTE."""
    if status == HTTPStatus.PARTIAL_CONTENT:
        announced = headers.get("Content-Range", "").rpartition("/")[2]
    else:
        announced = headers.get("Content-Length", "")
    return int(announced) if _LENGTH.fullmatch(announced) else None


def entity_tag(headers: weberrors.Headers) -> str:
    """Give an answer's entity tag; '' where it has none, or one that cannot be sent back."""
    tag = headers.get("ETag", "")
    return tag if tag.isascii() and tag.isprintable() else ""


def is_good(status: int, asked_with: Mapping[str, str]) -> bool:
    """Whether an answer is whole, or what the further headers of its request lead to (206, 304)."""
    return status == HTTPStatus.OK or _LED_TO_BY.get(status, "") in asked_with


def is_too_much(status: int, headers: weberrors.Headers) -> bool:
    """Whether a server says that it is asked too much."""
    return status == HTTPStatus.TOO_MANY_REQUESTS or "Retry-After" in headers


def _parse(text: str, where: str) -> Url:
    try:
        url = gourl.parse(text)
    except InputError as error:
        raise UpstreamError(error.what, where=where) from None
    if url.scheme not in _SCHEMES or not url.host:
        raise UpstreamError(
            f"unsupported URL: {url}",
            where=where,
            hint="write GOPROXY as https://host or http://host",
        )
    return url


def _joined(text: str, location: str, where: str) -> str:
    """Give the URL that a redirect leads to."""
    try:
        return urljoin(text, location)
    except ValueError:
        raise UpstreamError(
            f"redirected from {weberrors.shown(text)} to what is no URL", where=where
        ) from None


def _without_login(text: str) -> str:
    scheme, _, rest = text.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"


def _basic(login: Login) -> str:
    secret = f"{login.user}:{login.password}".encode("utf-8", "surrogateescape")
    return "Basic " + base64.b64encode(secret).decode("ascii")


def _too_large(where: str, limit: int) -> UpstreamError:
    return UpstreamError(f"the answer is larger than {limit} bytes", where=where)
