"""What finished runs left on the disk, which costs the runs after them if it is deleted at once.

For a minute, or six where that is not yet on the disk, ext4 looks past each file that was just
deleted when it makes another: up to a fifth of the processor time of what comes next, the go
command most. So it goes at the very end; where the disk is too small for that, between two parts
of the benchmark, and what comes next waits.

Spec: Linux fs/ext4/ialloc.c, recently_deleted.
"""

import atexit
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FORGOTTEN_S = 370
"""RECENTCY_MIN + RECENTCY_DIRTY, and a little."""

LEAST_BYTES = 8 << 30
"""With less free disk than this, what a run left is removed at once."""

_LEFT: list[Path] = []


@contextmanager
def new_folder() -> Iterator[Path]:
    """A folder on the disk that holds temporary files, removed when the program ends, or before."""
    folder = Path(tempfile.mkdtemp(prefix="gopack-bench-"))
    try:
        yield folder
    finally:
        _LEFT.append(folder)
        if free_bytes() < LEAST_BYTES:
            _delete()


def free_bytes() -> int:
    """How much the disk of temporary files has free."""
    return shutil.disk_usage(tempfile.gettempdir()).free


def make_room(needed_bytes: float) -> None:
    """Delete what was left if the disk has less free than this beside LEAST_BYTES, and wait."""
    if not _LEFT or free_bytes() >= needed_bytes + LEAST_BYTES:
        return
    print(f"deleting what was left, and waiting {FORGOTTEN_S} s until ext4 forgets it", flush=True)
    _delete()
    os.sync()
    time.sleep(FORGOTTEN_S)


def _delete() -> None:
    while _LEFT:
        shutil.rmtree(_LEFT.pop())


atexit.register(_delete)
