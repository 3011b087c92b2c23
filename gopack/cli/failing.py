"""How a command ends: errors as a person reads them, exit statuses, Ctrl-C."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from rich.console import Console

from gopack.errors import GopackError

INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""


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
    """Turn errors into messages and exit statuses; end at once on Ctrl-C."""
    try:
        yield
    except GopackError as error:
        print_error(console, error)
        end(error.exit_status)
    except KeyboardInterrupt:
        console.print("gopack: interrupted; what is stored is whole, run again to go on")
        end(INTERRUPTED)


def end(status: int) -> NoReturn:
    """End the process now: threads that wait for a slow upstream are not waited for."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
