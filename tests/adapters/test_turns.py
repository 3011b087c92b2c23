"""Turns: so many at once, the urgent ones first."""

import signal
import threading

import pytest

from gopack.adapters.turns import Turns
from tests.waiting import until


def test_who_fails_leaves_the_place_to_others() -> None:
    turns = Turns(1)
    for _ in range(2):
        with pytest.raises(ValueError, match="x"), turns.one():
            raise ValueError("x")
    with turns.one():
        pass


def test_who_is_urgent_is_let_in_first() -> None:
    turns = Turns(1)
    order: list[str] = []

    def come(name: str, *, urgent: bool) -> None:
        with turns.one(urgent=urgent):
            order.append(name)

    threads = []
    with turns.one():
        for name in ("late", "later", "urgent", "next"):
            is_urgent = name in {"urgent", "next"}
            thread = threading.Thread(target=come, args=(name,), kwargs={"urgent": is_urgent})
            thread.start()
            threads.append(thread)
            until(lambda: turns.waiting == len(threads))
    for thread in threads:
        thread.join()
    assert order == ["urgent", "next", "late", "later"]


def interrupt_when(turns: Turns, count: int) -> threading.Thread:
    """Interrupt the main thread once so many wait."""

    def interrupt() -> None:
        until(lambda: turns.waiting == count)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    return thread


def test_who_is_interrupted_in_line_leaves_the_place_to_others() -> None:
    turns = Turns(1)
    is_done = threading.Event()

    def hold() -> None:
        with turns.one():
            is_done.wait()

    holder = threading.Thread(target=hold, daemon=True)
    holder.start()
    until(lambda: turns._inside == 1)
    interrupter = interrupt_when(turns, 1)
    with pytest.raises(KeyboardInterrupt), turns.one():
        pytest.fail("there was no turn")
    assert turns.waiting == 0
    is_done.set()
    for thread in (holder, interrupter):
        thread.join()
    with turns.one():
        pass
    assert turns._inside == 0
