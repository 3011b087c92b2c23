"""The order in which zips are read: one module's versions in one process, if it can be.

Most of what is in one version of a module is in the next, too, and a process that has read the one
need not inflate it again. So a worker goes on with the module it has; when nothing of that waits,
it begins the one with the lowest rank that no other worker has, and where there is none it helps.

What a worker has at once is parted into lanes, so that none waits for another:

- LOOK, for what somebody waits for to ask for the next: one zip a process is looked into at a
  time, some wait for one that moves just now, and none keeps a thread from what is to come;
- SMALL, for small zips: what they wait for is the server, and they come beside the big ones, whose
  hashing keeps the processor busy, not one delay after another when those are done;
- BIG, for all others, and for small ones where no other waits.
"""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from enum import Enum
from heapq import heappop, heappush
from typing import Any, NamedTuple

from gopack.adapters.zips import SMALL_BYTES
from gopack.spec.module import ModuleVersion


class Job(NamedTuple):
    """One thing to do: a method of Work, and what it is for; the lowest rank comes first.

    `work` is what does it, where that is another one than the worker was started with.
    """

    rank: float
    number: int
    verb: str
    module: ModuleVersion
    wanted: frozenset[str]
    work: Any = None

    @property
    def lane(self) -> "Lane":
        """What it is done beside."""
        if self.verb == "packages":
            return Lane.LOOK
        is_small = self.verb == "fetch" and 0 < -self.rank <= SMALL_BYTES
        return Lane.SMALL if is_small else Lane.BIG


KEPT_PATHS = 4
"""A worker begins a module while it still has one, so it may come back to that; small zips and big
ones of a module belong together, too."""


class Lane(Enum):
    """What keeps nothing of another lane from being done; see the module's text."""

    LOOK = "look"
    SMALL = "small"
    BIG = "big"


MOST_LOOKS = 8
MOST_SMALL = 8


class JobQueue:
    """The jobs of one lane that no worker has yet."""

    def __init__(self) -> None:
        self._groups: dict[str, list[Job]] = {}  # of one module each; never empty
        self._order: list[tuple[float, int, str]] = []  # groups by their first job; some are gone

    def __iter__(self) -> Iterator[Job]:
        for group in self._groups.values():
            yield from group

    def put(self, job: Job) -> None:
        """Add a job."""
        path = job.module.path
        group = self._groups.setdefault(path, [])
        heappush(group, job)
        if group[0] is job:
            heappush(self._order, (job.rank, job.number, path))

    def take(self, mine: Iterable[str], others: Collection[str]) -> Job | None:
        """Give a worker its next job; None if none waits.

        Args:
            mine: the modules that the worker had last, the best first.
            others: those that other workers had last.

        >>> queue = JobQueue()
        >>> for number, path in enumerate("aaba"):
        ...     module = ModuleVersion(path, f"v1.{number}.0")
        ...     queue.put(Job(0, number, "check", module, frozenset()))
        >>> turns = [("", ""), ("", "a"), ("b", "a"), ("a", "b")]
        >>> [str(queue.take(*turn).module) for turn in turns]
        ['a@v1.0.0', 'b@v1.2.0', 'a@v1.1.0', 'a@v1.3.0']
        """
        path = next((path for path in mine if path in self._groups), "")
        group = self._groups.get(path or self._best_group(others))
        if group is None:
            return None
        job = heappop(group)
        if not group:
            del self._groups[job.module.path]
        return job

    def _best_group(self, others: Collection[str]) -> str:
        """Find the first module that no other worker has, else the first; '' if none waits."""
        passed = []
        chosen = ""
        while self._order and not chosen:
            entry = heappop(self._order)
            if entry[2] in self._groups:
                passed.append(entry)
                chosen = "" if entry[2] in others else entry[2]
        for entry in passed:
            heappush(self._order, entry)
        return chosen or (passed[0][2] if passed else "")


class Load:
    """What a worker has: its jobs by lane, and the modules of the last ones, the last one first.

    Args:
        threads: how many jobs of the lane BIG it may have at once, and of no lane more.
    """

    def __init__(self, threads: int) -> None:
        self._most = {
            Lane.LOOK: min(threads, MOST_LOOKS),
            Lane.SMALL: min(threads, MOST_SMALL),
            Lane.BIG: threads,
        }
        self._jobs: dict[Lane, set[int]] = {lane: set() for lane in Lane}
        looked_at, read = deque[str](maxlen=KEPT_PATHS), deque[str](maxlen=KEPT_PATHS)
        self.paths = {Lane.LOOK: looked_at, Lane.SMALL: read, Lane.BIG: read}

    @property
    def most(self) -> int:
        """How many jobs it may have at once."""
        return sum(self._most.values())

    @property
    def jobs(self) -> list[int]:
        """The numbers of its jobs."""
        return [number for numbers in self._jobs.values() for number in numbers]

    def has_room(self, lane: Lane) -> bool:
        """Whether it may have one more."""
        return len(self._jobs[lane]) < self._most[lane]

    def begin(self, job: Job, lane: Lane) -> None:
        """Have a job that is done as one of this lane."""
        self.paths[job.lane].appendleft(job.module.path)
        self._jobs[lane].add(job.number)

    def end(self, number: int) -> None:
        """Have it no more."""
        for numbers in self._jobs.values():
            numbers.discard(number)


_ORDER = (
    (Lane.LOOK, Lane.LOOK),
    (Lane.SMALL, Lane.SMALL),
    (Lane.BIG, Lane.BIG),
    (Lane.SMALL, Lane.BIG),
)
"""What is looked for first, and as what it is done: small zips help where no big ones wait."""


class Lanes:
    """The jobs that no worker has yet."""

    def __init__(self) -> None:
        self._queues = {lane: JobQueue() for lane in Lane}

    def __iter__(self) -> Iterator[Job]:
        for queue in self._queues.values():
            yield from queue

    def put(self, job: Job) -> None:
        """Add a job."""
        self._queues[job.lane].put(job)

    def take(self, mine: Load, others: Sequence[Load]) -> Job | None:
        """Give a worker its next job; None if none waits that it has room for."""
        for lane, taken_as in _ORDER:
            if mine.has_room(taken_as):
                elsewhere = {path for other in others for path in other.paths[lane]}
                job = self._queues[lane].take(mine.paths[lane], elsewhere)
                if job is not None:
                    mine.begin(job, taken_as)
                    return job
        return None
