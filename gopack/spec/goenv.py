"""The go command's settings that decide who is asked and who is trusted.

Rules kept:
- the environment wins over the user's go/env file, that over `$GOROOT/go.env`; an empty variable in
  the environment counts as unset, an empty line in the user's file hides the one in go.env;
- GOPROXY is a list: after `,` the next entry is asked when a thing is not there, after `|` after
  any error; `off` and `direct` end it; a bare host gets `https://`;
- GOPRIVATE is the default of GONOPROXY and GONOSUMDB;
- GOSUMDB is `off`, `name`, `name+hash+key`, either of the last two with a URL behind it; one more
  name stands for the public database at a URL of its own.

Spec: cmd/go/internal/cfg (readEnvFile, initEnvCache, Getenv), modfetch (proxyList, dbDial).
Differs: of GOAUTH only `netrc` and `off` are known, the rest is refused.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gopack.errors import InputError
from gopack.spec import gourl
from gopack.spec.httpproxy import ProxySettings
from gopack.spec.known_keys import KNOWN_KEYS
from gopack.spec.module import match_prefix_patterns
from gopack.spec.netrc import Machine

Pairs = Iterable[tuple[str, str]]

_ALIAS_END, _NAME_END = ".google.cn", ".org"
"""How the public checksum database's alias for mainland China ends, and how its name does."""


@dataclass(frozen=True, slots=True)
class ProxyEntry:
    """One entry of GOPROXY: a URL (it may hold a password), or `off`, `direct`, `noproxy`.

    `noproxy` stands first where GONOPROXY is set: modules that it names are asked directly.
    """

    url: str = field(repr=False)
    falls_back_on_error: bool = False


@dataclass(frozen=True, slots=True)
class SumDB:
    """The checksum database in force: its name, verifier key, and URL where GOSUMDB gives one."""

    name: str
    key: str
    url: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class GoEnv:
    """Everything the sources of modules are built from; travels to worker processes.

    `sumdb` is None under GOSUMDB=off. `noproxy`, `nosumdb` and `insecure` are lists of globs for
    `gopack.spec.module.match_prefix_patterns`. `cert_files` and `cert_dirs` are what the system
    (or SSL_CERT_FILE, SSL_CERT_DIR) offers. `go_command` is the go binary, if there is one.
    """

    proxies: tuple[ProxyEntry, ...]
    sumdb: SumDB | None = None
    noproxy: str = ""
    nosumdb: str = ""
    insecure: str = ""
    machines: tuple[Machine, ...] = field(default=(), repr=False)
    forward: ProxySettings = field(default_factory=ProxySettings)
    cert_files: tuple[str, ...] = ()
    cert_dirs: tuple[str, ...] = ()
    go_command: str | None = None

    def takes_any_name(self, path: str) -> bool:
        """Tell whether a revision's name that no proxy can be asked for reaches a module's origin.

        A proxy's refusal of the name ends the search, unless a `|` follows.

        Source: modfetch proxyRepo.Stat, TryProxies.
        """
        if match_prefix_patterns(self.noproxy, path):
            return True
        asked = [entry for entry in self.proxies if entry.url != "noproxy"]
        return asked[-1].url == "direct" and all(entry.falls_back_on_error for entry in asked[:-1])


def parse_env_file(text: str) -> list[tuple[str, str]]:
    r"""Read the `KEY=value` lines of a go/env or go.env file; other lines are skipped.

    >>> parse_env_file("# a comment\nGOPROXY=off\n lost=1\n")
    [('GOPROXY', 'off')]
    """
    pairs: list[tuple[str, str]] = []
    for line in text.split("\n"):
        key, sign, value = line.partition("=")
        if sign and "A" <= line[0] <= "Z":
            pairs.append((key, value))
    return pairs


def merge(environ: Mapping[str, str], user: Pairs, goroot: Pairs) -> dict[str, str]:
    """Merge the three places a setting comes from; later lines win in the user's file alone."""
    merged = dict(user)
    for key, value in goroot:
        merged.setdefault(key, value)
    merged.update({key: value for key, value in environ.items() if value})
    return merged


def parse_proxies(goproxy: str, *, noproxy: str = "") -> tuple[ProxyEntry, ...]:
    """Read GOPROXY; `noproxy` is GONOPROXY (or GOPRIVATE).

    Raises:
        InputError: an entry is no URL that a module proxy can have, or there is none.

    """
    entries = []
    if noproxy and goproxy != "direct":
        entries.append(ProxyEntry("noproxy"))
    none_yet = len(entries)
    for text, separator in re.findall(r"([^,|]*)([,|]?)", goproxy):
        url = text.strip()
        if not url:
            continue
        if url in {"off", "direct"}:
            entries.append(ProxyEntry(url))
            break
        entries.append(ProxyEntry(_proxy_url(url), separator == "|"))
    if len(entries) == none_yet:
        raise InputError(
            "GOPROXY contains no entries" if goproxy else "GOPROXY is not set",
            hint="set GOPROXY to the URL of a module proxy, for example the value that "
            "`go env GOPROXY` prints on a machine with Go",
        )
    return tuple(entries)


