"""Ctrl-C from the first moment on: an exit status and no traceback, whatever is just being loaded.

What a command loads takes a tenth of a second and more, and click makes of an interrupt in there a
status of its own. So until `cli.failing` takes over, the signal ends the process. This module loads
next to nothing.
"""

import os
import signal

INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""


def quit_on_interrupt() -> None:
    """End at once on Ctrl-C from here on; where the signal is ignored it stays so."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, quit_now)


def quit_now(_signal: int, _frame: object) -> None:
    """End the process: nothing was begun that is to be cleared away."""
    try:
        os.write(2, b"gopack: interrupted\n")
    finally:
        os._exit(INTERRUPTED)
