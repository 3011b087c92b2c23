"""A quicker way to what is plain: HTTP/1.1 on connections that stay open (plainhttp.py).

A fetch asks for thousands of small files, lookups and tiles, and for bodies of hundreds of
megabytes; with httpx most of the processor time of each goes into what they do not need. What is
plain is asked for here: a GET without credentials, without a forward proxy, without redirects.
Everything else is left to adapters.web.Web, which knows what to do with it.

Rules: paces and slots are Web's, and so are the errors that a status, a time-out or a body that
breaks off leads to. A server that sends zips to elsewhere may still be asked for what is small.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple, Never

from gopack.adapters import weberrors
from gopack.adapters.connections import Connections, Lent, NotPlainError
from gopack.adapters.crowd import Crowd
from gopack.adapters.leastpace import TrickleError
from gopack.adapters.pace import Turn
from gopack.adapters.web import (
    FIRST_BYTE,
    USER_AGENT,
    Body,
    Web,
    announced_size,
    is_good,
    is_too_much,
)
from gopack.errors import UpstreamError

if TYPE_CHECKING:
    from gopack.adapters.plainhttp import Connection, Head

_HEADERS = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
_NO_HEADERS: Mapping[str, str] = {}
_NOTHING = 1
"""The limit of who wants the size alone: a server may send all where a byte is asked for."""

_PIECE_BYTES = 1 << 18
"""How much of a large body is read at once, at most."""


class Answer(NamedTuple):
    """What a server said: 200, or what further headers lead to (206, 304)."""

    status: int
    headers: weberrors.Headers
    body: bytes
    reason: str = ""


class _Asked(NamedTuple):
    """A request: whom, for what, for whom (`where` names it in errors), with which headers."""

    origin: str
    target: str
    url: str
    where: str
    headers: Mapping[str, str]
    is_large: bool

    @property
    def kind(self) -> tuple[str, bool]:
        """What is known of a server goes for large bodies, or for small ones."""
        return self.origin, self.is_large


class QuickReader:
    """Asks for what is plain itself, and leaves the rest to a Web; safe from many threads."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._connections = Connections(web)
        self._plain: dict[tuple[str, bool], bool] = {}
        self._crowds: defaultdict[str, Crowd] = defaultdict(Crowd)

    def read(self, url: str, *, where: str, limit: int, urgent: bool = False) -> bytes:
        """Return a small body whole; what is urgent goes before what else waits for its server.

        Raises:
            UpstreamError: as Web.read.
        """
        answer = self.ask(url, where=where, limit=limit, urgent=urgent)
        return self._web.read(url, where=where, limit=limit) if answer is None else answer.body

    def size(self, url: str, *, where: str) -> int | None:
        """Ask for a body's size in bytes by its first byte; see Web.size. A zip waits for it.

        Raises:
            UpstreamError: as Web.size.
        """
        answer = self.ask(url, where=where, limit=_NOTHING, headers=FIRST_BYTE, urgent=True)
        if answer is None:
            return self._web.size(url, where=where)
        return announced_size(answer.status, answer.headers)

    def ask(
        self,
        url: str,
        *,
        where: str,
        limit: int,
        headers: Mapping[str, str] = _NO_HEADERS,
        urgent: bool = False,
    ) -> Answer | None:
        """Ask with further headers, which may lead to 206 or 304; None if Web has to ask.

        Raises:
            UpstreamError: any other status, or no answer in time.
        """
        asked = _Asked(*_split(url), url, where, headers, is_large=False)
        if not self._is_plain(asked):
            return None
        crowd = self._crowds[asked.origin]
        with crowd.one(urgent=urgent), self._web.pace(url).turn() as turn, self._web.slot():
            turn.asks()
            begun = time.monotonic()
            try:
                with self._connections.one(asked.origin) as lent, _plainly(asked, lent):
                    answer = _whole(_begin(asked, lent), lent.connection, headers, limit)
            except NotPlainError as odd:
                self._learn(asked, odd)
                return None
            crowd.answered(time.monotonic() - begun)
            _pay_heed(turn, answer.status, answer.headers)
        if not is_good(answer.status, headers):
            self._refuse(asked, answer)
        weberrors.check_not_a_page(where, url, answer.headers, answer.body)
        return answer

    @contextmanager
    def answer(
        self, url: str, *, where: str, headers: Mapping[str, str] = _NO_HEADERS
    ) -> Iterator[Body]:
        """Ask for a large body; see Web.answer.

        Raises:
            UpstreamError: as Web.answer, while the body is read too.
        """
        asked = _Asked(*_split(url), url, where, headers, is_large=True)
        with ExitStack() as until_read:
            body = self._body(asked, until_read) or until_read.enter_context(
                self._web.answer(url, where=where, headers=headers)
            )
            yield body

    def _body(self, asked: _Asked, until_read: ExitStack) -> Body | None:
        """Have an answer begin; what it holds is let go of when its body is read."""
        if not self._is_plain(asked):
            return None
        with ExitStack() as holding:
            turn = holding.enter_context(self._web.pace(asked.url).turn())
            holding.enter_context(self._web.slot())
            turn.asks()
            try:
                lent = holding.enter_context(self._connections.one(asked.origin))
                with _plainly(asked, lent):
                    head = _begin(asked, lent)
                    is_whole = is_good(head.status, asked.headers)
                    answer = None if is_whole else _refusal(head, lent.connection)
            except NotPlainError as odd:
                self._learn(asked, odd)
                return None
            _pay_heed(turn, head.status, head.headers)
            if answer is not None:
                self._refuse(asked, answer)
            until_read.push(holding.pop_all())
            return Body(head.status, head.headers, _pieces(asked, lent))

    def _is_plain(self, asked: _Asked) -> bool:
        known = self._plain.get(asked.kind)
        if known is None:
            known = self._plain[asked.kind] = self._web.is_direct(asked.url)
        return known and not self._connections.are_closed

    def _learn(self, asked: _Asked, odd: NotPlainError) -> None:
        """Remember what Web has to ask for; nobody asks for anything once all is closed."""
        if self._connections.are_closed:
            raise UpstreamError(
                "the connection was closed: the run ends", where=asked.where, retryable=True
            )
        if odd.stays:
            self._plain[asked.kind] = False

    def _refuse(self, asked: _Asked, answer: Answer) -> Never:
        """Tell of a status that leads nowhere."""
        reason = answer.reason.encode("latin-1").decode("ascii", "ignore")
        refusal = weberrors.Refusal(answer.status, reason, answer.headers, answer.body)
        raise weberrors.from_status(asked.where, asked.url, refusal, now=self._web.now())


