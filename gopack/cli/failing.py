"""How a command ends: errors as a person reads them, exit statuses, Ctrl-C."""

import contextlib
import errno
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from rich.console import Console

from gopack.cli.early import INTERRUPTED, quit_now
from gopack.cli.jsonreport import write_failure, write_interrupted
from gopack.errors import GopackError, StoreError

_OUTPUT_FAILS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EPIPE})

LOOK_S = 0.25
"""The seconds between two looks whether Ctrl-C was pressed."""


def print_error(console: Console, error: GopackError, *, where: str = "") -> None:
    """Print an error and what to do about it; `where` stands before it if it is not in there."""
    prefix = f"{where}: " if where else ""
    console.print(f"gopack: {prefix}{error}", style="red", markup=False, highlight=False)
    console.print(f"    hint: {error.next_step}", markup=False, highlight=False)


def print_line_error(console: Console, error: GopackError, *, where: str, text: str) -> None:
    """Print a line's error: where the line is, its text unless the error says it, and the error."""
    is_told = text in {error.where, where}
    print_error(console, error, where=where if is_told else f"{where}: {text}")


@contextmanager
def ends_well(console: Console) -> Iterator[None]:
    """Turn errors into messages, exit statuses and --json's report; end at once on Ctrl-C."""
    try:
        with _awake():
            yield
    except GopackError as error:
        print_error(console, error)
        write_failure(error)
        end(error.exit_status)
    except OSError as error:
        if error.filename is not None or error.errno not in _OUTPUT_FAILS:
            raise
        failed = StoreError(
            f"cannot be written: {error.strerror}",
            where="the output",
            hint="Make room where it goes, or send it elsewhere; the storage is whole.",
        )
        with contextlib.suppress(OSError):  # where it was the errors' own
            print_error(console, failed)
        write_failure(failed)
        end(failed.exit_status)
    except KeyboardInterrupt:
        console.print("gopack: interrupted; what is stored is whole, run again to go on")
        write_interrupted(INTERRUPTED)
        end(INTERRUPTED)


@contextmanager
def _awake() -> Iterator[None]:
    """Have an interrupt raise, and the main thread look for it again and again while it waits.

    The interpreter notes a signal and acts on it between two steps of the main thread. One that
    comes after the last look, and just before the thread begins to wait, would be acted on when the
    wait is over. A timer's signal ends the wait for a moment; processes that are started have none.
    """
    if threading.current_thread() is not threading.main_thread():  # it alone hears of signals
        yield
        return
    before = signal.signal(signal.SIGALRM, _look)
    is_early = signal.getsignal(signal.SIGINT) is quit_now
    signal.setitimer(signal.ITIMER_REAL, LOOK_S, LOOK_S)
    try:
        if is_early:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        yield
    finally:
        if is_early:
            signal.signal(signal.SIGINT, quit_now)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _look(_signal: int, _frame: FrameType | None) -> None:
    """Do nothing: that the interpreter came here is all."""


def end(status: int) -> NoReturn:
    """End the process now: threads that wait for a slow upstream are not waited for."""
    for stream in filter(None, (sys.stdout, sys.stderr)):  # None where it is closed (`>&-`)
        with contextlib.suppress(OSError):  # a full disk or a closed pipe behind it: told before
            stream.flush()
    os._exit(status)


@contextmanager
def sigterm_interrupts() -> Iterator[None]:
    """End on SIGTERM as on Ctrl-C: what was started is taken away."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_signal: int, _frame: object) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
