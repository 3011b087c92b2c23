"""DiskStore: what Athens and an operator find on the disk."""

import errno
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gopack.adapters.disk import DiskStore
from gopack.adapters.diskerrors import store_error
from gopack.adapters.files import Files
from gopack.errors import StoreError
from gopack.plan.layout import FileKind
from gopack.ports import State
from gopack.spec.module import ModuleVersion

ONE = ModuleVersion("github.com/BurntSushi/toml", "v1.3.2")
INFO = b'{"Version":"v1.3.2","Time":"2023-06-08T06:11:11Z"}'
TIME_S = 1686204671
MOD = b"module github.com/BurntSushi/toml\n"


@pytest.fixture
def store(tmp_path: Path) -> DiskStore:
    store = DiskStore(tmp_path / "root")
    store.prepare()
    return store


def publish(store: DiskStore, module: ModuleVersion, *, zipped: bool = True) -> None:
    zip_file = store.staged_path() if zipped else None
    if zip_file is not None:
        zip_file.write_bytes(b"PK")
    store.publish(module, info=INFO, mod=MOD, zip_file=zip_file)


def test_publish_lays_three_files_as_athens_reads_them(store: DiskStore) -> None:
    publish(store, ONE)
    folder = store.root / "github.com/BurntSushi/toml/v1.3.2"
    assert sorted(p.name for p in folder.iterdir()) == ["go.mod", "source.zip", "v1.3.2.info"]
    assert list(store.staging.iterdir()) == []


