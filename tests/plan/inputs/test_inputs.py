"""Files other than lists: what they ask for, and what is wrong with them."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gopack.errors import InputError
from gopack.plan.findings import Severity
from gopack.plan.inputs.detect import detect, read_input
from gopack.plan.inputs.golist import read_go_list
from gopack.plan.inputs.gomodfile import read_go_mod
from gopack.plan.inputs.gosum import read_go_sum
from gopack.plan.inputs.gowork import join_members, read_go_work
from gopack.plan.inputs.roots import Format, InputRoots, replacement
from gopack.plan.inputs.sbom import read_cyclonedx
from gopack.plan.inputs.vendor import read_vendor
from gopack.spec.gomod import Replace
from gopack.spec.module import ModuleVersion
from tests.examples import examples

H1 = "h1:" + "A" * 43 + "="
A1, A2, B1 = (
    ModuleVersion(f"e.x/{p}", v) for p, v in [("a", "v1.0.0"), ("a", "v1.1.0"), ("b", "v1.2.3")]
)


def told(read: InputRoots) -> list[tuple[str, int, int, str]]:
    return [(f.severity.value, f.line, f.column, f.what) for f in read.findings]


def test_read_go_mod_gives_requirements_and_the_main_modules_own_lines() -> None:
    read = read_go_mod(
        b"\xef\xbb\xbfmodule e.x/main\r\ngo 1.26.0\ntoolchain go1.26.3\n"
        b"require (\n\te.x/a v1.0.0\n\te.x/b v1.2.3 // indirect\n)\n"
        b"replace e.x/b => e.x/fork v1.9.0\nexclude e.x/a v1.1.0\ntool e.x/a/cmd\n"
    )
    assert read.roots == (A1, B1)
    assert (read.main, read.go, read.toolchain) == ("e.x/main", "1.26.0", "go1.26.3")
    assert read.tools == ("e.x/a/cmd",)
    assert read.exclude == (A2,)
    assert read.direct == {"e.x/a"}
    assert replacement(B1, read.replace) == ModuleVersion("e.x/fork", "v1.9.0")
    assert replacement(A1, read.replace) is None
    assert not read.exact
    assert read.findings == ()


def test_read_go_mod_folder_replacement_is_reported_and_skipped() -> None:
    read = read_go_mod(
        b"module m\nrequire (\n  e.x/a v1.0.0\n  local v0.0.0\n)\nreplace local => ../local\n"
    )
    assert read.roots == (A1,)
    assert told(read) == [("warning", 6, 18, "local is replaced by the folder ../local: skipped")]
    assert not read.has_errors


def test_read_go_mod_excluded_requirement_is_dropped() -> None:
    read = read_go_mod(b"module m\nrequire e.x/a v1.0.0\nexclude e.x/a v1.0.0\n")
    assert read.roots == ()
    assert told(read)[0][:2] == ("warning", 2)


def test_read_go_mod_path_nobody_can_fetch_is_an_error_and_the_rest_stays() -> None:
    read = read_go_mod(b"module m\nrequire nodot v1.0.0\nrequire e.x/a v1.0.0\n")
    assert read.roots == (A1,)
    assert [f[:2] for f in told(read)] == [("error", 2)]
    assert read.has_errors


def test_read_go_mod_unreadable_line_is_refused_at_its_place() -> None:
    with pytest.raises(InputError) as caught:
        read_go_mod(b"module m\nrequired e.x/a v1.0.0\n", name="x/go.mod")
    assert caught.value.where == "x/go.mod:2:1"


def test_replacement_of_one_version_goes_before_one_of_all() -> None:
    every = Replace(ModuleVersion("e.x/a", ""), ModuleVersion("e.x/f", "v1.0.0"))
    one = Replace(A1, ModuleVersion("../a", ""))
    assert replacement(A1, [every, one]) == one.new
    assert replacement(A2, [every, one]) == every.new


def test_read_go_sum_parts_whole_versions_from_mod_only_ones() -> None:
    read = read_go_sum(
        f"e.x/a v1.0.0 {H1}\ne.x/a v1.0.0/go.mod {H1}\n\ne.x/b v1.2.3/go.mod {H1}\r\n".encode()
    )
    assert (read.roots, read.mod_only, read.exact) == ((A1,), (B1,), True)
    assert [(s.module, s.is_mod) for s in read.sums] == [(A1, False), (A1, True), (B1, True)]
    assert read.findings == ()


def test_read_go_sum_bad_lines_are_reported_and_the_rest_stays() -> None:
    good = f"e.x/a v1.0.0 {H1}\n"
    bad = f"e.x/b v1.2.3\ne.x/b v1 {H1}\nnodot v1.0.0 {H1}\n  e.x/b v1.2.3 h1:x\n\x00\n"
    read = read_go_sum((good + bad).encode())
    assert read.roots == (A1,)
    assert [(f.line, f.column) for f in read.findings] == [(6, 1), (2, 1), (3, 1), (4, 1), (5, 3)]
    assert read.has_errors


def test_read_go_sum_sum_of_an_empty_go_mod_is_dropped_as_go_does() -> None:
    line = b"e.x/a v1.0.0/go.mod h1:G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY=\n"
    assert read_go_sum(line).mod_only == ()


def test_read_go_work_and_members_are_joined() -> None:
    work = read_go_work(
        b'go 1.24\n// both\nuse ./one\nuse (\n\t"two"\n)\nreplace e.x/b => e.x/fork v1.9.0\n'
    )
    assert work.members == ("./one", "two")
    one = read_go_mod(b"module e.x/one\ngo 1.26.1\nrequire e.x/a v1.0.0\nrequire e.x/two v0.0.0\n")
    two = read_go_mod(b"module e.x/two\nrequire e.x/b v1.2.3\nreplace e.x/b => ../b\n", name="two")
    joined = join_members(work, [one, two])
    assert joined.roots == (A1, B1)
    assert joined.go == "1.26.1"
    assert replacement(B1, joined.replace) == ModuleVersion("e.x/fork", "v1.9.0")
    assert not joined.has_errors


def test_join_members_two_replacements_of_one_module_clash() -> None:
    work = read_go_work(b"go 1.24\nuse ./one\nuse ./two\n")
    one = read_go_mod(b"module m1\nreplace e.x/a => e.x/b v1.0.0\n", name="one/go.mod")
    two = read_go_mod(b"module m2\nreplace e.x/a => e.x/c v1.0.0\n", name="two/go.mod")
    assert [f.what for f in join_members(work, [one, two]).findings] == [
        "e.x/a is replaced otherwise than in one/go.mod"
    ]


def test_join_members_one_folder_by_two_ways_is_one_replacement() -> None:
    work = read_go_work(b"go 1.24\nuse ./one\nuse ./cmd/two\n")
    one = read_go_mod(b"module m1\nreplace e.x/a => ../lib\n", name="one/go.mod")
    two = read_go_mod(b"module m2\nreplace e.x/a => ../../lib\n", name="cmd/two/go.mod")
    other = read_go_mod(b"module m2\nreplace e.x/a => ../lib\n", name="cmd/two/go.mod")
    assert not join_members(work, [one, two]).has_errors
    assert join_members(work, [one, other]).has_errors


def test_read_go_work_bad_line_keeps_its_place() -> None:
    with pytest.raises(InputError) as caught:
        read_go_work(b"go 1.24\nuse (\n\t./one\n)\nreplaced x\n")
    assert caught.value.where == "go.work:5:1"


def test_read_go_work_without_members_is_an_error() -> None:
    assert read_go_work(b"go 1.24\n").has_errors


def test_read_vendor_gives_modules_and_replacements() -> None:
    read = read_vendor(
        b"# e.x/a v1.0.0\n## explicit; go 1.20\ne.x/a/p\n"
        b"# e.x/b v1.2.3 => e.x/fork v1.9.0\n## explicit\ne.x/b\n"
        b"# local v0.0.0 => ../local\n# e.x/b => e.x/fork v1.9.0\n"
    )
    assert read.roots == (A1, B1)
    assert replacement(B1, read.replace) == ModuleVersion("e.x/fork", "v1.9.0")
    assert [f[:2] for f in told(read)] == [("warning", 7)]


def test_read_vendor_bad_module_lines_are_errors() -> None:
    read = read_vendor(b"# e.x/a\n# e.x/a v1\n# e.x/a v1.0.0 =>\n# e.x/a v1.0.0\n")
    assert [f[:3] for f in told(read)] == [("error", 1, 3), ("error", 2, 3), ("error", 3, 3)]
    assert read.roots == (A1,)


@pytest.mark.parametrize(
    "text",
    [
        f"# e.x/a v1.0.0\ne.x/a\n{line}\ne.x/a/p\n"
        for line in ("e.x/b@v1.0.0", "e.x/ab", "e.x/b", "-r go.mod")
    ]
    + ["## workspace\n\ne.x/b\n# e.x/a v1.0.0\n"],
)
def test_read_vendor_line_that_is_of_no_module_above_is_an_error(text: str) -> None:
    read = read_vendor(text.encode())
    assert [f[:2] for f in told(read)] == [("error", 3)]
    assert read.roots == (A1,)


@pytest.mark.parametrize("text", [b"", b"\n", b"## workspace\n"])
def test_read_vendor_without_modules_is_an_error(text: bytes) -> None:
    assert read_vendor(text).has_errors


def modules(*objects: dict[str, object]) -> bytes:
    return "\n".join(json.dumps(o, indent="\t") for o in objects).encode()


def test_read_go_list_gives_modules_less_the_main_one() -> None:
    read = read_go_list(
        modules(
            {"Path": "e.x/main", "Main": True, "GoVersion": "1.26.0"},
            {"Path": "e.x/a", "Version": "v1.0.0"},
            {
                "Path": "e.x/b",
                "Version": "v1.2.3",
                "Replace": {"Path": "f.x/b", "Version": "v1.9.0"},
            },
            {"Path": "l", "Version": "v0.0.0", "Replace": {"Path": "../l"}},
            {"Path": "e.x/c", "Version": "v1.0.0", "Error": {"Err": "gone"}},
        )
    )
    assert read.roots == (A1, B1)
    assert (read.main, read.go) == ("e.x/main", "1.26.0")
    assert replacement(B1, read.replace) == ModuleVersion("f.x/b", "v1.9.0")
    assert [f[0] for f in told(read)] == ["warning", "warning"]


@pytest.mark.parametrize(
    ("data", "line", "what"),
    [
        (b"", 1, "no modules in it"),
        (b"[]", 1, "an object without the Path"),
        (b'{"Path": "e.x/z", "Version": "v1"}', 1, "v1"),
        (b'{"Path": "e.x/z"}', 1, "e.x/z has no version"),
        (b'{"Path": "e.x/a", "Version": "v1.0.0"}\n\n{"Path": ', 3, "no JSON"),
        (b'{"Path": "e.x/a", "Version": "v1.0.0"}\n' + b"[" * 100_000, 2, "no JSON"),
    ],
)
def test_read_go_list_bad_object_is_reported_at_its_line(data: bytes, line: int, what: str) -> None:
    read = read_go_list(data)
    [finding] = read.findings
    assert finding.line == line
    assert what in finding.what
    assert read.has_errors
    assert set(read.roots) <= {A1}


def sbom(*components: object) -> bytes:
    return json.dumps({"bomFormat": "CycloneDX", "components": components}, indent=1).encode()


def test_read_cyclonedx_gives_go_modules_at_any_depth() -> None:
    read = read_cyclonedx(
        sbom(
            {"name": "e.x/a", "purl": "pkg:golang/e.x/a@v1.0.0?type=module"},
            {"name": "left-pad", "purl": "pkg:npm/left-pad@1.0.0"},
            {"name": "x", "components": [{"purl": "pkg:golang/e.x/b@1.2.3#sub/dir"}]},
            {"name": "e.x/Big/v2", "purl": "pkg:golang/e.x/big/v2@v2.0.0"},
            {"name": "inc", "purl": "pkg:golang/e.x/inc@v3.0.0%2Bincompatible"},
            {"name": "stdlib", "purl": "pkg:golang/stdlib@1.26.0"},
            "no component",
        )
    )
    assert set(read.roots) == {
        A1,
        B1,
        ModuleVersion("e.x/Big/v2", "v2.0.0"),
        ModuleVersion("e.x/inc", "v3.0.0+incompatible"),
    }
    assert read.findings == ()


def test_read_cyclonedx_component_without_version_is_a_warning_at_its_line() -> None:
    read = read_cyclonedx(
        sbom({"purl": "pkg:golang/e.x/a@(devel)"}, {"purl": "pkg:golang/e.x/b@v1.2.3"})
    )
    assert read.roots == (B1,)
    assert [(f.severity, f.line) for f in read.findings] == [(Severity.WARNING, 5)]


def test_read_cyclonedx_bad_purl_is_an_error_and_the_rest_stays() -> None:
    read = read_cyclonedx(
        sbom({"purl": "pkg:golang/e.x/a@v1%zz"}, {"purl": "pkg:golang/e.x/b@v1.2.3"})
    )
    assert (read.roots, read.has_errors) == ((B1,), True)


def test_read_cyclonedx_without_go_parts_is_an_error() -> None:
    assert told(read_cyclonedx(sbom({"purl": "pkg:npm/a@1"})))[0][3] == (
        "no Go modules among its components"
    )


@pytest.mark.parametrize("data", [b"<bom/>", b"{", b'{"spdxVersion": "SPDX-2.3"}', b"[]", b""])
def test_read_cyclonedx_other_document_is_refused_with_a_next_step(data: bytes) -> None:
    with pytest.raises(InputError) as caught:
        read_cyclonedx(data)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("goget.txt", b"example.com/a\n", Format.LIST),
        ("list", b"# e.x/a v1.0.0\ne.x/b\n", Format.LIST),
        ("p/go.mod", b"", Format.GO_MOD),
        ("C:\\p\\go.sum", b"", Format.GO_SUM),
        ("old.mod", b"", Format.GO_MOD),
        ("go.work", b"", Format.GO_WORK),
        ("vendor/modules.txt", b"", Format.VENDOR),
        ("vendor/modules.txt", b"## workspace\r\n# e.x/a v1.0.0\r\n", Format.VENDOR),
        ("Modules.txt", b"# e.x/a => ../a\n", Format.VENDOR),
        ("modules.txt", b"# what we need\nexample.com/a\n", Format.LIST),
        ("modules.txt", b"example.com/a@v1.0.0\n", Format.LIST),
        ("x", b"// c\n\nmodule e.x/a // d\n", Format.GO_MOD),
        ("x", f"e.x/a v1.0.0 {H1}\n".encode(), Format.GO_SUM),
        ("x", b"go 1.24\n\nuse (\n./a\n)\n", Format.GO_WORK),
        ("x", b"# e.x/a v1.0.0\r\n## explicit; go 1.20\r\n", Format.VENDOR),
        ("x", b'{"Path": "e.x/a"}', Format.GO_LIST),
        ("x", b'{"bomFormat": "CycloneDX"}', Format.CYCLONEDX),
        ("x", b'{"bomFormat": "CycloneDX', Format.CYCLONEDX),
        ("x", b'<?xml version="1.0"?><bom/>', Format.CYCLONEDX),
        ("x", b"{", Format.GO_LIST),
    ],
)
def test_detect_by_name_then_by_content(name: str, data: bytes, expected: Format) -> None:
    assert detect(name, data) is expected


PIECES = (
    b'module e.x/a\n|use ./x\n|# e.x/a v1.0.0\n|=> |{|}|"Path": "e.x/a"|\n|\x00|\xff|[|,|('
    b'|"components":|"purl": "pkg:golang/%41"'
).split(b"|")


@settings(max_examples=examples(150))
@given(
    st.sampled_from(sorted(set(Format) - {Format.LIST}, key=str)),
    st.lists(st.sampled_from(PIECES), max_size=8),
)
def test_read_input_any_bytes_give_roots_findings_or_an_input_error(
    kind: Format, pieces: list[bytes]
) -> None:
    try:
        read = read_input("f", b"".join(pieces), kind)
    except InputError as error:
        assert str(error)  # noqa: PT017 - whether it raises is open
    else:
        assert all(str(finding) for finding in read.findings)
