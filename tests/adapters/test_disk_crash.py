"""DiskStore under a kill between any two system calls, and a full disk at any.

The harness stands in the seam `Files`. A crash is a BaseException after which every further call
crashes too, as nothing runs in a killed process.
"""

import errno
from collections.abc import Callable, Collection
from pathlib import Path
from typing import NamedTuple

import pytest

from gopack.adapters.disk import DiskStore
from gopack.adapters.files import Files
from gopack.errors import StoreError
from gopack.plan.layout import is_version_folder_name
from gopack.ports import Publication
from gopack.spec.module import ModuleVersion

pytestmark = pytest.mark.e2e  # a run for every call: too long for make check

ZIP = b"PK" * 999
MODS = {
    ModuleVersion("a.b/new", "v1.0.0"): True,
    ModuleVersion("a.b/mod-only", "v1.0.0"): False,
    ModuleVersion("a.b/grows", "v1.0.0"): True,
}


def texts(module: ModuleVersion) -> tuple[bytes, bytes]:
    info = f'{{"Version":"{module.version}","Time":"2023-06-08T06:11:11Z"}}'.encode()
    return info, f"module {module.path}\n".encode()


class Crash(BaseException):
    """The process is gone."""


class Faulty(Files):
    """Fails at the call with this number; `fail` says how (and may do half of it)."""

    def __init__(self, at: int, fail: Callable[[], BaseException]) -> None:
        self.at, self.calls, self.fail = at, 0, fail

    def step(self) -> None:
        self.calls += 1
        error = self.fail()
        if self.calls == self.at or (isinstance(error, Crash) and self.calls > self.at):
            raise error

    def make_folder(self, path: Path) -> None:
        self.step()
        super().make_folder(path)

    def write(self, path: Path, data: bytes) -> None:
        try:
            self.step()
        except BaseException:
            if self.calls == self.at:
                super().write(path, data[: len(data) // 2])
            raise
        super().write(path, data)

    def settle(self, path: Path, time_ns: int | None = None) -> None:
        self.step()
        super().settle(path, time_ns)

    def dress(self, path: Path, time_ns: int | None = None) -> None:
        self.step()
        super().dress(path, time_ns)

    def date(self, folder: Path, time_ns: int) -> None:
        self.step()
        super().date(folder, time_ns)

    def sync_all(self, disk: int, paths: Collection[Path]) -> None:
        self.step()
        super().sync_all(disk, paths)

    def sync_folder(self, path: Path, time_ns: int | None = None) -> None:
        self.step()
        super().sync_folder(path, time_ns)

    def rename(self, source: Path, target: Path) -> None:
        self.step()
        super().rename(source, target)

    def unlink(self, path: Path) -> None:
        self.step()
        super().unlink(path)

    def remove_folder(self, path: Path) -> None:
        self.step()
        super().remove_folder(path)


class Entry(NamedTuple):
    content: bytes
    mode: int
    time_ns: int


def snapshot(root: Path) -> dict[str, Entry]:
    """Every file outside gopack's own folder, and every folder of a version."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if name.startswith(".gopack"):
            continue
        status = path.stat()
        if path.is_file():
            found[name] = Entry(path.read_bytes(), status.st_mode, status.st_mtime_ns)
        elif is_version_folder_name(path.name):
            found[name] = Entry(b"", status.st_mode, 0)
    return found


def run(root: Path, files: Files | None = None) -> None:
    """One run: a scrap to clean, three versions to publish, one to complete, one to remove."""
    store = DiskStore(root, files=files)
    with store.locked():
        grows = ModuleVersion("a.b/grows", "v1.0.0")
        info, mod = texts(grows)
        store.publish(grows, info=info, mod=mod, zip_file=None)
        wanted = []
        for module, zipped in MODS.items():
            zip_file = store.staged_path() if zipped else None
            if zip_file is not None:
                zip_file.write_bytes(ZIP)
            wanted.append(Publication(module, *texts(module), zip_file))
        refused = store.publish_all(wanted)
        store.remove(ModuleVersion("a.b/goes", "v1.0.0"))
        for error in refused.values():
            raise error


def prepared(root: Path) -> Path:
    """A storage with a version that the run removes, and a foreign half of one it publishes."""
    store = DiskStore(root)
    with store.locked():
        goes = ModuleVersion("a.b/goes", "v1.0.0")
        info, mod = texts(goes)
        store.publish(goes, info=info, mod=mod, zip_file=None)
    half = root / "a.b/new/v1.0.0"
    half.mkdir(parents=True)
    (half / "go.mod").write_text("half")
    (store.staging / "scrap").mkdir()
    (store.staging / "scrap" / "go.mod").touch()
    return root


def assert_whole(root: Path, goal: dict[str, Entry]) -> None:
    """Whole versions or nothing: what a folder holds is what it will hold, or lacks the zip."""
    for folder in root.rglob("v1.0.0"):
        name = folder.relative_to(root).as_posix()
        if name.startswith(".gopack"):
            continue
        inside = {p.name: p.read_bytes() for p in folder.iterdir()}
        if inside == {"go.mod": b"half"}:
            continue  # it was there before the run
        info, mod = texts(ModuleVersion(name.removesuffix("/v1.0.0"), "v1.0.0"))
        whole = {"go.mod": mod, "v1.0.0.info": info}
        if f"{name}/source.zip" in goal and name != "a.b/grows/v1.0.0":
            whole["source.zip"] = ZIP
        assert inside in (whole, {**whole, "source.zip": ZIP} if "grows" in name else whole)


def goal_of(folder: Path) -> tuple[dict[str, Entry], int]:
    files = Faulty(1 << 30, Crash)
    run(prepared(folder), files)
    goal = snapshot(folder)
    assert sum(name.endswith("source.zip") for name in goal) == 2
    assert sum(name.endswith(".info") for name in goal) == 3
    return goal, files.calls


def test_killed_at_every_call_storage_is_whole_and_a_second_run_ends_identical(
    tmp_path: Path,
) -> None:
    goal, calls = goal_of(tmp_path / "goal")
    assert calls > 40
    for at in range(1, calls + 1):
        root = prepared(tmp_path / str(at))
        with pytest.raises(Crash):
            run(root, Faulty(at, Crash))
        assert_whole(root, goal)
        run(root)
        assert snapshot(root) == goal, f"killed at call {at}"
        assert list((root / ".gopack/staging").iterdir()) == []


def test_full_disk_at_every_call_is_a_store_error_and_leaves_no_scraps_behind_the_next_run(
    tmp_path: Path,
) -> None:
    def full() -> OSError:
        return OSError(errno.ENOSPC, "full")

    goal, calls = goal_of(tmp_path / "goal")
    hints = []
    for at in range(1, calls + 1):
        root = prepared(tmp_path / str(at))
        try:
            run(root, Faulty(at, full))
        except StoreError as error:
            hints.append(error.hint)
        assert_whole(root, goal)
        run(root)
        assert snapshot(root) == goal, f"full at call {at}"
    assert len(hints) > calls * 0.9
    assert all("df -i" in hint for hint in hints)
