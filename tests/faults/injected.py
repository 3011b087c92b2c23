"""Faults at the system calls of one run, counted over all its processes.

The runner of the harness calls `install_from_environment` in the program's own process and in its
worker processes. Each call that changes the storage is a step; the step with the number that
GOPACK_FAULT_AT says kills the whole run, or fails with the error that GOPACK_FAULT_KIND names and
goes on failing. A write does half of its work first. Without a number the steps are only counted.
"""

import builtins
import errno
import io
import itertools
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from gopack.adapters import syncing

ROOT = "GOPACK_FAULT_ROOT"
"""Names the storage: calls elsewhere are left alone."""

STEPS = "GOPACK_FAULT_STEPS"
"""Names a file that grows by a byte a step, so that processes count together.

The byte is a `+` where the step needs room on the disk, else a `.`.
"""

ROOMY = b"+"

AT = "GOPACK_FAULT_AT"
KIND = "GOPACK_FAULT_KIND"
KILL = "kill"

CLOCK = "GOPACK_FAULT_CLOCK"
"""Makes the time of day jump by days, forwards and back; the number is the seed."""

_BY_PATH = ("rename", "replace", "unlink", "mkdir", "rmdir", "chmod", "truncate")
_BY_DESCRIPTOR = ("fsync", "fdatasync", "fchmod", "ftruncate", "pwrite")
_NEEDS_ROOM = {"mkdir", "pwrite", "create", "write"}
_REAL_OPEN: Final = io.open
_REAL_OS_OPEN: Final = os.open
_REAL_OS_WRITE: Final = os.write
_REAL_READLINK: Final = os.readlink


class Injector:
    """Counts steps and makes one of them fail."""

    def __init__(self, root: str, steps: str, at: int, kind: str) -> None:
        self._root = root
        self._at = at
        self._kind = kind
        self._lock = threading.Lock()
        self._steps = _REAL_OS_OPEN(steps, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def concerns(self, path: object) -> bool:
        """Whether a path, or an open file, lies in the storage."""
        try:
            text = _REAL_READLINK(f"/proc/self/fd/{path}") if isinstance(path, int) else path
            return str(Path(os.fspath(text)).absolute()).startswith(self._root)  # type: ignore[call-overload]
        except (OSError, TypeError):
            return False

    def step(self, name: str, half: Callable[[], object] = lambda: None) -> None:
        """Take one step: go on, be killed, or fail as a disk fails."""
        with self._lock:
            _REAL_OS_WRITE(self._steps, ROOMY if name in _NEEDS_ROOM else b".")
            number = os.lseek(self._steps, 0, os.SEEK_CUR)
        if not self._at or number < self._at:
            return
        if self._kind == KILL:
            if number == self._at:
                half()
            os.killpg(0, signal.SIGKILL)
        code = getattr(errno, self._kind)
        if code == errno.ENOSPC and name not in _NEEDS_ROOM:
            return
        half()
        raise OSError(code, os.strerror(code))


def install_from_environment() -> None:
    """Stand between this process and its calls, if the environment says so."""
    if STEPS in os.environ:
        env = os.environ
        _install(Injector(env[ROOT], env[STEPS], int(env.get(AT, "0")), env.get(KIND, KILL)))
    if CLOCK in os.environ:
        _install_clock(random.Random(os.environ[CLOCK]))


def _install_clock(chance: random.Random) -> None:
    real = time.time
    jumps = itertools.cycle(chance.uniform(-1e7, 1e7) for _ in range(1000))
    time.time = lambda: real() + next(jumps)
    time.time_ns = lambda: int(time.time() * 1e9)


def _install(injector: Injector) -> None:
    for name in (*_BY_PATH, *_BY_DESCRIPTOR):
        setattr(os, name, _wrapped(injector, name, getattr(os, name)))
    setattr(syncing, "syncfs", _wrapped(injector, "syncfs", syncing.syncfs))  # noqa: B010 - as all

    def os_open(path: Any, flags: int, *rest: Any, **named: Any) -> int:
        if flags & os.O_CREAT and injector.concerns(path) and not Path(path).exists():
            injector.step("create")
        return _REAL_OS_OPEN(path, flags, *rest, **named)

    def open_file(file: Any, mode: str = "r", *rest: Any, **named: Any) -> Any:
        if not set(mode) & set("wxa+") or "b" not in mode or not injector.concerns(file):
            return _REAL_OPEN(file, mode, *rest, **named)
        if not isinstance(file, int) and not Path(file).exists():
            injector.step("create")
        raw = io.FileIO(file, mode.replace("b", ""))
        kind = _Random if "+" in mode else _Writer
        opened = kind(raw)
        opened.injector = injector
        return opened

    os.open = os_open
    io.open = open_file
    builtins.open = open_file


def _wrapped(injector: Injector, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
    def call(path: Any, *rest: Any, **named: Any) -> Any:
        if injector.concerns(path):
            injector.step(name)
        return real(path, *rest, **named)

    return call


class _Writer(io.BufferedWriter):
    """A file that writes in steps."""

    injector: Injector

    def write(self, data: Any, /) -> int:
        self.injector.step("write", lambda: self._half(data))
        return super().write(data)

    def _half(self, data: Any) -> None:
        super().write(memoryview(data)[: len(data) // 2])
        super().flush()


class _Random(io.BufferedRandom):
    """A file that is read, and written in steps."""

    injector: Injector

    def write(self, data: Any, /) -> int:
        self.injector.step("write", lambda: self._half(data))
        return super().write(data)

    def _half(self, data: Any) -> None:
        super().write(memoryview(data)[: len(data) // 2])
        super().flush()
