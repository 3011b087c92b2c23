"""Foreseeing: what a plan will want is begun while it is still made.

As soon as a version is known to be wanted its lookup is asked for, the size of its zip, and its
info; the zip starts when its size is known, if the room is plenty. A graph is read level by level;
where the upstream is far, all this would wait for its last level.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future

from gopack.flows.smallfiles import SmallFileReader
from gopack.flows.verify import SumVerifier
from gopack.plan.room import Room
from gopack.ports import FetchedZip, State, Store, ZipFetcher
from gopack.spec.module import ModuleVersion

PLENTY = 2
"""Zips start before all sizes are known where so many times as much fits as is known to come."""

FILES_PER_VERSION = 4
"""Inodes a version takes: its folder and three files."""

MOST_ASKED = 24
"""Sizes and infos asked for at once while the graphs are read: these come first."""


class Foresight:
    """Sizes and zips that were begun before the plan was made; used from one thread.

    What the plan does not want in the end is left to `Store.forget_incoming`.
    """

    def __init__(
        self,
        reader: SmallFileReader,
        store: Store,
        zips: ZipFetcher,
        verifier: SumVerifier,
        executor: Executor,
        room: Callable[[], Room],
    ) -> None:
        self._reader = reader
        self._store = store
        self._zips = zips
        self._verifier = verifier
        self._executor = executor
        self._find_room = room
        self._room: Room | None = None
        self._lock = threading.Lock()
        self._sizeless: deque[ModuleVersion] = deque()
        self._infoless: deque[ModuleVersion] = deque()
        self._askers = 0
        self._total_bytes = self._files = 0
        self._sizes: dict[ModuleVersion, Future[int | None]] = {}
        self._infos: dict[ModuleVersion, Future[bytes]] = {}
        self._begun: dict[ModuleVersion, Future[FetchedZip]] = {}

    def see(self, modules: Iterable[ModuleVersion]) -> None:
        """Begin what these versions need; only where workers wait for zips.

        Raises:
            StoreError: the storage cannot be used.
        """
        if not self._zips.can_begin:
            return
        for module in modules:
            if module in self._sizes or self._store.state(module) is State.COMPLETE:
                continue
            self._room = self._room or self._find_room()
            self._sizes[module], self._infos[module] = Future(), Future()
            self._verifier.prefetch(module)
            with self._lock:
                self._sizeless.append(module)
                self._infoless.append(module)
            self._ask_more(MOST_ASKED)

    def size(self, module: ModuleVersion) -> "Future[int | None]":
        """Tell the size of a version's zip; it is asked for now if it was not foreseen."""
        found = self._sizes.get(module)
        return found or self._executor.submit(self._reader.zip_size, module)

    def info(self, module: ModuleVersion) -> "Future[bytes] | None":
        """Give the info of a version that was foreseen; None of any other."""
        return self._infos.get(module)

    def hurry(self) -> None:
        """Ask for all that waits: there is nothing else to be asked now."""
        for _ in range(len(self._sizeless) + len(self._infoless)):
            self._ask_more(MOST_ASKED * MOST_ASKED)

    def take(self, module: ModuleVersion) -> "Future[FetchedZip] | None":
        """Give a zip that was begun, once; None of any other."""
        return self._begun.pop(module, None)

    def _ask_more(self, most: int) -> None:
        """Ask at once for one more, if less is asked for."""
        with self._lock:
            if self._askers >= most:
                return
            self._askers += 1
        self._executor.submit(self._ask_all)

    def _ask_all(self) -> None:
        """Ask for sizes, then for infos, until nothing waits."""
        while True:
            with self._lock:
                if self._sizeless:
                    ask, module = self._ask_size, self._sizeless.popleft()
                elif self._infoless:
                    ask, module = self._ask_info, self._infoless.popleft()
                else:
                    self._askers -= 1
                    return
            ask(module)

    def _ask_size(self, module: ModuleVersion) -> None:
        try:
            size_bytes = self._reader.zip_size(module)
            self._begin(module, size_bytes or 0)
        except BaseException as error:  # noqa: BLE001 - whoever waits for the size sees it
            self._sizes[module].set_exception(error)
        else:
            self._sizes[module].set_result(size_bytes)

    def _ask_info(self, module: ModuleVersion) -> None:
        try:
            info = self._reader.info(module)
        except BaseException as error:  # noqa: BLE001 - whoever waits for the info sees it
            self._infos[module].set_exception(error)
        else:
            self._infos[module].set_result(info)

    def _begin(self, module: ModuleVersion, size_bytes: int) -> None:
        assert self._room is not None  # it was looked for before the first size was
        with self._lock:
            self._total_bytes += size_bytes
            self._files += FILES_PER_VERSION
            is_plenty = self._room.has(PLENTY * self._total_bytes, PLENTY * self._files)
        if is_plenty:
            self._begun[module] = self._zips.fetch(module, size_bytes=size_bytes)
