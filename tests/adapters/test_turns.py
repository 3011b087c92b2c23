"""Turns: so many at once, the urgent ones first."""

import threading
import time

import pytest

from gopack.adapters.turns import Turns


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
            while turns.waiting < len(threads):
                time.sleep(0.001)
    for thread in threads:
        thread.join()
    assert order == ["urgent", "next", "late", "later"]
