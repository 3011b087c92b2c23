"""The forward proxy for a URL: HTTP_PROXY, HTTPS_PROXY and NO_PROXY as Go reads them.

Rules kept:
- the upper-case variable wins over the lower-case one, an empty one counts as unset;
- `localhost` and loopback addresses are never asked through a proxy;
- NO_PROXY takes host names (with their sub-domains), `.suffix`, `*.suffix`, addresses, CIDR blocks,
  each but the last with an optional `:port`, and `*`;
- HTTP_PROXY is refused where REQUEST_METHOD is set (a CGI program: a client could have sent it);
- ALL_PROXY is nobody's business.

Spec: golang.org/x/net/http/httpproxy.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field

import idna

from gopack.errors import InputError
from gopack.spec import gourl
from gopack.spec.gourl import Url

_PORTS = {"http": "80", "https": "443", "socks5": "1080"}
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class ProxySettings:
    """The values of the variables; proxies may hold passwords, so `repr` leaves them out."""

    http_proxy: str = field(default="", repr=False)
    https_proxy: str = field(default="", repr=False)
    no_proxy: str = ""
    cgi: bool = False


def settings_from(environ: Mapping[str, str]) -> ProxySettings:
    """Read the settings from an environment.

    >>> settings_from({"no_proxy": "a.example", "NO_PROXY": ""}).no_proxy
    'a.example'
    """

    def either(name: str) -> str:
        return environ.get(name) or environ.get(name.lower()) or ""

    return ProxySettings(
        either("HTTP_PROXY"),
        either("HTTPS_PROXY"),
        either("NO_PROXY"),
        cgi=bool(environ.get("REQUEST_METHOD")),
    )


def proxy_for(settings: ProxySettings, url: Url) -> Url | None:
    """Choose the proxy for a URL, or None where it is asked directly.

    Raises:
        InputError: HTTP_PROXY applies but the program runs as a CGI handler.

    """
    text = {"http": settings.http_proxy, "https": settings.https_proxy}.get(url.scheme, "")
    proxy = _parse_proxy(text)
    if proxy is None:
        return None
    if url.scheme == "http" and settings.cgi:
        raise InputError(
            "refusing to use HTTP_PROXY in a CGI environment", hint="unset REQUEST_METHOD"
        )
    host, port = _ascii_host(url.hostname), url.port or _PORTS.get(url.scheme, "")
    return proxy if _uses_proxy(settings.no_proxy, host, port) else None


def _parse_proxy(text: str) -> Url | None:
    if not text:
        return None
    parsed = _try_parse(text)
    if parsed is None or not parsed.scheme or not parsed.host:
        # A bare `host:port` gets a scheme; if that does not parse, the first reading stands.
        return _try_parse("http://" + text) or parsed
    return parsed


def _try_parse(text: str) -> Url | None:
    try:
        return gourl.parse(text)
    except InputError:
        return None


def _uses_proxy(no_proxy: str, host: str, port: str) -> bool:
    if host == "localhost" or "[" in host or "]" in host:
        # net.SplitHostPort refuses brackets inside the host: Go then asks directly.
        return False
    address = _parse_address(host)
    if address is not None and _is_loopback(address):
        return False
    host = host.strip().lower()
    entries = [entry.strip().lower() for entry in no_proxy.split(",")]
    if "*" in entries:
        return False
    return not any(_matches(entry, host, port, address) for entry in entries if entry)


def _matches(entry: str, host: str, port: str, address: Address | None) -> bool:
    network = _parse_network(entry)
    if network is not None:
        return address is not None and _plain(address) in network
    name, entry_port = _split_entry(entry)
    if not name:
        return False
    entry_address = _parse_address(name, zones=False)
    if entry_address is not None:
        same = address is not None and _plain(address) == _plain(entry_address)
        return same and entry_port in {"", port}
    return address is None and _matches_domain(name, host) and entry_port in {"", port}


def _matches_domain(name: str, host: str) -> bool:
    name = name.removeprefix("*") if name.startswith("*.") else name
    suffix = _ascii_host(name if name.startswith(".") else "." + name)
    return host.endswith(suffix) or (not name.startswith(".") and host == suffix[1:])


def _split_entry(entry: str) -> tuple[str, str]:
    """Split `host:port` and `[v6]:port` as net.SplitHostPort; what it refuses is all host."""
    name, colon, port = entry.rpartition(":")
    if not colon:
        return entry, ""
    if name.startswith("[") and name.endswith("]"):
        inside = name[1:-1]
        return (entry, "") if "[" in inside or "]" in inside else (inside, port)
    if any(mark in name for mark in ":[]") or any(mark in port for mark in "[]"):
        return entry, ""
    return name, port


def _parse_address(text: str, *, zones: bool = True) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if not zones and isinstance(address, ipaddress.IPv6Address) and address.scope_id:
        return None
    return address


def _parse_network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    base, slash, bits = text.partition("/")
    if not slash or not (bits.isascii() and bits.isdigit()):
        return None
    address = _parse_address(base, zones=False)
    if address is None or int(bits) > address.max_prefixlen:
        return None
    network = ipaddress.ip_network(f"{address}/{int(bits)}", strict=False)
    mapped = _plain(network.network_address)
    if mapped.version != network.version and network.prefixlen >= 96:
        return ipaddress.ip_network(f"{mapped}/{network.prefixlen - 96}")
    return network


def _plain(address: Address) -> Address:
    """The address net.IP compares by: without zone, IPv4 out of its IPv6 clothes."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    return address.ipv4_mapped or ipaddress.IPv6Address(int(address))


def _is_loopback(address: Address) -> bool:
    return _plain(address).is_loopback


def _ascii_host(host: str) -> str:
    if host.isascii():
        return host
    bare = host.removeprefix(".")
    try:
        encoded = idna.encode(bare, uts46=True, transitional=False).decode("ascii")
    except idna.IDNAError:
        return host
    return host[: len(host) - len(bare)] + encoded
