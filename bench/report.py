"""Results as a table and as JSON, with the machine they were measured on."""

import json
import platform
import subprocess
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.measure import Run

RESULTS = Path(__file__).parent / "results.json"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: who fetched what, how, and the median run."""

    peer: str
    data: str
    versions: int
    delay_ms: int
    run: Run


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table; the last column is against `go mod download`."""
    lines = [
        "| what | versions | delay | wall | processor | peak memory | times as fast as go |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    base = {(r.data, r.delay_ms): r.run.wall_s for r in rows if r.peer == "go mod download"}
    for row in rows:
        go_s = base.get((row.data, row.delay_ms)) if row.peer != "gopack plan" else None
        times = f"{go_s / row.run.wall_s:.1f}" if go_s else ""
        lines.append(
            f"| {row.peer} | {row.versions} | {row.delay_ms} ms | {row.run.wall_s:.1f} s "
            f"| {row.run.processor_s:.1f} s | {row.run.peak_bytes / 1e6:.0f} MB "
            f"| {times} |"
        )
    return "\n".join(lines)


def save(rows: Sequence[Row], *, target: Path = RESULTS) -> None:
    """Write results.json."""
    document = {
        "machine": machine(),
        "measured": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "rows": [asdict(row) for row in rows],
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
