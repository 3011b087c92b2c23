"""ports.Store: each MUST and MUST NOT, on the disk and on the fake."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import pytest

from gopack.adapters.disk import DiskStore
from gopack.adapters.keyedtree import ATHENS_S3, GOPROXY, KeyedTree
from gopack.errors import OtherFilesError, StoreError
from gopack.plan.layout import FileKind
from gopack.ports import Publication, State, Store
from gopack.spec.module import ModuleVersion
from tests.fakes import FakeStore

ONE = ModuleVersion("github.com/BurntSushi/toml", "v1.3.2")
TWO = ModuleVersion("github.com/BurntSushi/toml/v2", "v2.0.0-rc.1")
INFO = b'{"Version":"v1.3.2","Time":"2023-06-08T06:11:11Z"}'
MOD = b"module github.com/BurntSushi/toml\n"
OTHER = b"module other\n"
ZIP = b"PK, as far as the store cares"


class StagingStore(Store, Protocol):
    def staged_path(self) -> Path: ...


def disk(folder: Path) -> StagingStore:
    store = DiskStore(folder / "root")
    store.prepare()
    return store


def goproxy(folder: Path) -> StagingStore:
    root = DiskStore(folder / "root")
    root.prepare()
    return KeyedTree(root, GOPROXY)


def athens_s3(folder: Path) -> StagingStore:
    root = DiskStore(folder / "root")
    root.prepare()
    return KeyedTree(root, ATHENS_S3)


@pytest.fixture(
    params=[disk, goproxy, athens_s3, FakeStore], ids=["disk", "goproxy", "athens-s3", "fake"]
)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> StagingStore:
    make: Callable[[Path], StagingStore] = request.param
    return make(tmp_path)


def publish(store: StagingStore, module: ModuleVersion, *, zipped: bool = True) -> None:
    zip_file = None
    if zipped:
        zip_file = store.staged_path()
        zip_file.write_bytes(ZIP)
    store.publish(module, info=INFO, mod=MOD, zip_file=zip_file)
    assert zip_file is None or not zip_file.exists()


def content(store: StagingStore, module: ModuleVersion, kind: FileKind) -> bytes:
    with store.open(module, kind) as file:
        return file.read()


def test_state_unknown_version_is_absent(store: StagingStore) -> None:
    assert store.state(ONE) is State.ABSENT
    assert list(store.versions()) == []


def test_publish_with_zip_is_complete_and_reads_back(store: StagingStore) -> None:
    publish(store, ONE)
    assert store.state(ONE) is State.COMPLETE
    assert [content(store, ONE, kind) for kind in FileKind] == [INFO, MOD, ZIP]


def test_publish_without_zip_is_mod_only(store: StagingStore) -> None:
    publish(store, ONE, zipped=False)
    assert store.state(ONE) is State.MOD_ONLY
    with pytest.raises(StoreError, match=r"\.zip|no zip"):
        store.open(ONE, FileKind.ZIP)


def test_publish_zip_on_mod_only_makes_it_complete_and_keeps_the_rest(
    store: StagingStore,
) -> None:
    publish(store, ONE, zipped=False)
    zip_file = store.staged_path()
    zip_file.write_bytes(ZIP)
    store.publish(ONE, info=b'{"Version":"other"}', mod=MOD, zip_file=zip_file)
    assert [content(store, ONE, kind) for kind in FileKind] == [INFO, MOD, ZIP]


def test_publish_zip_on_another_go_mod_is_refused(store: StagingStore) -> None:
    publish(store, ONE, zipped=False)
    zip_file = store.staged_path()
    zip_file.write_bytes(ZIP)
    with pytest.raises(StoreError, match=r"go\.mod differs"):
        store.publish(ONE, info=INFO, mod=OTHER, zip_file=zip_file)
    assert store.state(ONE) is State.MOD_ONLY


@pytest.mark.parametrize("zipped", [True, False])
def test_publish_what_is_there_changes_nothing(store: StagingStore, *, zipped: bool) -> None:
    publish(store, ONE)
    publish(store, ONE, zipped=zipped)
    publish(store, TWO, zipped=False)
    publish(store, TWO, zipped=False)
    assert [content(store, ONE, kind) for kind in FileKind] == [INFO, MOD, ZIP]
    assert dict(store.versions()) == {ONE: State.COMPLETE, TWO: State.MOD_ONLY}


@pytest.mark.parametrize(
    ("was_zipped", "info", "mod", "zip_bytes"),
    [
        (False, b"{}", MOD, None),
        (False, INFO, OTHER, None),
        (True, b"{}", MOD, None),
        (True, INFO, OTHER, None),
        (True, b"{}", MOD, ZIP),
        (True, INFO, OTHER, ZIP),
        (True, INFO, MOD, b"other zip"),
    ],
)
def test_publish_other_files_than_those_there_is_refused_and_leaves_them(
    store: StagingStore, info: bytes, mod: bytes, zip_bytes: bytes | None, *, was_zipped: bool
) -> None:
    publish(store, ONE, zipped=was_zipped)
    zip_file = None
    if zip_bytes is not None:
        zip_file = store.staged_path()
        zip_file.write_bytes(zip_bytes)
    with pytest.raises(OtherFilesError):
        store.publish(ONE, info=info, mod=mod, zip_file=zip_file)
    assert zip_file is None or not zip_file.exists()
    there = {FileKind.INFO: INFO, FileKind.MOD: MOD}
    there |= {FileKind.ZIP: ZIP} if was_zipped else {}
    assert {kind: content(store, ONE, kind) for kind in there} == there
    assert store.state(ONE) is (State.COMPLETE if was_zipped else State.MOD_ONLY)


def test_versions_gives_each_with_its_state(store: StagingStore) -> None:
    publish(store, ONE)
    publish(store, TWO, zipped=False)
    assert dict(store.versions()) == {ONE: State.COMPLETE, TWO: State.MOD_ONLY}


def test_open_absent_version_is_a_store_error(store: StagingStore) -> None:
    with pytest.raises(StoreError):
        store.open(ONE, FileKind.INFO)


def test_remove_takes_one_version_and_no_other(store: StagingStore) -> None:
    publish(store, ONE)
    publish(store, TWO)
    store.remove(ONE)
    store.remove(ONE)
    assert dict(store.versions()) == {TWO: State.COMPLETE}
    publish(store, ONE, zipped=False)
    assert store.state(ONE) is State.MOD_ONLY


def test_publish_from_many_threads_each_version_once(store: StagingStore) -> None:
    modules = [ModuleVersion(f"a.b/m{n % 3}", f"v1.{n}.0") for n in range(24)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda m: publish(store, m), [*modules, *modules]))
    assert dict(store.versions()) == dict.fromkeys(modules, State.COMPLETE)


def publication(store: StagingStore, module: ModuleVersion, mod: bytes = MOD) -> Publication:
    zip_file = store.staged_path()
    zip_file.write_bytes(ZIP)
    return Publication(module, INFO, mod, zip_file)


def test_publish_all_has_each_appear_as_publish_does(store: StagingStore) -> None:
    publish(store, TWO, zipped=False)
    assert store.publish_all([publication(store, ONE), publication(store, TWO)]) == {}
    assert dict(store.versions()) == {ONE: State.COMPLETE, TWO: State.COMPLETE}
    assert [content(store, ONE, kind) for kind in FileKind] == [INFO, MOD, ZIP]


@pytest.mark.parametrize("mod", [MOD, OTHER])
def test_publish_all_of_what_is_there_leaves_it_and_no_scrap(
    store: StagingStore, mod: bytes
) -> None:
    publish(store, ONE)
    again = publication(store, ONE, mod)
    refused = store.publish_all([again])
    assert [type(error) for error in refused.values()] == ([] if mod == MOD else [OtherFilesError])
    assert again.zip_file is not None
    assert not again.zip_file.exists()
    assert [content(store, ONE, kind) for kind in FileKind] == [INFO, MOD, ZIP]


def test_publish_all_refuses_one_and_has_the_others_appear(store: StagingStore) -> None:
    publish(store, ONE, zipped=False)
    wanted = [publication(store, ONE, OTHER), publication(store, TWO)]
    refused = store.publish_all(wanted)
    assert set(refused) == {ONE}
    assert "go.mod differs" in str(refused[ONE])
    assert dict(store.versions()) == {ONE: State.MOD_ONLY, TWO: State.COMPLETE}


def test_publish_all_of_nothing_is_nothing(store: StagingStore) -> None:
    assert store.publish_all([]) == {}
