"""Credentials from netrc, as the go command reads them."""

import pytest

from gopack.spec import gourl
from gopack.spec.netrc import Machine, find_login, parse_netrc

NETRC = """
# comments are words like any other
machine a.example login first password one
machine a.example login second password two
machine a.example:8443 login port password three
machine a.example/team/ login team
  password four
macdef init
machine hidden.example login x password y

machine b.example
login b
account ignored
password five
default login anyone password six
machine c.example login c password seven
"""


def test_parse_netrc_reads_complete_entries_in_order() -> None:
    found = [(machine.name, *machine.login) for machine in parse_netrc(NETRC)]
    assert found == [
        ("a.example", "first", "one"),
        ("a.example", "second", "two"),
        ("a.example:8443", "port", "three"),
        ("a.example/team/", "team", "four"),
        ("b.example", "b", "five"),
        ("c.example", "c", "seven"),
    ]


def test_parse_netrc_bare_default_ends_the_file() -> None:
    assert parse_netrc("default\nmachine a login b password c") == ()


def test_parse_netrc_incomplete_entry_is_dropped() -> None:
    assert parse_netrc("machine a login b\nmachine c password d") == ()


@pytest.mark.parametrize(
    ("url", "password"),
    [
        ("https://a.example/x/@v/list", "one"),
        ("https://a.example", "one"),
        ("https://a.example:8443/x", "three"),
        ("https://a.example:443/x", None),
        ("https://a.example/team/x", "four"),
        ("https://a.example/teams/x", "one"),
        ("http://a.example/x", None),
        ("https://sub.a.example/x", None),
    ],
)
def test_find_login_takes_the_longest_prefix(url: str, password: str | None) -> None:
    login = find_login(parse_netrc(NETRC), gourl.parse(url))
    assert (login and login.password) == password


def test_login_is_never_shown() -> None:
    machines = parse_netrc("machine a.example login me password s3cr3t")
    assert isinstance(machines[0], Machine)
    for text in (repr(machines), str(machines[0].login), f"{machines[0].login}"):
        assert "s3cr3t" not in text
