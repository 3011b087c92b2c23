"""Tables and trees as a person reads them."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from gopack.cli.units import human_bytes, human_duration
from gopack.plan.lines import Plan
from gopack.plan.outcome import LineOutcome, Outcome

MAX_VERSIONS = 3
"""A file lists hundreds of versions, and a table shows who wants what."""

_STYLES = {"failed": "red", "done": "green", "there": ""}


def print_outcome(console: Console, outcome: Outcome) -> None:
    """Print the last table of a run: a row a line, then the totals."""
    table = Table(show_footer=True, header_style="bold", box=None, pad_edge=False)
    totals = {
        "line": "total",
        "version": "",
        "go": "",
        "versions": str(outcome.added),
        "bytes": human_bytes(outcome.added_bytes),
        "time": human_duration(outcome.seconds),
        "status": _status_total(outcome),
    }
    for name, footer in totals.items():
        justify = "right" if name in {"versions", "bytes", "time"} else "left"
        table.add_column(name, footer=footer, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for line in outcome.lines:
        table.add_row(*_row(line), style=_STYLES[line.status])
    console.print(table)


def _row(line: LineOutcome) -> tuple[str, ...]:
    return (
        line.text,
        versions_text(line.versions),
        line.go or "-",
        f"+{line.added}",
        human_bytes(line.added_bytes),
        human_duration(line.seconds),
        ", ".join((line.status, *line.notes)),
    )


def print_go_needed(console: Console, plan: Plan) -> None:
    """Say which Go the lines need, and offer the line that carries it."""
    if plan.go_lines:
        needed = f"the lines need Go {plan.go_version}"
        lines = f"line{'s' if len(plan.go_lines) > 1 else ''} {', '.join(plan.go_lines)}"
        offer = f"where the sealed side has an older one, add the {lines}"
        console.print(f"{needed}; {offer}", markup=False, highlight=False)


def versions_text(versions: Sequence[str]) -> str:
    """Name a few versions, count many."""
    shown = ", ".join(versions[:MAX_VERSIONS]) or "-"
    return shown if len(versions) <= MAX_VERSIONS else f"{len(versions)} versions"


def _status_total(outcome: Outcome) -> str:
    failed = sum(line.status == "failed" for line in outcome.lines)
    done = len(outcome.lines) - failed
    return f"{done} done, {failed} failed" if failed else f"{done} done"
