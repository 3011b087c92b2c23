"""Turns: so many may do something at once; who is urgent goes first, else who came first."""

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from heapq import heappop, heappush


class Turns:
    """Those who may do something at once; safe from many threads. `limit` may change."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._inside = 0
        self._waiting: list[tuple[bool, int, threading.Lock]] = []
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
        gate = self._come(urgent=urgent)
        if gate is not None:
            gate.acquire()
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                self._let_in()

    def _come(self, *, urgent: bool) -> "threading.Lock | None":
        """Come in where there is room; else give what is to be waited for, in line."""
        with self._lock:
            if self._inside < self._limit:
                self._inside += 1
                return None
            gate = threading.Lock()
            gate.acquire()
            heappush(self._waiting, (not urgent, next(self._numbers), gate))
            return gate

    def _let_in(self) -> None:
        while self._waiting and self._inside < self._limit:
            self._inside += 1
            heappop(self._waiting)[2].release()
