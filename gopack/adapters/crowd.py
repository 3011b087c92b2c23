"""How many small requests are under way at one server: no more than keep a processor busy.

A server that is near answers before the next request is made: more threads would only take the
interpreter from each other (measured: with two or more a request takes twice the processor time).
A server that is far is asked as much at once as the caller has threads.

Rules kept:
- so many are let in as requests can be made while an answer is waited for, and one at the least;
- what counts is the mean of the last answers: a caching proxy is near with what it has, far with
  the rest;
- until FIRST answers have come, FIRST are let in.
"""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

FIRST = 4
WINDOW = 32
REQUEST_S = 0.001
"""Somewhat more than the processor time of a small request."""

BUSY_S = 0.003
"""So much later do answers come where all processors are busy and threads wait for each other: a
server must not be taken for far by that, or ever more are let in."""


class Crowd:
    """Those who ask one server for small answers; safe from many threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._delays_s: deque[float] = deque(maxlen=WINDOW)
        self.limit = FIRST

    @contextmanager
    def one(self) -> Iterator[None]:
        """Wait until one more may ask, and be it until the block ends."""
        with self._changed:
            while self._inside >= self.limit:
                self._changed.wait()
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify()

    def answered(self, delay_s: float) -> None:
        """Learn from an answer: so long was it waited for, and for nothing else."""
        with self._changed:
            self._delays_s.append(delay_s)
            before = self.limit
            if len(self._delays_s) >= FIRST:
                mean_s = sum(self._delays_s) / len(self._delays_s)
                self.limit = max(1, round((mean_s - BUSY_S) / REQUEST_S))
            if self.limit > before:
                self._changed.notify(self.limit - before)
