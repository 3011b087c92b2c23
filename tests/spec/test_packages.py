"""The packages of a module."""

import pytest

from gopack.spec.imports import SourceFile
from gopack.spec.packages import (
    Package,
    is_matched_directory,
    list_packages,
    needs_module,
    provided_packages,
    source_names,
)


def test_source_names_leave_out_what_is_no_go_file_of_the_module() -> None:
    names = ["a.go", "b/a_test.go", "b/_x.go", "b/.x.go", "c.s", "n/go.mod", "n/a.go", "n/d/a.go"]
    assert source_names(names) == ["a.go", "b/a_test.go"]


def test_provided_packages_are_the_directories_of_go_files() -> None:
    names = ["go.mod", "a.go", "b/c/a.go", "testdata/a.go", "d/README"]
    expected = {"x.y/m", "x.y/m/b/c", "x.y/m/testdata"}
    assert provided_packages("x.y/m", names) == expected


@pytest.mark.parametrize(
    ("directory", "matched"),
    [
        ("", True),
        ("a/b", True),
        ("a/testdata", False),
        ("testdata/a", False),
        ("_a/b", False),
        ("a/.b", False),
        ("vendor", True),
        ("a/vendor/b", False),
        ("a_/b.", True),
    ],
)
def test_is_matched_directory(directory: str, matched: bool) -> None:  # noqa: FBT001
    assert is_matched_directory(directory) is matched


def test_needs_module_only_for_paths_with_a_host() -> None:
    paths = ["C", "fmt", "net/http", "appengine/x", "", ".", "../a", "example.com/a", "a.b"]
    assert [path for path in paths if needs_module(path)] == ["example.com/a", "a.b"]


def test_list_packages_merges_files_and_parts_tests() -> None:
    sources = {
        "a.go": SourceFile(("fmt", "x.y/b", "C")),
        "a_linux.go": SourceFile(("x.y/a", "fmt", "appengine/x")),
        "gen.go": SourceFile(built=False),
        "a_test.go": SourceFile(("testing", "x.y/t")),
        "testdata/t/a.go": SourceFile(("x.y/d",)),
        "gen/a.go": SourceFile(built=False),
    }
    assert list_packages("e.x/m", sources) == {
        "e.x/m": Package("e.x/m", ("fmt", "x.y/a", "x.y/b"), ("testing", "x.y/t")),
        "e.x/m/gen": Package("e.x/m/gen", built=False),
        "e.x/m/testdata/t": Package("e.x/m/testdata/t", ("x.y/d",), matched=False),
    }
