"""Credentials in a netrc file, and which URL they belong to.

Rules kept:
- a `machine` may be a host, a host with a port, or a host and the start of a path; the longest that
  fits wins, the first of two equal ones;
- the port is part of the name, so `machine a.example` does not fit `https://a.example:8443/`;
- macros are skipped; `default` names no machine and so gives nothing;
- only https URLs get credentials.

Spec: cmd/go/internal/auth netrc.go and auth.go (loadCredential).
"""

from collections.abc import Sequence
from typing import NamedTuple

from gopack.spec.gourl import Login, Url


class Machine(NamedTuple):
    """One complete entry: where it applies, and the login."""

    name: str
    login: Login


def parse_netrc(text: str) -> tuple[Machine, ...]:
    """Read the complete entries (machine, login and password) of a netrc file, in order."""
    entries: list[Machine] = []
    fields: dict[str, str] = {}
    in_macro = False
    for line in text.split("\n"):
        if in_macro:
            in_macro = line != ""
            continue
        words = line.split()
        for key, value in zip(words[::2], words[1::2], strict=False):
            if key == "machine":
                fields = {}
            if key in {"machine", "login", "password"}:
                fields[key] = value
            in_macro = in_macro or key == "macdef"
            if len(fields) == 3 and all(fields.values()):
                login = Login(fields["login"], fields["password"])
                entries.append(Machine(fields["machine"], login))
                fields = {}
        if len(words) % 2 and words[-1] == "default":
            break
    return tuple(entries)


def find_login(machines: Sequence[Machine], url: Url) -> Login | None:
    """Find the login for an https URL; None for any other scheme.

    >>> from gopack.spec import gourl
    >>> machines = parse_netrc("machine a.example/team login me password secret")
    >>> find_login(machines, gourl.parse("https://a.example/team/x")).user
    'me'
    >>> find_login(machines, gourl.parse("https://a.example/other")) is None
    True
    """
    if url.scheme != "https":
        return None
    known: dict[str, Login] = {}
    for machine in machines:
        known.setdefault(machine.name.removeprefix("https://").removesuffix("/"), machine.login)
    prefix = (url.host + url.path).removesuffix("/")
    while prefix not in known:
        prefix, slash, _ = prefix.rpartition("/")
        if not slash:
            return None
    return known[prefix]
