"""Fixtures of the fault harness."""

from collections.abc import Callable, Iterator

import pytest

from tests.faults.report import Tally, new_tally
from tests.faults.world import Runner, World, small_world


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
