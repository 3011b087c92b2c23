"""Imports of Go files, and the constraints that keep files out."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gopack.spec.imports import SourceFile, read_source
from tests.examples import examples
from tests.spec.odd_sources import sources

GOOD = [
    (b"package a", ()),
    (b"\xef\xbb\xbfpackage a\nimport `x.y/raw`\n", ("x.y/raw",)),
    (b'package a; import "a.b/1"; import ("a.b/2"; . "a.b/3";)\n', ("a.b/1", "a.b/2", "a.b/3")),
    (b'// doc\n/* x\n*/ package /**/ a // y\nimport /**/ _ /**/ "a.b/1" // z', ("a.b/1",)),
    (b'package a\nimport (\n\t"a.b/1"\n\n\t// c\n\tx "a.b/2" // d\n)\nvar ;;;', ("a.b/1", "a.b/2")),
    (b'package a\nimport "x.y/\\x7a\\u00e4\\303\\244"\n', ("x.y/zää",)),
    (b'package a\nimport "C"\nimport "fmt"\nfunc import_() {}', ("C", "fmt")),
    (b'package a\nvar x = 1\nimport "late"\n', ()),
    (b'package a\nimport "fmt"\nimports', ("fmt",)),
]


@pytest.mark.parametrize(("source", "imports"), GOOD)
def test_read_source_gives_imports_in_order(source: bytes, imports: tuple[str, ...]) -> None:
    assert read_source(source) == SourceFile(imports)


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"not go",
        b'import "fmt"',
        b"package func",
        b'package a import "fmt"\n',
        b'package a\nimport "a.b/1" "a.b/2"; import "a.b/3" import "a.b/4"\n',
        b'package a\nimport x\n"a.b/1"\n',
        b'package a\nimport ("a.b/1", "a.b/2")\n',
        b'package a\nimport ("a.b/1"\n',
        b'package a\nimport "a b"\n',
        b'package a\nimport ""\n',
        b'package a\nimport "\\q"\n',
        b'package a // \xff\nimport "fmt"\n',
        b'package a\nimport "fmt"\n/* open',
        b'package a\nimport "fmt"\n\x00',
    ],
)
def test_read_source_unreadable_file_has_no_imports_and_says_why(source: bytes) -> None:
    read = read_source(source)
    assert read is not None
    if source.startswith(b'package a\nimport "a.b/1" "a.b/2"'):
        assert read == SourceFile(("a.b/1",)), "reading stops at what cannot follow an import"
        return
    assert read.imports == ()
    assert read.error


@pytest.mark.parametrize(
    ("head", "built"),
    [
        (b"//go:build linux && !cgo\n", True),
        (b"//go:build ignore\n", False),
        (b"//go:build !ignore\n", True),
        (b"//go:build ignore || a\n", True),
        (b"//go:build a && !(b || !ignore)\n", False),
        (b"//go:build !(a && b)\n", True),
        (b"//go:build a b\n", False),
        (b"//go:build\n", False),
        (b"//go:build !!a\n", False),
        (b"//go:build " + b"!(" * 900 + b"a" + b")" * 900 + b"\n", True),
        (b"//go:build " + b"(" * 1001 + b"a" + b")" * 1001 + b"\n", False),
        (b"//go:builder ignore\n", True),
        (b"/* c */ //go:build ignore\n", True),
        (b"/*\n//go:build ignore\n*/\n", True),
        (b"/* */\n//go:build ignore\n", False),
        (b"// Copyright\n\n// +build linux\n//go:build ignore\n", False),
        (b"// Copyright\n//go:build \t ignore\t \r\n", False),
        (b"// Copyright /*\n//go:build ignore\n// */\n", False),
        (b"// +build ignore\n\n", False),
        (b"// +build ignore\n", True),
        (b"//+build ignore,linux !windows\n\n", True),
        (b"// +build !a/b\n\n", True),
        (b"// +build a/b\n\n", False),
        (b"// +build !!a\n\n", False),
        (b"// +build\n\n", False),
        (b"// +build " + b"ignore " * 102 + b"\n\n", True),
        (b"// +build linux\n// +build ignore\n\n", False),
        (b"//go:build linux\n// +build ignore\n\n", True),
    ],
)
def test_read_source_constraint_decides_whether_a_build_can_use_it(
    head: bytes,
    built: bool,  # noqa: FBT001
) -> None:
    read = read_source(head + b'package a\nimport "fmt"\n')
    assert read == SourceFile(("fmt",) if built else (), built=built)


def test_read_source_two_build_lines_are_an_error() -> None:
    read = read_source(b'//go:build a\n//go:build b\n\npackage a\nimport "fmt"\n')
    assert read is not None
    assert (read.imports, read.error) == ((), "multiple //go:build comments")


@settings(max_examples=examples(300))
@given(sources, st.integers(0, 200))
def test_read_source_prefix_gives_the_same_or_asks_for_more(source: bytes, size: int) -> None:
    whole = read_source(source)
    assert whole is not None
    assert read_source(source[:size], whole=size >= len(source)) in {whole, None}


@settings(max_examples=examples(200))
@given(st.binary(max_size=80))
def test_read_source_any_bytes_are_read(source: bytes) -> None:
    assert read_source(source) is not None
