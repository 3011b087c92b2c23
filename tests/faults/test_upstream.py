"""An upstream that fails or lies: what is stored is whole and right, and a later run ends well."""

import os
import random
import threading
from collections.abc import Callable
from functools import partial

import pytest

from tests.faults.judging import assert_same
from tests.faults.world import Lab
from tests.upstream import Fault

pytestmark = pytest.mark.e2e

FULL = os.environ.get("GOPACK_FAULTS") == "full"
UPSTREAM_ERROR, INTEGRITY_ERROR = 3, 4
UNSUMMED = ("/list", ".info", "/supported")
"""Hints, which no sum covers: what there is, and when it was made."""

SUMDB = "/sumdb/*"


def run(lab: Lab, spoil: Callable[[], None], allowed: set[int]) -> None:
    """Run against a spoilt upstream in a new folder, then against a sound one."""
    place = lab.place()
    spoil()
    status = place.fetch()
    lab.upstream.mend()
    assert status in allowed, f"exit status {status}\n{place.text}"
    if not status:
        assert_same(place.storage, lab.goal)
    lab.heals(place)


def paths_of(lab: Lab) -> list[str]:
    """Every path that a run asks for, in a fixed order."""
    return sorted(set(lab.upstream.paths()))


def test_answer_broken_off_at_any_byte_is_asked_for_again(lab: Lab) -> None:
    chance = random.Random(3)
    upstream = lab.upstream
    resets = lab.tally("connection reset at any byte")
    cuts = lab.tally("body cut short at any byte")
    for path in paths_of(lab):
        length = len(upstream.files.get(path, (b"", ""))[0])
        for _ in range(6 if FULL else 1):
            at = chance.randrange(length + 120)  # the head of the answer, too
            fault = Fault(reset_at=at)
            spoil = partial(upstream.fail, path, fault, times=1)
            resets.tried(partial(run, lab, spoil, {0}), f"{path} reset at {at}")
        if length:
            at = chance.randrange(length)
            spoil = partial(upstream.fail, path, Fault(truncate_at=at), times=1)
            cuts.tried(partial(run, lab, spoil, {0}), f"{path} cut at {at}")
    resets.nothing_is_lost()
    cuts.nothing_is_lost()


def test_answer_that_stays_broken_fails_its_lines_alone_and_heals(lab: Lab) -> None:
    upstream = lab.upstream
    counted = lab.tally("answers that stay broken")
    for path in ("*/app/@v/*.zip", "*/base/@v/v1.0.1.mod", "*/!tool/@v/*.info", SUMDB, "*"):
        for fault in (Fault(reset_at=30), Fault(status=503), Fault(announce=10**6)):
            spoil = partial(upstream.fail, path, fault)
            counted.tried(partial(run, lab, spoil, {UPSTREAM_ERROR}), f"{path} {fault}")
    counted.nothing_is_lost()


@pytest.mark.parametrize("short", [True, False], ids=["short", "long"])
def test_wrong_length_stores_nothing_wrong_and_heals(lab: Lab, *, short: bool) -> None:
    upstream = lab.upstream
    counted = lab.tally("wrong length")
    for path in paths_of(lab):
        length = len(upstream.files.get(path, (b"", ""))[0])
        if length < 2 or path.endswith(UNSUMMED):
            continue  # a shorter list is a list
        announce = length // 2 if short else length + 7
        spoil = partial(upstream.fail, path, Fault(announce=announce), times=1)
        allowed = {0, UPSTREAM_ERROR, INTEGRITY_ERROR} if short else {0}
        counted.tried(partial(run, lab, spoil, allowed), f"{path} announced as {announce}")
    counted.nothing_is_lost()


def test_slow_bodies_and_storms_are_sat_out(lab: Lab) -> None:
    upstream = lab.upstream
    slow, storms = lab.tally("slow body"), lab.tally("429 storm")
    outages = lab.tally("5xx for a while")
    for path in ("*.zip", "*.mod", "*.info", SUMDB):
        spoil = partial(upstream.fail, path, Fault(drip=(2000, 0.005)))
        slow.tried(partial(run, lab, spoil, {0}), f"slow {path}")
    for number in (5, 20, 60):
        for after in ("0", "1", "no date"):
            fault = Fault(status=429, headers={"Retry-After": after})
            spoil = partial(upstream.fail, "*", fault, times=number)
            storms.tried(partial(run, lab, spoil, {0, UPSTREAM_ERROR}), f"{number} x {after}")
    for status in (500, 502, 503, 504):
        outages.tried(
            partial(run, lab, partial(outage, lab, status, 1.2), {0}), f"{status} for 1.2 s"
        )
    if FULL:
        minute = partial(outage, lab, 503, 60.0)
        outages.tried(partial(run, lab, minute, {0, UPSTREAM_ERROR}), "503 for a minute")
    for counted in (slow, storms, outages):
        counted.nothing_is_lost()


def outage(lab: Lab, status: int, seconds: float) -> None:
    lab.upstream.fail("*", Fault(status=status))
    threading.Timer(seconds, lab.upstream.mend).start()


def test_flipped_byte_in_any_answer_is_never_stored(lab: Lab) -> None:
    chance = random.Random(5)
    upstream = lab.upstream
    counted = lab.tally("upstream that lies in one answer")
    lied = 0
    for path in paths_of(lab):
        length = len(upstream.files.get(path, (b"", ""))[0])
        if not length or path.endswith(UNSUMMED):
            continue
        for _ in range(20 if FULL else 3):
            fault = Fault(flip_at=chance.randrange(length), flip=chance.randrange(1, 256))
            spoil = partial(upstream.fail, path, fault, times=1)
            allowed = {0, UPSTREAM_ERROR, INTEGRITY_ERROR}
            counted.tried(partial(run, lab, spoil, allowed), f"{path} {fault}")
            lied += 1
    counted.nothing_is_lost()
    assert lied > 30
