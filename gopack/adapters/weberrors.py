"""What goes wrong between gopack and a server, told so that a person knows the next step.

Spec: cmd/go/internal/web HTTPError (404 and 410 mean "does not exist"; plain text answers are
shown, eight lines at most); RFC 9110 section 10.2.3 (Retry-After).
"""

from __future__ import annotations

import errno
import re
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

from gopack.adapters.leastpace import TrickleError
from gopack.errors import InputError, NotFoundError, UpstreamError
from gopack.spec import gourl

if TYPE_CHECKING:
    import ssl

_MAX_DETAIL_LINES = 8  # cmd/go/internal/web maxErrorDetailLines
MAX_DETAIL_BYTES = 8 * 81  # maxErrorDetailBytes
_PAGE = re.compile(rb"\s*(\xef\xbb\xbf)?\s*<(!doctype|html|head|body|script|meta|\?xml|!--)", re.I)
_AGAIN = "run again later: what is stored by then is not fetched again"
_ASK = "check GOPROXY, or ask who runs the server"
_UNKNOWN = (
    "check the path and the version; a private module is not on a public proxy: set GOPRIVATE"
)
_HINTS = {
    401: "give the proxy's credentials in its URL or in netrc (https only)",
    403: "the proxy refuses this module or these credentials: ask who runs it",
    404: _UNKNOWN,
    410: _UNKNOWN,
    407: "give the company proxy's credentials: HTTPS_PROXY=http://user:password@host:port",
    429: "ask for less at once: a smaller --jobs",
    511: "the network wants a sign-in first (captive portal)",
}
_RETRYABLE = frozenset({408, 425, 429})
_FINAL = frozenset({501, 505, 511})


class Headers(Protocol):
    """The headers of an answer, whoever read it; names in any case."""

    def get(self, name: str, default: str, /) -> str:
        """Give the value of a header."""

    def __contains__(self, name: str, /) -> bool:
        """Tell whether a header is there."""

    def items(self) -> Iterable[tuple[str, str]]:
        """Give the names with their values."""


class Refusal(NamedTuple):
    """An answer whose status leads nowhere.

    `start` is of its body, where that is plain text: up to MAX_DETAIL_BYTES count.
    """

    status: int
    reason: str
    headers: Headers
    start: bytes


def shown(url: str) -> str:
    """The URL without login, query and fragment, for people."""
    try:
        return str(gourl.parse(url))
    except Exception:  # noqa: BLE001 - a text for an error must not be an error
        return "the URL"


def from_status(where: str, url: str, refusal: Refusal, *, now: datetime) -> UpstreamError:
    """Make the error for a status other than 200."""
    status = refusal.status
    said = _without_secrets(_detail(refusal), url)
    what = f"{status} {refusal.reason or 'unknown status'} from {shown(url)}"
    if status == 407:
        what = f"the forward proxy wants credentials: {what}"
    if said:
        what += f": the server says: {said}"
    kind = NotFoundError if status in {404, 410} else UpstreamError
    return kind(
        what,
        where=where,
        url=shown(url),
        status=status,
        retryable=status in _RETRYABLE or (status >= 500 and status not in _FINAL),
        retry_after_s=parse_retry_after(refusal.headers.get("Retry-After", ""), now=now),
        hint=_HINTS.get(status, _AGAIN if status >= 500 else _ASK),
    )


def parse_retry_after(value: str, *, now: datetime) -> float | None:
    """Read a Retry-After header: seconds, or an HTTP date; None where it is neither.

    >>> parse_retry_after("120", now=datetime(2024, 1, 1, tzinfo=UTC))
    120.0
    """
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value)
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - see web.py

    try:
        moment = parsedate_to_datetime(value)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, (moment - now).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return None


def check_not_a_page(where: str, url: str, headers: Headers, start: bytes) -> None:
    """Refuse an HTML page in place of a module's file.

    The content decides, not the content type alone: static servers give odd types to good files.

    Raises:
        UpstreamError: the answer is a page.

    """
    if "html" not in headers.get("Content-Type", "html") or not _PAGE.match(start):
        return
    raise UpstreamError(
        f"an HTML page instead of a module file from {shown(url)}",
        where=where,
        url=shown(url),
        hint="this looks like the sign-in page of a proxy or captive portal: open the URL in a "
        "browser, and check GOPROXY and HTTPS_PROXY",
    )


@contextmanager
def translated(where: str, url: str, *, trust_complaint: Callable[[], str] = str) -> Iterator[None]:
    """Turn httpx's exceptions into UpstreamErrors, those of iteration included.

    `trust_complaint` is asked where a certificate is not trusted: what is wrong with the settings.
    """
    import ssl  # noqa: PLC0415 - see web.py

    import httpx  # noqa: PLC0415

    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        told = _from_exception(where, url, error)
        if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error)):
            told.hint = trust_complaint() or told.hint
        raise told from error