def _proxy_url(url: str) -> str:
    # Single words are kept free for meanings to come; only what looks like a host gets a scheme.
    if any(mark in url for mark in ".:/") and ":/" not in url and not url.startswith("/"):
        url = "https://" + url
    hint = "write each GOPROXY entry as https://host, http://host or file:///path"
    try:
        parsed = gourl.parse(url)
    except InputError as error:
        raise InputError(f"invalid GOPROXY entry: {error.what}", hint=hint) from None
    if parsed.scheme == "file":
        if any((parsed.login, parsed.host, parsed.query, parsed.fragment, parsed.opaque)):
            raise InputError(f"invalid file:// proxy URL with non-path elements: {parsed}")
    elif not parsed.scheme:
        raise InputError(f"invalid proxy URL missing scheme: {parsed}", hint=hint)
    elif parsed.scheme not in {"http", "https"}:
        what = f"invalid proxy URL scheme (must be https, http, file): {parsed}"
        raise InputError(what, hint=hint)
    elif parsed.scheme == "http" and parsed.login is not None:
        raise InputError(
            f"refusing to pass credentials to insecure URL: {parsed}", hint="use https://"
        )
    return url


def parse_sumdb(gosumdb: str) -> SumDB | None:
    """Read GOSUMDB; None means `off`.

    Raises:
        InputError: no name, a name whose key is not known, or a key that is not the name's.

    """
    if gosumdb == "off":
        return None
    words = _without_alias(gosumdb).split()
    hint = "set GOSUMDB to `name`, `name+hash+key`, `name+hash+key URL` or `off`"
    if not words or len(words) > 2:
        what = "invalid GOSUMDB: too many fields" if words else "GOSUMDB is not set"
        raise InputError(what, hint=hint)
    name, plus, rest = words[0].partition("+")
    if not plus:
        rest = _known_key(name)
        if not rest:
            what = f"GOSUMDB names a checksum database whose key is not known: {name}"
            raise InputError(what, hint="give its key too: GOSUMDB=`name+hash+key URL`")
    digits, _, key = rest.partition("+")
    if not digits or key_hash(name, key) != digits.lower():
        raise InputError(
            "invalid GOSUMDB: malformed verifier key, or the key of another name", hint=hint
        )
    _check_sumdb_name(name)
    return SumDB(name, f"{name}+{digits}+{key}", words[1] if len(words) == 2 else None)


def key_hash(name: str, key: str) -> str:
    """Compute the 8 digits that bind a verifier key (base64, with its type byte) to a name.

    Returns the empty string where the key is no Ed25519 key.
    """
    try:
        raw = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        return ""
    if len(raw) != 33 or raw[0] != 1:
        return ""
    return hashlib.sha256(name.encode() + b"\n" + raw).hexdigest()[:8]


def _without_alias(gosumdb: str) -> str:
    """Put the name and the URL in an alias's place (cmd/go/internal/modfetch dbDial, special case).

    The names need not be written here: only the true one finds its key.
    """
    name = gosumdb.removesuffix(_ALIAS_END) + _NAME_END
    if gosumdb.endswith(_ALIAS_END) and _known_key(name):
        return f"{name} https://{gosumdb}"
    return gosumdb


def _known_key(name: str) -> str:
    for digits, key in KNOWN_KEYS.items():
        if key_hash(name, key) == digits:
            return f"{digits}+{key}"
    return ""


def _check_sumdb_name(name: str) -> None:
    try:
        url = gourl.parse("https://" + name)
    except InputError:
        url = gourl.Url()
    if not url.host or name.endswith("/") or f"{url.host}{url.path}" != name:
        raise InputError(f"invalid checksum database name (must be host[/path]): {name}")


def uses_netrc(goauth: str) -> bool:
    """Tell whether GOAUTH (default `netrc`) takes credentials from the netrc file.

    Raises:
        InputError: a method that gopack does not know.

    """
    methods = [method.strip() for method in (goauth or "netrc").split(";")]
    if methods == ["off"]:
        return False
    if set(methods) == {"netrc"}:
        return True
    raise InputError(
        "GOAUTH has a method that gopack does not run (it knows netrc and off)",
        hint="set GOAUTH=netrc, or GOAUTH=off, for gopack",
    )