def test_publish_strict_umask_gives_open_modes_and_info_time(store: DiskStore) -> None:
    before = os.umask(0o077)
    try:
        publish(store, ONE)
    finally:
        os.umask(before)
    folder = store.root / "github.com/BurntSushi/toml/v1.3.2"
    for path in (folder, *folder.iterdir()):
        found = path.stat()
        assert found.st_mtime_ns == TIME_S * 10**9, path
        assert stat.S_IMODE(found.st_mode) == (0o755 if path.is_dir() else 0o644), path
    for path in (folder.parent, folder.parent.parent, store.root / "github.com"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o755


def test_publish_zip_later_keeps_times(store: DiskStore) -> None:
    publish(store, ONE, zipped=False)
    publish(store, ONE)
    folder = store.root / "github.com/BurntSushi/toml/v1.3.2"
    assert {p.stat().st_mtime_ns for p in (folder, *folder.iterdir())} == {TIME_S * 10**9}


def test_publish_over_incomplete_foreign_folder_makes_it_whole(store: DiskStore) -> None:
    folder = store.root / "github.com/BurntSushi/toml/v1.3.2"
    folder.mkdir(parents=True)
    (folder / "go.mod").write_text("module half\n")
    assert [(left.folder, left.reason) for left in store.leftovers()] == [
        (folder, "incomplete: v1.3.2.info missing")
    ]
    assert store.state(ONE) is State.ABSENT
    publish(store, ONE)
    assert store.state(ONE) is State.COMPLETE
    assert list(store.leftovers()) == []
    with store.open(ONE, FileKind.MOD) as file:
        assert file.read() == MOD


def test_leftovers_names_foreign_files_in_a_version_folder(store: DiskStore) -> None:
    publish(store, ONE)
    folder = store.root / "github.com/BurntSushi/toml/v1.3.2"
    (folder / "README").touch()
    assert [left.reason for left in store.leftovers()] == ["holds more than a version: README"]


def test_versions_module_path_like_a_version_is_no_version(store: DiskStore) -> None:
    odd = ModuleVersion("a.b/v1.0.0/c", "v1.1.0")
    publish(store, odd)
    assert dict(store.versions()) == {odd: State.COMPLETE}
    assert list(store.leftovers()) == []


def test_versions_staged_and_own_files_are_passed_over(store: DiskStore) -> None:
    inside = store.staging / "x" / "v1.0.0"
    inside.mkdir(parents=True)
    (inside / "go.mod").touch()
    (inside / "v1.0.0.info").touch()
    assert list(store.versions()) == []


def test_publish_inside_a_version_folder_is_refused(store: DiskStore) -> None:
    publish(store, ModuleVersion("a.b", "v1.0.0"))
    with pytest.raises(StoreError, match="inside a version's folder"):
        publish(store, ModuleVersion("a.b/v1.0.0/c", "v1.1.0"))


def test_publish_where_a_module_path_runs_through_is_refused(store: DiskStore) -> None:
    inner = ModuleVersion("a.b/v1.0.0/c", "v1.1.0")
    publish(store, inner)
    with pytest.raises(StoreError, match="a module path at once"):
        publish(store, ModuleVersion("a.b", "v1.0.0"))
    assert dict(store.versions()) == {inner: State.COMPLETE}


def test_remove_prunes_emptied_folders_and_nothing_else(store: DiskStore) -> None:
    publish(store, ONE)
    publish(store, ModuleVersion("github.com/other/m", "v1.0.0"))
    store.remove(ONE)
    assert sorted(p.name for p in (store.root / "github.com").iterdir()) == ["other"]
    store.remove(ModuleVersion("github.com/other/m", "v1.0.0"))
    assert [p.name for p in store.root.iterdir()] == [".gopack"]


class OneCaseDisk(Files):
    """A disk that says it takes both spellings for one."""

    def is_case_insensitive(self, folder: Path) -> bool:
        return True


@pytest.mark.parametrize(
    ("there", "other"),
    [
        (ModuleVersion("a.b/Foo/x", "v1.0.0"), ModuleVersion("a.b/foo/y", "v1.0.0")),
        (ModuleVersion("a.b/c", "v1.0.0-RC1"), ModuleVersion("a.b/c", "v1.0.0-rc1")),
    ],
)
def test_publish_other_case_on_one_case_disk_is_refused_with_both_names(
    tmp_path: Path, there: ModuleVersion, other: ModuleVersion
) -> None:
    store = DiskStore(tmp_path, files=OneCaseDisk())
    store.prepare()
    publish(store, there)
    publish(store, there._replace(version="v1.0.1"))
    with pytest.raises(StoreError) as caught:
        publish(store, other)
    assert "case-insensitive" in str(caught.value)
    for module in (there, other):
        text = f"{module.path}/{module.version}" if there.path == other.path else module.path[:7]
        assert text in str(caught.value)


def test_is_case_insensitive_on_this_disk_leaves_no_probe(store: DiskStore) -> None:
    assert store.is_case_insensitive() is (store.root.parent / "ROOT").exists()
    assert list(store.staging.iterdir()) == []


def test_room_too_little_names_both_numbers(store: DiskStore) -> None:
    store.room().check(1, 1)
    with pytest.raises(StoreError, match=r"too little space: 1152921504606846976 bytes .* \d+ are"):
        store.room().check(1 << 60, 1)
    if os.statvfs(store.root).f_files:
        with pytest.raises(StoreError, match="too few inodes"):
            store.room().check(1, 1 << 60)


def test_locked_second_run_fails_at_once_and_names_the_first(store: DiskStore) -> None:
    with store.locked():
        second = DiskStore(store.root).locked()
        with pytest.raises(StoreError, match=f"process {os.getpid()} on"):
            second.__enter__()


def test_locked_held_by_a_killed_process_is_waited_for_then_free(store: DiskStore) -> None:
    code = (
        "import sys, time; from pathlib import Path; from gopack.adapters.disk import DiskStore\n"
        "with DiskStore(Path(sys.argv[1])).locked(): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(store.root)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        (store.staging / "scrap").mkdir()
        (store.staging / "scrap" / "x.part").touch()
        told: list[str] = []

        def kill(text: str) -> None:
            told.append(text)
            holder.kill()

        start = time.monotonic()
        with store.locked(wait_s=20, on_wait=kill):
            assert list(store.staging.iterdir()) == []
        assert time.monotonic() - start < 15
        assert len(told) == 1
        assert str(holder.pid) in told[0]


def test_versions_missing_root_is_a_store_error_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        list(DiskStore(tmp_path / "no").versions())
    assert "--storage" in caught.value.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_prepare_folder_without_write_permission_names_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(StoreError) as caught:
            DiskStore(tmp_path).prepare()
    finally:
        tmp_path.chmod(0o755)
    assert "chmod" in caught.value.hint


@pytest.mark.parametrize(
    ("number", "word"),
    [
        (errno.ENOSPC, "df -i"),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "writable"),
        (errno.EMFILE, "ulimit"),
        (errno.ENOENT, "--storage"),
        (errno.EACCES, "ch"),
        (errno.EPERM, "ch"),
    ],
)
def test_store_error_each_reason_has_its_next_step(tmp_path: Path, number: int, word: str) -> None:
    error = store_error(OSError(number, "x"), "write", tmp_path)
    assert str(tmp_path) in str(error)
    assert os.strerror(number) in str(error)
    assert word in error.hint
