"""Foreseeing: what a plan will want is begun while it is still made.

As soon as a version is known to be wanted its lookup is asked for, the size of its zip, and its
info; the zip starts when its size is known, if the room is plenty. A graph is read level by level;
where the upstream is far, all this would wait for its last level.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor, Future
from contextlib import suppress
from functools import partial

from gopack.errors import StoreError
from gopack.flows.ahead import Ahead
from gopack.flows.smallfiles import SmallFileReader
from gopack.flows.verify import SumVerifier
from gopack.plan.room import Room
from gopack.ports import FetchedZip, State, Store, ZipFetcher
from gopack.spec.module import ModuleVersion

PLENTY = 2
"""Zips start before all sizes are known where so many times as much fits as is known to come."""

FILES_PER_VERSION = 4
"""Inodes a version takes: its folder and three files."""

INFOS_AT_ONCE = 8
"""So many are asked for while the graphs are read, and somewhat more sizes: zips wait for them."""


class Foresight:
    """Sizes and zips that were begun before the plan was made; used from one thread.

    What the plan does not want in the end is deleted: see `keep`.
    """

    def __init__(  # noqa: PLR0913 - what a run has, and how much of it
        self,
        reader: SmallFileReader,
        store: Store,
        zips: ZipFetcher,
        verifier: SumVerifier,
        executor: Executor,
        room: Callable[[], Room],
        *,
        sizes_at_once: int,
    ) -> None:
        self._reader = reader
        self._executor = executor
        self._store = store
        self._zips = zips
        self._verifier = verifier
        self._sizes = Ahead(executor, sizes_at_once, self._measure)
        self._infos = Ahead(executor, INFOS_AT_ONCE, reader.info)
        self._find_room = room
        self._room: Room | None = None
        self._lock = threading.Lock()
        self._wants: Mapping[ModuleVersion, bool] | None = None
        self._likely: set[ModuleVersion] = set()
        self._total_bytes = self._files = 0
        self._seen: set[ModuleVersion] = set()
        self._elsewhere: set[ModuleVersion] = set()
        """What is asked for anew, and begun by who asks: a late answer here must not begin it."""
        self._begun: dict[ModuleVersion, Future[FetchedZip]] = {}
        self._left: dict[ModuleVersion, Future[FetchedZip]] = {}

    def see(self, modules: Iterable[ModuleVersion]) -> None:
        """Begin what these versions need; only where workers wait for zips.

        Raises:
            StoreError: the storage cannot be used.
        """
        if not self._zips.can_begin:
            return
        for module in modules:
            if module in self._seen:
                continue
            self._seen.add(module)
            if self._store.state(module) is State.COMPLETE:
                continue
            self._room = self._room or self._find_room()
            self._verifier.prefetch(module)
            self._sizes.ask(module)
            self._infos.ask(module)

    def expect(self, modules: Iterable[ModuleVersion]) -> None:
        """Begin the zips of versions that are wanted without, and keep them until `end`.

        May be called from another thread than the rest, but not beside `see`.

        Raises:
            StoreError: the storage cannot be used.
        """
        if not self._zips.can_begin:
            return
        with self._lock:
            self._likely.update(modules)
        for module in sorted(self._likely):
            if self._store.state(module) is not State.COMPLETE:
                self._room = self._room or self._find_room()
                self._sizes.ask(module)

    def size(self, module: ModuleVersion) -> "Future[int | None]":
        """Tell the size of a version's zip; it is asked for now if it was not foreseen."""
        found = self._sizes.take(module)
        if found is None:
            with self._lock:
                self._elsewhere.add(module)
            found = self._executor.submit(self._reader.zip_size, module)
        return found

    def info(self, module: ModuleVersion) -> "Future[bytes] | None":
        """Give the info of a version that was foreseen, once; None of any other."""
        return self._infos.take(module)

    def keep(self, wants: Mapping[ModuleVersion, bool]) -> None:
        """Let go of what is not wanted, or without its zip: a line may have failed.

        What no worker has yet is not begun, the rest is deleted when it has come. `wants` tells of
        each version that is wanted if its zip is; it may grow.
        """
        with self._lock:
            self._wants = wants
            unwanted = [module for module in self._begun if not self._may_come(module)]
            left = {module: self._begun.pop(module) for module in unwanted}
            under_way = {module: job for module, job in left.items() if not job.cancel()}
            self._left |= under_way
        for module, job in under_way.items():
            job.add_done_callback(partial(self._discard, module))
        self._sizes.drop(lambda module: not self._may_come(module))
        self._infos.drop(lambda module: module not in wants and module not in self._likely)

    def end(self) -> None:
        """Expect nothing more: let go of what is not wanted now."""
        with self._lock:
            self._likely.clear()
        self.keep(self._wants or {})

    def hurry(self) -> None:
        """Ask for all that waits: there is nothing else to be asked now."""
        self._sizes.hurry()
        self._infos.hurry()

    def take(self, module: ModuleVersion) -> "Future[FetchedZip] | None":
        """Give a zip that was begun, once; None of any other."""
        with self._lock:
            return self._begun.pop(module, None) or self._left.pop(module, None)

    def _discard(self, module: ModuleVersion, job: "Future[FetchedZip]") -> None:
        """Delete a zip that came too late, unless it is wanted again."""
        with self._lock:
            if self._left.pop(module, None) is not None and job.exception() is None:
                with suppress(StoreError):  # the next run deletes it
                    self._zips.discard(job.result())

    def _measure(self, module: ModuleVersion) -> int | None:
        """Ask for the size of a version's zip, and begin it."""
        size_bytes = self._reader.zip_size(module)
        self._begin(module, size_bytes or 0)
        return size_bytes

    def _begin(self, module: ModuleVersion, size_bytes: int) -> None:
        assert self._room is not None  # it was looked for before the first size was
        with self._lock:
            self._total_bytes += size_bytes
            self._files += FILES_PER_VERSION
            is_plenty = self._room.has(PLENTY * self._total_bytes, PLENTY * self._files)
            if is_plenty and self._may_come(module) and module not in self._elsewhere:
                self._begun[module] = self._zips.fetch(module, size_bytes=size_bytes)

    def _may_come(self, module: ModuleVersion) -> bool:
        """Whether a version is wanted with its zip, or may be yet."""
        return self._wants is None or self._wants.get(module, False) or module in self._likely
