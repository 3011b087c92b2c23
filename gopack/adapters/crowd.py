"""How many small requests are under way at one server: no more than keep a processor busy.

A server that is near answers before the next request is made: more threads would only take the
interpreter from each other (measured: with two or more a request takes twice the processor time).
A server that is far is asked as much at once as the caller has threads.

Rules kept:
- so many are let in as requests can be made while an answer is waited for, and one at the least;
- what counts is the mean of the last answers: a caching proxy is near with what it has, far with
  the rest;
- who is urgent is let in before the others, else who came first;
- until FIRST answers have come, FIRST are let in.
"""

import threading
from collections import deque

from gopack.adapters.turns import Turns

FIRST = 4
WINDOW = 32
REQUEST_S = 0.0005
"""Somewhat more than the processor time of a small request."""

BUSY_S = 0.005
"""So much later do answers come where all processors are busy and threads wait for each other: a
server must not be taken for far by that, or ever more are let in."""


class Crowd(Turns):
    """Those who ask one server for small answers; safe from many threads."""

    def __init__(self) -> None:
        super().__init__(FIRST)
        self._learning = threading.Lock()
        self._delays_s: deque[float] = deque(maxlen=WINDOW)

    def answered(self, delay_s: float) -> None:
        """Learn from an answer: so long was it waited for, and for nothing else."""
        with self._learning:
            self._delays_s.append(delay_s)
            if len(self._delays_s) >= FIRST:
                mean_s = sum(self._delays_s) / len(self._delays_s)
                self.limit = max(1, round((mean_s - BUSY_S) / REQUEST_S))
