"""The list: each kind of line, and each kind of mistake."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gopack.plan.findings import Severity
from gopack.plan.items import (
    GoItem,
    IncludeItem,
    Item,
    ModList,
    ModuleItem,
    PatternItem,
    ToolchainItem,
    VersionsItem,
)
from gopack.plan.modlist import ListErrors, parse_list, without_repeated
from tests.examples import examples

UUID = "github.com/google/uuid"


def items(text: str | bytes) -> list[Item]:
    return list(parse_list(text).items)


def findings(text: str | bytes) -> list[tuple[int, int, str, str]]:
    with pytest.raises(ListErrors) as caught:
        parse_list(text)
    return [(f.line, f.column, f.what, f.hint) for f in caught.value.findings]


GOOD: list[tuple[str | bytes, list[Item]]] = [
    (UUID, [ModuleItem(UUID, "latest")]),
    (f"{UUID}@v1.6.0", [ModuleItem(UUID, "v1.6.0")]),
    (f"{UUID}@upgrade", [ModuleItem(UUID, "latest")]),
    (f"{UUID}@>=v1.2", [ModuleItem(UUID, ">=v1.2")]),
    (f"{UUID}@<v1.2", [ModuleItem(UUID, "<v1.2")]),
    (f"{UUID}@<=v1.2.0", [ModuleItem(UUID, "<=v1.2.0")]),
    (f"{UUID}@v1", [ModuleItem(UUID, "v1")]),
    (f"{UUID}@master", [ModuleItem(UUID, "master")]),
    (f"{UUID}@0f11ee6918f4", [ModuleItem(UUID, "0f11ee6918f4")]),
    ("example.com/a@v2.0.0+incompatible", [ModuleItem("example.com/a", "v2.0.0+incompatible")]),
    ("k8s.io/api/core/v1", [ModuleItem("k8s.io/api/core/v1")]),
    ("gopkg.in/yaml.v3@v3.0.1", [ModuleItem("gopkg.in/yaml.v3", "v3.0.1")]),
    ("golang.org/x/tools/...@latest", [PatternItem("golang.org/x/tools/...")]),
    (f"{UUID}/", [ModuleItem(UUID)]),
    (f"{UUID}@all", [VersionsItem(UUID)]),
    (f"{UUID}@all[>=v1.40,<v2]", [VersionsItem(UUID, (">=v1.40", "<v2"))]),
    (f"{UUID}@all[ >=v1.40, < v2 ]", [VersionsItem(UUID, (">=v1.40", "<v2"))]),
    ("go@1.26.x", [GoItem("1.26.x")]),
    ("go", [GoItem("latest")]),
    ("go@1.27rc1", [GoItem("1.27rc1")]),
    ("toolchain@go1.26.x", [ToolchainItem("1.26.x")]),
    (
        "toolchain@go1.26.3 linux/amd64 windows/amd64  # both",
        [ToolchainItem("1.26.3", ("linux/amd64", "windows/amd64"))],
    ),
    ("-r go.mod", [IncludeItem("go.mod")]),
    ('-r "a list.txt" closure=build', [IncludeItem("a list.txt", closure="build")]),
    (f"{UUID}@v1.6.0 closure=closed", [ModuleItem(UUID, "v1.6.0", closure="closed")]),
    (f"  {UUID}\t// the ids", [ModuleItem(UUID)]),
    (f"# all\n// of it\n\n{UUID};# end", [ModuleItem(UUID)]),
    (f"\ufeff{UUID}\r\n", [ModuleItem(UUID)]),
    (b"\xef\xbb\xbf" + UUID.encode() + b"\r\n", [ModuleItem(UUID)]),
    (
        f"#!/bin/bash\ngo get -u -d {UUID}@v1.6.0 golang.org/x/text;\n",
        [ModuleItem(UUID, "v1.6.0"), ModuleItem("golang.org/x/text")],
    ),
    (
        f"GO111MODULE=on go get -tags 'a b' {UUID} && go install example.com/b@v1",
        [ModuleItem(UUID), ModuleItem("example.com/b", "v1")],
    ),
    (f"go get \\\n  {UUID} \\\n", [ModuleItem(UUID)]),
    (f"go mod download '{UUID}@>=v1.2'", [ModuleItem(UUID, ">=v1.2")]),
    (f'go get "{UUID}"@v1.6.0', [ModuleItem(UUID, "v1.6.0")]),
]


@pytest.mark.parametrize(("text", "expected"), GOOD)
def test_parse_list_good_line_gives_its_items(text: str | bytes, expected: list[Item]) -> None:
    assert items(text) == expected


BAD: list[tuple[str | bytes, int, str, str]] = [
    # text, column, part of what, part of hint
    (f"{UUID}@>v1.2", 24, 'ambiguous semantic version "v1.2" in range ">v1.2"', ">v1.2.0"),
    (f"{UUID}@<=v1", 24, 'ambiguous semantic version "v1" in range "<=v1"', "<=v1.2.0"),
    (f"{UUID}@>=foo", 24, 'invalid semantic version "foo" in range ">=foo"', ">=v1.2.0"),
    (f"{UUID}@none", 24, "@none", "Delete"),
    (f"{UUID}@", 24, f'invalid module version syntax "{UUID}@"', "one @"),
    (f"{UUID}@@v1", 24, "invalid module version syntax", "one @"),
    (f"{UUID}@v1@v2", 24, "invalid module version syntax", "one @"),
    (f"{UUID}@-x", 24, 'invalid module version "-x"', ""),
    (f"{UUID}@feature/x", 24, 'version "feature/x" invalid: disallowed version string', "hash"),
    (f"{UUID}@!x", 24, 'version "!x" invalid: disallowed version string', ""),
    (f"{UUID}@^1.2", 24, "'^'", "ranges"),
    (f"{UUID}@all[v1]", 24, "invalid bound 'v1'", "@all[>=v1.40,<v2]"),
    (f"{UUID}@all[>=1.2]", 24, "invalid bound '>=1.2'", ""),
    (f"{UUID}@all[", 24, "no branch", ""),
    (f"{UUID} v1.6.0", 24, "unexpected 'v1.6.0'", f"{UUID}@v1.6.0"),
    (f"{UUID} golang.org/x/text", 24, "unexpected", "One item a line"),
    (f"{UUID},", 23, "comma", "without commas"),
    (f"{UUID} closure=all", 24, "unknown closure 'all'", "closure=closed"),
    ("fmt", 1, "standard library", "Delete"),
    ("net/http", 1, "standard library", "Delete"),
    ("foo", 1, 'malformed module path "foo": missing dot in first path element', "host"),
    ("all", 1, "every package of a project", ""),
    ("./...", 1, "a path of this machine", "-r FILE"),
    ("C:\\list", 1, "a path of this machine", ""),
    ("@v1", 1, "no path before the @", ""),
    ("...", 1, "a path of this machine", ""),
    ("GitHub.com/google/uuid", 1, "GitHub.com", ""),
    ("example.com/a b\\c", 15, "unexpected", ""),
    ("example.com/a//b", 1, "double slash", ""),
    (f"https://{UUID}", 1, "is an address", f"Write {UUID}"),
    (f"https://{UUID}/tree/master/x", 1, "is an address", f"Write {UUID}"),
    ("git@github.com:google/uuid.git", 1, "is an address", f"Write {UUID}"),
    ("go@go1.26", 4, "invalid Go version 'go1.26'", "1.26.x"),
    ("go@", 4, "invalid Go version ''", ""),
    ("go@1.26.x linux/amd64", 11, "unexpected", ""),
    ("toolchain@1.26", 11, "invalid toolchain version '1.26'", "toolchain@go1.26"),
    ("toolchain@go1.26.3 linux-amd64", 20, "unknown platform 'linux-amd64'", "linux/amd64?"),
    ("toolchain@go1.26.3 linux/amd46", 20, "unknown platform", "linux/amd64"),
    ("toolchain@go1.26.3 windows", 20, "unknown platform", "windows/arm64"),
    ("toolchain@go1.26.3 win/x", 20, "unknown platform", ""),
    ("-r", 1, "-r without a file name", "-r FILE"),
    ("-x list", 1, "unknown option '-x'", ""),
    ("-r a b", 6, "unexpected 'b'", ""),
    ("go get -u", 1, "names no module", ""),
    ("go build ./...", 1, "go build is no line of a list", "go get"),
    ("cd /tmp", 1, "'cd' is a shell command", ""),
    ("example.com/a\x00b", 14, "NUL", "Retype"),
    ("example.com/a\x07", 14, "control character U+0007", ""),
    ("example.com/\u200ba", 1, "invalid char", ""),
    (b"example.com/\xc3\xa4\xff", 14, "byte 0xff is not UTF-8", ""),
    (b"\xff\xfee\x00x\x00", 1, "UTF-16", "UTF-8"),
    ("x" * 5000, 4096, "longer than 4096", ""),
    ("", 1, "nothing is listed", "one module a line"),
    ("# nothing\n", 1, "nothing is listed", ""),
]


@pytest.mark.parametrize(("text", "column", "what", "hint"), BAD)
def test_parse_list_bad_line_is_reported_at_its_column(
    text: str | bytes, column: int, what: str, hint: str
) -> None:
    [(line, at, got, advice)] = findings(text)
    assert (line, at) == (1, column)
    assert what in got
    assert hint in advice


def test_parse_list_takes_any_name_of_what_its_origin_is_asked_for() -> None:
    lines = f"{UUID}@feature/x\nexample.com/a/...@a!b\nexample.com/b@feature/x\n{UUID}@a..b\n"
    with pytest.raises(ListErrors) as caught:
        parse_list(lines, takes_any_name=lambda path: path in {UUID, "example.com/a/..."})
    assert [(f.line, f.column) for f in caught.value.findings] == [(3, 15), (4, 24)]
    assert [item.text for item in caught.value.items] == lines.splitlines()[:2]


def test_parse_list_many_bad_lines_are_reported_together() -> None:
    text = f"fmt\n{UUID}\n\n go get {UUID}@none foo@v1 \n"
    assert [f[:2] for f in findings(text)] == [(1, 1), (4, 32), (4, 37)]


def test_list_errors_text_shows_line_and_caret() -> None:
    with pytest.raises(ListErrors) as caught:
        parse_list(f"{UUID}\n\t{UUID}@>v1.2  # new", name="my.txt")
    assert str(caught.value).splitlines() == [
        'my.txt:2:25: ambiguous semantic version "v1.2" in range ">v1.2"',
        f"     {UUID}@>v1.2  # new",
        "                            ^",
        "    hint: Write a whole version, >v1.2.0: go cannot tell whether v1.2.3 counts as v1.2.",
    ]
    assert caught.value.exit_status == 2


def test_list_errors_long_line_is_cut_around_the_column() -> None:
    with pytest.raises(ListErrors) as caught:
        parse_list("example.com/" + "a" * 300 + "@none")
    _, excerpt, caret, _ = str(caught.value).splitlines()
    assert len(excerpt) < 110
    assert excerpt[caret.index("^") :].startswith("none")


def test_list_errors_of_a_binary_file_stay_readable() -> None:
    with pytest.raises(ListErrors) as caught:
        parse_list(b"\x00\n" * 3000)
    assert len(caught.value.findings) == 3000
    assert "and 2950 more" in str(caught.value)


def test_parse_list_same_item_twice_is_kept_once_with_a_warning() -> None:
    read = parse_list(f"{UUID}\n{UUID}@latest\n{UUID}@v1\n")
    assert [item.line for item in read.items] == [1, 3]
    [warning] = read.warnings
    assert warning.severity is Severity.WARNING
    assert (warning.line, warning.what) == (2, f"'{UUID}@latest' is listed already, on line 1")


def test_same_item_in_two_lists_is_kept_once_with_a_warning_a_list() -> None:
    one = parse_list(f"{UUID}\na.b/c\n", name="one.txt").items
    two = parse_list(f"d.e/f\na.b/c\n{UUID}@latest\n", name="two.txt").items
    kept, [warning] = without_repeated([*one, *two])
    assert [item.where for item in kept] == ["one.txt:1", "one.txt:2", "two.txt:1"]
    assert str(warning).startswith(
        "two.txt:2:1: warning: 'a.b/c' is listed already, in one.txt:2, and so is 1 other line"
    )
    again = parse_list(f"{UUID}\na.b/c\n", name="one.txt").items
    kept, [warning] = without_repeated([*one, *again])
    assert len(kept) == 2
    assert str(warning) == "one.txt: warning: given more than once, and taken once"


def test_parse_list_version_without_v_is_a_warning() -> None:
    read = parse_list(f"{UUID}@1.6.0")
    assert read.items == (ModuleItem(UUID, "1.6.0"),)
    assert f"{UUID}@v1.6.0" in read.warnings[0].hint


def test_parse_list_item_keeps_its_place_and_text() -> None:
    [_, item] = items(f"# x\ngo get {UUID}@upgrade example.com/b@v1;")
    assert (item.where, item.column, item.text) == ("goget.txt:2", 39, "example.com/b@v1")


def test_parse_list_patch_needs_a_base() -> None:
    [patch, other] = items(f"{UUID}@patch\n{UUID}@v1.0.0")
    assert isinstance(patch, ModuleItem)
    assert isinstance(other, ModuleItem)
    assert patch.needs_base
    assert not other.needs_base


def test_parse_list_closure_of_the_including_line_is_inherited() -> None:
    read = parse_list("example.com/a\nexample.com/b closure=build", closure="closed")
    assert [item.closure for item in read.items] == ["closed", "build"]


ALPHABET = st.sampled_from([*"ab.@/;#[]<>=v1 -\t'\"\\,\r\n\x00é", "...", "go get ", "@all["])


def read_or_refuse(text: str | bytes) -> ModList | ListErrors:
    try:
        return parse_list(text)
    except ListErrors as error:
        return error


@settings(max_examples=examples(300))
@given(st.lists(ALPHABET, max_size=30).map("".join))
def test_parse_list_any_text_is_read_or_refused_with_places(text: str) -> None:
    lines = text.removeprefix("\ufeff").split("\n")
    read = read_or_refuse(text)
    if isinstance(read, ModList):
        assert read.items
        return
    assert read.findings
    assert str(read)
    for finding in read.findings:
        assert 1 <= finding.line <= len(lines)
        assert 1 <= finding.column <= len(lines[finding.line - 1]) + 1


@settings(max_examples=examples(100))
@given(st.binary(max_size=60))
def test_parse_list_any_bytes_raise_nothing_else(data: bytes) -> None:
    assert str(read_or_refuse(data))
