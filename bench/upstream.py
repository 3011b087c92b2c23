"""The loopback upstream as a context: built, started on a free port, ended with the block."""

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.programs import built_program


@dataclass(frozen=True, slots=True)
class Upstream:
    """A running upstream; `url` is what GOPROXY is set to."""

    url: str

    def stats(self) -> dict[str, int]:
        """Requests and body bytes since this was last asked."""
        with urllib.request.urlopen(f"{self.url}/-/stats") as answer:
            counts: dict[str, int] = json.load(answer)
        return counts


@contextmanager
def serving(tree: Path, *, delay_ms: int = 0, fill_from: str = "") -> Iterator[Upstream]:
    """Serve a GOPROXY tree on 127.0.0.1 with this delay before each answer.

    What the tree lacks is fetched from the proxy `fill_from`, if given, and kept.
    """
    program = built_program("upstream")
    command: list[str | Path] = [
        program,
        "-tree",
        tree,
        "-delay",
        f"{delay_ms}ms",
        "-fill",
        fill_from,
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        try:
            yield Upstream(server.stdout.readline().decode().strip())
        finally:
            server.terminate()
