"""Jobs that wait elsewhere: submit under a key, take what is done, submit more meanwhile."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from typing import Generic, TypeVar

K = TypeVar("K")
T = TypeVar("T")


class Jobs(Generic[K, T]):
    """Jobs under way on an executor; iterating takes them as they end, until none is left.

    Used from one thread; the executor's threads only put what is done into a queue.
    """

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._done: SimpleQueue[tuple[K, Future[T]]] = SimpleQueue()
        self._pending = 0

    def submit(self, key: K, call: Callable[[], T]) -> None:
        """Start a job; it may be done before this returns."""
        self.watch(key, self._executor.submit(call))

    def watch(self, key: K, future: Future[T]) -> None:
        """Take a job that was started elsewhere."""
        self._pending += 1
        future.add_done_callback(lambda done: self._done.put((key, done)))

    def finished(self) -> Iterator[tuple[K, Future[T]]]:
        """Take the jobs that are done by now, without waiting."""
        while not self._done.empty():
            self._pending -= 1
            yield self._done.get()

    @property
    def is_idle(self) -> bool:
        """Whether taking the next job would wait, or there is none."""
        return self._done.empty()

    def __iter__(self) -> Iterator[tuple[K, Future[T]]]:
        while self._pending:
            done = self._done.get()
            self._pending -= 1
            yield done
