"""Runs that are broken off anywhere: a plain second run ends as if nothing had happened."""

import contextlib
import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.faults.judging import (
    Snapshot,
    assert_athens_shows_no_part,
    assert_same,
    snapshot,
    verified,
)
from tests.faults.report import Tally
from tests.faults.world import Place, Runner, World, big_world

pytestmark = pytest.mark.e2e

SHARDS = 3
FEWER = 4
"""So many steps less than another a run may take: what is proven at once is written at once."""

KILLS = 200 if os.environ.get("GOPACK_FAULTS") == "full" else 16
MODULES = 40
SEED = 7


def goal_of(world: World, runner: Runner, folder: Path) -> tuple[Snapshot, int]:
    """What an undisturbed run leaves, and how many steps it takes."""
    place = Place.new(world, runner, folder)
    steps = place.counted("--jobs", "1")
    goal = snapshot(place.storage)
    assert_same(place.storage, goal)
    assert verified(place.storage) == {f"sumdb {world.log.name}"}
    return goal, steps


@pytest.mark.parametrize("shard", range(SHARDS))
def test_killed_at_every_step_storage_is_whole_and_a_second_run_ends_the_same(
    world: World, runner: Runner, tmp_path: Path, tally: Callable[[str], Tally], shard: int
) -> None:
    goal, steps = goal_of(world, runner, tmp_path / "goal")
    assert len(goal) > 20
    assert steps > 100

    def crash_at(step: int) -> None:
        place = Place.new(world, runner, tmp_path / f"at{step}")
        status = place.fetch("--jobs", "1", **place.faults(step))
        if status == 0:  # proofs that came together took a step less
            assert place.steps_taken() < step
            assert step > steps - FEWER
        else:
            assert status == -signal.SIGKILL
        assert_athens_shows_no_part(place.storage, goal)
        assert place.fetch() == 0, place.text
        assert_same(place.storage, goal)
        shutil.rmtree(place.folder)

    counted = tally("crash at every write, rename and fsync")
    for step in range(1 + shard, steps + 1, SHARDS):
        counted.tried(partial(crash_at, step), f"killed at step {step} of {steps}")
    counted.nothing_is_lost()


@pytest.fixture
def big() -> Iterator[World]:
    with big_world(MODULES) as world:
        yield world


def test_killed_at_random_storage_is_whole_and_a_second_run_ends_the_same(
    big: World, runner: Runner, tmp_path: Path, tally: Callable[[str], Tally]
) -> None:
    place = Place.new(big, runner, tmp_path / "goal")
    started = time.monotonic()
    assert place.fetch() == 0, place.text
    seconds = time.monotonic() - started
    goal = snapshot(place.storage)
    chance = random.Random(SEED)
    broken = []

    def kill_once(number: int, after_s: float) -> None:
        place = Place.new(big, runner, tmp_path / str(number))
        run = runner.start(place.folder, big.environment(place.folder), "fetch")
        time.sleep(after_s)
        with contextlib.suppress(ProcessLookupError):
            kill = os.killpg if number % 2 else os.kill  # its workers see that it is gone
            kill(run.group, signal.SIGKILL)
        broken.append(runner.finish() == -signal.SIGKILL)
        assert_athens_shows_no_part(place.storage, goal)
        assert place.fetch() == 0, place.text
        assert_same(place.storage, goal)
        shutil.rmtree(place.folder)

    counted = tally("kill -9 at a random moment")
    for number in range(KILLS):
        after_s = chance.uniform(0.05, 0.8) * seconds
        counted.tried(partial(kill_once, number, after_s), f"kill {number}, after {after_s:.3f} s")
    counted.nothing_is_lost()
    assert sum(broken) > KILLS / 2
