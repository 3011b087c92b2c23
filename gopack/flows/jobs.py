"""Jobs that wait elsewhere: submit under a key, take what is done, submit more meanwhile."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Generic, TypeVar

K = TypeVar("K")
T = TypeVar("T")


class Jobs(Generic[K, T]):
    """Jobs under way on an executor; iterating takes them as they end, until none is left.

    Used from one thread; the executor's threads only put what is done into a queue.
    """

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._done: SimpleQueue[tuple[K, Future[T]] | None] = SimpleQueue()
        self._pending = 0

    def submit(self, key: K, call: Callable[[], T]) -> None:
        """Start a job; it may be done before this returns."""
        self.watch(key, self._executor.submit(call))

    def watch(self, key: K, future: Future[T]) -> None:
        """Take a job that was started elsewhere."""
        self._pending += 1
        future.add_done_callback(lambda done: self._done.put((key, done)))

    def after(self, ready: "Future[Any]", key: K, start: "Callable[[], Future[T]]") -> None:
        """Take a job that is started once `ready` is done, in the thread that ends it."""
        self._pending += 1

        def begin(_: object) -> None:
            start().add_done_callback(lambda done: self._done.put((key, done)))

        ready.add_done_callback(begin)

    def abort(self) -> None:
        """Let whoever takes the jobs take no more; may be called from any thread."""
        self._done.put(None)

    def finished(self) -> Iterator[tuple[K, Future[T]]]:
        """Take the jobs that are done by now, without waiting."""
        while not self._done.empty():
            yield self._next()

    @property
    def is_idle(self) -> bool:
        """Whether taking the next job would wait, or there is none."""
        return self._done.empty()

    def __iter__(self) -> Iterator[tuple[K, Future[T]]]:
        """Take every job.

        Raises:
            CancelledError: `abort` was called.
        """
        while self._pending:
            yield self._next()

    def within(self, seconds: float) -> Iterator[tuple[K, Future[T]]]:
        """Take the jobs that end in this time."""
        deadline = time.monotonic() + seconds
        with suppress(Empty):
            while self._pending:
                yield self._next(max(0, deadline - time.monotonic()))

    def _next(self, timeout_s: float | None = None) -> tuple[K, Future[T]]:
        done = self._done.get(timeout=timeout_s)
        if done is None:
            raise CancelledError
        self._pending -= 1
        return done


def in_background(work: Callable[[], T]) -> "Future[T]":
    """Run something in a thread that does not keep the program from ending."""
    future: Future[T] = Future()
    Thread(target=partial(settle, future, work), daemon=True, name="background").start()
    return future


def settle(future: "Future[T]", work: Callable[[], T]) -> None:
    """Do the work of a future, and tell what came of it."""
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001 - whoever waits must see it
        future.set_exception(error)
    else:
        future.set_result(result)
