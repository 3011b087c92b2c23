"""A connected side, a sealed side, a key that signs."""

import os
import shutil
from pathlib import Path

import pytest

from tests.bundling import Side
from tests.fakes_sumdb import FakeSumDB


@pytest.fixture(autouse=True)
def ends_by_exit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real end kills the process, and would the tests'."""

    def end(status: int) -> None:
        raise SystemExit(status)

    monkeypatch.setattr(os, "_exit", end)


@pytest.fixture
def log() -> FakeSumDB:
    return FakeSumDB()


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """The secret half; the public one is beside it, with `.pub`."""
    Side(tmp_path, FakeSumDB()).done("key", "new", "ops.example", tmp_path / "key")
    return tmp_path / "key"


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Side:
    """What each test's connected side is a copy of."""
    side = Side(tmp_path_factory.mktemp("filled") / "connected", FakeSumDB())
    side.put("example.com/Dep@v1.0.0", noise=1)
    side.put("example.com/root@v1.0.0", requires=["example.com/Dep@v1.0.0"])
    side.put("example.com/thin@v1.2.0", is_whole=False)
    return side


@pytest.fixture
def connected(tmp_path: Path, filled: Side, log: FakeSumDB, key: Path) -> Side:
    """A storage with a root, what it requires, and a version as go.mod only; it signs."""
    shutil.copytree(filled.root, tmp_path / "connected")
    log.__dict__ = filled.log.fork().__dict__
    return Side(tmp_path / "connected", log, {"GOPACK_SIGN": str(key)})


@pytest.fixture
def sealed(tmp_path: Path, log: FakeSumDB, key: Path) -> Side:
    """An empty storage that trusts the key."""
    return Side(tmp_path / "sealed", log, {"GOPACK_TRUST": f"{key}.pub"})
