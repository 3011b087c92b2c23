"""Symbolic links that somebody laid into a storage: nothing is written or deleted past them."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from gopack.adapters.disk import DiskStore
from gopack.adapters.ledger import DiskLedger
from gopack.adapters.partfile import PartFile
from gopack.adapters.zipwork import ZipWork, incoming_name
from gopack.errors import NotFoundError, StoreError
from gopack.ports import Attempt
from gopack.spec.module import ModuleVersion
from tests.adapters.test_disk import INFO, MOD, ONE
from tests.upstream import make_zip


class _Nothing:
    """Sources that have nothing."""

    def attempts(self, path: str) -> Sequence[Attempt]:
        raise NotFoundError("nothing here", where=path)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder of somebody's that is no storage, with files that look like a storage's scraps."""
    folder = tmp_path / "outside"
    folder.mkdir()
    for name in ("precious", "old.part", "go.mod", f"{ONE.version}.info"):
        (folder / name).write_text("mine")
    return folder


def assert_untouched(outside: Path) -> None:
    names = ["go.mod", "old.part", "precious", f"{ONE.version}.info"]
    assert sorted(p.name for p in outside.iterdir()) == sorted(names)
    assert {p.read_text() for p in outside.iterdir()} == {"mine"}


@pytest.mark.parametrize("own", [".gopack", ".gopack/staging", ".gopack/incoming", ".gopack/lock"])
def test_locked_own_folder_that_is_a_link_is_refused(
    tmp_path: Path, outside: Path, own: str
) -> None:
    link = tmp_path / "root" / own
    link.parent.mkdir(parents=True)
    link.symlink_to(outside / "precious" if own.endswith("lock") else outside)

    with pytest.raises(StoreError) as caught, DiskStore(tmp_path / "root").locked():
        pass

    assert str(link) in str(caught.value)
    assert caught.value.next_step
    assert_untouched(outside)


def publish(store: DiskStore) -> None:
    store.publish(ONE, info=INFO, mod=MOD, zip_file=None)


@pytest.mark.parametrize("change", [publish, lambda store: store.remove(ONE)])
@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_version_past_a_link_is_neither_published_nor_removed(
    tmp_path: Path, outside: Path, change: Callable[[DiskStore], None], depth: int
) -> None:
    store = DiskStore(tmp_path / "root")
    store.prepare()
    elements = [*ONE.path.split("/"), ONE.version]
    link = store.root.joinpath(*elements[:depth])
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(outside)

    with pytest.raises(StoreError, match="symbolic link"):
        change(store)

    assert_untouched(outside)


def test_root_that_is_a_link_is_fine(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "root").symlink_to(tmp_path / "real")
    store = DiskStore(tmp_path / "root")
    with store.locked():
        publish(store)
    assert (tmp_path / "real" / ONE.path / ONE.version / "go.mod").exists()


def test_save_ledger_writes_through_no_link(tmp_path: Path, outside: Path) -> None:
    ledger = DiskLedger(tmp_path)
    ledger.record(ONE, info=INFO, mod=MOD, fetched_zip=None)
    for name in ("manifest.json.part", "go.sum.part"):
        (tmp_path / name).symlink_to(outside / "precious")

    ledger.save()

    assert_untouched(outside)
    assert DiskLedger(tmp_path).vouches_for(ONE, whole=False)


def test_fetch_zip_that_is_a_link_does_not_move_in(tmp_path: Path) -> None:
    module = ModuleVersion("example.com/a", "v1.0.0")
    good = make_zip(*module, {"go.mod": b"module example.com/a\n"})
    (tmp_path / "elsewhere.zip").write_bytes(good)
    work = ZipWork(_Nothing, tmp_path, tmp_path)
    (tmp_path / incoming_name(module)).symlink_to(tmp_path / "elsewhere.zip")

    with pytest.raises(NotFoundError):
        work.fetch(module, _Nothing())

    assert not (tmp_path / incoming_name(module)).is_symlink()


@pytest.mark.parametrize(
    "link",
    [
        *("incoming/a.part", "manifest.json", "sumdb/sum.example/records", "sumdb"),
        *("cache/answers/a", "cache", "cache/direct", "bundles"),
    ],
)
def test_locked_storage_with_a_link_among_own_files_is_refused(
    tmp_path: Path, outside: Path, link: str
) -> None:
    laid = tmp_path / "root/.gopack" / link
    laid.parent.mkdir(parents=True)
    laid.symlink_to(outside / "precious" if laid.suffix else outside)

    with pytest.raises(StoreError) as caught, DiskStore(tmp_path / "root").locked():
        pass

    assert str(laid) in str(caught.value)
    assert caught.value.next_step
    assert_untouched(outside)


def test_links_of_a_go_module_cache_are_left_alone(tmp_path: Path, outside: Path) -> None:
    kept = tmp_path / "root/.gopack/cache/direct/cache/vcs/link"
    kept.parent.mkdir(parents=True)
    kept.symlink_to(outside)
    with DiskStore(tmp_path / "root").locked():
        assert kept.is_symlink()


def test_part_file_does_not_write_through_a_link(tmp_path: Path, outside: Path) -> None:
    (tmp_path / "a.part").symlink_to(outside / "precious")
    with pytest.raises(OSError, match="symbolic links"):
        PartFile(tmp_path / "a.part")
    assert_untouched(outside)
