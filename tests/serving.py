"""`gopack serve` as its own process on a free port of 127.0.0.1, for tests."""

import contextlib
import http.client
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

START_TIMEOUT_S = 20.0


@dataclass(slots=True)
class Served:
    """A running server: where it is, what it said, how it ended."""

    process: subprocess.Popen[str]
    port: int = 0
    scheme: str = "http"
    said: list[str] = field(default_factory=list)
    access: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def ask(
        self, path: str, *, method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Send a request as it is, nothing in the path mended; header names in lower case."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        with contextlib.closing(connection):
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in (headers or {}).items():
                connection.putheader(name, value)
            connection.endheaders()
            reply = connection.getresponse()
            shown = {name.lower(): value for name, value in reply.getheaders()}
            return reply.status, shown, reply.read()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=START_TIMEOUT_S)


_WITH_LIMITS = """
import sys
from pathlib import Path
from gopack.adapters.serve_app import App
from gopack.adapters.serve_http import Limits, bind, run
from gopack.adapters.serve_site import Site
head_s, stall_s, connections = map(float, sys.argv[2:])
listener = bind("127.0.0.1", 0)
print(f"http://127.0.0.1:{listener.getsockname()[1]}", file=sys.stderr, flush=True)
app = App(Site(Path(sys.argv[1]), print), lambda line: print(line, flush=True))
limits = Limits(head_s, stall_s, connections=int(connections))
run(app, listener, limits=limits, warn=lambda text: print(text, file=sys.stderr, flush=True))
"""


def gopack_serve(root: Path, *options: str) -> contextlib.AbstractContextManager[Served]:
    """Run `gopack serve` over `root` until the block ends."""
    command = [sys.executable, "-m", "gopack", "serve", "--storage", str(root)]
    return _running([*command, "--listen", "127.0.0.1:0", *options])


def impatient_serve(
    root: Path, *, head_s: float = 60, stall_s: float = 60, connections: int = 100
) -> contextlib.AbstractContextManager[Served]:
    """Run the same server with other limits than an operator can set."""
    limits = map(str, (head_s, stall_s, connections))
    return _running([sys.executable, "-c", _WITH_LIMITS, str(root), *limits])


@contextlib.contextmanager
def _running(command: list[str]) -> Iterator[Served]:
    env = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "COLUMNS": "400"}
    with subprocess.Popen(
        command,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        served = Served(process)
        readers = [_follow(process.stdout, served.access)]
        try:
            _wait_for_port(served)
            readers.append(_follow(process.stderr, served.said))
            yield served
        finally:
            process.kill()
            process.wait()
            for reader in readers:
                reader.join(timeout=5)


def _wait_for_port(served: Served) -> None:
    assert served.process.stderr is not None
    for line in served.process.stderr:
        served.said.append(line)
        if found := re.search(r"(https?)://127\.0\.0\.1:(\d+)", line):
            served.scheme, served.port = found[1], int(found[2])
            return
    raise RuntimeError(f"gopack serve did not start: {served.said}")


def _follow(stream: IO[str] | None, lines: list[str]) -> threading.Thread:
    def read() -> None:
        assert stream is not None
        with contextlib.suppress(ValueError):  # closed at the end of a test
            for line in stream:
                lines.append(line)  # noqa: PERF402 - each as it comes

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread
