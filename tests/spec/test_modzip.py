"""The module zip rules, on lists of names; tests/spec/test_modzip_oracle.py asks Go itself."""

import pytest

from gopack.errors import InputError
from gopack.spec.module import ModuleVersion
from gopack.spec.modzip import (
    MAX_GO_MOD_BYTES,
    MAX_LICENSE_BYTES,
    MAX_ZIP_BYTES,
    FileKind,
    SourceFile,
    ZipName,
    check_files,
    check_zip,
)

MODULE = ModuleVersion("example.com/m", "v1.0.0")
PREFIX = "example.com/m@v1.0.0/"


def packed(*paths: str, go_version: str = "") -> tuple[list[str], list[str], list[str]]:
    checked = check_files([SourceFile(path, 1) for path in paths], go_version=go_version)
    return list(checked.valid), [f.path for f in checked.omitted], [f.path for f in checked.invalid]


def test_check_files_nested_module_is_left_out_in_any_letter_case() -> None:
    assert packed("go.mod", "a.go", "sub/GO.mod", "sub/x/b.go", "subs/c.go") == (
        ["go.mod", "a.go", "subs/c.go"],
        ["sub/GO.mod", "sub/x/b.go"],
        [],
    )


@pytest.mark.parametrize(
    ("path", "old_leaves_out", "new_leaves_out"),
    [
        ("vendor/modules.txt", False, True),
        ("vendor/x/x.go", True, True),
        ("vendor/x.go", False, False),
        ("pkg/vendor/vendor.go", True, False),
        ("pkg/vendor/x/x.go", True, True),
        ("vendored/x/x.go", False, False),
    ],
)
def test_check_files_vendor_rule_changes_with_go_1_24(
    path: str, *, old_leaves_out: bool, new_leaves_out: bool
) -> None:
    for go_version, left_out in [
        ("", old_leaves_out),
        ("1.23.9", old_leaves_out),
        ("1.24", new_leaves_out),
        ("1.24rc1", new_leaves_out),
        ("1.30.1", new_leaves_out),
    ]:
        assert (packed(path, go_version=go_version)[1] == [path]) is left_out, go_version


def test_check_files_links_folders_and_devices_are_left_out() -> None:
    files = [
        SourceFile("link", 1, FileKind.SYMLINK),
        SourceFile("folder", 0, FileKind.FOLDER),
        SourceFile("device", 0, FileKind.OTHER),
        SourceFile(".hg_archival.txt", 1),
    ]
    checked = check_files(files)
    assert [f.path for f in checked.omitted] == [f.path for f in files]
    assert not checked.valid
    assert checked.is_ok


@pytest.mark.parametrize("path", ["", "/a", "a//b", "./a", "../a", "a/..", "a\\b", "CON", "Go.Mod"])
def test_check_files_bad_name_is_invalid(path: str) -> None:
    assert packed(path) == ([], [], [path])


@pytest.mark.parametrize(
    ("paths", "invalid"),
    [
        (["a", "a"], ["a"]),
        (["a/x", "A/y"], ["A/y"]),
        (["a", "a/b"], ["a/b"]),
        (["a/b", "a"], ["a"]),
        (["\u212a", "k"], ["k"]),  # the Kelvin sign is a K
        (["straße", "strasse"], []),  # Go folds character by character
    ],
)
def test_check_zip_clash_refuses_the_later_name(paths: list[str], invalid: list[str]) -> None:
    names = [ZipName(PREFIX + path, 0) for path in paths]
    checked = check_zip(MODULE, 1, names)
    assert [f.path for f in checked.invalid] == [PREFIX + path for path in invalid]
    assert checked.is_ok is not bool(invalid)


def test_check_zip_folder_entries_are_passed_over() -> None:
    checked = check_zip(MODULE, 1, [ZipName(PREFIX, 0), ZipName(PREFIX + "a/", 0)])
    assert checked.is_ok
    assert not checked.valid


@pytest.mark.parametrize(
    ("name", "limit"), [("go.mod", MAX_GO_MOD_BYTES), ("LICENSE", MAX_LICENSE_BYTES)]
)
def test_check_zip_limit_of_one_file_is_exact(name: str, limit: int) -> None:
    assert check_zip(MODULE, 1, [ZipName(PREFIX + name, limit)]).is_ok
    assert not check_zip(MODULE, 1, [ZipName(PREFIX + name, limit + 1)]).is_ok
    assert check_zip(MODULE, 1, [ZipName(PREFIX + "a/LICENSE", limit + 1)]).is_ok


def test_check_zip_limit_of_all_files_is_exact() -> None:
    half = MAX_ZIP_BYTES // 2
    names = [ZipName(PREFIX + "a", half), ZipName(PREFIX + "b", half)]
    assert check_zip(MODULE, MAX_ZIP_BYTES, names).is_ok
    assert check_zip(MODULE, 1, [*names, ZipName(PREFIX + "c", 1)]).size_error
    assert check_zip(MODULE, MAX_ZIP_BYTES + 1, []).size_error


@pytest.mark.parametrize("version", ["v1", "v1.0.0+meta", "latest", "", "v2.0.0"])
def test_check_zip_version_that_cannot_be_is_an_input_error(version: str) -> None:
    with pytest.raises(InputError):
        check_zip(MODULE._replace(version=version), 1, [])
