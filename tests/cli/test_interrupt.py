"""Ctrl-C where the interpreter noted it, and nothing woke the thread that has to act on it."""

import subprocess
import sys

PROGRAM = """
import _thread, queue, signal, threading
from gopack.cli.console import make_console
from gopack.cli.failing import ends_well

signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
threading.Timer(0.3, _thread.interrupt_main).start()
with ends_well(make_console()):
    queue.SimpleQueue().get(timeout=60)
"""


def test_interrupt_noted_just_before_a_long_wait_is_acted_on() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 130, ran.stderr
    assert "interrupted" in ran.stderr
