"""Commands that run side by side and end together, with all that they start.

Rules:
- Each leads a session of its own: what it started is ended with it, and Ctrl-C does not reach it by
  itself. Whoever runs commands ends them: `end`.
- Whoever waits for one that was ended does not wait for what it started and left behind.

Spec: setsid(2), kill(2) with a process group.
"""

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_LAST_WORDS_S = 5.0
"""How long something may hold on to the output of a command that was ended."""


class CommandGroup:
    """Commands under way. Safe from many threads at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._is_over = False

    def run(
        self, command: Sequence[str], *, folder: Path, env: Mapping[str, str], timeout_s: float
    ) -> tuple[int, str, str]:
        """Run a command; give its exit status, which is negative for a signal, and both outputs.

        Raises:
            TimeoutError: it did not end in time, and was ended.
        """
        with self._lock:
            if self._is_over:
                return -signal.SIGKILL, "", ""
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                start_new_session=True,
            )
            self._running.add(process)
        try:
            stdout, stderr = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(f"{command[0]} did not end in {timeout_s} s") from error
        finally:
            self._forget(process)
        return process.returncode, stdout, stderr

    def end(self) -> None:
        """End all commands, and run none from now on."""
        with self._lock:
            self._is_over = True
            for process in self._running:
                _kill(process)

    def _forget(self, process: subprocess.Popen[str]) -> None:
        with self._lock:
            self._running.discard(process)
            if process.returncode is not None:
                return
            _kill(process)
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=_LAST_WORDS_S)


def _kill(process: subprocess.Popen[str]) -> None:
    """End a command and what it started, unless somebody heard of its end: its number is free."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
