"""One run at a time on one storage: an exclusive lock on a file, which names its holder.

The system drops the lock when its holder ends, however it ends; what the file says is only for
people. Source: flock(2).
"""

import errno
import fcntl
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gopack.adapters.diskerrors import disk_errors, store_error
from gopack.errors import StoreError

LOCK_WAIT_S = 24 * 3600.0
"""A second run waits for the first; a day is longer than any."""

_POLL_S = 0.1
_BUSY = {errno.EAGAIN, errno.EACCES}


@contextmanager
def locked(
    path: Path, *, wait_s: float, on_wait: Callable[[str], None] | None = None
) -> Iterator[None]:
    """Hold the lock; another holder is waited for, `wait_s` seconds at most.

    Args:
        path: the lock's file; its folder is there.
        wait_s: 0 fails at once.
        on_wait: told once, with who holds the lock, before the waiting starts.

    Raises:
        StoreError: if the lock is still held after the time, or the file cannot be written.

    """
    with disk_errors("open the storage's lock", path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    try:
        _acquire(descriptor, path, wait_s, on_wait)
        with disk_errors("write the storage's lock", path):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()} {socket.gethostname()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _acquire(
    descriptor: int, path: Path, wait_s: float, on_wait: Callable[[str], None] | None
) -> None:
    deadline = time.monotonic() + wait_s
    told = False
    while not _try_lock(descriptor, path):
        holder = _holder(descriptor)
        if time.monotonic() >= deadline:
            raise StoreError(
                f"another gopack run uses this storage ({holder})",
                where=str(path),
                hint="wait until it ends, or end it, and run again",
            )
        if on_wait is not None and not told:
            on_wait(holder)
            told = True
        time.sleep(_POLL_S)


def _try_lock(descriptor: int, path: Path) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _BUSY:
            return False
        raise store_error(error, "lock the storage", path) from error
    return True


def _holder(descriptor: int) -> str:
    words = os.pread(descriptor, 300, 0).decode(errors="replace").split()
    return f"process {words[0]} on {words[1]}" if len(words) == 2 else "an unknown process"
