"""URLs and the choice of a forward proxy, compared with net/url and x/net/http/httpproxy."""

import random
from typing import Any
from urllib.parse import unquote

import pytest

from gopack.errors import InputError
from gopack.spec import gourl, httpproxy
from gopack.spec.gourl import Url
from gopack.spec.httpproxy import ProxySettings
from tests.oracle import oracle

pytestmark = pytest.mark.oracle

CASES = 6000


def words(text: str) -> list[str]:
    return text.split()


HOSTS = words("""
proxy.example a.example b.a.example xa.example A.Example example localhost LOCALHOST 127.0.0.1
127.9.9.9 10.0.0.1 10.1.2.3 192.168.0.7 1.2.3.4 [::1] [fe80::1] [fe80::1%25en0] [2001:db8::7]
[::ffff:10.0.0.1] [::ffff:127.0.0.1] bücher.example xn--bcher-kva.example faß.example 010.0.0.1
sub.localhost localhost. a.example. 10.0.0.256 1.2.3
""")
PORTS = ["", "", "", ":80", ":443", ":8080", ":", ":0"]
NO_PROXY = words("""
a.example .a.example *.a.example a.example:443 a.example:8080 .example example 10.0.0.0/8 10.0.0.1
10.0.0.1:80 10.0.0.1/33 10.0.0.1/ 10.0.0.0/08 2001:db8::/32 [2001:db8::7]:443 [2001:db8::7] ::1
2001:db8::7 fe80::1 fe80::1%en0 ::ffff:10.0.0.1 ::ffff:10.0.0.0/104 * *.* ** . .. :80 *: a.example:
bücher.example BÜCHER.example:443 xn--bcher-kva.example 1.2.3.4:5:6 localhost 127.0.0.1
192.168.0.0/16 a b [a.example]:80 [] [a a] [a]b:1 faß.example 0.0.0.0/0 ::/0 010.0.0.1
10.0.0.0/255.0.0.0
""")
PROXIES = words("""
http://proxy.example:3128 proxy.example:3128 proxy.example socks5://s.example:1080 https://p.example
http://me:pa%40ss@proxy.example:1 me:secret@proxy.example:1 //proxy.example /x ftp://f.example :80
http:// http:///x http://[::1]:3128 [::1]:3128 http://bad:port http://h%41.example ht!tp://x 1:2
socks5h://u@s.example http://a:b:c@h:1 http://a:1:2 x://a:1:2 http://[fe80::1%25en0]:80 %zz http://%zz
""")
ALPHABET = "a.:/@[]%*1?#é+ -"


def mutate(dice: random.Random, text: str) -> str:
    if dice.random() < 0.6:
        return text
    chars = list(text)
    for _ in range(dice.randint(1, 2)):
        at = dice.randint(0, len(chars))
        chars[at : at + dice.randint(0, 2)] = dice.choices(ALPHABET, k=dice.randint(0, 2))
    return "".join(chars)


def parts(url: Url | None) -> dict[str, Any] | None:
    """The parts as the oracle gives them; bytes that are no UTF-8 do not travel in JSON."""
    if url is None:
        return None
    found = {
        "Scheme": url.scheme,
        "Host": url.host,
        "Hostname": url.hostname,
        "Port": url.port,
        "Path": unquote(url.path, errors="surrogateescape"),
        "Query": url.query,
        "Opaque": url.opaque,
    }
    login = None if url.login is None else [plain(text) for text in url.login]
    return {key: plain(text) for key, text in found.items()} | {"Login": login}


def plain(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def test_parse_generated_urls_are_read_as_go_reads_them() -> None:
    dice = random.Random(7)
    texts = [mutate(dice, dice.choice(PROXIES)) for _ in range(CASES)]
    texts += [mutate(dice, f"https://{h}{p}/x%20y?q=1#f") for h in HOSTS for p in PORTS]
    wrong = []
    for text, told in zip(texts, oracle.ask_each("url.parse", texts), strict=True):
        ours: dict[str, Any] | None
        try:
            ours = parts(gourl.parse(text))
        except InputError:
            ours = None
        if ours != (None if told.refused else told.value):
            wrong.append((text, ours, told))
    assert wrong[:5] == []


def test_proxy_for_generated_settings_is_what_go_chooses() -> None:
    dice = random.Random(8)
    asked: list[dict[str, Any]] = []
    for _ in range(CASES):
        scheme = dice.choice(["http", "https", "https", "ftp"])
        asked.append(
            {
                "HTTP": dice.choice(["", mutate(dice, dice.choice(PROXIES))]),
                "HTTPS": mutate(dice, dice.choice(PROXIES)),
                "No": dice.choice([",", ", ", ",,"]).join(
                    mutate(dice, dice.choice(NO_PROXY)) for _ in range(dice.randint(0, 3))
                ),
                "CGI": dice.random() < 0.05,
                "URL": f"{scheme}://{dice.choice(HOSTS)}{dice.choice(PORTS)}/x",
            }
        )
    wrong = []
    for arg, told in zip(asked, oracle.ask_each("httpproxy.choose", asked), strict=True):
        settings = ProxySettings(arg["HTTP"], arg["HTTPS"], arg["No"], cgi=arg["CGI"])
        try:
            ours: object = parts(httpproxy.proxy_for(settings, gourl.parse(arg["URL"])))
        except InputError:
            ours = "refused"
        if ours != ("refused" if told.refused else told.value):
            wrong.append((arg, ours, told))
    assert wrong[:5] == []
