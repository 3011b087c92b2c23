"""Calls made ahead of their time: a few at once beside what is needed now, in order."""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

from gopack.flows.jobs import settle

T = TypeVar("T")

MOST_THREADS = 256
"""No executor here has more, and a call that none can make yet takes memory."""


class Ahead:
    """Calls on an executor of which at most so many are under way; safe from many threads.

    A thread that makes one goes on with the next, so no call waits for one submitted later. What
    is cancelled before its turn is not made.
    """

    def __init__(self, executor: Executor, most: int) -> None:
        self._executor = executor
        self._most = most
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._callers = 0

    def submit(self, call: Callable[[], T]) -> "Future[T]":
        """Make a call when those before it are under way."""
        future: Future[T] = Future()
        with self._lock:
            self._waiting.append((future, call))
        self._call_more()
        return future

    def hurry(self) -> None:
        """Make all calls that wait as soon as there is a thread: they are what is needed now."""
        self._most = MOST_THREADS
        for _ in range(min(len(self._waiting), MOST_THREADS)):
            self._call_more()

    def _call_more(self) -> None:
        with self._lock:
            if self._callers >= self._most:
                return
            self._callers += 1
        self._executor.submit(self._call_all)

    def _call_all(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._callers -= 1
                    return
                future, call = self._waiting.popleft()
            if future.set_running_or_notify_cancel():
                settle(future, call)
