"""ports.ZipFetcher: processes for the cores, threads in each for the waiting.

Each worker process has its own sources and a line to the parent, over which jobs come and answers
go; it ends when the parent hangs up, however that ends.
"""

import contextlib
import gc
import itertools
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkContext, ForkProcess, SpawnContext, SpawnProcess
from typing import Any, Protocol, Self, runtime_checkable

from gopack.adapters.arena import give_big_buffers_back, keep_few_buffers, share_one_arena
from gopack.adapters.zipqueue import MOST_LOOKS, Job, Lanes, Load
from gopack.errors import GopackError, StoreError
from gopack.plan.survey import Contents, interned
from gopack.ports import FetchedZip, Sources
from gopack.spec.module import ModuleVersion

ZIPS_A_PROCESS = 12
"""Below this many zips a process costs more to start than it saves."""

MOST_THREADS = 8
"""Zips at once in a process, small ones aside: they fill a line sooner than small files, and each
has its buffers."""

MOST_ALONE = 16
"""Zips at once where there is one process: on one core, however many they are, or for a few."""

JOBS_A_LOOK = 100
"""After so many jobs a worker looks for cycles, which what asks for zips leaves behind."""

NICENESS = 5
"""Workers step back where the parent has something to do: they and the storage wait for it."""


class Work(Protocol):
    """What every worker does; it crosses process boundaries. Failures MUST be GopackErrors."""

    @property
    def make_sources(self) -> Callable[[], Sources]:
        """Make what is asked, once a process."""

    def of_one(self, module: ModuleVersion) -> Self | None:
        """Give what does the work on one zip, to be sent along; None where every worker knows."""

    def fetch(self, module: ModuleVersion, sources: Sources) -> FetchedZip:
        """Bring a zip to the storage's disk and check it."""

    def check(self, module: ModuleVersion) -> FetchedZip:
        """Check a zip where it lies."""

    def packages(self, module: ModuleVersion, wanted: frozenset[str]) -> Contents:
        """Read packages of a zip that the storage has."""

    def discard(self, fetched: FetchedZip) -> None:
        """Delete what was brought."""


@runtime_checkable
class _Closable(Protocol):
    """Sources that keep connections open."""

    def close(self) -> None:
        """Close them."""


class ThreadZips:
    """ports.ZipFetcher on threads of this process: where processes do not pay."""

    def __init__(self, work: Work, threads: int) -> None:
        self._work = work
        self._sources = work.make_sources()
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="zip")
        self._looking = ThreadPoolExecutor(MOST_LOOKS, thread_name_prefix="look")

    def fetch(self, module: ModuleVersion, *, size_bytes: int = 0) -> Future[FetchedZip]:
        """Start to download and check a zip."""
        del size_bytes  # they come as they are asked for
        return self._executor.submit(self._work.fetch, module, self._sources)

    def check(self, module: ModuleVersion) -> Future[FetchedZip]:
        """Start to check the zip that the storage has."""
        return self._executor.submit(self._work.check, module)

    def packages(self, module: ModuleVersion, wanted: frozenset[str]) -> Future[Contents]:
        """Start to read packages of a zip."""
        return self._looking.submit(self._work.packages, module, wanted)

    def discard(self, fetched: FetchedZip) -> None:
        """Delete a fetched zip that must not be used."""
        self._work.discard(fetched)

    def close(self) -> None:
        """Let go of what has not begun, wait for nothing, and close the connections."""
        for executor in (self._executor, self._looking):
            executor.shutdown(wait=False, cancel_futures=True)
        if isinstance(self._sources, _Closable):
            self._sources.close()


_Answer = tuple[int, FetchedZip | Contents | GopackError]


@dataclass(slots=True)
class _Worker:
    """A worker process, the line to it, the jobs it has, and whether its death was noticed."""

    process: SpawnProcess | ForkProcess
    line: "Connection[Job | None, _Answer]"
    load: Load
    is_buried: bool = False