def _begin(asked: _Asked, lent: Lent) -> Head:
    """Send a request and read the head of what is answered.

    Raises:
        NotPlainError: only Web understands it, or it could be understood in two ways.
    """
    head = lent.connection.ask(asked.target, {**_HEADERS, **asked.headers})
    # What is taken for an answer may be a hint of one (103), or that it is elsewhere.
    is_answer = head.status >= 200 and not (300 <= head.status < 400 and "Location" in head.headers)
    if not is_answer or head.length is None or "Content-Encoding" in head.headers:
        raise NotPlainError(stays=True)
    return head


@contextmanager
def _plainly(asked: _Asked, lent: Lent) -> Iterator[None]:
    """Leave to Web what goes wrong; time-outs have no second try.

    A connection that was open may have been closed meanwhile: that is no trouble.
    """
    from gopack.adapters.plainhttp import CutShortError, OddError  # noqa: PLC0415 - see web.py

    try:
        yield
    except (TimeoutError, TrickleError) as error:
        _tell(asked, error)
    except (OSError, OddError, CutShortError, ValueError) as error:
        raise NotPlainError(stays=lent.is_new) from error


def _whole(head: Head, connection: Connection, asked_with: Mapping[str, str], limit: int) -> Answer:
    """Read a small body.

    Raises:
        NotPlainError: it is more than `limit`.
    """
    if not is_good(head.status, asked_with):
        return _refusal(head, connection)
    if head.status == HTTPStatus.OK and limit == _NOTHING:
        return Answer(head.status, head.headers, b"")
    if connection.left > limit:
        raise NotPlainError
    return Answer(head.status, head.headers, connection.read_all())


def _refusal(head: Head, connection: Connection) -> Answer:
    """Read what a server says to its refusal, as far as that comes."""
    from gopack.adapters.plainhttp import CutShortError  # noqa: PLC0415

    body = b""
    most = weberrors.MAX_DETAIL_BYTES + 1
    with suppress(OSError, TrickleError, CutShortError):
        if connection.has_come:
            body = connection.read_all()
        elif weberrors.is_plain_text(head.headers):  # else nobody is shown it
            while len(body) < most and (piece := connection.read(most)):
                body += piece
    return Answer(head.status, head.headers, body, head.reason)


def _pieces(asked: _Asked, lent: Lent) -> Iterator[bytes]:
    """Read a large body as it comes."""
    from gopack.adapters.plainhttp import CutShortError  # noqa: PLC0415

    try:
        while piece := lent.connection.read(_PIECE_BYTES):
            yield piece
    except (OSError, TrickleError, CutShortError, ValueError) as error:
        _tell(asked, error)


def _pay_heed(turn: Turn, status: int, headers: weberrors.Headers) -> None:
    """Have the pace learn of an answer."""
    turn.answered()
    if is_too_much(status, headers):
        turn.refused()


def _split(url: str) -> tuple[str, str]:
    scheme, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    return f"{scheme.lower()}://{host}", f"/{path}"


def _tell(asked: _Asked, error: Exception) -> Never:
    """Tell of an answer that does not come, or breaks off, as Web tells it."""
    import httpx  # noqa: PLC0415

    from gopack.adapters.plainhttp import CutShortError  # noqa: PLC0415

    told: Exception = httpx.ReadError(str(error))
    if isinstance(error, TimeoutError | TrickleError):
        told = httpx.ReadTimeout(str(error))
    elif isinstance(error, CutShortError):
        told = httpx.RemoteProtocolError("incomplete")
    with weberrors.translated(asked.where, asked.url):
        raise told from error
    raise AssertionError  # never reached: it was translated
