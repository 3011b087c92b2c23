"""How many requests are under way at once, over all processes of a run.

Rules kept:
- a slot is held by an open file: what a process had when it died is free again;
- nothing lies in the storage, which may be on a network's disk, and nothing is left of it.

A slot is a byte of a file without a name, locked by an open file description; other processes open
it by way of the one that made it. Where there are no such locks, each process has as many slots.

Spec: fcntl(2), open file description locks; memfd_create(2).
"""

import fcntl
import os
import random
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_LOCK = struct.Struct("hhqqi4x")  # struct flock of 64-bit Linux: type, whence, start, length, pid
_TRY = getattr(fcntl, "F_OFD_SETLK", None)
_CHANCE = random.SystemRandom()  # processes that were forked have one state of the other kind
_LOOK_AGAIN_S = (0.001, 0.003)
IS_SHARED = _TRY is not None and hasattr(os, "memfd_create")
"""Whether slots can be shared by processes here."""


class Slots:
    """So many requests at once; it crosses process boundaries while this process lives."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._path = ""
        self._own = threading.BoundedSemaphore(count)
        if IS_SHARED:
            self._file = os.fdopen(os.memfd_create("gopack-slots"), "rb")
            self._path = f"/proc/{os.getpid()}/fd/{self._file.fileno()}"

    def __getstate__(self) -> tuple[int, str]:
        return self.count, self._path

    def __setstate__(self, state: tuple[int, str]) -> None:
        self.count, self._path = state
        self._own = threading.BoundedSemaphore(self.count)

    def close(self) -> None:
        """Let go of the file, once nobody asks any more."""
        if self._path:
            self._file.close()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Wait for a slot, and have it until the block ends."""
        if not self._path:
            with self._own:
                yield
            return
        file = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        try:
            self._take(file)
            yield
        finally:
            os.close(file)

    def _take(self, file: int) -> None:
        """Look for a free one until there is one: to wait for one lock is to miss the others."""
        while not any(_try(file, number) for number in self._order()):
            time.sleep(_CHANCE.uniform(*_LOOK_AGAIN_S))

    def _order(self) -> Iterator[int]:
        first = _CHANCE.randrange(self.count)  # so that few want the same one
        return (number % self.count for number in range(first, first + self.count))


def _try(file: int, number: int) -> bool:
    try:
        fcntl.fcntl(file, _TRY, _lock(number))  # type: ignore[arg-type]
    except OSError:  # held
        return False
    return True


def _lock(number: int) -> bytes:
    return _LOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, number, 1, 0)
