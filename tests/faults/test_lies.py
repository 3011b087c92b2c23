"""An upstream that lies in one of a thousand answers: the lie is never stored."""

import os
import random
from collections.abc import Iterator
from functools import partial

import pytest

from tests.faults.test_upstream import INTEGRITY_ERROR, UNSUMMED, UPSTREAM_ERROR, fault_at, run
from tests.faults.world import Lab, World, big_world
from tests.upstream import Fault

pytestmark = pytest.mark.e2e

MODULES = 170
ANSWERS = 1000
SEED = 13
TRIALS = 40 if os.environ.get("GOPACK_FAULTS") == "full" else 3


@pytest.fixture
def world() -> Iterator[World]:
    with big_world(MODULES) as world:
        yield world


def test_one_lie_in_a_thousand_answers_is_never_stored(lab: Lab) -> None:
    chance = random.Random(SEED)
    upstream = lab.upstream
    answers = upstream.paths()
    assert len(answers) >= ANSWERS
    summed = [path for path in answers if not path.endswith(UNSUMMED) and upstream.files.get(path)]
    counted = lab.tally("upstream that lies in one of a thousand answers")
    for path in chance.sample(summed, TRIALS):
        at = chance.randrange(len(upstream.files[path][0]))
        fault = Fault(flip_at=at, flip=chance.randrange(1, 256))
        spoil = fault_at(path, fault, times=1)
        allowed = {0, UPSTREAM_ERROR, INTEGRITY_ERROR}
        counted.tried(partial(run, lab, spoil, allowed), f"{path} {fault}")
    counted.nothing_is_lost()
