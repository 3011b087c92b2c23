"""Reading packages out of zips for several surveys at once: each package once, zips as they come.

What an earlier run read is taken from a memory. While a version is read, what else is wanted of it
is collected, and asked for in one go. A version whose zip cannot be had has no packages; of one
that cannot be read nobody knows, and neither is remembered.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from gopack.errors import GopackError
from gopack.flows.jobs import Jobs
from gopack.plan.survey import ALL, Contents, Survey
from gopack.ports import Arrived
from gopack.spec.module import ModuleVersion
from gopack.spec.packages import Package

ReadPackages = Callable[[ModuleVersion, frozenset[str]], "Future[Contents]"]
"""Starts to read packages out of a version's zip, wherever it is."""

EMPTY = Contents(frozenset(), {})


class _NotHereError(Exception):
    """A version's zip did not come, and its fetch says why."""


class Memory(Protocol):
    """What was read of versions that the storage has; nothing of those it has not."""

    def get(self, module: ModuleVersion) -> Contents | None:
        """Give what is remembered of a version."""

    def put(self, read: Iterable[tuple[ModuleVersion, Contents]]) -> None:
        """Remember what was read, in place of what was remembered of the same versions."""


@dataclass(slots=True)
class _Shelf:
    """What was read of a version, and who waits for more."""

    paths: frozenset[str] | None = None
    read: dict[str, Package] = field(default_factory=dict)
    is_all: bool = False
    waiting: list[tuple[Survey, frozenset[str]]] = field(default_factory=list)
    asked: frozenset[str] = frozenset()
    is_new: bool = False

    @classmethod
    def with_remembered(cls, contents: Contents | None) -> "_Shelf":
        """Begin with what is remembered, if anything."""
        if contents is None:
            return cls()
        return cls(contents.paths, dict(contents.read), contents.is_whole)

    def has(self, wanted: frozenset[str]) -> bool:
        """Whether all that is wanted was read, as far as it is there."""
        if self.paths is None:
            return False
        return self.is_all or (wanted != ALL and self.read.keys() >= wanted & self.paths)

    def contents(self, wanted: frozenset[str]) -> Contents:
        chosen = self.read if wanted == ALL else wanted & self.read.keys()
        read = {path: self.read[path] for path in chosen}
        return Contents(self.paths or frozenset(), read, self.is_all)

    def lacking(self) -> frozenset[str]:
        """Tell what is to be read for those that wait."""
        every = [wanted for _survey, wanted in self.waiting]
        return ALL if ALL in every else frozenset().union(*every) - self.read.keys()

    def give_up(self) -> None:
        """Have nothing more read of this version."""
        self.paths, self.is_all, self.is_new = frozenset(), True, False

    def put(self, contents: Contents) -> None:
        """Take what was read of what was asked for."""
        self.is_new = True
        self.paths = contents.paths
        self.read.update(contents.read)
        self.is_all = self.is_all or self.asked == ALL
        if self.asked != ALL:  # a package that cannot be read counts as one that is not there
            self.paths -= (self.asked & contents.paths) - contents.read.keys()


class PackageReader:
    """Feeds surveys; what was read once is remembered.

    `unread` are the versions that could not be read though their zips are here; surveys that came
    by them know not enough.
    """

    def __init__(
        self, read_packages: ReadPackages, executor: Executor, memory: Memory | None = None
    ) -> None:
        self._read_packages = read_packages
        self._executor = executor
        self._memory = memory
        self.unread: dict[ModuleVersion, GopackError] = {}
        self._shelves: dict[ModuleVersion, _Shelf] = {}

    def survey(self, surveys: Sequence[Survey], arrived: Arrived) -> None:
        """Drive surveys to their ends; `arrived` tells when a version's zip can be read."""
        jobs: Jobs[ModuleVersion, Contents] = Jobs(self._executor)
        start = partial(self._start, jobs, arrived)
        self._advance(surveys, start)
        for module, job in jobs:
            shelf = self._shelves[module]
            self._take(module, shelf, job)
            waiting, shelf.waiting = shelf.waiting, []
            fed = []
            for survey, wanted in waiting:
                if shelf.has(wanted):
                    survey.feed(module, shelf.contents(wanted))
                    fed.append(survey)
                else:
                    shelf.waiting.append((survey, wanted))
            if shelf.waiting:
                start(module)
            self._advance(fed, start)

    def _advance(self, surveys: Iterable[Survey], start: Callable[[ModuleVersion], None]) -> None:
        """Feed surveys what is known, and start to read what is not."""
        for survey in surveys:
            while needed := survey.needs():
                for module, wanted in needed.items():
                    shelf = self._shelf(module)
                    if shelf.has(wanted):
                        survey.feed(module, shelf.contents(wanted))
                        continue
                    shelf.waiting.append((survey, wanted))
                    if len(shelf.waiting) == 1:
                        start(module)

    def _take(self, module: ModuleVersion, shelf: _Shelf, job: "Future[Contents]") -> None:
        try:
            shelf.put(job.result())
        except _NotHereError:
            shelf.give_up()
        except GopackError as error:
            shelf.give_up()
            self.unread[module] = error

    def remember(self, is_recorded: Callable[[ModuleVersion], bool]) -> None:
        """Have what was read remembered for later runs, of the zips that the storage recorded.

        Surveys do not wait until a zip is verified: another may have been read, and refused.
        """
        if self._memory is not None:
            self._memory.put(
                (module, shelf.contents(ALL))
                for module, shelf in self._shelves.items()
                if shelf.is_new and is_recorded(module)
            )

    def _shelf(self, module: ModuleVersion) -> _Shelf:
        shelf = self._shelves.get(module)
        if shelf is None:
            remembered = self._memory.get(module) if self._memory is not None else None
            shelf = self._shelves[module] = _Shelf.with_remembered(remembered)
        return shelf

    def _start(
        self, jobs: Jobs[ModuleVersion, Contents], arrived: Arrived, module: ModuleVersion
    ) -> None:
        shelf = self._shelves[module]
        came = arrived(module)

        def read() -> "Future[Contents]":
            return self._read_packages(module, shelf.asked) if came.result() else _not_here()

        shelf.asked = shelf.lacking()
        jobs.after(came, module, read)


def _not_here() -> "Future[Contents]":
    future: Future[Contents] = Future()
    future.set_exception(_NotHereError())
    return future
