"""A push into a folder of this machine: its shell runs the scripts."""

import io
import subprocess
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from gopack.adapters.disk import DiskStore
from gopack.adapters.dockerside import push_name
from gopack.adapters.ledger import DiskLedger
from gopack.cli.push import own_proofs
from gopack.errors import StoreError
from gopack.flows.bundle_create import Origin
from gopack.flows.progress import Progress, Silent
from gopack.flows.push import Pushed, push
from gopack.plan.pushing import Step
from tests.bundling import Side, module
from tests.fakes_sumdb import FakeSumDB

NAME = "example.com/Dep@v1.0.0"
FOLDER = "example.com/Dep/v1.0.0"


@dataclass
class ShellRoom:
    """flows.push.Room on this machine's disk."""

    root: str
    user: str = ""

    def run(self, script: str) -> str:
        done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
        if done.returncode:
            raise StoreError(f"a script ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def put(self, pieces: Iterable[bytes]) -> None:
        with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as archive:
            archive.extractall("/", filter="fully_trusted")

    def read(self, path: str) -> bytes | None:
        return Path(path).read_bytes() if Path(path).exists() else None


@pytest.fixture
def side(tmp_path: Path) -> Side:
    side = Side(tmp_path / "storage", FakeSumDB())
    side.put(NAME, size_bytes=100)
    return side


@pytest.fixture
def target(tmp_path: Path) -> Side:
    root = tmp_path / "target"
    root.mkdir()
    return Side(root, FakeSumDB())


def pushed(side: Side, room: ShellRoom, progress: Progress | None = None) -> Pushed:
    store = DiskStore(side.root)
    origin = Origin(store, DiskLedger(store.own_folder).manifest, None, None)
    proofs = own_proofs(store.own_folder)
    return push(origin, proofs, room, progress or Silent(), name=push_name())


def test_empty_folders_are_no_version_and_in_nobodys_way(side: Side, target: Side) -> None:
    (target.root / FOLDER / "below").mkdir(parents=True)
    done = pushed(side, ShellRoom(str(target.root)))
    assert done.steps == {module(NAME): Step.ADD}
    assert target.versions() == side.versions()
    assert not any(path.name in {"below", "aside"} for path in target.root.rglob("*"))