class ProcessZips:
    """ports.ZipFetcher on worker processes with threads in each.

    A worker has as many jobs as threads (see zipqueue); the next one goes to whoever answers. What
    a worker had when it died fails; the others go on. A job that no worker has yet can be
    cancelled.

    Args:
        work: what every worker does.
        processes: how many, about one a core.
        threads: how many zips each process brings at once, and as many small ones beside them.
    """

    def __init__(self, work: Work, *, processes: int, threads: int) -> None:
        self._work = work
        self._numbers = itertools.count()
        self._waiting = Lanes()
        self._futures: dict[int, tuple[ModuleVersion, Future[Any]]] = {}
        self._lock = threading.Lock()
        self._workers = [_start_worker(work, threads) for _ in range(processes)]
        self._is_closed = False
        threading.Thread(target=self._listen, daemon=True, name="zip answers").start()

    def prepare(self) -> None:
        """Have every worker make its sources before the first job comes."""
        with self._lock:
            for worker in self._workers:
                with contextlib.suppress(OSError):  # its death is noticed by the listener
                    worker.line.send(None)

    def fetch(self, module: ModuleVersion, *, size_bytes: int = 0) -> Future[FetchedZip]:
        """Start to download and check a zip."""
        return self._submit("fetch", module, rank=-size_bytes)

    def check(self, module: ModuleVersion) -> Future[FetchedZip]:
        """Start to check the zip that the storage has."""
        return self._submit("check", module)

    def packages(self, module: ModuleVersion, wanted: frozenset[str]) -> Future[Contents]:
        """Start to read packages of a zip."""
        return self._submit("packages", module, wanted)

    def discard(self, fetched: FetchedZip) -> None:
        """Delete a fetched zip that must not be used."""
        self._work.discard(fetched)

    def close(self) -> None:
        """End the workers at once; what was under way is started anew by the next run."""
        self._is_closed = True
        for worker in self._workers:
            worker.process.kill()

    def _submit(
        self,
        verb: str,
        module: ModuleVersion,
        wanted: frozenset[str] = frozenset(),
        *,
        rank: float = 0,
    ) -> Future[Any]:
        future: Future[Any] = Future()
        with self._lock:
            job = Job(rank, next(self._numbers), verb, module, wanted)
            self._futures[job.number] = (module, future)
            self._waiting.put(job)
            alive = [worker for worker in self._workers if not worker.is_buried]
            lost = self._drop([] if alive else [job.number])
            for worker in sorted(alive, key=lambda worker: len(worker.load.jobs)):
                self._give(worker)
        _fail(lost)
        return future

    def _give(self, worker: _Worker) -> None:
        others = [other.load for other in self._workers if other is not worker]
        while (job := self._waiting.take(worker.load, others)) is not None:
            _module, future = self._futures[job.number]
            if not future.set_running_or_notify_cancel():
                del self._futures[job.number]
                worker.load.end(job.number)
                continue
            with contextlib.suppress(OSError):  # its death is noticed by the listener
                worker.line.send(job._replace(work=self._work.of_one(job.module)))

    def _listen(self) -> None:
        """Take answers as they come, until no worker is left."""
        lines = {worker.line: worker for worker in self._workers}
        while lines:
            for line in wait(list(lines)):
                worker = lines[line]  # type: ignore[index]  # only lines were waited for
                try:
                    answer = worker.line.recv()
                except (EOFError, OSError):
                    del lines[worker.line]
                    self._bury(worker, is_last=not lines)
                else:
                    self._take(worker, *answer)

    def _take(
        self, worker: _Worker, number: int, answer: FetchedZip | Contents | GopackError
    ) -> None:
        with self._lock:
            worker.load.end(number)
            _module, future = self._futures.pop(number)
            self._give(worker)
        if isinstance(answer, GopackError):
            future.set_exception(answer)
        else:
            future.set_result(interned(answer) if isinstance(answer, Contents) else answer)

    def _bury(self, worker: _Worker, *, is_last: bool) -> None:
        with self._lock:
            worker.is_buried = True
            lost = self._drop(
                [*worker.load.jobs, *(job.number for job in self._waiting if is_last)]
            )
        _fail(lost)

    def _drop(self, numbers: Iterable[int]) -> list[tuple[ModuleVersion, Future[Any]]]:
        """Forget jobs that nobody does any more; give them, to be failed without the lock."""
        if self._is_closed:
            return []
        return [self._futures.pop(number) for number in numbers if number in self._futures]


def _fail(lost: Iterable[tuple[ModuleVersion, Future[Any]]]) -> None:
    """Fail jobs; who hears of it may hold a lock that another has who submits one."""
    for module, future in lost:
        with contextlib.suppress(InvalidStateError):  # it is not wanted any more
            future.set_exception(_died(module))


def _died(module: ModuleVersion) -> StoreError:
    return StoreError(
        "a worker process ended unexpectedly",
        where=str(module),
        hint="Was it out of memory? Run again, fetch with a smaller --jobs: what is stored stays.",
    )


def _start_worker(work: Work, threads: int) -> _Worker:
    """Start a process: by fork where that is safe, since it has all modules loaded then."""
    context: ForkContext | SpawnContext
    context = get_context("fork") if _can_fork() else get_context("spawn")
    ours, theirs = context.Pipe()
    kept = theirs if _can_fork() else None
    process = context.Process(target=_work, args=(work, threads, theirs, kept), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours, Load(threads))


