"""Ahead: few calls at once, in order; all at once in a hurry."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from gopack.flows.ahead import Ahead

WAIT_S = 10


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


class Calls:
    """Calls that wait until they may end, and tell how many were under way at once."""

    def __init__(self) -> None:
        self.may_end = threading.Event()
        self.changed = threading.Condition()
        self.begun: list[int] = []

    def call(self, number: int) -> int:
        with self.changed:
            self.begun.append(number)
            self.changed.notify_all()
        assert self.may_end.wait(WAIT_S)
        return number

    def wait_for(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.begun) >= count, WAIT_S)


def test_at_most_so_many_are_under_way_and_all_come_in_order(executor: ThreadPoolExecutor) -> None:
    calls, ahead = Calls(), Ahead(executor, 2)
    futures = [ahead.submit(partial(calls.call, n)) for n in range(6)]
    calls.wait_for(2)
    assert sorted(calls.begun) == [0, 1]
    calls.may_end.set()
    assert [future.result(WAIT_S) for future in futures] == list(range(6))


def test_in_a_hurry_all_that_wait_are_begun(executor: ThreadPoolExecutor) -> None:
    calls, ahead = Calls(), Ahead(executor, 1)
    futures = [ahead.submit(partial(calls.call, n)) for n in range(5)]
    calls.wait_for(1)
    ahead.hurry()
    calls.wait_for(5)
    calls.may_end.set()
    assert [future.result(WAIT_S) for future in futures] == list(range(5))


def test_what_is_cancelled_is_not_called_and_failures_are_told(
    executor: ThreadPoolExecutor,
) -> None:
    calls, ahead = Calls(), Ahead(executor, 1)
    first = ahead.submit(partial(calls.call, 0))
    cancelled = ahead.submit(partial(calls.call, 1))
    failing = ahead.submit(lambda: 1 // 0)
    calls.wait_for(1)
    assert cancelled.cancel()
    assert not first.cancel()
    calls.may_end.set()
    assert first.result(WAIT_S) == 0
    assert isinstance(failing.exception(WAIT_S), ZeroDivisionError)
    assert calls.begun == [0]
