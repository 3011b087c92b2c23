"""How many requests are under way at one server: fewer when it says, or shows, that it is too much.

Rules kept:
- nothing is held back until the server says that it is too much (429, Retry-After) or its answers
  come ever later;
- each 429 halves what is under way, but those that were under way already count as one;
- when half of the last answers began later than a second and four times later than usual, a
  quarter less is under way. If that makes the answers no quicker, the delay is not of our making:
  it counts as the usual one from then on, and what was held back goes on;
- answers that come in time let one more through each time that all that may be under way were
  answered ROUNDS times;
- one request is always under way.

The delay is the time until an answer begins: what a body takes is the line's.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

WINDOW = 16
"""Answers whose median is the delay: one that a proxy must fetch itself is late alone."""

ROUNDS = 4
SLOW_S = 1.0
SLOW_TIMES = 4.0
QUICKER = 0.9
"""A delay that fell to this part of what it was fell because less was asked for."""


class Turn:
    """One request that may be under way; the pace hears from it how the server fares."""

    def __init__(self, pace: "Pace", epoch: int, started_s: float) -> None:
        self._pace = pace
        self.epoch = epoch
        self.started_s = started_s

    def asks(self) -> None:
        """It is asked for only now: what was waited for on this side is not the server's delay."""
        self.started_s = self._pace.now()

    def answered(self) -> None:
        """An answer begins."""
        self._pace.answered(self)

    def refused(self) -> None:
        """The server says that it was asked too much."""
        self._pace.refused(self)


class Pace:
    """The pace of requests to one server, for all threads of a process."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._limit = math.inf
        self._under_way = 0
        self._epoch = 0
        self._delays_s: deque[float] = deque(maxlen=WINDOW)
        self._usual_s = math.inf
        self._trial: tuple[float, float] | None = None

    def now(self) -> float:
        """Tell the time, as the pace does."""
        return self._clock()

    @property
    def limit(self) -> float:
        """How many may be under way; infinity while nothing speaks against more."""
        return self._limit

    @contextmanager
    def turn(self) -> Iterator[Turn]:
        """Wait until one more may be under way, and be it until the block ends."""
        with self._changed:
            while self._under_way >= max(1, int(min(self._limit, 1 << 30))):
                self._changed.wait()
            self._under_way += 1
            turn = Turn(self, self._epoch, self._clock())
        try:
            yield turn
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify()

    def refused(self, turn: Turn) -> None:
        """Halve what is under way; see Turn."""
        with self._changed:
            if turn.epoch == self._epoch:
                self._trial = None
                self._slow_down(0.5)

    def answered(self, turn: Turn) -> None:
        """Learn from the delay of an answer; see Turn."""
        with self._changed:
            if turn.epoch != self._epoch:
                return
            self._delays_s.append(self._clock() - turn.started_s)
            if self._limit < math.inf:
                self._limit += 1 / ROUNDS / self._limit
                self._changed.notify()
            if len(self._delays_s) == WINDOW:
                self._look_at(sorted(self._delays_s)[WINDOW // 2])

    def _look_at(self, delay_s: float) -> None:
        self._delays_s.clear()
        if self._trial is not None:
            limit, before_s = self._trial
            self._trial = None
            if delay_s > QUICKER * before_s:
                self._usual_s, self._limit = delay_s, limit
                self._changed.notify_all()
        self._usual_s = min(self._usual_s, delay_s)
        if delay_s > max(SLOW_S, SLOW_TIMES * self._usual_s):
            self._trial = (self._limit, delay_s)
            self._slow_down(0.75)

    def _slow_down(self, part: float) -> None:
        """Let this part of what is under way through, from now on."""
        self._limit = max(1.0, part * min(self._limit, self._under_way))
        self._epoch += 1
        self._delays_s.clear()
