"""The small reader of Athens' layout: what it says for each kind of request."""

import http.client
import os
import random
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests import athens_layout
from tests.athens_layout import Serving, answer, served, serving

INFO = b'{"Version":"v1.0.0","Time":"2020-01-01T00:00:00Z"}'
TOML = "github.com/BurntSushi/toml"


def lay(root: Path, module: str, version: str, *, with_zip: bool = True) -> None:
    folder = root / module / version
    folder.mkdir(parents=True)
    (folder / f"{version}.info").write_bytes(INFO)
    (folder / "go.mod").write_text(f"module {module}\n")
    if with_zip:
        (folder / "source.zip").write_bytes(b"PK" + os.urandom(3000))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "storage"
    for version in ("v1.0.0", "v1.2.0-rc.1", "v0.0.0-20200101000000-abcdefabcdef"):
        lay(root, TOML, version)
    lay(root, TOML, "v1.1.0", with_zip=False)
    lay(root, TOML, "main")  # an alias folder
    lay(root, "example.com/old", "v2.0.0+incompatible")
    lay(root, "example.com/m/v2", "v2.0.0")
    (root / "example.com" / "m" / "stray").write_text("a file among the folders")
    for odd in ("v1", "v1.2", "v01.0.0", "1.0.0", "v1.0.0-", "v1.0.0-01", "v1.0.0+b!"):
        (root / "example.com" / "odd" / odd).mkdir(parents=True)
    (root / "example.com" / "odd" / "v1.0.0").symlink_to(root / TOML / "v1.0.0")
    return root


def test_list_offers_canonical_folders_only(root: Path) -> None:
    said = answer(root, "/github.com/!burnt!sushi/toml/@v/list")
    assert said.status == 200
    assert said.content().decode().split("\n") == [
        "v0.0.0-20200101000000-abcdefabcdef",
        "v1.0.0",
        "v1.1.0",
        "v1.2.0-rc.1",
    ]
    assert answer(root, "/example.com/odd/@v/list").content() == b""


def test_list_of_unknown_module_is_empty_not_missing(root: Path) -> None:
    assert answer(root, "/example.com/none/@v/list") == athens_layout.Answer(200)


def test_latest_is_never_there(root: Path) -> None:
    assert answer(root, "/github.com/!burnt!sushi/toml/@latest").status == 404


def test_version_files_are_served(root: Path) -> None:
    base = "/github.com/!burnt!sushi/toml/@v"
    assert answer(root, f"{base}/v1.0.0.info").content() == INFO
    assert answer(root, f"{base}/v1.0.0.mod").content() == f"module {TOML}\n".encode()
    assert answer(root, f"{base}/v1.0.0.zip").content()[:2] == b"PK"
    assert answer(root, f"{base}/main.info").content() == INFO


def test_mod_only_version_has_no_zip(root: Path) -> None:
    assert answer(root, "/github.com/!burnt!sushi/toml/@v/v1.1.0.mod").status == 200
    assert answer(root, "/github.com/!burnt!sushi/toml/@v/v1.1.0.zip").status == 404


def test_capital_letter_in_request_is_refused(root: Path) -> None:
    assert answer(root, "/github.com/BurntSushi/toml/@v/v1.0.0.mod").status == 400
    assert answer(root, "/github.com/BurntSushi/toml/@v/list").status == 500


def test_checksum_database_is_not_supported(root: Path) -> None:
    assert answer(root, "/sumdb/sum.example.com/supported").status == 404


def test_path_with_dots_is_redirected(root: Path) -> None:
    said = answer(root, "/example.com/../example.com/m/v2/@v/list")
    assert (said.status, said.location) == (301, "/example.com/m/v2/@v/list")


def test_serving_logs_requests_and_names_the_missing(root: Path) -> None:
    with serving(root) as proxy:
        assert fetch(proxy.url, "GET", "/example.com/m/v2/@v/v2.0.0.info") == (200, INFO)
        assert fetch(proxy.url, "GET", "/example.com/m/v2/@v/v2.0.1.info") == (404, b"")
        fetch(proxy.url, "GET", "/example.com/m/v2/@latest")
    assert proxy.requests[0] == ("GET", "/example.com/m/v2/@v/v2.0.0.info", 200)
    assert proxy.missing() == ["/example.com/m/v2/@v/v2.0.1.info"]


