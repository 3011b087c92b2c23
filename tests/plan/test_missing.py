"""What a failed go command lacked, from its words and from what the proxy was asked."""

import pytest

from gopack.plan.manifest import Entry, Manifest, ZipEntry
from gopack.plan.missing import (
    Asked,
    Missing,
    find_missing,
    hindrance_told,
    is_another,
    named_by_go,
    needed_go,
    of_request,
    outage_told,
)
from gopack.spec.module import ModuleVersion

LOST_MOD = (
    "go: downloading a.test/b v1.0.0\n"
    "go: a.test/b@v1.0.0 requires c.test/Big@v1.2.0: reading "
    "http://127.0.0.1:1234/~7/c.test/%21big/@v/v1.2.0.mod: 404 Not Found\n"
)
LOST_ZIP = "go: a.test/b@v1.0.0: reading https://h.test/a.test/b/@v/v1.0.0.zip: 410 Gone\n"
BIG = ModuleVersion("c.test/Big", "v1.2.0")
ENTRY = Entry("", "", "")
ZIP = ZipEntry(1, "", "")


@pytest.mark.parametrize(
    ("path", "file", "line"),
    [
        ("a.test/!b/@v/v1.0.0.zip", "a.test/B/v1.0.0/source.zip", "a.test/B@v1.0.0"),
        ("a.test/b/@v/v1.0.0.info", "a.test/b/v1.0.0/v1.0.0.info", "a.test/b@v1.0.0"),
        ("a.test/b/@v/list", "a.test/b/@v/list", "a.test/b"),
        ("a.test/b/@latest", "a.test/b/@latest", "a.test/b"),
        ("a.test/b/@v/main.info", "a.test/b/@v/main.info", "a.test/b@main"),
        ("sumdb/d.test/lookup/a.test/!b@v1.0.0", None, "a.test/B@v1.0.0"),
    ],
)
def test_request_tells_the_file_and_the_line(path: str, file: str | None, line: str) -> None:
    missing = of_request(path)
    assert missing is not None
    assert (missing.file, missing.line) == (file or path, line)


@pytest.mark.parametrize("path", ["", "favicon.ico", "sumdb/d.test/tile/8/0/000", "A/@v/list"])
def test_request_that_nothing_on_a_list_answers_is_none(path: str) -> None:
    assert of_request(path) is None


@pytest.mark.parametrize(
    ("output", "files"),
    [
        (LOST_MOD, ["c.test/Big/v1.2.0/go.mod"]),
        (LOST_ZIP * 2, ["a.test/b/v1.0.0/source.zip"]),
        ('go: module a.test/b: no matching versions for query "latest"', ["a.test/b/@v/list"]),
        ('go: a.test/b@v1: no matching versions for query "v1"', ["a.test/b/@v/list"]),
        (
            "main.go:3:8: cannot find module providing package a.test/b/c: not found",
            ["package a.test/b/c"],
        ),
        ("x.go:1: undefined: y", []),
        ("reading http://h.test/a.test/b/@v/v1.0.0.zip: 500 Internal Server Error", []),
    ],
)
def test_go_names_what_it_did_not_find(output: str, files: list[str]) -> None:
    assert [each.file for each in named_by_go(output)] == files


def test_what_go_names_counts_before_what_was_asked() -> None:
    asked = [Asked("c.test/@v/list", 404), Asked("c.test/!big/@v/v1.2.0.mod", 404)]
    assert [each.line for each in find_missing(LOST_MOD, asked)] == ["c.test/Big@v1.2.0"]


def test_silent_go_leaves_what_was_asked_files_before_lists() -> None:
    lists = [Asked("c.test/@v/list", 404), Asked("d.test/e/@v/list", 200)]
    assert [each.line for each in find_missing("", lists)] == ["c.test"]
    files = [*lists, Asked("c.test/d/@v/v1.0.0.zip", 404), Asked("c.test/d/@v/v1.0.0.mod", 500)]
    assert [each.file for each in find_missing("", files)] == ["c.test/d/v1.0.0/source.zip"]


def test_paths_above_and_below_a_module_that_is_there_are_only_tried() -> None:
    """Of `go get a.test/b/c` a.test/b is the module; go asks for the others beside it."""
    asked = [
        Asked("a.test/b/c/@v/v1.0.0.info", 404),
        Asked("a.test/b/@v/v1.0.0.info", 200),
        Asked("a.test/@v/v1.0.0.info", 404),
    ]
    assert find_missing("go: module a.test/b@v1.0.0 found, but does not contain", asked) == []


