"""A push into a folder of this machine: its shell runs the scripts."""

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gopack.adapters.disk import DiskStore
from gopack.adapters.dockerside import push_name
from gopack.adapters.ledger import DiskLedger
from gopack.adapters.urlprobe import UrlProbe
from gopack.cli.push import own_proofs
from gopack.errors import StoreError
from gopack.flows.bundle_create import Origin
from gopack.flows.checkurl import check_served
from gopack.flows.progress import Progress, Silent
from gopack.flows.push import Pushed, push
from gopack.plan.pushing import Step
from tests.athens_layout import serving
from tests.bundling import Side, module
from tests.fakes_sumdb import FakeSumDB
from tests.shellroom import ShellRoom

NAME = "example.com/Dep@v1.0.0"
FOLDER = "example.com/Dep/v1.0.0"


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


def test_info_that_was_there_stays_and_is_what_athens_must_answer(side: Side, target: Side) -> None:
    target.put(NAME, is_whole=False)
    info = target.root / FOLDER / "v1.0.0.info"
    info.write_text('{"Version":"v1.0.0","Time":"2020-01-01T00:00:00Z"}')
    done = pushed(side, ShellRoom(str(target.root)))
    assert done.steps == {module(NAME): Step.COMPLETE}

    def wrong() -> list[str]:
        with serving(target.root) as athens, closing(UrlProbe(athens.url)) as probe:
            report = check_served(probe, DiskStore(side.root), done.written(), done.infos)
        return [finding.path for finding in report.findings]

    assert wrong() == []
    info.write_text("{}")
    assert wrong() == ["/example.com/!dep/@v/v1.0.0.info"]


def test_nothing_stays_beside_the_storage(side: Side, target: Side) -> None:
    target.put(NAME, is_whole=False)
    room = ShellRoom(str(target.root))
    pushed(side, room)
    assert len(room.beside) == 2
    assert not any(path.exists() or path.parent.name.startswith("push") for path in room.beside)


@dataclass
class Notes(Silent):
    """Keeps what a person should read."""

    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        self.notes.append(text)


@dataclass
class FullRoom(ShellRoom):
    """Nothing can be sent."""

    def put(self, pieces: Iterable[bytes]) -> None:
        raise StoreError("no space left on device")


def test_failure_before_anything_is_staged_is_told_as_it_is(side: Side, target: Side) -> None:
    progress = Notes()
    with pytest.raises(StoreError, match="no space left on device"):
        pushed(side, FullRoom(str(target.root)), progress)
    assert progress.notes == []
    assert list(target.root.iterdir()) == []


@dataclass
class LosingRoom(ShellRoom):
    """Ctrl-C is pressed while versions are published, and then the engine is gone."""

    is_lost: bool = False

    def run(self, script: str) -> str:
        if self.is_lost:
            raise StoreError("no Docker engine answers")
        said = super().run(script)
        if "rm -rf .gopack/staging" in script:
            self.is_lost = True
            raise KeyboardInterrupt
        return said


def test_interrupt_while_publishing_stays_one_and_what_is_known_is_told(
    side: Side, target: Side
) -> None:
    progress = Notes()
    with pytest.raises(KeyboardInterrupt):
        pushed(side, LosingRoom(str(target.root)), progress)
    [note] = progress.notes
    assert "may have appeared" in note
    assert "Push again" in note
    assert target.versions() == side.versions()
    assert pushed(side, ShellRoom(str(target.root))).steps == {module(NAME): Step.THERE}
