"""Filling a storage from a list, and trying lines of it alone, together and in random subsets."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from gopack.plan.closure import Level
from gopack.plan.matrix import Matrix, Verdict
from gopack.plan.proving import Subject, together
from gopack.plan.scenarios import MAIN, Scenario
from tests.athens_layout import served
from tests.e2e.caching_proxy import caching_proxy
from tests.e2e.sealed import prover, render, subject

REPOSITORY = Path(__file__).parents[2]
SUBSET_STEPS = frozenset({"get", "tidy", "list deps", "download all", "vendor"})
SUBSET: Scenario = replace(MAIN, steps=tuple(s for s in MAIN.steps if s.name in SUBSET_STEPS))
SEED = 20260101


@dataclass(frozen=True)
class Filled:
    """A folder with goget.txt and what was fetched for it; `goproxy` is the caching proxy."""

    folder: Path
    goproxy: str
    lines: tuple[str, ...]

    def gopack(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "GOPROXY": self.goproxy, "PYTHONPATH": str(REPOSITORY)}
        command = [sys.executable, "-m", "gopack", *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=env, capture_output=True, text=True, check=False
        )


@contextmanager
def filled(folder: Path, lines: Sequence[str], *options: str) -> Iterator[Filled]:
    """Fetch a list through the caching proxy, which runs until the block ends."""
    (folder / "goget.txt").write_text("".join(f"{line}\n" for line in lines))
    with caching_proxy() as proxy:
        found = Filled(folder, proxy.url, tuple(lines))
        done = found.gopack("fetch", *options)
        assert done.returncode == 0, done.stderr
        yield found


def subsets(lines: Sequence[str], count: int) -> list[list[str]]:
    """Random subsets of 2 to 8 lines, the same in every run."""
    chance = random.Random(SEED)
    return [chance.sample(lines, chance.randint(2, min(8, len(lines)))) for _ in range(count)]


def judge_subsets(found: Filled, count: int) -> str:
    """Try subsets sealed and connected; tell what is not equal, nothing where all is."""
    with (
        served(found.folder / "ATHENS_STORAGE") as athens,
        prover(athens.url, found.goproxy) as trial,
    ):
        chosen = enumerate(subsets(found.lines, count))
        matrix = Matrix(tuple(trial.run([(_row(some, n), SUBSET) for n, some in chosen])))
    if not matrix.count(Verdict.GOOD):
        return f"nothing works: {render(list(matrix.cells))}"
    return render(matrix.red())


def _row(lines: Sequence[str], number: int) -> Subject:
    """All these lines together; the program imports the packages that bear the modules' names."""
    joint = together([subject(line) for line in lines], Level.GRAPH)
    paths = tuple(line.partition("@")[0] for line in lines)
    return replace(joint, name=f"{number}: {' '.join(lines)}", imports=paths)
