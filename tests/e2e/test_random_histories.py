"""Random histories: whatever led to a storage, it has what one run makes of an empty one.

    GOPACK_HISTORIES=1-300 .venv/bin/pytest tests/e2e/test_random_histories.py     # these seeds

What is tried of each, and where it is promised: tests/e2e/worlds/histories.py.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_random_worlds import seeds
from tests.e2e.worlds.histories import PROPERTIES, draw_usable, tried
from tests.faults.world import Runner

pytestmark = pytest.mark.e2e

ALWAYS = "1-2"
"""The seeds of `make test`, whatever becomes of them: a quarter of a minute."""


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    with Runner() as running:
        yield running


@pytest.mark.parametrize("name", PROPERTIES)
@pytest.mark.parametrize("seed", seeds(os.environ.get("GOPACK_HISTORIES") or ALWAYS))
def test_history_ends_as_one_run_does(seed: int, name: str, tmp_path: Path, runner: Runner) -> None:
    history = draw_usable(seed, tmp_path / "drawn", runner)
    difference = tried(history, name, tmp_path / "tried", runner)
    if difference is not None:
        pytest.fail(f"{history}\n\n{name}: {difference}", pytrace=False)