def _from_exception(where: str, url: str, error: Exception) -> UpstreamError:
    what, hint, retryable = _explain(error)
    return UpstreamError(
        f"{what}: {shown(url)}", where=where, url=shown(url), retryable=retryable, hint=hint
    )


def _explain(error: Exception) -> tuple[str, str, bool]:
    """Tell what failed, the next step, and whether the same request may succeed later."""
    import ssl  # noqa: PLC0415 - see web.py

    import httpx  # noqa: PLC0415

    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            return _explain_tls(cause)
        if isinstance(cause, socket.gaierror):
            hint = "check the name in GOPROXY, the DNS server, and whether HTTPS_PROXY is needed"
            return f"DNS: {cause.strerror}", hint, cause.errno == socket.EAI_AGAIN
    if trickle := _trickle(causes):
        hint = f"{_AGAIN}; is the line overloaded? Try a smaller --jobs"
        return f"the answer trickles, too slow to wait for ({trickle})", hint, True
    if isinstance(error, httpx.ProxyError):
        return _explain_proxy(str(error))
    if isinstance(error, httpx.TimeoutException):
        step = "connect" if isinstance(error, httpx.ConnectTimeout) else "answer"
        return f"time-out: no {step} in time", "check that the server can be reached", True
    if isinstance(error, httpx.ConnectError):
        numbers = {cause.errno for cause in causes if isinstance(cause, OSError)}
        what = "connection refused" if errno.ECONNREFUSED in numbers else "cannot connect"
        return what, "check that the proxy runs and HTTPS_PROXY and NO_PROXY are right", True
    if isinstance(error, httpx.RemoteProtocolError) and "complete" in str(error):
        # h11: "... without sending complete message body", "incomplete chunked read".
        return "the body was cut short", _AGAIN, True
    if isinstance(error, httpx.DecodingError | httpx.RemoteProtocolError):
        return "the server broke the HTTP protocol", _AGAIN, True
    if isinstance(error, httpx.TransportError):
        return "the connection broke", _AGAIN, True
    return "the URL cannot be asked for", "check GOPROXY", False


def _explain_tls(error: ssl.SSLError) -> tuple[str, str, bool]:
    import ssl  # noqa: PLC0415 - see web.py

    if isinstance(error, ssl.SSLCertVerificationError):
        hint = "if a company proxy reads TLS, name its CA file in SSL_CERT_FILE"
        return f"TLS certificate not trusted ({error.verify_message})", hint, False
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return "the connection broke in TLS", f"{_AGAIN}; is it really an https server?", True
    return f"TLS failure ({error.reason})", "is it really an https server?", False


def _explain_proxy(text: str) -> tuple[str, str, bool]:
    status = text[:3]
    if status == "407":
        return "the forward proxy wants credentials (407)", _HINTS[407], False
    what = f"the forward proxy refused the connection ({status if status.isdigit() else 'socks'})"
    return what, "check HTTPS_PROXY, or add the host to NO_PROXY", status.startswith("5")


def _trickle(causes: list[BaseException]) -> str:
    return next((str(cause) for cause in causes if isinstance(cause, TrickleError)), "")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    for _ in range(10):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__


def is_plain_text(headers: Headers) -> bool:
    """Whether a body is text that can be shown."""
    kind, _, parameters = headers.get("Content-Type", "").lower().partition(";")
    charset = re.search(r'charset="?([\w-]+)', parameters)
    return kind.strip() == "text/plain" and (not charset or charset[1] in {"utf-8", "us-ascii"})


def _detail(refusal: Refusal) -> str:
    """The server's explanation: plain text without control characters, as go prints it."""
    if not is_plain_text(refusal.headers):
        return ""
    # A character cut in two at the end would make the whole text unreadable.
    text = refusal.start[:MAX_DETAIL_BYTES].decode("utf-8", "ignore")
    if any(not (char.isprintable() or char.isspace()) for char in text):
        return ""
    lines: list[str] = []
    for line in text.split("\n"):
        if not line.strip() or len(lines) == _MAX_DETAIL_LINES:
            break
        lines.append(line.strip())
    return " ".join(lines)[:MAX_DETAIL_BYTES]


def _without_secrets(said: str, url: str) -> str:
    """Leave out of a server's words what it repeats of the URL's login and query."""
    try:
        parsed = gourl.parse(url)
    except InputError:
        return ""
    for secret in (parsed.query, *(parsed.login or ())):
        said = said.replace(secret, "***") if secret else said
    return said
