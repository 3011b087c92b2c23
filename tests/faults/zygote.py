"""Starts whole runs of gopack quickly: one process that has imported it, forked for each run.

Reads a line of JSON for each run from standard input, writes one when it has started and one when
it has ended. Each run is the leader of a process group of its own, its worker processes in it.
"""

import contextlib
import ctypes
import gc
import json
import os
import signal
import sys
from importlib import import_module
from typing import Any

from tests.faults.injected import install_from_environment

NEEDED = (
    "cryptography.hazmat.primitives.asymmetric.ed25519",
    "cryptography.hazmat.primitives.ciphers.aead",
    "encodings.idna",
    "gopack.adapters.trickle",
    "gopack.cli.fetch",
    "httptools",
    "httpx",
    "multiprocessing.popen_fork",
    "multiprocessing.popen_spawn_posix",
    "socksio",
    "sqlite3",
    "statistics",
    "urllib.request",
)
"""What runs import late, from files that another user may not be able to read."""

PR_SET_DUMPABLE = 4

if __name__ == "__mp_main__":  # a worker process of a run
    install_from_environment()


def main() -> None:
    for name in NEEDED:
        import_module(name)
    gc.freeze()  # what a fork does not write to stays shared
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _run(request)
        with contextlib.suppress(PermissionError):  # the child was quicker
            os.setpgid(pid, pid)
        _tell({"pid": pid})
        _, status = os.waitpid(pid, 0)
        _tell({"status": os.waitstatus_to_exitcode(status)})


def _tell(answer: dict[str, int]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _run(request: dict[str, Any]) -> None:
    """Be the run; never comes back."""
    os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(request["folder"])
    for number, name in ((0, os.devnull), (1, "stdout.txt"), (2, "stderr.txt")):
        flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        os.dup2(os.open(name, flags, 0o644), number)
    os.environ.clear()
    os.environ.update(request["env"])
    install_from_environment()
    if "GOPACK_FAULT_USER" in os.environ:
        os.setgroups([])
        os.setgid(int(os.environ["GOPACK_FAULT_USER"]))
        os.setuid(int(os.environ["GOPACK_FAULT_USER"]))
        # A process that changed its user may not read its own /proc; one that never did may.
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
    try:
        import_module("gopack.cli.main").main(request["arguments"], prog_name="gopack")
    except SystemExit as ended:
        os._exit(ended.code if isinstance(ended.code, int) else 1)
    except BaseException:  # noqa: BLE001 - told as the interpreter would
        sys.excepthook(*sys.exc_info())
    sys.stderr.flush()
    os._exit(70)


if __name__ == "__main__":
    main()
