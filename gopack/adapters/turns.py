"""Turns: so many may do something at once; who is urgent goes first, else who came first."""

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from heapq import heapify, heappop, heappush
from typing import TypeAlias

_Waiting: TypeAlias = "tuple[bool, int, threading.Lock]"
"""Who is let in next comes first; the lock is given back to them then."""


class Turns:
    """Those who may do something at once; safe from many threads. `limit` may change."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._inside = 0
        self._waiting: list[_Waiting] = []
        self._numbers = itertools.count()

    @property
    def limit(self) -> int:
        """How many may do it at once."""
        return self._limit

    @limit.setter
    def limit(self, limit: int) -> None:
        with self._lock:
            self._limit = limit
            self._let_in()

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return len(self._waiting)

    @contextmanager
    def one(self, *, urgent: bool = False) -> Iterator[None]:
        """Wait for a turn, and have it until the block ends."""
        waiting = self._come(urgent=urgent)
        if waiting is not None:
            self._wait(waiting)
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                self._let_in()

    def _come(self, *, urgent: bool) -> "_Waiting | None":
        """Come in where there is room; else stand in line."""
        with self._lock:
            if self._inside < self._limit:
                self._inside += 1
                return None
            waiting = (not urgent, next(self._numbers), threading.Lock())
            waiting[-1].acquire()
            heappush(self._waiting, waiting)
            return waiting

    def _wait(self, waiting: "_Waiting") -> None:
        """Wait to be let in; who is interrupted meanwhile leaves the place to others."""
        try:
            waiting[-1].acquire()
        except BaseException:
            with self._lock:
                if waiting in self._waiting:
                    self._waiting.remove(waiting)
                    heapify(self._waiting)
                else:
                    self._inside -= 1
                    self._let_in()
            raise

    def _let_in(self) -> None:
        while self._waiting and self._inside < self._limit:
            self._inside += 1
            heappop(self._waiting)[-1].release()
