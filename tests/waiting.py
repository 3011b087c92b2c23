"""Waiting in tests for what another thread or program does: short, and never for ever."""

import time
from collections.abc import Callable

PATIENCE_S = 20.0


def until(
    happened: Callable[[], bool], *, patience_s: float = PATIENCE_S, pause_s: float = 0.001
) -> None:
    """Wait until something is so, and look for it after each pause.

    Raises:
        AssertionError: it is not when the patience is at its end.
    """
    deadline = time.monotonic() + patience_s
    while not happened():
        assert time.monotonic() < deadline, f"it did not happen within {patience_s:g} s"
        time.sleep(pause_s)