def _can_fork() -> bool:
    """Whether nothing but the calling thread could be in the middle of something."""
    return sys.platform == "linux" and threading.active_count() == 1


def _close_all_but(line: "Connection[Any, Any]") -> None:
    """Let go of what was open when this process was forked: locks, and lines to other workers."""
    os.closerange(3, line.fileno())
    os.closerange(line.fileno() + 1, os.sysconf("SC_OPEN_MAX"))


def _work(
    work: Work,
    threads: int,
    line: "Connection[_Answer, Job | None]",
    forked: "Connection[_Answer, Job | None] | None" = None,
) -> None:
    """Be a worker process: take jobs on several threads until the parent hangs up.

    Its sources are made when it is first told something, be it no job yet: that takes a while.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    if forked is not None:
        _close_all_but(forked)
    os.nice(NICENESS)
    share_one_arena()
    keep_few_buffers()
    gc.disable()  # to look for cycles as often as Python does costs a tenth
    gc.freeze()
    done = itertools.count(1)
    answering = threading.Lock()

    def do(job: Job, sources: Sources) -> None:
        answer = _answer(job.work or work, sources, job)
        with answering:
            line.send((job.number, answer))
            if next(done) % JOBS_A_LOOK == 0:
                gc.collect()

    executor = ThreadPoolExecutor(Load(threads).most)
    with contextlib.suppress(EOFError, OSError):
        told = line.recv()
        sources = work.make_sources()
        while True:
            if told is not None:
                executor.submit(do, told, sources)
            told = line.recv()
    os._exit(0)


def _answer(work: Work, sources: Sources, job: Job) -> FetchedZip | Contents | GopackError:
    try:
        match job.verb:
            case "fetch":
                return work.fetch(job.module, sources)
            case "check":
                return work.check(job.module)
            case _:
                return work.packages(job.module, job.wanted)
    except GopackError as error:
        return error
    except Exception as error:  # noqa: BLE001 - a bug in a worker must reach the parent
        return StoreError(f"unexpected {type(error).__name__}: {error}", where=str(job.module))


class AdaptiveZips:
    """ports.ZipFetcher that starts processes where they pay: for many zips, on several cores."""

    def __init__(self, work: Work, *, jobs: int, cores: int) -> None:
        self._work = work
        self._jobs = jobs
        self._cores = cores
        self._zips: ThreadZips | ProcessZips | None = None
        self._is_prepared = False

    def start_ahead(self) -> None:
        """Start workers before it is known that they pay, where that costs next to nothing.

        To be called while the program has one thread, and many zips may come. This process then
        lives beside the workers, and keeps what memory it does not use to itself no more.
        """
        processes = min(self._cores, self._jobs)
        if processes > 1 and _can_fork():
            self._start(processes)
        share_one_arena()
        give_big_buffers_back()

    def expect(self, count: int) -> None:
        """Start workers for this many zips."""
        processes = min(self._cores, self._jobs, count // ZIPS_A_PROCESS)
        if self._zips is None and processes > 1:
            self._start(processes)

    def prepare(self) -> None:
        """Have workers that were started ahead make ready: something will be fetched."""
        if isinstance(self._zips, ProcessZips) and not self._is_prepared:
            self._is_prepared = True
            self._zips.prepare()

    @property
    def can_begin(self) -> bool:
        """Whether workers wait already."""
        return self._zips is not None

    def _start(self, processes: int) -> None:
        threads = min(MOST_THREADS, -(-self._jobs // processes))
        self._zips = ProcessZips(self._work, processes=processes, threads=threads)

    def fetch(self, module: ModuleVersion, *, size_bytes: int = 0) -> Future[FetchedZip]:
        """Start to download and check a zip."""
        return self._started().fetch(module, size_bytes=size_bytes)

    def check(self, module: ModuleVersion) -> Future[FetchedZip]:
        """Start to check the zip that the storage has."""
        return self._started().check(module)

    def packages(self, module: ModuleVersion, wanted: frozenset[str]) -> Future[Contents]:
        """Start to read packages of a zip."""
        return self._started().packages(module, wanted)

    def discard(self, fetched: FetchedZip) -> None:
        """Delete a fetched zip that must not be used."""
        self._work.discard(fetched)

    def close(self) -> None:
        """End the workers at once."""
        if self._zips is not None:
            self._zips.close()

    def _started(self) -> ThreadZips | ProcessZips:
        if self._zips is None:
            self._zips = ThreadZips(self._work, min(self._jobs, MOST_ALONE))
        return self._zips
