"""Fixtures of the fault harness."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.judging import snapshot
from tests.faults.report import Tally, new_tally
from tests.faults.world import Lab, Place, Runner, World, small_world


@pytest.fixture
def runner() -> Iterator[Runner]:
    with Runner() as runner:
        yield runner


@pytest.fixture
def world() -> Iterator[World]:
    with small_world() as world:
        yield world


@pytest.fixture
def tally(record_property: Callable[[str, object], None]) -> Callable[[str], Tally]:
    """Start to count a class of faults."""
    return lambda name: new_tally(name, record_property)


@pytest.fixture
def lab(world: World, runner: Runner, tmp_path: Path, tally: Callable[[str], Tally]) -> Lab:
    place = Place.new(world, runner, tmp_path / "goal")
    assert place.fetch() == 0, place.text
    return Lab(world, runner, tmp_path, tally, snapshot(place.storage))
