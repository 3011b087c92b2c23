"""The go command's settings: which place wins, and what GOPROXY and GOSUMDB say."""

import pytest

from gopack.errors import InputError
from gopack.spec import goenv
from gopack.spec.known_keys import KNOWN_KEYS

# An Ed25519 key of nobody's.
KEY = "AaAaAaAaAaAaAaAaAaAaAaAaAaAaAaAaAaAaAaAaAaAa"
NAME = "sums.example"
VERIFIER = f"{NAME}+{goenv.key_hash(NAME, KEY)}+{KEY}"


def test_parse_env_file_takes_key_value_lines_alone() -> None:
    text = "# GOX=1\nGOPROXY=a=b\n\nGOSUMDB= off \nlower=1\nGOFLAGS\n=x\nGOVCS="
    assert goenv.parse_env_file(text) == [("GOPROXY", "a=b"), ("GOSUMDB", " off "), ("GOVCS", "")]


def test_merge_environment_wins_over_user_file_over_goroot() -> None:
    merged = goenv.merge(
        {"GOPROXY": "env", "GOSUMDB": ""},
        [("GOPROXY", "user"), ("GOSUMDB", "old"), ("GOSUMDB", "user"), ("GONOSUMDB", "")],
        [
            ("GOPROXY", "root"),
            ("GOSUMDB", "root"),
            ("GOVCS", "1"),
            ("GOVCS", "2"),
            ("GONOSUMDB", "x"),
        ],
    )
    assert merged == {"GOPROXY": "env", "GOSUMDB": "user", "GONOSUMDB": "", "GOVCS": "1"}


@pytest.mark.parametrize(
    ("goproxy", "entries"),
    [
        ("https://a.example", [("https://a.example", False)]),
        (" a.example , b.example|", [("https://a.example", False), ("https://b.example", True)]),
        ("https://a.example|,off,https://c.example", [("https://a.example", True), ("off", False)]),
        ("direct,https://a.example", [("direct", False)]),
        ("a.example/x:y", [("https://a.example/x:y", False)]),
        ("localhost:3000", [("https://localhost:3000", False)]),
        ("file:///srv/mods", [("file:///srv/mods", False)]),
        (",,https://u:p@a.example/m,", [("https://u:p@a.example/m", False)]),
    ],
)  # fmt: skip
def test_parse_proxies_reads_the_list(goproxy: str, entries: list[tuple[str, bool]]) -> None:
    found = goenv.parse_proxies(goproxy)
    assert [(entry.url, entry.falls_back_on_error) for entry in found] == entries


def test_parse_proxies_noproxy_stands_first_unless_all_is_direct() -> None:
    assert [e.url for e in goenv.parse_proxies("off", noproxy="x.example")] == ["noproxy", "off"]
    assert [e.url for e in goenv.parse_proxies("direct", noproxy="x.example")] == ["direct"]


@pytest.mark.parametrize(
    ("goproxy", "noproxy", "is_taken"),
    [
        ("direct", "", True),
        ("a.example|direct", "", True),
        ("a.example|b.example|direct", "", True),
        ("a.example|b.example,direct", "", False),
        ("a.example,direct", "", False),
        ("a.example", "", False),
        ("off", "", False),
        ("off", "x.example/*", True),
        ("a.example,direct", "y.example,x.example", True),
        ("a.example,direct", "x.example/n", False),
    ],
)
def test_name_that_no_proxy_can_be_asked_for_reaches_the_origin(
    goproxy: str, noproxy: str, *, is_taken: bool
) -> None:
    proxies = goenv.parse_proxies(goproxy, noproxy=noproxy)
    env = goenv.GoEnv(proxies, noproxy=noproxy)
    assert env.takes_any_name("x.example/m") is is_taken


@pytest.mark.parametrize(
    ("goproxy", "what"),
    [
        ("", "not set"),
        (" , |", "no entries"),
        ("proxy", "missing scheme"),
        ("/srv/mods", "missing scheme"),
        ("ftp://a.example", "scheme (must be https, http, file)"),
        ("file://host/x", "non-path elements"),
        ("file:///x?y", "non-path elements"),
        ("https://a.example:port", "invalid port"),
        ("http://me:s3cr3t@a.example", "insecure"),
        ("https://me:s3^cr3t@a.example", "user name or password"),
    ],
)
def test_parse_proxies_refuses_what_go_refuses(goproxy: str, what: str) -> None:
    with pytest.raises(InputError) as caught:
        goenv.parse_proxies(goproxy, noproxy="x.example")
    assert what in str(caught.value)
    assert "cr3t" not in str(caught.value)


def test_proxy_entry_repr_hides_the_url() -> None:
    assert "s3cr3t" not in repr(goenv.parse_proxies("https://me:s3cr3t@a.example"))


def test_parse_sumdb_takes_off_name_key_and_url() -> None:
    assert goenv.parse_sumdb("off") is None
    assert goenv.parse_sumdb(VERIFIER) == goenv.SumDB(NAME, VERIFIER, None)
    with_url = goenv.parse_sumdb(f"{VERIFIER} http://127.0.0.1:3000/x")
    assert with_url == goenv.SumDB(NAME, VERIFIER, "http://127.0.0.1:3000/x")


@pytest.mark.parametrize(
    ("gosumdb", "what"),
    [
        ("", "not set"),
        ("a b c", "too many fields"),
        (NAME, "key is not known: sums.example"),
        (f"{NAME}+00000000+{KEY}", "malformed"),
        (f"{NAME}+{goenv.key_hash(NAME, KEY)}+{KEY[:-4]}", "malformed"),
        (f"other.example+{goenv.key_hash(NAME, KEY)}+{KEY}", "malformed"),
        (f"a.example/+{goenv.key_hash('a.example/', KEY)}+{KEY}", "must be host[/path]"),
        (f"a:b@c+{goenv.key_hash('a:b@c', KEY)}+{KEY}", "must be host[/path]"),
    ],
)
def test_parse_sumdb_refuses_what_go_refuses(gosumdb: str, what: str) -> None:
    with pytest.raises(InputError) as caught:
        goenv.parse_sumdb(gosumdb)
    assert what in str(caught.value)


def test_parse_sumdb_known_name_finds_its_key_by_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KNOWN_KEYS, goenv.key_hash(NAME, KEY), KEY)
    assert goenv.parse_sumdb(NAME) == goenv.SumDB(NAME, VERIFIER, None)


def test_parse_sumdb_alias_is_the_known_name_at_another_url(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name, alias = "sums.example.org", "sums.example.google.cn"
    digits = goenv.key_hash(name, KEY)
    with pytest.raises(InputError, match=f"not known: {alias}"):
        goenv.parse_sumdb(alias)
    monkeypatch.setitem(KNOWN_KEYS, digits, KEY)
    verifier = f"{name}+{digits}+{KEY}"
    assert goenv.parse_sumdb(alias) == goenv.SumDB(name, verifier, f"https://{alias}")
    with pytest.raises(InputError, match=f"not known: {alias}"):
        goenv.parse_sumdb(f"{alias} https://elsewhere.example")  # as go refuses it


def test_uses_netrc_knows_netrc_and_off_alone() -> None:
    assert goenv.uses_netrc("")
    assert goenv.uses_netrc("netrc")
    assert not goenv.uses_netrc("off")
    for method in ("git /srv/x", "netrc; /bin/helper", "off;netrc"):
        with pytest.raises(InputError, match="GOAUTH"):
            goenv.uses_netrc(method)
