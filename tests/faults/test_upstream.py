"""An upstream that fails or lies: what is stored is whole and right, and a later run ends well.

Most of such a run's time is waiting to ask again, so several runs wait at once, each in a lab of
its own: no fault reaches another's run.
"""

import os
import random
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from queue import SimpleQueue

import pytest

from tests.faults.judging import assert_same
from tests.faults.report import Tally
from tests.faults.world import Lab, small_world
from tests.upstream import Fault, Upstream

pytestmark = pytest.mark.e2e

FULL = os.environ.get("GOPACK_FAULTS") == "full"
UPSTREAM_ERROR, INTEGRITY_ERROR = 3, 4
UNSUMMED = ("/list", ".info", "/supported")
"""Hints, which no sum covers: what there is, and when it was made."""

SUMDB = "/sumdb/*"
AT_ONCE = 8


def run(lab: Lab, spoil: Callable[[Upstream], None], allowed: set[int]) -> None:
    """Run against a spoilt upstream in a new folder, then against a sound one."""
    place = lab.place()
    spoil(lab.upstream)
    status = place.fetch()
    lab.upstream.mend()
    assert status in allowed, f"exit status {status}\n{place.text}"
    if status:
        lab.heals(place)
    else:
        assert_same(place.storage, lab.goal)
        shutil.rmtree(place.folder)


def fault_at(path: str, fault: Fault, times: int | None = None) -> Callable[[Upstream], None]:
    """What spoils the answers to paths like this one."""
    return lambda upstream: upstream.fail(path, fault, times=times)


@dataclass
class Labs:
    """Labs with the same world, and what is tried in one of them at a time."""

    first: Lab
    executor: ThreadPoolExecutor
    idle: SimpleQueue[Lab] = field(default_factory=SimpleQueue)
    trials: list[tuple[Tally, Callable[[], None], str]] = field(default_factory=list)

    def tried(
        self, counted: Tally, spoil: Callable[[Upstream], None], allowed: set[int], what: str
    ) -> None:
        """Begin to try one fault."""
        ended = self.executor.submit(self._in_one, spoil, allowed)
        self.trials.append((counted, ended.result, what))

    def _in_one(self, spoil: Callable[[Upstream], None], allowed: set[int]) -> None:
        lab = self.idle.get()
        try:
            run(lab, spoil, allowed)
        finally:
            lab.upstream.mend()
            self.idle.put(lab)

    def nothing_is_lost(self) -> None:
        """Wait for all trials and count them."""
        for counted, ended, what in self.trials:
            counted.tried(ended, what)
        for counted in {id(counted): counted for counted, _, _ in self.trials}.values():
            counted.nothing_is_lost()


@pytest.fixture
def labs(lab: Lab) -> Iterator[Labs]:
    with ExitStack() as stack:
        made = Labs(lab, stack.enter_context(ThreadPoolExecutor(AT_ONCE)))
        for number in range(AT_ONCE):
            made.idle.put(lab.beside(stack.enter_context(small_world()), number))
        yield made


def lengths(lab: Lab) -> dict[str, int]:
    """Every path that a run asks for, in a fixed order, and the length of what is there."""
    upstream = lab.upstream
    paths = sorted(set(upstream.paths()))
    return {path: len(upstream.files.get(path, (b"", ""))[0]) for path in paths}


def test_answer_broken_off_at_any_byte_is_asked_for_again(labs: Labs) -> None:
    chance = random.Random(3)
    resets = labs.first.tally("connection reset at any byte")
    cuts = labs.first.tally("body cut short at any byte")
    for number, (path, length) in enumerate(lengths(labs.first).items()):
        for _ in range(6 if FULL else number % 2):
            at = chance.randrange(length + 120)  # the head of the answer, too
            spoil = fault_at(path, Fault(reset_at=at), times=1)
            labs.tried(resets, spoil, {0}, f"{path} reset at {at}")
        if length and (FULL or number % 2 == 0):
            at = chance.randrange(length)
            spoil = fault_at(path, Fault(truncate_at=at), times=1)
            labs.tried(cuts, spoil, {0}, f"{path} cut at {at}")
    labs.nothing_is_lost()


def test_answer_that_stays_broken_fails_its_lines_alone_and_heals(labs: Labs) -> None:
    counted = labs.first.tally("answers that stay broken")
    for path in ("*/app/@v/*.zip", "*/base/@v/v1.0.1.mod", "*/!tool/@v/*.info", SUMDB, "*"):
        for fault in (Fault(reset_at=30), Fault(status=503), Fault(announce=10**6)):
            labs.tried(counted, fault_at(path, fault), {UPSTREAM_ERROR}, f"{path} {fault}")
    labs.nothing_is_lost()


@pytest.mark.parametrize("short", [True, False], ids=["short", "long"])
def test_wrong_length_stores_nothing_wrong_and_heals(labs: Labs, *, short: bool) -> None:
    counted = labs.first.tally("wrong length")
    for number, (path, length) in enumerate(lengths(labs.first).items()):
        if length < 2 or path.endswith(UNSUMMED):
            continue  # a shorter list is a list
        if not FULL and number % 2 != short:
            continue
        announce = length // 2 if short else length + 7
        spoil = fault_at(path, Fault(announce=announce), times=1)
        allowed = {0, UPSTREAM_ERROR, INTEGRITY_ERROR} if short else {0}
        labs.tried(counted, spoil, allowed, f"{path} announced as {announce}")
    labs.nothing_is_lost()


def test_slow_bodies_and_storms_are_sat_out(labs: Labs) -> None:
    tally = labs.first.tally
    slow, storms, outages = tally("slow body"), tally("429 storm"), tally("5xx for a while")
    if FULL:
        minute = outage(503, 60.0)
        labs.tried(outages, minute, {0, UPSTREAM_ERROR}, "503 for a minute")
    for number in (60, 20, 5):
        for after in ("1", "0", "no date"):
            fault = Fault(status=429, headers={"Retry-After": after})
            spoil = fault_at("*", fault, times=number)
            labs.tried(storms, spoil, {0, UPSTREAM_ERROR}, f"{number} x {after}")
    for path in ("*.zip", "*.mod", "*.info", SUMDB):
        labs.tried(slow, fault_at(path, Fault(drip=(2000, 0.005))), {0}, f"slow {path}")
    for status in (500, 502, 503, 504):
        labs.tried(outages, outage(status, 1.2), {0}, f"{status} for 1.2 s")
    labs.nothing_is_lost()


def outage(status: int, seconds: float) -> Callable[[Upstream], None]:
    """What makes a server fail for a while."""

    def spoil(upstream: Upstream) -> None:
        upstream.fail("*", Fault(status=status))
        threading.Timer(seconds, upstream.mend).start()

    return spoil


def test_flipped_byte_in_any_answer_is_never_stored(labs: Labs) -> None:
    chance = random.Random(5)
    counted = labs.first.tally("upstream that lies in one answer")
    for path, length in lengths(labs.first).items():
        if not length or path.endswith(UNSUMMED):
            continue
        for _ in range(20 if FULL else 1):
            fault = Fault(flip_at=chance.randrange(length), flip=chance.randrange(1, 256))
            allowed = {0, UPSTREAM_ERROR, INTEGRITY_ERROR}
            labs.tried(counted, fault_at(path, fault, times=1), allowed, f"{path} {fault}")
    assert len(labs.trials) > 15
    labs.nothing_is_lost()
