"""What requests ask for, and what attacks get."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gopack.plan.layout import OWN_FOLDER
from gopack.plan.serving import Health, Refusal, StoredKey, SumdbRequest, Wanted, route
from gopack.spec.goproxy import Latest, VersionList
from gopack.spec.module import ModuleVersion
from gopack.spec.tiles import Tile
from tests.examples import examples

JSON, TEXT, ZIP = "application/json", "text/plain; charset=utf-8", "application/zip"
TOML = "github.com/BurntSushi/toml"


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/github.com/!burnt!sushi/toml/@v/list", VersionList(TOML)),
        ("/github.com/%21burnt%21sushi/toml/@v/list", VersionList(TOML)),
        ("/github.com%2F!burnt!sushi/toml/@latest", Latest(TOML)),
        ("/a.b/c/@v/v1.0.0-!r!c1.mod", StoredKey("a.b/c/v1.0.0-RC1/go.mod", TEXT)),
        (
            "/a.b/c/@v/v2.0.0+incompatible.zip",
            StoredKey("a.b/c/v2.0.0+incompatible/source.zip", ZIP),
        ),
        ("/a.b/c/@v/main.info", StoredKey("a.b/c/main/main.info", JSON)),
        ("/a.b/c/@v/v1.2.info", StoredKey("a.b/c/v1.2/v1.2.info", JSON)),
        ("/healthz", Health()),
        ("http://proxy.test/healthz", Health()),
        ("HTTPS://[::1]:3000/github.com/!burnt!sushi/toml/@v/list", VersionList(TOML)),
        ("/sumdb/s.test/supported", SumdbRequest("s.test", "supported")),
        ("/sumdb/s.test/deep/latest", SumdbRequest("s.test/deep", "latest")),
        (
            "/sumdb/s.test/lookup/a.b/!c@v1.0.0",
            SumdbRequest("s.test", ModuleVersion("a.b/C", "v1.0.0")),
        ),
        ("/sumdb/s.test/tile/8/0/x001/234", SumdbRequest("s.test", Tile(8, 0, 1234, 256))),
        ("/sumdb/s.test/tile/8/7/000.p/127", SumdbRequest("s.test", Tile(8, 7, 0, 127))),
    ],
)
def test_route_good_path_names_what_is_wanted(path: str, wanted: Wanted) -> None:
    assert route("GET", path.encode()) == wanted
    assert route("HEAD", path.encode()) == wanted


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "//",
        "//proxy.test/healthz",
        "http:///healthz",
        "http://proxy.test",
        "http://proxy.test//healthz",
        "http://proxy.test/http://proxy.test/healthz",
        "http://proxy.test/../.gopack/manifest.json",
        "ftp://proxy.test/healthz",
        "http%3a//proxy.test/healthz",
        "x/http://proxy.test/healthz",
        "/.gopack/manifest.json",
        "/.gopack/@v/list",
        "/a.b/.gopack/@v/list",
        "/../etc/@v/list",
        "/a.b/../../etc/@v/list",
        "/a.b/%2e%2e/%2e%2e/etc/@v/list",
        "/a.b/..%2f..%2fetc/@v/list",
        "/a.b/..%5c..%5cetc/@v/list",
        "/a.b//c/@v/list",
        "/a.b/c/@v/",
        "/a.b/c/@v/list/",
        "/a.b/c/@v/...info",
        "/a.b/c/@v/...zip",
        "/a.b/c/@v/../v1.0.0.info",
        "/a.b/c/@v/%2e%2e%2fv1.0.0.info",
        "/a.b/c/@v/latest.zip",
        "/a.b/c/@v/main.mod",
        "/a.b/c/@v/v1.0.0%00.info",
        "/a.b/c%00/@v/list",
        "/a.b/c%0a/@v/list",
        "/a.b/c/@v/v1.0.0.info%0a",
        "/a.b/%ff/@v/list",
        "/a.b/ü/@v/list",
        "/A.b/c/@v/list",
        "/a.b/C/@v/list",
        "/a.b/!C/@v/list",
        "/a.b/!/@v/list",
        "/a.b/con/@v/list",
        "/nodots/c/@v/list",
        "/c:/windows.ini/@v/list",
        "/a.b/c/v1.0.0/go.mod",
        "/a.b/c/v1.0.0/source.zip",
        "/sumdb/",
        "/sumdb//supported",
        "/sumdb/../supported",
        "/sumdb/%2e%2e/supported",
        "/sumdb/../../manifest.json/latest",
        "/sumdb/.hidden/latest",
        "/sumdb/s.test/records",
        "/sumdb/s.test/heads/5",
        "/sumdb/s.test/tile/8/0/../../records",
        "/sumdb/s.test/tile/8/0/1",
        "/sumdb/s.test/tile/99/0/001",
        "/sumdb/s.test/tile/10/0/001",
        "/sumdb/s.test/tile/8/8/000",
        "/sumdb/s.test/tile/8/7/127.p/128",
        "/sumdb/s.test/tile/30/100000000/000",
        "/sumdb/s.test/tile/8/99999999999999999999999999/000",
        "/sumdb/s.test/tile/8/0/x999/x999/x999/x999/x999/x999/999",
        "/sumdb/s.test/lookup/../x@v1.0.0",
        "/sumdb/s.test/lookup/a.b/c@../v1",
        "/sumdb/s.test/lookup/a.b/c",
    ],
)
def test_attack_path_names_nothing(path: str) -> None:
    assert route("GET", path.encode()) == Refusal(404, "not found")


@pytest.mark.parametrize("path", ["/a.b/%", "/a.b/%2", "/a.b/%zz/@v/list", "/%%32e/@v/list"])
def test_attack_bad_escape_is_400(path: str) -> None:
    wanted = route("GET", path.encode())
    assert isinstance(wanted, Refusal)
    assert wanted.status == 400


def test_attack_very_long_path_is_414() -> None:
    wanted = route("GET", b"/a.b/" + b"x" * 100_000 + b"/@v/list")
    assert isinstance(wanted, Refusal)
    assert wanted.status == 414


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get", ""])
def test_attack_other_method_is_405(method: str) -> None:
    wanted = route(method, b"/healthz")
    assert isinstance(wanted, Refusal)
    assert wanted.status == 405


PIECES = ["..", ".", "/", "%2e", "%2F", "%5c", "@v", "list", ".gopack", "a.b", "v1.0.0", ".info"]
PIECES += ["@latest", ".zip", "sumdb", "lookup", "tile", "\\", "!a", "A", "%00", "~", "main"]


@given(st.lists(st.sampled_from(PIECES), max_size=12))
@settings(max_examples=examples(300))
def test_law_no_key_leaves_the_root_or_enters_the_own_folder(pieces: list[str]) -> None:
    wanted = route("GET", ("/" + "".join(pieces)).encode())
    if isinstance(wanted, StoredKey):
        named = wanted.key
    elif isinstance(wanted, VersionList | Latest):
        named = wanted.path
    elif isinstance(wanted, SumdbRequest):
        named = wanted.name
    else:
        return
    elements = named.split("/")
    assert not {"", ".", ".."} & set(elements)
    assert elements[0] != OWN_FOLDER
    assert "\\" not in named
    assert "\0" not in named
