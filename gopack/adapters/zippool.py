"""ports.ZipFetcher: processes for the cores, threads in each for the waiting.

Each worker process has its own sources and takes jobs from one shared queue; it ends with its
parent, however that ends.
"""

import multiprocessing
import os
import signal
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.connection import wait
from types import TracebackType
from typing import TYPE_CHECKING, Self

from gopack.adapters.zipwork import ZipWork
from gopack.errors import GopackError, StoreError
from gopack.ports import FetchedZip, Sources
from gopack.spec.module import ModuleVersion

ZIPS_A_PROCESS = 12
"""Below this many zips a process costs more to start than it saves."""

if TYPE_CHECKING:
    from multiprocessing.queues import Queue, SimpleQueue


class ThreadZips:
    """ports.ZipFetcher on threads of this process: for few zips, where processes do not pay."""

    def __init__(self, work: ZipWork, threads: int) -> None:
        self._work = work
        self._sources = work.make_sources()
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="zip")

    def fetch(self, module: ModuleVersion) -> Future[FetchedZip]:
        """Start to download and check a zip."""
        return self._executor.submit(self._work.fetch, module, self._sources)

    def check(self, module: ModuleVersion) -> Future[FetchedZip]:
        """Start to check the zip that the storage has."""
        return self._executor.submit(self._work.check, module)

    def close(self) -> None:
        """Let go of what has not begun and wait for nothing."""
        self._executor.shutdown(wait=False, cancel_futures=True)


_Job = tuple[ModuleVersion, bool]
_Answer = tuple[ModuleVersion, FetchedZip | GopackError]


class ProcessZips:
    """ports.ZipFetcher on worker processes with threads in each.

    Args:
        work: what every worker does.
        processes: how many, about one a core.
        threads: how many in each process, so that `processes * threads` requests are under way.
    """

    def __init__(self, work: ZipWork, *, processes: int, threads: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._jobs: Queue[_Job | None] = context.Queue()
        self._answers: SimpleQueue[_Answer] = context.SimpleQueue()
        self._pending: dict[ModuleVersion, Future[FetchedZip]] = {}
        self._lock = threading.Lock()
        self._workers = [
            context.Process(
                target=_work, args=(work, threads, self._jobs, self._answers), daemon=True
            )
            for _ in range(processes)
        ]
        for worker in self._workers:
            worker.start()
        threading.Thread(target=self._listen, daemon=True, name="zip answers").start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def fetch(self, module: ModuleVersion) -> Future[FetchedZip]:
        """Start to download and check a zip."""
        return self._submit(module, is_stored=False)

    def check(self, module: ModuleVersion) -> Future[FetchedZip]:
        """Start to check the zip that the storage has."""
        return self._submit(module, is_stored=True)

    def close(self) -> None:
        """End the workers at once; what was under way is started anew by the next run."""
        for worker in self._workers:
            worker.terminate()
        self._jobs.cancel_join_thread()
        self._jobs.close()

    def _submit(self, module: ModuleVersion, *, is_stored: bool) -> Future[FetchedZip]:
        future: Future[FetchedZip] = Future()
        with self._lock:
            self._pending[module] = future
        self._jobs.put((module, is_stored))
        return future

    def _listen(self) -> None:
        """Resolve futures as answers come, until the workers end."""
        reader = self._answers._reader  # type: ignore[attr-defined]  # noqa: SLF001 - to wait on it and the workers at once
        sentinels = [worker.sentinel for worker in self._workers]
        while True:
            ready = wait([reader, *sentinels])
            if reader not in ready:
                self._fail_pending()
                return
            module, answer = self._answers.get()
            with self._lock:
                future = self._pending.pop(module)
            if isinstance(answer, GopackError):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    def _fail_pending(self) -> None:
        with self._lock:
            pending, self._pending = self._pending, {}
        for module, future in pending.items():
            future.set_exception(
                StoreError(
                    "a worker process ended unexpectedly",
                    where=str(module),
                    hint="Was it out of memory? Run again with a smaller --jobs.",
                )
            )


class AdaptiveZips:
    """ports.ZipFetcher that starts processes where they pay: for many zips, on several cores."""

    def __init__(self, work: ZipWork, *, jobs: int, cores: int) -> None:
        self._work = work
        self._jobs = jobs
        self._cores = cores
        self._zips: ThreadZips | ProcessZips | None = None

    def expect(self, count: int) -> None:
        """Start workers for this many zips."""
        processes = min(self._cores, self._jobs, count // ZIPS_A_PROCESS)
        if self._zips is None and processes > 1:
            threads = -(-self._jobs // processes)
            self._zips = ProcessZips(self._work, processes=processes, threads=threads)

    def fetch(self, module: ModuleVersion) -> Future[FetchedZip]:
        """Start to download and check a zip."""
        return self._started().fetch(module)

    def check(self, module: ModuleVersion) -> Future[FetchedZip]:
        """Start to check the zip that the storage has."""
        return self._started().check(module)

    def close(self) -> None:
        """End the workers at once."""
        if self._zips is not None:
            self._zips.close()

    def _started(self) -> ThreadZips | ProcessZips:
        if self._zips is None:
            self._zips = ThreadZips(self._work, self._jobs)
        return self._zips


def _work(
    work: ZipWork,
    threads: int,
    jobs: "Queue[_Job | None]",
    answers: "SimpleQueue[_Answer]",
) -> None:
    """Be a worker process: take jobs on several threads until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    _end_with_parent()
    sources = work.make_sources()
    workers = [
        threading.Thread(target=_take_jobs, args=(work, sources, jobs, answers))
        for _ in range(threads)
    ]
    for worker in workers:
        worker.start()


def _take_jobs(
    work: ZipWork,
    sources: Sources,
    jobs: "Queue[_Job | None]",
    answers: "SimpleQueue[_Answer]",
) -> None:
    while (job := jobs.get()) is not None:
        module, is_stored = job
        try:
            answer: FetchedZip | GopackError = (
                work.check(module) if is_stored else work.fetch(module, sources)
            )
        except GopackError as error:
            answer = error
        except Exception as error:  # noqa: BLE001 - a bug in a worker must reach the parent
            answer = StoreError(f"unexpected {type(error).__name__}: {error}", where=str(module))
        answers.put((module, answer))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
