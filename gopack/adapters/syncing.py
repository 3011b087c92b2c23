"""Waiting until many files are on the disk: one syncfs(2) where it promises as much as fsync.

Rules:
- It is used on ext4 and XFS with Linux 5.8 or newer alone: there it waits for contents, names and
  the disk's own cache, and tells of every write that failed since the descriptor was opened. FUSE
  does not pass it on, and older kernels keep failures to themselves.
- It waits for what others write, too. Where that once took long, each file is waited for alone.

Spec: syncfs(2), fsync(2), proc_pid_mountinfo(5).
"""

import ctypes
import os
import re
import sys
import time
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SLOW_S = 1.0
"""A syncfs that takes longer waited for others: what gopack has to write meanwhile is little."""

SYSTEMS = {"ext4", "xfs"}
TOLD_SINCE = (5, 8)
_SETTLERS = 16  # journals write the waiting fsyncs of several threads in one go
_MOUNTS = Path("/proc/self/mountinfo")
_dependable: dict[int, bool] = {}


def sync_all(disk: int, paths: Collection[Path]) -> None:
    """Wait until files and folders are on the disk that the descriptor `disk` is open on.

    It was opened before they were written, so that no failure is missed. Raises OSError.
    """
    device = os.fstat(disk).st_dev
    if device not in _dependable:
        _dependable[device] = is_dependable(device)
    if not _dependable[device]:
        _sync_each(paths)
        return
    began = time.monotonic()
    syncfs(disk)
    _dependable[device] = time.monotonic() - began < SLOW_S


def syncfs(descriptor: int) -> None:
    """Wait until all that was written to a file system is on its disk. Raises OSError."""
    if ctypes.CDLL(None, use_errno=True).syncfs(descriptor):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def is_dependable(device: int) -> bool:
    """Tell whether syncfs on this device promises what fsync of each file does."""
    if sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "syncfs"):
        return False
    version = re.match(r"(\d+)\.(\d+)", os.uname().release)
    if version is None or (int(version[1]), int(version[2])) < TOLD_SINCE:
        return False
    try:
        mounts = _MOUNTS.read_text(errors="replace").splitlines()
    except OSError:
        return False
    return file_system(mounts, device) in SYSTEMS


def file_system(mounts: Iterable[str], device: int) -> str:
    """Name the file system of a device by the lines of mountinfo; empty if it is not there."""
    number = f"{os.major(device)}:{os.minor(device)}"
    for line in mounts:
        before, _, after = line.partition(" - ")
        if before.split()[2:3] == [number]:
            return after.split(" ")[0]
    return ""


def _sync_each(paths: Collection[Path]) -> None:
    if not paths:
        return
    with ThreadPoolExecutor(min(_SETTLERS, len(paths)), thread_name_prefix="fsync") as pool:
        list(pool.map(_fsync, paths))


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
