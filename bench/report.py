"""Results as a table and as JSON, with the machine they were measured on."""

import json
import os
import platform
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.measure import Run

RESULTS = Path(__file__).parent / "results.json"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: who fetched what, how, the median run, and what it asked for."""

    peer: str
    data: str
    versions: int
    delay_ms: int
    run: Run
    asked: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Promise:
    """What was promised, what was measured, and whether the one holds the other."""

    text: str
    measured: str
    is_kept: bool

    def __str__(self) -> str:
        return f"{'kept  ' if self.is_kept else 'BROKEN'}  {self.text}: {self.measured}"


GO, GO_UNVERIFIED = "go mod download", "go mod download, unverified"
COMPARED = {
    "gopack fetch": GO,
    GO: GO,
    "curl --parallel": GO,
    "gopack fetch, unverified": GO_UNVERIFIED,
    GO_UNVERIFIED: GO_UNVERIFIED,
    "gopack, graph closure": "go mod graph",
    "gopack, closed closure": "go mod graph, go 1.16",
}
"""What a row's time is compared with, at the same delay."""


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table; the last column is against the go command (COMPARED)."""
    lines = [
        "| what | versions | delay | wall | processor | peak memory | requests | times go |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    walls = {(r.peer, r.data, r.delay_ms): r.run.wall_s for r in rows}
    for row in rows:
        base = COMPARED.get(row.peer)
        go_s = walls.get((base, row.data, row.delay_ms)) if base else None
        lines.append(_line(row, go_s))
    return "\n".join(lines)


def _line(row: Row, go_s: float | None) -> str:
    run = row.run
    return (
        f"| {row.peer} | {row.versions or ''} | {row.delay_ms} ms | {run.wall_s:.2f} s "
        f"| {run.processor_s:.1f} s | {run.peak_bytes / 1e6:.0f} MB "
        f"| {row.asked.get('requests', '')} | {f'{go_s / run.wall_s:.1f}' if go_s else ''} |"
    )


def save(rows: Sequence[Row], promises: Sequence[Promise] = (), *, target: Path = RESULTS) -> None:
    """Write results.json."""
    document = {
        "machine": machine(),
        "measured": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "load": os.getloadavg()[0],
        "rows": [asdict(row) for row in rows],
        "promises": [asdict(promise) for promise in promises],
    }
    target.write_text(json.dumps(document, indent=1) + "\n")


def machine() -> dict[str, str | int]:
    """What the figures depend on."""
    memory = Path("/proc/meminfo").read_text().split()
    return {
        "processor": _processor(),
        "cores": len(_cores()),
        "memory_mb": int(memory[1]) // 1024,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "go": _said_by("go", "env", "GOVERSION"),
        "curl": _said_by("curl", "--version").split(" (")[0],
    }


def _cores() -> list[str]:
    return [
        ln for ln in Path("/proc/cpuinfo").read_text().splitlines() if ln.startswith("processor")
    ]


def _processor() -> str:
    names = [ln for ln in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in ln]
    return names[0].split(":", 1)[1].strip() if names else platform.machine()


def _said_by(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
