"""Arrivals: who needs a zip waits here until it can be read, or cannot be had."""

import threading
from collections.abc import Iterable
from concurrent.futures import Future

from gopack.spec.module import ModuleVersion


class Arrivals:
    """Zips that will come; safe from many threads. There is a future only of who waits."""

    def __init__(self, coming: Iterable[ModuleVersion] = ()) -> None:
        self._lock = threading.Lock()
        self._coming = set(coming)
        self._awaited: dict[ModuleVersion, Future[None]] = {}

    def of(self, module: ModuleVersion) -> "Future[None]":
        """Tell when a zip has come; it never fails, and is done for one that is not to come."""
        with self._lock:
            if module in self._coming:
                return self._awaited.setdefault(module, Future())
        future: Future[None] = Future()
        future.set_result(None)
        return future

    def come(self, module: ModuleVersion) -> None:
        """Let those go on that wait for a zip."""
        with self._lock:
            self._coming.discard(module)
            awaited = self._awaited.pop(module, None)
        if awaited is not None:
            awaited.set_result(None)

    def end(self) -> None:
        """Let all go on: nothing more comes."""
        for module in list(self._coming):
            self.come(module)
