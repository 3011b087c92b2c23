"""Starts whole runs of gopack quickly: one process that has imported it, forked for each run.

    run = launch(["fetch", "--json", "-"], folder=tmp_path, env={...})
    out, err = run.communicate(timeout=30)

A run is a process of its own as far as anybody can see: its folder, environment, files, signals
and worker processes. Only the imports, most of a short run's time, are done once.
"""

import atexit
import contextlib
import functools
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[1]
MAX_REQUEST_BYTES = 1 << 17


class Run:
    """A run under way, with what tests use of subprocess.Popen."""

    def __init__(self, answers: int, out: int, err: int) -> None:
        self._answers = os.fdopen(answers)
        self._ending = threading.Lock()
        self._pipes = [os.fdopen(out), os.fdopen(err)]
        self.returncode: int | Any = None  # as subprocess types it
        self.pid = int(self._answers.readline())

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it, unless it has ended."""
        self.send_signal(signal.SIGKILL)

    def poll(self) -> int | None:
        """The status, None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(timeout=0)
        return self.returncode

    def wait(self, timeout: float) -> int:
        """Wait for the end; the status is that of subprocess. Several threads may wait."""
        if self.returncode is None and not self._is_heard_of(timeout):
            raise subprocess.TimeoutExpired("gopack", timeout)
        with self._ending:  # the first to hear of it reads the answer
            if self.returncode is None:
                self.returncode = int(self._answers.readline())
        return self.returncode

    def _is_heard_of(self, timeout: float) -> bool:
        try:
            return bool(select.select([self._answers], [], [], timeout)[0])
        except (OSError, ValueError):  # another thread has heard, and closed it
            return self.returncode is not None

    def communicate(self, timeout: float) -> tuple[str, str]:
        """All that it writes to its standard output and error until it ends."""
        said = ["", ""]

        def read(number: int) -> None:
            with self._pipes[number] as pipe:
                said[number] = pipe.read()

        readers = [threading.Thread(target=read, args=(n,), daemon=True) for n in (0, 1)]
        for reader in readers:
            reader.start()
        self.wait(timeout)
        for reader in readers:
            reader.join(timeout)
        self._answers.close()
        return said[0], said[1]


def launch(arguments: Sequence[str], *, folder: Path, env: Mapping[str, str]) -> Run:
    """Start `gopack ARGUMENTS` in a folder, with this environment and nothing to read."""
    pipes = [os.pipe() for _ in range(3)]
    request = {"arguments": list(arguments), "folder": str(folder), "env": dict(env)}
    ends = [write for _, write in pipes]
    try:
        socket.send_fds(_launcher(), [json.dumps(request).encode()], ends)
    finally:
        for end in ends:
            os.close(end)
    answers, out, err = (read for read, _ in pipes)
    return Run(answers, out, err)


def finished(
    arguments: Sequence[str], *, folder: Path, env: Mapping[str, str], timeout_s: float = 240
) -> subprocess.CompletedProcess[str]:
    """Run `gopack ARGUMENTS` to its end."""
    run = launch(arguments, folder=folder, env=env)
    try:
        out, said = run.communicate(timeout_s)
    finally:
        run.kill()
    return subprocess.CompletedProcess(list(arguments), run.returncode, out, said)


@functools.cache
def _launcher() -> socket.socket:
    """The launcher of this test process; it ends with it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "tests.launching", str(theirs.fileno())],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"]},
        pass_fds=[theirs.fileno()],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    theirs.close()

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


# In the launcher


def main() -> None:
    """Fork a run for each request, until the tests have ended."""
    control = socket.socket(fileno=int(sys.argv[1]))
    control.set_inheritable(False)
    import_all()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who watch the runs
    while True:
        data, files, _flags, _address = socket.recv_fds(control, MAX_REQUEST_BYTES, 3)
        if not data:
            return
        if os.fork() == 0:
            control.close()
            _watch(json.loads(data), *files)
        for file in files:
            os.close(file)


def import_all() -> None:
    """Import every module of gopack."""
    package = importlib.import_module("gopack")
    for module in pkgutil.walk_packages(package.__path__, "gopack."):
        if not module.name.endswith(".__main__"):
            importlib.import_module(module.name)
    importlib.import_module("encodings.idna")


def _watch(request: dict[str, Any], answers: int, out: int, err: int) -> None:
    """Start the run, tell its number and how it ended; never comes back."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        os.close(answers)
        _run(request, out, err)
    os.close(out)
    os.close(err)
    with contextlib.suppress(BrokenPipeError):
        os.write(answers, f"{pid}\n".encode())
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.write(answers, f"{status}\n".encode())
    os._exit(0)


def _run(request: dict[str, Any], out: int, err: int) -> None:
    """Be the run; never comes back."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(request["folder"])
    for number, file in ((1, out), (2, err)):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(request["env"])
    status = 70
    try:
        importlib.import_module("gopack.cli.main").main(request["arguments"], prog_name="gopack")
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 - told as the interpreter would
        sys.excepthook(*sys.exc_info())
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
