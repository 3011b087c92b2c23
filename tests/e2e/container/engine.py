"""A Docker engine for the tests: the one that answers, else `dockerd` started and stopped here.

An engine of our own needs root, and only one runs on a machine at a time (they would share the
bridge and the packet filter), so a lock is held while it lives.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LOCK = Path(tempfile.gettempdir()) / "gopack-engine.lock"
LOCK_WAIT_S = 300
START_WAIT_S = 60
STOP_WAIT_S = 30
# The second attempt is for machines whose root is itself an overlay.
ATTEMPTS: tuple[tuple[str, ...], ...] = ((), ("--storage-driver=vfs",))


class NoEngineError(Exception):
    """There is no engine here and none can be started; the text says why."""


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that answers; `host` is its DOCKER_HOST, empty for the client's own choice."""

    host: str

    @property
    def env(self) -> dict[str, str]:
        return {**os.environ, "DOCKER_HOST": self.host} if self.host else dict(os.environ)

    def docker(self, *arguments: str, timeout_s: float = 120, check: bool = True) -> str:
        """Run the docker command and return what it says on both streams."""
        result = subprocess.run(
            ["docker", *arguments],
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        assert not check or result.returncode == 0, f"docker {arguments}: {result.stdout}"
        return result.stdout

    def answers(self) -> bool:
        command = ["docker", "version", "--format", "{{.Server.Version}}"]
        result = subprocess.run(command, env=self.env, capture_output=True, timeout=30, check=False)
        return result.returncode == 0


@contextmanager
def engine(cache: Path) -> Iterator[Engine]:
    """Give an engine that answers.

    Raises:
        NoEngineError: there is none.
    """
    if not shutil.which("docker"):
        raise NoEngineError("no docker command")
    if (there := Engine("")).answers():
        yield there
        return
    dockerd = shutil.which("dockerd", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if not dockerd or os.geteuid() != 0:
        raise NoEngineError("no Docker engine answers, and one is started only by root")
    with _alone(LOCK), _started(dockerd, cache) as own:
        yield own


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        deadline = time.monotonic() + LOCK_WAIT_S
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise NoEngineError("another test run holds the engine") from None
                time.sleep(0.5)
            else:
                break
        yield


@contextmanager
def _started(dockerd: str, cache: Path) -> Iterator[Engine]:
    said = ""
    for attempt in ATTEMPTS:
        # The socket's path must be short (unix(7)), the data may be big.
        run = Path(tempfile.mkdtemp(prefix="gopack-engine-"))
        data = Path(tempfile.mkdtemp(prefix="engine-", dir=cache))
        try:
            with (run / "log").open("wb") as log:
                process = _spawn(dockerd, run, data, attempt, log.fileno())
            own = Engine(f"unix://{run}/docker.sock")
            if _wait_for(own, process):
                yield own
                return
            said = (run / "log").read_text(errors="replace")[-800:]
        finally:
            _stop(process)
            shutil.rmtree(data, ignore_errors=True)
            shutil.rmtree(run, ignore_errors=True)
    raise NoEngineError(f"dockerd does not start: {said}")


def _spawn(
    dockerd: str, run: Path, data: Path, options: tuple[str, ...], log: int
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [
            dockerd,
            f"--host=unix://{run}/docker.sock",
            f"--data-root={data}",
            f"--exec-root={run}/exec",
            f"--pidfile={run}/pid",
            *options,
        ],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )


def _wait_for(own: Engine, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + START_WAIT_S
    while time.monotonic() < deadline and process.poll() is None:
        if own.answers():
            return True
        time.sleep(0.2)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_WAIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
