"""Waiting in tests for what another thread does: as short as can be, and never for ever."""

import time
from collections.abc import Callable

PATIENCE_S = 20.0


def until(happened: Callable[[], bool]) -> None:
    """Wait until something is so.

    Raises:
        AssertionError: it is not after PATIENCE_S.
    """
    deadline = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.001)