def fetch(url: str, method: str, target: str) -> tuple[int, bytes]:
    """One request as spelt: http.client neither cleans the path nor follows a redirect."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    try:
        connection.request(method, target)
        said = connection.getresponse()
        body = said.read()
        return said.status, said.getheader("Location", "").encode() if said.status == 301 else body
    finally:
        connection.close()


FIXED = [
    ("POST", "/example.com/old/@v/list"),
    ("POST", "/example.com/old/@v/v2.0.0+incompatible.info"),
    ("HEAD", "/example.com/m/v2/@v/v2.0.0.zip"),
    ("HEAD", "/example.com/m/v2/@v/v2.0.0.info"),
    ("GET", "/example.com/m/stray/@v/list"),
    ("GET", "/example.com/m//v2/@v/list"),
    ("GET", "/example.com/m/../m/v2/@v/v2.0.0.mod"),
    ("GET", "/example.com/m/%2e%2e/m/v2/@v/v2.0.0.mod"),
    ("GET", "/example.com/m%2fv2/@v/v2.0.0.mod"),
    ("GET", "/example.com/old/@v/v2.0.0%2Bincompatible.mod"),
    ("GET", "/example.com/m/v2/@v/v2.0.0.mod?go-get=1"),
    ("GET", "/example.com/m/v2/@v/%zz.mod"),
    ("GET", "/example.com/m/v2/@v/%00.info"),
    ("GET", "/example.com/%00/@v/list"),
    ("GET", "/example.com/%c3%bc/@v/list"),
    ("GET", "/example.com/%c3%bc/@v/v1.0.0.zip"),
    ("GET", "/example.com/!!b/@v/list"),
    ("GET", "/example.com/b!/@v/v1.0.0.info"),
    ("GET", "/example.com/m/v2/@v/"),
    ("GET", "/example.com/m/v2/@v/.info"),
    ("GET", "/example.com/m/v2/@v/v2.0.0.ziphash"),
    ("GET", "/@v/list"),
    ("GET", "/sumdb/sum.example.com/supported"),
    ("GET", "/sumdb/sum.example.com/latest"),
    ("GET", "/.gopack/@v/list"),
    ("GET", "/" + "a" * 300 + "/@v/list"),
    ("GET", "/" + "a" * 300 + "/@v/v1.0.0.info"),
]


def generated_requests(count: int) -> Iterator[tuple[str, str]]:
    """Good, missing and odd requests, the same ones each time."""
    yield from FIXED
    random_ = random.Random(20260101)
    modules = [TOML, "example.com/old", "example.com/m/v2", "example.com/odd", "example.com/m"]
    versions = [
        *("v1.0.0", "v1.1.0", "v1.2.0-rc.1", "v0.0.0-20200101000000-abcdefabcdef", "main"),
        *("v2.0.0", "v2.0.0+incompatible", "v9.9.9", "v1", "v1.0.0-01", "none"),
    ]
    for _ in range(count - len(FIXED)):
        module = random_.choice(modules)
        escaped = "".join(f"!{c.lower()}" if c.isupper() else c for c in module)
        ending = random_.choice(["@v/list", "@latest", *[""] * 6])
        ending = ending or f"@v/{random_.choice(versions)}.{random_.choice(['info', 'mod', 'zip'])}"
        target = f"/{escaped}/{ending}"
        if random_.random() < 0.3:
            at = random_.randrange(1, len(target))
            odd = random_.choice(["!", "A", "%41", "%2F", "/", ".", "%20", "@", "..", "%21", "~"])
            target = target[:at] + odd + target[at + random_.choice([0, 1]) :]
        yield random_.choice(["GET"] * 9 + ["HEAD"]), target


@pytest.mark.e2e
@pytest.mark.skipif("ATHENS_BIN" not in os.environ, reason="ATHENS_BIN names no Athens binary")
def test_real_athens_gives_the_same_answers(root: Path) -> None:
    before = sorted(root.rglob("*"))
    differences = []
    with served(root) as athens, serving(root) as ours:
        for method, target in generated_requests(200):
            theirs, mine = (fetch(s.url, method, target) for s in (athens, ours))
            if theirs[0] != mine[0] or (theirs != mine and theirs[0] < 500):
                differences.append((method, target, theirs, mine))
    assert not differences
    assert sorted(root.rglob("*")) == before


def test_generated_requests_hit_every_kind_of_answer(root: Path) -> None:
    kinds = {answer(root, t, method=m).status for m, t in generated_requests(200)}
    assert kinds == {200, 301, 400, 404, 405, 500}
    assert len(set(generated_requests(200))) > 150


def test_served_is_the_small_reader_without_athens(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ATHENS_BIN", raising=False)
    with served(root) as proxy:
        assert isinstance(proxy, Serving)
        assert fetch(proxy.url, "GET", "/example.com/m/v2/@v/list") == (200, b"v2.0.0")
