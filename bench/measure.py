"""Wall time and peak anonymous memory of a command with all its descendants.

Anonymous memory is RssAnon + RssShmem of /proc/<pid>/status, summed over the process tree and
sampled every SAMPLE_S: file pages are left out, since the kernel may drop them at will.
"""

import itertools
import os
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

SAMPLE_S = 0.02
LOOKED_FOR_EVERY = 10
"""New processes are looked for in every tenth sample: reading what all threads began costs more
than a tenth of a core, which is not to be taken from what is measured."""

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one command.

    `processor_s` is the processor time of all processes in the tree, as of their last samples.
    """

    wall_s: float
    processor_s: float
    peak_bytes: int


def run(command: Sequence[str], *, env: Mapping[str, str], cwd: Path, log: Path) -> Run:
    """Run a command to its end and measure it.

    Raises:
        RuntimeError: when it fails; the text holds the end of its output.
    """
    with log.open("wb") as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            list(command),
            env={**os.environ, **env},
            cwd=cwd,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
        peak = _Peak(process.pid)
        ended = threading.Event()
        watching = threading.Thread(target=peak.watch, args=(ended,))
        watching.start()
        process.wait()  # so that a run's end is seen at once, not at the next sample
        wall_s = time.perf_counter() - start
        ended.set()
        watching.join()
    if process.returncode:
        text = log.read_text(errors="replace")[-2000:]
        raise RuntimeError(f"{command[0]} ended with {process.returncode}: {text}")
    return Run(wall_s, sum(peak.processor_s.values()), peak.bytes)


class _Peak:
    """Looks at a process tree until its end is told."""

    def __init__(self, root: int) -> None:
        self._root = root
        self.bytes = 0
        self.processor_s: dict[int, float] = {}

    def watch(self, ended: threading.Event) -> None:
        pids: list[int] = []
        for sample in itertools.count():
            if ended.wait(SAMPLE_S):
                return
            if sample % LOOKED_FOR_EVERY == 0:
                pids = list(_tree(self._root))
            self.bytes = max(self.bytes, sum(map(_anonymous_bytes, pids)))
            self.processor_s.update((pid, spent) for pid in pids if (spent := _processor_s(pid)))


def middle(runs: Sequence[Run]) -> Run:
    """The medians of the times, and the highest peak."""
    wall_s = median(r.wall_s for r in runs)
    processor_s = median(r.processor_s for r in runs)
    return Run(wall_s, processor_s, max(r.peak_bytes for r in runs))


def _tree(root: int) -> Iterator[int]:
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        yield pid
        for children in (PROC / str(pid)).glob("task/*/children"):
            try:
                waiting.extend(int(child) for child in children.read_text().split())
            except OSError:  # a thread or process that ended between the listing and the reading
                continue


def _anonymous_bytes(pid: int) -> int:
    try:
        status = (PROC / str(pid) / "status").read_text()
    except OSError:
        return 0
    total_kib = 0
    for line in status.splitlines():
        if line.startswith(("RssAnon:", "RssShmem:")):
            total_kib += int(line.split()[1])
    return total_kib * 1024


def _processor_s(pid: int) -> float:
    """User and system time so far. Spec: proc(5), /proc/pid/stat, fields 14 and 15."""
    try:
        after_name = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")
