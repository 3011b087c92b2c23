"""An upstream that can bear only so much at once: it is asked less, and everything arrives."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.judging import assert_same, snapshot
from tests.faults.report import Tally
from tests.faults.world import Place, Runner, World, big_world

pytestmark = pytest.mark.e2e

MODULES = 40


@pytest.fixture
def big() -> Iterator[World]:
    with big_world(MODULES) as world:
        yield world


@pytest.mark.parametrize("allowed", [3, 6])
def test_upstream_that_refuses_more_at_once_is_asked_less(
    big: World, runner: Runner, tmp_path: Path, tally: Callable[[str], Tally], allowed: int
) -> None:
    place = Place.new(big, runner, tmp_path / "goal")
    assert place.fetch() == 0, place.text
    goal = snapshot(place.storage)
    upstream = big.upstream
    upstream.delay_s = 0.01
    upstream.allowed_at_once = allowed
    counted = tally("upstream that bears little at once")

    def bear() -> None:
        slowed = Place.new(big, runner, tmp_path / "slowed")
        upstream.log.clear()
        assert slowed.fetch() == 0, slowed.text
        assert_same(slowed.storage, goal)
        assert 0 < upstream.refused < len(upstream.log) / 2

    counted.tried(bear, f"{allowed} at once")
    counted.nothing_is_lost()


@pytest.mark.parametrize("jobs", [1, 4])
def test_jobs_are_the_most_that_is_under_way(
    big: World, runner: Runner, tmp_path: Path, jobs: int
) -> None:
    big.upstream.delay_s = 0.01
    place = Place.new(big, runner, tmp_path / "few")
    assert place.fetch("--jobs", str(jobs)) == 0, place.text
    assert big.upstream.most_at_once <= jobs
