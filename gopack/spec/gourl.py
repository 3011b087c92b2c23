"""URLs as Go's net/url reads them, as far as the settings of the go command need it.

Rules kept:
- what Go refuses is refused (a port that is no number, `%` escapes that are none, odd host bytes),
  so a setting means the same here and there;
- a user name and password are held apart from the rest and never shown by `str` or `repr`.

Spec: net/url Parse, URL.Hostname, URL.Port.
Differs: `%` escapes of the path are checked and kept as they were written.
"""

import ipaddress
import re
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import unquote, unquote_to_bytes

from gopack.errors import InputError

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PORT = re.compile(r":[0-9]*")
# net/url validUserinfo.
_USERINFO = re.compile(r"[A-Za-z0-9._:~!$&'()*+,;=%@-]*")
# net/url encoding_table.go, encodeHost; other bytes below 0x80 are refused in a host.
_HOST = re.compile(r"[A-Za-z0-9!\"$&'()*+,./:;<=>\[\]_~\x80-\U0010ffff-]*")
# In a host only bytes from 0x80 up, and the percent sign, may be escaped.
_HOST_ESCAPE = re.compile(r"%(?:[89A-Fa-f][0-9A-Fa-f]|25)")


class Login(NamedTuple):
    """A user name and password; its text forms show neither."""

    user: str
    password: str

    def __repr__(self) -> str:
        return "Login(***)"

    def __str__(self) -> str:
        return repr(self)


@dataclass(frozen=True, slots=True)
class Url:
    """A parsed URL; `host` holds the port too, `login` is what stood before the `@`."""

    scheme: str = ""
    login: Login | None = field(default=None, repr=False)
    host: str = ""
    path: str = ""
    query: str = field(default="", repr=False)
    fragment: str = field(default="", repr=False)
    opaque: str = field(default="", repr=False)

    @property
    def hostname(self) -> str:
        """The host without its port and without the brackets of an IPv6 address."""
        host = _split_port(self.host)[0]
        return host[1:-1] if host.startswith("[") and host.endswith("]") else host

    @property
    def port(self) -> str:
        """The port's digits, empty where none is given."""
        return _split_port(self.host)[1]

    def __str__(self) -> str:
        """The URL as a person may see it: no login, query or fragment."""
        return f"{self.scheme}://{self.host}{self.path}" if self.scheme else self.path


def parse(text: str) -> Url:
    """Parse a URL as net/url.Parse does.

    Raises:
        InputError: what Go refuses too; the text does not repeat the URL, which may hold a secret.

    """
    text, _, fragment = text.partition("#")
    if _CONTROL.search(text):
        raise InputError("invalid control character in URL")
    if text.startswith(":"):
        raise InputError("missing protocol scheme in URL")
    found = _SCHEME.fullmatch(text)
    scheme, rest = (found[1].lower(), found[2]) if found else ("", text)
    rest, _, query = rest.partition("?")
    if not rest.startswith("/"):
        if scheme:
            return Url(scheme=scheme, opaque=rest, query=query, fragment=fragment)
        if ":" in rest.partition("/")[0]:
            raise InputError("first path segment in URL cannot contain a colon")
    login, host = None, ""
    if rest.startswith("//") and (scheme or not rest.startswith("///")):
        authority, slash, tail = rest[2:].partition("/")
        login, host = _parse_authority(scheme, authority)
        rest = slash + tail
    if _BAD_ESCAPE.search(rest) or _BAD_ESCAPE.search(fragment):
        raise InputError("invalid URL escape")
    return Url(scheme, login, host, rest, query, fragment)


def _parse_authority(scheme: str, authority: str) -> tuple[Login | None, str]:
    userinfo, at, host = authority.rpartition("@")
    host = _parse_host(scheme, host)
    if not at:
        return None, host
    if not _USERINFO.fullmatch(userinfo) or _BAD_ESCAPE.search(userinfo):
        raise InputError("invalid user name or password in URL")
    user, _, password = userinfo.partition(":")
    return Login(*(unquote(text, errors="surrogateescape") for text in (user, password))), host


def _parse_host(scheme: str, host: str) -> str:
    if host.rfind("[") > 0:
        raise InputError("invalid IP literal in URL")
    if host.startswith("["):
        return _parse_ip_literal(host)
    if ":" in host:
        strict = scheme in {"http", "https"}
        colon = host.index(":") if strict else host.rindex(":")
        if not _PORT.fullmatch(host[colon:]):
            raise InputError("invalid port after the host of a URL")
    return _unescape_host(host)


def _parse_ip_literal(host: str) -> str:
    inside, bracket, port = host[1:].rpartition("]")
    if not bracket:
        raise InputError("missing ']' in the host of a URL")
    if port and not _PORT.fullmatch(port):
        raise InputError("invalid port after the host of a URL")
    address, percent, zone = inside.partition("%25")
    address = _unescape_host(address)
    try:
        ipaddress.IPv6Address(address)
    except ValueError:
        raise InputError("invalid IP literal in URL") from None
    if percent and not zone:
        raise InputError("invalid IP literal in URL")
    return f"[{address}{'%' + _unescape_zone(zone) if percent else ''}]{port}"


def _unescape_host(host: str) -> str:
    if not _HOST.fullmatch(_HOST_ESCAPE.sub("", host)):
        raise InputError("invalid character in the host of a URL")
    return unquote_to_bytes(host).decode("utf-8", "surrogateescape")


def _unescape_zone(zone: str) -> str:
    """Unescape an IPv6 zone: escapes may give what a host may hold, a space and a percent sign."""
    plain = unquote(zone, errors="surrogateescape")
    bare = re.sub(r"%[0-9A-Fa-f]{2}", "", zone)
    if not _HOST.fullmatch(bare) or not _HOST.fullmatch(re.sub("[ %]", "", plain)):
        raise InputError("invalid character in the host of a URL")
    return plain


def _split_port(host: str) -> tuple[str, str]:
    name, colon, port = host.rpartition(":")
    if colon and (not port or (port.isascii() and port.isdigit())):
        return name, port
    return host, ""
