"""What a power cut at any moment may leave: whole versions, never one without what it requires.

`Volatile` stands in the seam `Files` and keeps, beside the real folders, what of them is on the
disk: the contents that were waited for, and each folder's entries as of its last wait. A power cut
leaves of every change since then whatever part it likes; that is judged after each call.
"""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gopack.adapters.disk import DiskStore
from gopack.adapters.files import Files
from gopack.errors import StoreError
from gopack.flows.appearing import Appearing, Shelf
from gopack.ports import Publication
from gopack.spec.module import ModuleVersion

ZIP = b"PK" * 999
Entries = Mapping[str, int]


class Volatile(Files):
    """The real calls, and a model of what is on the disk; `judge` is asked after each."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.contents: set[int] = set()
        self.entries: dict[int, Entries] = {}
        self.required: dict[str, list[str]] = {}
        self.judged = 0

    def make_folder(self, path: Path) -> None:
        super().make_folder(path)
        self.entries[_inode(path)] = {}
        self.judge()

    def write(self, path: Path, data: bytes) -> None:
        super().write(path, data)
        self.contents.discard(_inode(path))
        self.judge()

    def settle(self, path: Path, time_ns: int | None = None) -> None:
        super().settle(path, time_ns)
        self.contents.add(_inode(path))
        self.judge()

    def sync_folder(self, path: Path, time_ns: int | None = None) -> None:
        super().sync_folder(path, time_ns)
        self._keep(path)
        self.judge()

    def sync_all(self, disk: int, paths: Collection[Path]) -> None:
        """Keep no more than what was named: it holds where each is waited for alone, too."""
        super().sync_all(disk, paths)
        for path in paths:
            if path.is_dir():
                self._keep(path)
            else:
                self.contents.add(_inode(path))
        self.judge()

    def rename(self, source: Path, target: Path) -> None:
        super().rename(source, target)
        self.judge()

    def _keep(self, folder: Path) -> None:
        self.entries[_inode(folder)] = _entries(folder)

    def judge(self) -> None:
        """Check what a power cut now may leave of each version that may be there then."""
        self.judged += 1
        for version in self._maybe_there():
            inode = _inode(self.root / version)
            kept = self.entries.get(inode, {})
            assert sorted(kept) == sorted(_entries(self.root / version)), f"{version} in part"
            assert set(kept.values()) <= self.contents, f"{version} without its contents"
            for required in self.required.get(version, ()):
                assert self._is_sure(required), f"{version} without {required}"

    def _maybe_there(self) -> Iterator[str]:
        for found in self.root.rglob("v1.0.0"):
            name = found.relative_to(self.root).as_posix()
            if not name.startswith(".gopack"):
                yield name

    def _is_sure(self, version: str) -> bool:
        """Whether every folder on the way to a version, and it, stays after a power cut."""
        here = self.root
        for element in version.split("/"):
            inode = self.entries.get(_inode(here), {}).get(element)
            here /= element
            if not here.exists() or inode != _inode(here):
                return False
        return True


def _inode(path: Path) -> int:
    return path.stat().st_ino


def _entries(folder: Path) -> Entries:
    return {entry.name: entry.inode() for entry in os.scandir(folder)}


def module(name: str) -> ModuleVersion:
    return ModuleVersion(f"a.b/{name}", "v1.0.0")


def publication(store: DiskStore, one: ModuleVersion) -> Publication:
    info = f'{{"Version":"{one.version}","Time":"2023-06-08T06:11:11Z"}}'.encode()
    zip_file = store.staged_path()
    zip_file.write_bytes(ZIP)
    return Publication(one, info, f"module {one.path}\n".encode(), zip_file)


REQUIRES = {"d": ["c", "b"], "c": ["a/deep/down"], "b": ["a/deep/down"], "a/deep/down": [], "e": []}


@pytest.mark.parametrize("is_slow", [False, True])
def test_appearing_power_cut_at_any_moment_leaves_whole_versions_with_their_requirements(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_slow: bool
) -> None:
    """The versions of a graph, by both ways to wait for a disk."""
    monkeypatch.setattr("gopack.adapters.syncing.is_dependable", lambda _device: not is_slow)
    monkeypatch.setattr("gopack.adapters.syncing._dependable", {})
    root = tmp_path / "root"
    root.mkdir()
    disk = Volatile(root)
    disk.required = {
        f"a.b/{name}/v1.0.0": [f"a.b/{one}/v1.0.0" for one in required]
        for name, required in REQUIRES.items()
    }
    store = DiskStore(root, files=disk)
    batches: list[int] = []
    stored: list[ModuleVersion] = []

    def store_all(modules: Sequence[ModuleVersion]) -> Mapping[ModuleVersion, StoreError]:
        batches.append(len(modules))
        return store.publish_all([publication(store, one) for one in modules])

    def refuse(one: ModuleVersion, error: StoreError) -> None:
        raise AssertionError(one) from error

    requires = {module(name): [module(one) for one in REQUIRES[name]] for name in REQUIRES}
    with store.locked(), ThreadPoolExecutor(1) as executor:
        appearing = Appearing(Shelf(store_all, stored.append, refuse), executor)
        appearing.plan(requires, last=())
        for one in requires:
            appearing.verified(one)
        appearing.settle()
    assert sorted(stored) == sorted(requires)
    assert len(batches) < len(requires)
    assert disk.judged > 40


def test_zip_that_joins_a_version_power_cut_at_any_moment_leaves_its_contents(
    tmp_path: Path,
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    disk = Volatile(root)
    store = DiskStore(root, files=disk)
    with store.locked():
        one = publication(store, module("grows"))
        assert not store.publish_all([one._replace(zip_file=None)])
        zip_file = one.zip_file
        assert zip_file is not None
        moved: list[Path] = []
        real = disk.rename

        def rename(source: Path, target: Path) -> None:
            if target.name == "source.zip":
                assert _inode(source) in disk.contents
                moved.append(target)
                Files.rename(disk, source, target)
            else:
                real(source, target)

        disk.rename = rename  # type: ignore[method-assign]
        assert not store.publish_all([one])
    assert moved == [root / "a.b/grows/v1.0.0/source.zip"]
    disk.judge()


def test_one_that_is_refused_takes_no_other_with_it(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    with store.locked():
        (tmp_path / "a.b").mkdir()
        (tmp_path / "a.b/link").symlink_to(tmp_path)
        wanted = [publication(store, module(name)) for name in ("good", "link", "fine")]
        refused = store.publish_all(wanted)
    assert set(refused) == {module("link")}
    assert "symbolic link" in str(refused[module("link")])
    assert {one for one, _ in store.versions()} == {module("good"), module("fine")}
