"""`gopack bundle import`, broken off or failed by the disk anywhere: versions stay whole."""

import errno
import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.bundling import Side
from tests.fakes_sumdb import FakeSumDB
from tests.faults import injected
from tests.faults.judging import Snapshot, assert_athens_shows_no_part, assert_same, snapshot
from tests.faults.report import Tally
from tests.faults.world import Runner

pytestmark = pytest.mark.e2e

STRIDE = 1 if os.environ.get("GOPACK_FAULTS") == "full" else 12
KINDS = [injected.KILL, "ENOSPC", "EIO"]


@dataclass
class Gap:
    """A bundle, what importing it makes of an empty storage, and runs that are disturbed."""

    side: Side
    runner: Runner
    folder: Path
    bundle: Path
    goal: Snapshot
    number: int = 0

    def storage(self) -> Path:
        self.number += 1
        return self.folder / f"sealed{self.number}"

    def run(self, storage: Path, *, at: int = 0, kind: str = injected.KILL) -> int:
        """Import into a storage; the step `at` is disturbed, and steps are counted."""
        env = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "GOENV": "off"}
        env |= {"GOPROXY": "off", "GOSUMDB": str(self.side.log.verifier)}
        env |= {injected.ROOT: str(storage), injected.STEPS: str(self.steps(storage))}
        env |= {injected.AT: str(at), injected.KIND: kind}
        words = ("bundle", "import", self.bundle, "--storage", storage, "--insecure-unsigned")
        status = self.runner.run(self.folder, env, *map(str, words))
        assert "Traceback" not in self.text(), self.text()
        return status

    def steps(self, storage: Path) -> Path:
        return storage.with_name(f"{storage.name}-steps")

    def text(self) -> str:
        return (self.folder / "stderr.txt").read_text()


@pytest.fixture
def gap(tmp_path: Path, runner: Runner) -> Gap:
    side = Side(tmp_path / "connected", FakeSumDB())
    side.put("example.com/Dep@v1.0.0")
    side.put("example.com/root@v1.0.0", requires=["example.com/Dep@v1.0.0"])
    side.put("example.com/thin@v1.2.0", is_whole=False)
    side.done("bundle", "create", tmp_path / "m", "--volume-size", "64KiB")
    made = Gap(side, runner, tmp_path, tmp_path / "m", {})
    storage = made.storage()
    assert made.run(storage) == 0, made.text()
    made.goal = snapshot(storage)
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_import_that_is_disturbed_at_a_step_leaves_whole_versions_and_heals(
    gap: Gap, tally: Callable[[str], Tally], kind: str
) -> None:
    marks = gap.steps(gap.folder / "sealed1").read_bytes()
    wanted = [
        number
        for number, mark in enumerate(marks, 1)
        if kind != "ENOSPC" or bytes([mark]) == injected.ROOMY
    ]
    assert len(wanted) > 20

    def disturb(step: int) -> None:
        storage = gap.storage()
        status = gap.run(storage, at=step, kind=kind)
        if kind == injected.KILL:
            assert status == -signal.SIGKILL
        elif status:
            assert status == 5, gap.text()
            assert os.strerror(getattr(errno, kind)) in gap.text()
            assert "hint: " in gap.text()
        assert_athens_shows_no_part(storage, gap.goal)
        gap.steps(storage).unlink()
        assert gap.run(storage) == 0, gap.text()
        assert_same(storage, gap.goal)
        shutil.rmtree(storage)

    counted = tally(f"bundle import: {kind}")
    for step in wanted[::STRIDE]:
        counted.tried(partial(disturb, step), f"{kind} at step {step} of {len(marks)}")
    counted.nothing_is_lost()
