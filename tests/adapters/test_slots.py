"""Slots for requests, shared by processes, and free again when a process dies."""

import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import Connection

import pytest

from gopack.adapters.slots import IS_SHARED, Slots

pytestmark = pytest.mark.skipif(not IS_SHARED, reason="no locks that processes can share")
WAIT_S = 30.0


def hold(slots: Slots, line: Connection) -> None:
    with slots.one():
        line.send("held")
        line.recv()


def taken(slots: Slots) -> threading.Event:
    """Set when another thread has got a slot."""
    event = threading.Event()

    def take() -> None:
        with slots.one():
            event.set()

    threading.Thread(target=take, daemon=True).start()
    return event


def test_slots_are_shared_with_another_process_and_free_when_it_is_killed() -> None:
    slots = Slots(1)
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=hold, args=(slots, theirs))
    process.start()
    assert ours.recv() == "held"
    waiting = taken(slots)
    assert not waiting.wait(0.2)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    assert waiting.wait(WAIT_S)
    process.join()
    slots.close()


def test_slots_let_as_many_through_as_there_are() -> None:
    slots = Slots(2)
    with slots.one():
        assert taken(slots).wait(WAIT_S)
        with slots.one():
            last = taken(slots)
            assert not last.wait(0.2)
        assert last.wait(WAIT_S)
    slots.close()
