"""Making versions appear: requirements first, listed roots last, nothing over what failed.

Several versions are stored at once, since a disk commits many fsyncs in about the time of one; a
version is started only after all that it requires has appeared.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Set
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from functools import partial

from gopack.errors import StoreError
from gopack.flows.jobs import Jobs
from gopack.plan.publishing import PublishOrder
from gopack.spec.module import ModuleVersion

Requirements = Mapping[ModuleVersion, Collection[ModuleVersion]]


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where versions appear.

    Args:
        store: makes one version appear; called in the executor's threads; StoreError if refused.
        stored: hears of a version that appeared; called in the thread that drives Appearing.
        refused: hears of one that the storage refused; likewise.
    """

    store: Callable[[ModuleVersion], None]
    stored: Callable[[ModuleVersion], None]
    refused: Callable[[ModuleVersion, StoreError], None]


class Appearing:
    """What is verified and has not appeared yet; driven from one thread.

    `requires` is told anew whenever more is known of the graph; versions that failed have no
    requirements and never become ready, so that nothing appears above them.
    """

    def __init__(self, shelf: Shelf, executor: Executor) -> None:
        self._shelf = shelf
        self._jobs: Jobs[ModuleVersion, None] = Jobs(executor)
        self._verified: set[ModuleVersion] = set()
        self._done: set[ModuleVersion] = set()
        self._order = PublishOrder({})
        self._last = frozenset[ModuleVersion]()

    def plan(self, requires: Requirements, last: Collection[ModuleVersion]) -> None:
        """Say what must appear before each version; those in `last` wait for `finish`."""
        self.settle()
        self._order = PublishOrder({m: r for m, r in requires.items() if m not in self._done})
        self._last = frozenset(last)
        for module in sorted(self._verified - self._done):
            self._stage(module)

    @property
    def done(self) -> Set[ModuleVersion]:
        """What has appeared, as far as it is wanted."""
        return self._done

    def withdraw(self, module: ModuleVersion) -> None:
        """Take back a version of which more is wanted; it is verified, and appears, once more."""
        self._verified.discard(module)
        self._done.discard(module)

    def verified(self, module: ModuleVersion) -> None:
        """Take a version that may appear once its requirements are there."""
        self._verified.add(module)
        self._stage(module)
        for done, job in self._jobs.finished():
            self._take(done, job)

    def given_up(self, module: ModuleVersion) -> None:
        """Let nothing wait for a version that nobody has."""
        for ready in self._order.appeared(module):
            self._start(ready)

    def settle(self) -> None:
        """Wait until all that may appear has appeared."""
        for done, job in self._jobs:
            self._take(done, job)

    def finish(self, sound: Iterable[ModuleVersion]) -> None:
        """Let the last ones appear, and of those that wait for something failed the `sound` ones.

        `sound` are the versions that lines without a failure need.
        """
        last, self._last = self._last, frozenset()
        for module in sorted(last & self._verified):
            self._stage(module)
        self.settle()
        wanted = set(sound)
        for module in self._order.blocked():
            if module in wanted and module not in self._done:
                self._start(module)
                self.settle()

    def _stage(self, module: ModuleVersion) -> None:
        if module not in self._last:
            for ready in self._order.staged(module):
                self._start(ready)

    def _start(self, module: ModuleVersion) -> None:
        self._jobs.submit(module, partial(self._shelf.store, module))

    def _take(self, module: ModuleVersion, job: Future[None]) -> None:
        try:
            job.result()
        except StoreError as error:
            self._shelf.refused(module, error)
            return
        self._done.add(module)
        self._shelf.stored(module)
        for ready in self._order.appeared(module):
            self._start(ready)
