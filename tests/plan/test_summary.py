"""What is read out of a dependency's go.mod."""

import pytest

from gopack.errors import IntegrityError
from gopack.plan.summary import (
    Retraction,
    check_names_module,
    is_synthesized,
    retraction_of,
    summarize,
)
from gopack.spec.module import ModuleVersion

M = ModuleVersion("a.b/m", "v1.0.0")


@pytest.mark.parametrize(
    ("go_line", "prunes"),
    [
        ("", False),
        ("go 1.16", False),
        ("go 1.17", True),
        ("go 1.17rc1", False),
        ("go 1.21.3", True),
    ],
)
def test_summarize_go_version_decides_pruning(go_line: str, *, prunes: bool) -> None:
    assert summarize(M, f"module a.b/m\n{go_line}\n".encode()).prunes is prunes


def test_summarize_leaves_out_replace_and_exclude() -> None:
    text = b"""// Deprecated: use another.
module a.b/m

require (
	a.b/x v1.0.0
	a.b/y v1.2.0 // indirect
)
replace a.b/x => a.b/z v1.0.0
exclude a.b/y v1.2.0
retract [v0.1.0, v0.2.0] // oops
"""
    found = summarize(M, text)
    assert found.require == (ModuleVersion("a.b/x", "v1.0.0"), ModuleVersion("a.b/y", "v1.2.0"))
    assert found.retract == (Retraction("v0.1.0", "v0.2.0", "oops"),)
    assert found.deprecated == "use another."


def test_summarize_broken_go_mod_is_integrity_error_with_place() -> None:
    with pytest.raises(IntegrityError, match=r"a\.b/m@v1\.0\.0: parsing go\.mod") as caught:
        summarize(M, b"module a.b/m\nrequire (\n")
    assert caught.value.exit_status == 4


def test_check_names_module_other_path_says_both_and_what_to_list() -> None:
    with pytest.raises(IntegrityError) as caught:
        check_names_module(M, summarize(M, b"module a.b/moved\n"))
    assert (caught.value.expected, caught.value.got) == ("a.b/m", "a.b/moved")
    assert "a.b/moved" in caught.value.hint
    with pytest.raises(IntegrityError, match="missing module line"):
        check_names_module(M, summarize(M, b"go 1.20\n"))
    check_names_module(M, summarize(M, b"module a.b/m\n"))


@pytest.mark.parametrize(
    ("version", "hit"),
    [
        ("v1.0.0", True),
        ("v1.5.0", True),
        ("v2.0.0", True),
        ("v2.0.1", False),
        ("v1.0.0-rc.1", False),
        ("v3.0.0", True),
    ],
)
def test_retraction_of_takes_both_ends(version: str, *, hit: bool) -> None:
    found = retraction_of(
        (Retraction("v1.0.0", "v2.0.0", ""), Retraction("v3.0.0", "v3.0.0", "")), version
    )
    assert (found is not None) is hit


@pytest.mark.parametrize(
    ("data", "expected"),
    [(b"module a.b/m\n", True), (b"module a.b/m", False), (b"module a.b/m\n\ngo 1.20\n", False)],
)
def test_is_synthesized_is_byte_exact(data: bytes, *, expected: bool) -> None:
    assert is_synthesized("a.b/m", data) is expected
