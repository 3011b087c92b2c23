"""In which order a keyed tree's files come and go: whoever lists a version finds it whole."""

from pathlib import Path

import pytest

from gopack.adapters.disk import DiskStore
from gopack.adapters.files import Files
from gopack.adapters.keyedtree import GOPROXY, KeyedTree
from gopack.plan.layout import FileKind
from gopack.spec.module import ModuleVersion

ONE = ModuleVersion("corp.example/m", "v1.0.0")
TWO = ModuleVersion("corp.example/m", "v1.1.0")


class Looking(Files):
    """Tells, before each change, which files are there and which versions are listed."""

    def __init__(self) -> None:
        self.seen: list[tuple[set[str], list[str]]] = []
        self.folder: Path | None = None

    def _look(self) -> None:
        if self.folder is not None:
            names = {path.name for path in self.folder.iterdir()} - {"list"}
            self.seen.append((names, (self.folder / "list").read_text().split()))

    def rename(self, source: Path, target: Path) -> None:
        self._look()
        super().rename(source, target)

    def unlink(self, path: Path) -> None:
        self._look()
        super().unlink(path)


@pytest.fixture
def tree(tmp_path: Path) -> tuple[KeyedTree, Looking]:
    disk, files = DiskStore(tmp_path), Looking()
    disk.prepare()
    tree = KeyedTree(disk, GOPROXY, files=files)
    for module in (ONE, TWO):
        staged = tree.staged_path()
        staged.write_bytes(b"PK")
        tree.publish(module, info=b"{}", mod=b"module corp.example/m\n", zip_file=staged)
    files.folder = tree.path(ONE, FileKind.INFO).parent
    return tree, files


def test_removed_version_goes_from_the_list_first_then_its_info(
    tree: tuple[KeyedTree, Looking],
) -> None:
    keyed, files = tree
    keyed.remove(ONE)
    two = {"v1.1.0.info", "v1.1.0.mod", "v1.1.0.zip"}
    before = [(names - two, listed) for names, listed in files.seen]
    assert before == [
        ({"v1.0.0.info", "v1.0.0.mod", "v1.0.0.zip"}, ["v1.0.0", "v1.1.0"]),
        ({"v1.0.0.info", "v1.0.0.mod", "v1.0.0.zip"}, ["v1.1.0"]),
        ({"v1.0.0.mod", "v1.0.0.zip"}, ["v1.1.0"]),
        ({"v1.0.0.zip"}, ["v1.1.0"]),
    ]
    assert files.folder is not None
    assert {path.name for path in files.folder.iterdir()} == two | {"list"}
