"""Answers asked for ahead of their need: a few at once beside what is needed now, in order."""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from typing import Generic, TypeVar

from gopack.flows.jobs import settle

K = TypeVar("K")
T = TypeVar("T")

MOST_THREADS = 256
"""No executor here has more, and a call that none can make yet takes memory."""


class Ahead(Generic[K, T]):
    """Calls on an executor of which at most so many are under way; safe from many threads.

    A thread that makes one goes on with the next, so no call waits for one asked later. There is a
    future only of what somebody waits for: they are big, and thousands may be asked.
    """

    def __init__(self, executor: Executor, most: int, call: Callable[[K], T]) -> None:
        self._executor = executor
        self._most = most
        self._call = call
        self._lock = threading.Lock()
        self._waiting: deque[K] = deque()
        self._callers = 0
        self._asked: set[K] = set()
        self._come: dict[K, T] = {}
        self._failed: dict[K, Future[T]] = {}
        self._awaited: dict[K, Future[T]] = {}
        self._under_way: set[K] = set()

    def ask(self, key: K) -> None:
        """Make a call when those before it are under way; what is asked already is not again."""
        with self._lock:
            if key in self._asked or key in self._awaited:
                return
            self._asked.add(key)
            self._waiting.append(key)
        self._call_more()

    def take(self, key: K) -> "Future[T] | None":
        """Give the answer to what was asked, once; None of anything else."""
        with self._lock:
            if key in self._failed:
                return self._failed.pop(key)
            future: Future[T] = Future()
            if key in self._come:
                future.set_result(self._come.pop(key))
            elif key in self._asked:
                self._asked.discard(key)
                self._awaited[key] = future
            else:
                return None
            return future

    def drop(self, unwanted: Callable[[K], bool]) -> None:
        """Forget what was asked and nobody took; what has not begun is not called."""
        with self._lock:
            for key in filter(unwanted, [*self._asked, *self._come, *self._failed]):
                self._asked.discard(key)
                self._come.pop(key, None)
                self._failed.pop(key, None)

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
                key = self._waiting.popleft()
                is_wanted = key in self._asked or key in self._awaited
                if not is_wanted or key in self._under_way:
                    continue
                self._under_way.add(key)
            outcome: Future[T] = Future()
            settle(outcome, partial(self._call, key))
            self._keep(key, outcome)

    def _keep(self, key: K, outcome: "Future[T]") -> None:
        """Hand an answer to who waits for it; keep it where nobody does yet."""
        with self._lock:
            self._under_way.discard(key)
            awaited = self._awaited.pop(key, None)
            if key in self._asked:
                self._asked.discard(key)
                if outcome.exception() is None:
                    self._come[key] = outcome.result()
                else:
                    self._failed[key] = outcome
        if awaited is not None and awaited.set_running_or_notify_cancel():
            settle(awaited, outcome.result)
