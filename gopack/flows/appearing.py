"""Making versions appear: requirements first, listed roots last, nothing over what failed.

Versions are stored in batches, one at a time, since a disk is waited for as long for many as for
one: all that may appear when a batch has ended are the next. A version is in one only after all
that it requires has appeared, so none of a batch requires another.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from functools import partial

from gopack.errors import StoreError
from gopack.flows.jobs import Jobs
from gopack.plan.publishing import PublishOrder
from gopack.spec.module import ModuleVersion

STORED_AT_ONCE = 128
"""Versions in a batch at most: so many are staged together, and lost together by a kill."""

Batch = tuple[ModuleVersion, ...]

Requirements = Mapping[ModuleVersion, Collection[ModuleVersion]]


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where versions appear.

    Args:
        store: makes versions appear, and tells which were refused, and why; called in the
            executor's threads, once at a time.
        stored: hears of a version that appeared; called in the thread that drives Appearing.
        refused: hears of one that the storage refused; likewise.
    """

    store: Callable[[Sequence[ModuleVersion]], Mapping[ModuleVersion, StoreError]]
    stored: Callable[[ModuleVersion], None]
    refused: Callable[[ModuleVersion, StoreError], None]


class Appearing:
    """What is verified and has not appeared yet; driven from one thread.

    `requires` is told anew whenever more is known of the graph; versions that failed have no
    requirements and never become ready, so that nothing appears above them.
    """

    def __init__(self, shelf: Shelf, executor: Executor) -> None:
        self._shelf = shelf
        self._jobs: Jobs[Batch, Mapping[ModuleVersion, StoreError]] = Jobs(executor)
        self._ready: list[ModuleVersion] = []
        self._is_storing = self._is_stopped = False
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
        self._go_on()

    def given_up(self, module: ModuleVersion) -> None:
        """Let nothing wait for a version that nobody has."""
        self._ready += self._order.appeared(module)
        self._go_on()

    def settle(self) -> None:
        """Wait until all that may appear has appeared."""
        self._go_on()
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
                self._ready.append(module)
                self.settle()

    def stop(self) -> None:
        """Have no other batch begin; may be called from any thread."""
        self._is_stopped = True

    def take_last(self, seconds: float) -> None:
        """Take the batch that is under way, if it ends in this time."""
        for done, job in self._jobs.within(seconds):
            self._take(done, job)

    def _stage(self, module: ModuleVersion) -> None:
        if module not in self._last:
            self._ready += self._order.staged(module)

    def _go_on(self) -> None:
        """Start the next batch, unless one is under way, or the run was broken off."""
        if self._ready and not self._is_storing and not self._is_stopped:
            batch = tuple(self._ready[:STORED_AT_ONCE])
            del self._ready[:STORED_AT_ONCE]
            self._is_storing = True
            self._jobs.submit(batch, partial(self._shelf.store, batch))

    def _take(self, batch: Batch, job: Future[Mapping[ModuleVersion, StoreError]]) -> None:
        self._is_storing = False
        refused = job.result()
        for module in batch:
            if module in refused:
                self._verified.discard(module)  # it failed, and a later plan must not try it again
                self._shelf.refused(module, refused[module])
                continue
            self._done.add(module)
            self._shelf.stored(module)
            self._ready += self._order.appeared(module)
        self._go_on()
