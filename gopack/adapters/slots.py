"""How many requests are under way at once, over all processes of a run.

Rules kept:
- a slot is held by an open file: what a process had when it died is free again;
- nothing lies in the storage, which may be on a network's disk, and nothing is left of it;
- where all are held, one thread a process looks for one, and the others wait for that: with 32 of
  them looking, a server 100 ms away cost six processor seconds of a run.

A slot is a byte of a file without a name, locked by an open file description; other processes open
it by way of the one that made it. A process keeps the files that it opened, and tries first the
slot that it had with one. Where there are no such locks, each process has as many slots.

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
from typing import NamedTuple

_LOCK = struct.Struct("hhqqi4x")  # struct flock of 64-bit Linux: type, whence, start, length, pid
_SET = getattr(fcntl, "F_OFD_SETLK", 0)
_CHANCE = random.SystemRandom()  # processes that were forked have one state of the other kind
_LOOK_AGAIN_S = (0.001, 0.003)
IS_SHARED = _SET != 0 and hasattr(os, "memfd_create")
"""Whether slots can be shared by processes here."""


class _Opened(NamedTuple):
    """An open file of slots, and the slot that was last had with it."""

    file: int
    slot: int


class Slots:
    """So many requests at once; it crosses process boundaries while this process lives."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._path = ""
        if IS_SHARED:
            self._file = os.fdopen(os.memfd_create("gopack-slots"), "rb")
            self._path = f"/proc/{os.getpid()}/fd/{self._file.fileno()}"
        self._begin()

    def __getstate__(self) -> tuple[int, str]:
        return self.count, self._path

    def __setstate__(self, state: tuple[int, str]) -> None:
        self.count, self._path = state
        self._begin()

    def _begin(self) -> None:
        self._own = threading.BoundedSemaphore(self.count)
        self._looking = threading.Lock()
        self._pid = os.getpid()
        self._idle: list[_Opened] = []

    def close(self) -> None:
        """Let go of the file, once nobody asks any more."""
        while self._idle:
            os.close(self._idle.pop().file)
        if self._path:
            self._file.close()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Wait for a slot, and have it until the block ends."""
        if not self._path:
            with self._own:
                yield
            return
        taken = self._take()
        try:
            yield
        finally:
            fcntl.fcntl(taken.file, _SET, _lock(fcntl.F_UNLCK, taken.slot))
            self._idle.append(taken)

    def _take(self) -> _Opened:
        """Look for a free one until there is one: to wait for one lock is to miss the others."""
        file, first = self._open()
        try:
            with self._looking:
                while True:
                    for slot in (*range(first, self.count), *range(first)):
                        if _try(file, slot):
                            return _Opened(file, slot)
                    time.sleep(_CHANCE.uniform(*_LOOK_AGAIN_S))
        except BaseException:
            os.close(file)
            raise

    def _open(self) -> _Opened:
        if self._pid != os.getpid():  # forked, and what was open is closed or the parent's
            self._begin()
        try:
            return self._idle.pop()
        except IndexError:
            file = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
            return _Opened(file, _CHANCE.randrange(self.count))  # so that few want the same one


def _try(file: int, slot: int) -> bool:
    try:
        fcntl.fcntl(file, _SET, _lock(fcntl.F_WRLCK, slot))
    except OSError:  # held
        return False
    return True


def _lock(kind: int, slot: int) -> bytes:
    return _LOCK.pack(kind, os.SEEK_SET, slot, 1, 0)
