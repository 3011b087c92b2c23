"""Wall time and peak anonymous memory of a command with all its descendants.

Anonymous memory is RssAnon + RssShmem of /proc/<pid>/status, summed over the process tree and
sampled every SAMPLE_S: file pages are left out, since the kernel may drop them at will.
"""

import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

SAMPLE_S = 0.02
PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one command.

    `user_s` and `system_s` are the processor time of the command and of its waited-for children.
    """

    wall_s: float
    user_s: float
    system_s: float
    peak_bytes: int


def run(command: Sequence[str], *, env: Mapping[str, str], cwd: Path, log: Path) -> Run:
    """Run a command to its end and measure it.

    Raises:
        RuntimeError: when it fails; the text holds the end of its output.
    """
    peak = 0
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
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            peak = max(peak, tree_bytes(process.pid))
            time.sleep(SAMPLE_S)
        wall_s = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        text = log.read_text(errors="replace")[-2000:]
        raise RuntimeError(f"{command[0]} ended with {process.returncode}: {text}")
    return Run(wall_s, usage.ru_utime, usage.ru_stime, peak)


def middle(runs: Sequence[Run]) -> Run:
    """The run of median wall time, with the highest peak of all."""
    wall_s = median(r.wall_s for r in runs)
    chosen = min(runs, key=lambda r: abs(r.wall_s - wall_s))
    return Run(wall_s, chosen.user_s, chosen.system_s, max(r.peak_bytes for r in runs))


def tree_bytes(root: int) -> int:
    """Anonymous memory of a process and its descendants now."""
    return sum(_anonymous_bytes(pid) for pid in _tree(root))


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
