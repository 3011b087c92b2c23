"""Folders that cannot be read whole, and what is passed by."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gopack.adapters.sourcetree import SourceTree, find_modules
from gopack.adapters.zipwriter import create_module_zip
from gopack.errors import InputError, StoreError
from gopack.plan.packing import PackError, plan_packing
from gopack.spec.module import ModuleVersion

M = ModuleVersion("corp.example/m", "v1.0.0")
NOBODY = 65_534


@contextmanager
def as_nobody() -> Iterator[None]:
    """Drop root's rights, where the tests have them: root reads everything."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(was)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that others may reach; pytest's own are closed to them."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        (Path(place) / "a.go").touch()
        yield Path(place)


def test_folders_that_cannot_be_read_are_all_named(folder: Path) -> None:
    for name in ("one", "two"):
        (folder / name).mkdir(mode=0o000)
    with as_nobody():
        listing = SourceTree(folder).listing(new_vendor_rule=False)
    for name in ("one", "two"):
        (folder / name).chmod(0o755)
    assert [str(finding) for finding in listing.unreadable] == [
        "one: cannot be read: Permission denied",
        "two: cannot be read: Permission denied",
    ]
    with pytest.raises(PackError, match="2 things are wrong"):
        plan_packing(M, listing, go_version="")


def test_files_that_cannot_be_read_are_all_named_and_no_zip_is_left(folder: Path) -> None:
    for name in ("b.go", "c.go"):
        (folder / name).touch()
        (folder / name).chmod(0o000)
    out = folder / "out"
    out.mkdir()
    out.chmod(0o777)
    tree = SourceTree(folder)
    packing = plan_packing(M, tree.listing(new_vendor_rule=False), go_version="")
    with as_nobody(), pytest.raises(PackError) as caught:
        create_module_zip(out / "zip", M, packing.files, tree)
    assert [finding.path for finding in caught.value.findings] == ["b.go", "c.go"]
    assert not list(out.iterdir())


def test_output_that_cannot_be_written_is_a_store_error(folder: Path) -> None:
    tree = SourceTree(folder)
    packing = plan_packing(M, tree.listing(new_vendor_rule=False), go_version="")
    with as_nobody(), pytest.raises(StoreError, match="Permission denied"):
        create_module_zip(folder / "zip", M, packing.files, tree)


def test_file_that_became_a_link_is_not_followed(folder: Path) -> None:
    tree = SourceTree(folder)
    packing = plan_packing(M, tree.listing(new_vendor_rule=False), go_version="")
    (folder / "a.go").unlink()
    (folder / "a.go").symlink_to("/etc/hostname")
    with pytest.raises(PackError, match=r"a.go: cannot be read"):
        create_module_zip(folder / "zip", M, packing.files, tree)


def test_own_output_is_passed_by_and_named(folder: Path) -> None:
    (folder / "dist").mkdir()
    (folder / "dist" / "x.go").touch()
    tree = SourceTree(folder, passed_by={(folder / "dist").resolve()})
    listing = tree.listing(new_vendor_rule=False)
    assert [file.path for file in listing.files] == ["a.go"]
    assert str(listing.omitted[0]) == "dist: is gopack's own output"


def test_empty_tree_is_refused(tmp_path: Path) -> None:
    listing = SourceTree(tmp_path).listing(new_vendor_rule=False)
    with pytest.raises(InputError, match="no file to pack"):
        plan_packing(M, listing, go_version="")


def test_modules_are_found_where_the_go_command_looks(tmp_path: Path) -> None:
    for name in ("", "a", "a/b", "_c", ".d", "testdata", "vendor/e"):
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / name / "go.mod").touch()
    assert list(find_modules(tmp_path)) == ["", "a", "a/b"]
