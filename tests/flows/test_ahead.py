"""Ahead: few calls at once, in order; all at once in a hurry."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

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
    calls = Calls()
    ahead = Ahead(executor, 2, calls.call)
    ask(ahead, 6)
    calls.wait_for(2)
    assert sorted(calls.begun) == [0, 1]
    calls.may_end.set()
    assert [answer(ahead, n) for n in range(6)] == list(range(6))


def test_in_a_hurry_all_that_wait_are_begun(executor: ThreadPoolExecutor) -> None:
    calls = Calls()
    ahead = Ahead(executor, 1, calls.call)
    ask(ahead, 5)
    calls.wait_for(1)
    ahead.hurry()
    calls.wait_for(5)
    calls.may_end.set()
    assert [answer(ahead, n) for n in range(5)] == list(range(5))


def test_what_is_dropped_is_not_called(executor: ThreadPoolExecutor) -> None:
    calls = Calls()
    ahead = Ahead(executor, 1, calls.call)
    ask(ahead, 4)
    calls.wait_for(1)
    awaited = ahead.take(2)
    ahead.drop(lambda n: n < 3)
    calls.may_end.set()
    assert awaited is not None, "who waits for it gets it"
    assert awaited.result(WAIT_S) == 2
    assert answer(ahead, 3) == 3
    assert ahead.take(0) is ahead.take(1) is None
    assert calls.begun == [0, 2, 3]


def test_what_came_is_dropped_too(executor: ThreadPoolExecutor) -> None:
    ahead: Ahead[int, int] = Ahead(executor, 1, lambda n: 1 // n)
    ask(ahead, 3)
    assert answer(ahead, 2) == 0, "so the others came before it"
    ahead.drop(lambda _: True)
    assert ahead.take(0) is ahead.take(1) is None


def test_an_answer_is_given_once_and_failures_are_told(executor: ThreadPoolExecutor) -> None:
    ahead: Ahead[int, int] = Ahead(executor, 1, lambda n: 1 // n)
    ask(ahead, 3)
    assert [answer(ahead, 2), answer(ahead, 1)] == [0, 1]
    failing = ahead.take(0)
    assert failing is not None
    assert isinstance(failing.exception(WAIT_S), ZeroDivisionError)
    assert ahead.take(0) is ahead.take(1) is ahead.take(3) is None


def test_what_is_asked_anew_comes_anew(executor: ThreadPoolExecutor) -> None:
    calls = Calls()
    ahead = Ahead(executor, 2, calls.call)
    calls.may_end.set()
    for _ in range(2):
        ahead.ask(7)
        assert answer(ahead, 7) == 7
    assert calls.begun == [7, 7]


def test_what_is_under_way_is_not_called_twice(executor: ThreadPoolExecutor) -> None:
    calls = Calls()
    ahead = Ahead(executor, 2, calls.call)
    ahead.ask(7)
    calls.wait_for(1)
    first = ahead.take(7)
    ahead.ask(7)
    assert ahead.take(7) is None, "somebody waits for it already"
    ahead.ask(8)
    calls.wait_for(2)
    ahead.drop(lambda _: True)
    ahead.ask(8)
    calls.may_end.set()
    assert first is not None
    assert (first.result(WAIT_S), answer(ahead, 8)) == (7, 8)
    assert calls.begun == [7, 8]


def test_who_waits_no_more_stops_nobody(executor: ThreadPoolExecutor) -> None:
    calls = Calls()
    ahead = Ahead(executor, 1, calls.call)
    ask(ahead, 2)
    calls.wait_for(1)
    given_up = ahead.take(0)
    assert given_up is not None
    assert given_up.cancel()
    calls.may_end.set()
    assert answer(ahead, 1) == 1


def ask(ahead: Ahead[int, int], count: int) -> None:
    for number in range(count):
        ahead.ask(number)


def answer(ahead: Ahead[int, int], number: int) -> int:
    found = ahead.take(number)
    assert found is not None
    return found.result(WAIT_S)