@pytest.mark.parametrize(
    ("file", "entry", "words"),
    [
        ("c.test/Big/v1.2.0/source.zip", None, "add the line c.test/Big@v1.2.0"),
        ("c.test/Big/v1.2.0/source.zip", ENTRY, "go.mod only: add the line c.test/Big@v1.2.0"),
        ("c.test/Big/v1.2.0/go.mod", Entry("", "", "", zip=ZIP), "gone: fetch again"),
    ],
)
def test_remedy_knows_what_was_stored(file: str, entry: Entry | None, words: str) -> None:
    manifest = Manifest({BIG: entry} if entry else {})
    assert words in Missing(file, *BIG, BIG).remedy(manifest)


def test_newer_go_is_told() -> None:
    assert needed_go("go: a@v1 requires go >= 1.30.1 (running go 1.26; GOTOOLCHAIN=local)")
    assert needed_go(LOST_MOD) == ""


@pytest.mark.parametrize(
    "output",
    [
        'go: a.test/b: Get "https://p.test/a.test/b/@v/list": dial tcp 10.0.0.1:443: i/o timeout',
        'a.test/b@v1.0.0: Get "https://p.test/a.test/b/@v/v1.0.0.zip": EOF',
        "go: reading https://p.test/a.test/b/@v/v1.0.0.mod: 502 Bad Gateway",
        "go: reading https://p.test/a.test/b/@latest: 429 Too Many Requests",
        "verifying a.test/b@v1.0.0: reading https://s.test/lookup/a.test/b@v1.0.0: 503 Busy",
        "reading https://p.test/b/@v/v1.0.0.zip: read tcp 10.0.0.2: connection reset by peer",
        "reading https://p.test/b/@v/list: 404 Not Found\n\tserver response: not found: fetch "
        "timed out",
        "go: a.test/b@v1.0.0: module lookup disabled by GOPROXY=off",
        # Who may not ask does not hear whether it is there.
        "go: reading https://p.test/b/@v/v1.0.0.mod: 401 Unauthorized",
        "go: reading https://p.test/b/@v/v1.0.0.mod: 403 Forbidden",
        "go: reading https://p.test/b/@v/list: 407 Proxy Authentication Required",
    ],
)
def test_proxy_that_does_not_answer_is_an_outage(output: str) -> None:
    assert outage_told(output)


@pytest.mark.parametrize(
    "output",
    [
        LOST_MOD,
        LOST_ZIP,
        # A vanity host that is gone: connected or not, this module cannot be had.
        'unrecognized import path "g.test/x": https fetch: Get "https://g.test/x?go-get=1": '
        "dial tcp: lookup g.test: no such host",
        "x.go:1: undefined: timeout",
    ],
)
def test_refusal_is_no_outage(output: str) -> None:
    assert not outage_told(output)


@pytest.mark.parametrize(
    "output",
    [
        "go: a.test/b@v1.0.0: write /t/cache/b.zip: no space left on device",
        "a.test/b: /usr/local/go/pkg/tool/linux_amd64/compile: signal: killed",
        "fork/exec /usr/local/go/pkg/tool/linux_amd64/asm: cannot allocate memory",
        'go: module a.test/b: git ls-remote -q o: exec: "git": executable file not found in $PATH',
    ],
)
def test_machine_that_lets_go_down_is_told(output: str) -> None:
    assert hindrance_told(f"go: downloading a.test/b v1.0.0\n{output}\n")
    assert not outage_told(output)


@pytest.mark.parametrize("output", [LOST_MOD, LOST_ZIP, "x.go:1:8: undefined: signal"])
def test_failure_of_the_code_is_no_fault_of_the_machine(output: str) -> None:
    assert not hindrance_told(output)


@pytest.mark.parametrize(
    "said",
    [
        "go: a.test/b@v1.0.0: verifying go.mod: checksum mismatch\n\nSECURITY ERROR\n",
        "go: downloading a.test/b v1.0.0\ngo: zip: checksum error\n",
        "go: downloading a.test/b v1.0.0\ngo: zip: not a valid zip file\n",
        "go: a.test/b@v1.0.0: unzip /m/b.zip: flate: corrupt input before offset 7\n",
        "go: a.test/b imports\n\ta.test/c: a.test/c@v1.0.0: parsing go.mod: missing module line\n",
        'go: a.test/b@v1.0.0: invalid response from proxy "http://h.test": unexpected end of JSON',
    ],
)
def test_file_that_is_another_is_not_missing(said: str) -> None:
    """What the go command looked for in vain beside it, and always does, says nothing."""
    assert find_missing(said, [Asked("a.test/@v/v1.0.0.info", 404)]) == []


def test_module_that_moved_is_no_spoilt_file() -> None:
    said = "go: a.test/b@v1.0.0: parsing go.mod:\n\tmodule declares its path as: a.test/c\n"
    assert not is_another(said)
