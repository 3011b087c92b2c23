"""Arrivals: who needs a zip waits here until it can be read, or cannot be had."""

import threading
from collections.abc import Collection, Iterable
from concurrent.futures import Future
from typing import Any

from gopack.spec.module import ModuleVersion


class Arrivals:
    """Zips that will come; safe from many threads. There is a future only of who waits.

    `without` are versions that have none here and get none; any other that does not come is here.
    """

    def __init__(
        self,
        coming: Iterable[ModuleVersion] = (),
        without: Collection[ModuleVersion] = frozenset(),
    ) -> None:
        self._lock = threading.Lock()
        self._coming = set(coming)
        self._lost = set(without)
        self._awaited: dict[ModuleVersion, Future[bool]] = {}

    def of(self, module: ModuleVersion) -> "Future[bool]":
        """Tell when a zip has come, or cannot be had; see ports.Arrived."""
        with self._lock:
            if module in self._coming:
                return self._awaited.setdefault(module, Future())
            is_here = module not in self._lost
        future: Future[bool] = Future()
        future.set_result(is_here)
        return future

    def come(self, module: ModuleVersion, *, is_here: bool) -> None:
        """Let those go on that wait for a zip, which is here now, or never will be."""
        with self._lock:
            self._coming.discard(module)
            if not is_here:
                self._lost.add(module)
            awaited = self._awaited.pop(module, None)
        if awaited is not None:
            awaited.set_result(is_here)

    def come_of(self, module: ModuleVersion, job: "Future[Any]") -> None:
        """Tell what came of the job that was to bring a zip."""
        self.come(module, is_here=not job.cancelled() and job.exception() is None)

    def end(self) -> None:
        """Let all go on: nothing more comes."""
        for module in list(self._coming):
            self.come(module, is_here=False)
