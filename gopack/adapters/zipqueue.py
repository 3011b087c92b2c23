"""The order in which zips are read: one module's versions in one process, if it can be.

Most of what is in one version of a module is in the next, too, and a process that has read the one
need not inflate it again. So a worker goes on with the module it has; when nothing of that waits,
it begins the one with the lowest rank that no other worker has, and where there is none it helps.
"""

from collections.abc import Collection, Iterable, Iterator
from heapq import heappop, heappush
from typing import Any, NamedTuple

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
    def is_quick(self) -> bool:
        """Whether somebody waits for it to ask for the next: it goes before all others."""
        return self.verb == "packages"


class JobQueue:
    """The jobs that no worker has yet."""

    def __init__(self) -> None:
        self._quick: list[Job] = []
        self._groups: dict[str, list[Job]] = {}  # of one module each; never empty
        self._order: list[tuple[float, int, str]] = []  # groups by their first job; some are gone

    def __iter__(self) -> Iterator[Job]:
        yield from self._quick
        for group in self._groups.values():
            yield from group

    def put(self, job: Job) -> None:
        """Add a job."""
        if job.is_quick:
            heappush(self._quick, job)
            return
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
        if self._quick:
            return heappop(self._quick)
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
