"""The matrix on a terminal and as JSON."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from gopack.cli.progress import PLAIN_INTERVAL_S
from gopack.plan.manifest import Manifest
from gopack.plan.matrix import Cell, Did, Matrix, Verdict, explain
from gopack.plan.missing import Missing

MARKS = {
    Verdict.GOOD: "[green]✓[/]",
    Verdict.FAILED: "[bold red]✗[/]",
    Verdict.DIFFERENT: "[bold red]≠[/]",
    Verdict.IMPOSSIBLE: "[yellow]![/]",
}
WORDS = {
    Verdict.GOOD: "good",
    Verdict.FAILED: "failed sealed",
    Verdict.DIFFERENT: "not as it is connected",
    Verdict.IMPOSSIBLE: "failed connected, too",
}


class Watch:
    """Tells of cells as they are known: bad ones at once, the others by a count now and then.

    Args:
        console: where to.
        clock: monotonic seconds.

    """

    def __init__(self, console: Console, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._tried = 0
        self._last = clock()
        self._status = console.status("trying the lines one by one")

    def __enter__(self) -> Self:
        self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._status.stop()

    def tried(self, cell: Cell) -> None:
        """Hear of a cell."""
        self._tried += 1
        name = f"{escape(cell.subject.name)}: {escape(cell.step.name)}"
        if cell.verdict is not Verdict.GOOD:
            self._console.print(f"{MARKS[cell.verdict]} {name}", markup=True)
        text = f"{self._tried} steps tried, the last one {name}"
        self._status.update(text)
        if not self._console.is_terminal and self._clock() - self._last >= PLAIN_INTERVAL_S:
            self._last = self._clock()
            self._console.print(text, markup=True)


def print_matrix(console: Console, matrix: Matrix, manifest: Manifest, go_version: str) -> None:
    """Print the table, then each failure with what was missing and what adds it."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("line", overflow="fold")
    for name in matrix.steps:
        table.add_column(name, justify="center", overflow="fold")
    for subject, cells in matrix.rows():
        marks = [MARKS[cells[n].verdict] if n in cells else "[dim]·[/]" for n in matrix.steps]
        table.add_row(subject.name, *map(Text.from_markup, marks))
    console.print(table)
    for failure in failures(matrix, manifest, go_version):
        _print_failure(console, failure)
    for note in matrix.notes:
        console.print(f"note: {note}", style="yellow", markup=False, highlight=False)
    console.print(summary(matrix), markup=False, highlight=False)


@dataclass(frozen=True, slots=True)
class Failure:
    """Steps of a line that are not good for the same reason; `lines` say why and what mends it."""

    cells: tuple[Cell, ...]
    lines: tuple[str, ...]

    @property
    def title(self) -> str:
        """Say which steps and what is wrong with them."""
        return f"{self.steps}: {WORDS[self.cells[0].verdict]}"

    @property
    def steps(self) -> str:
        """Name the steps."""
        return ", ".join(cell.step.name for cell in self.cells)


def failures(matrix: Matrix, manifest: Manifest, go_version: str) -> list[Failure]:
    """Tell what is not good, the steps with the same reason together."""
    found: dict[tuple[object, ...], list[Cell]] = {}
    for cell in matrix.cells:
        if cell.verdict is not Verdict.GOOD:
            why = tuple(explain(cell, manifest, go_version))
            found.setdefault((cell.subject.key, cell.verdict, why), []).append(cell)
    return [Failure(tuple(cells), key[2]) for key, cells in found.items()]  # type: ignore[arg-type]


def _print_failure(console: Console, failure: Failure) -> None:
    cell = failure.cells[0]
    style = "yellow" if cell.verdict is Verdict.IMPOSSIBLE else "red"
    place = f"{cell.subject.where}: " if cell.subject.where else ""
    title = f"{place}{cell.subject.name}: {failure.title}"
    console.print(title, style=style, markup=False, highlight=False)
    for line in failure.lines:
        for part in line.splitlines():
            console.print(f"    {part}", markup=False, highlight=False)


def summary(matrix: Matrix) -> str:
    """Count the cells in a sentence."""
    good, impossible = matrix.count(Verdict.GOOD), matrix.count(Verdict.IMPOSSIBLE)
    possible = len(matrix.cells) - impossible
    is_compared = any(cell.connected for cell in matrix.cells)
    word = "are as they are connected" if is_compared else "work sealed"
    more = f"; {impossible} failed connected, too" if impossible else ""
    return f"{good} of {possible} steps {word}{more}"


def prove_json(matrix: Matrix, manifest: Manifest, go_version: str) -> dict[str, Any]:
    """Give the matrix for programs."""
    return {
        "exit_status": matrix.exit_status,
        "go": go_version,
        "summary": {verdict.value: matrix.count(verdict) for verdict in Verdict},
        "steps": matrix.steps,
        "notes": list(matrix.notes),
        "lines": [
            {
                "where": subject.where,
                "text": subject.name,
                "modules": [str(module) for module in subject.modules],
                "imports": list(subject.imports),
                "commands": list(subject.commands),
                "steps": {
                    name: _cell_json(cells[name], manifest, go_version)
                    for name in matrix.steps
                    if name in cells
                },
            }
            for subject, cells in matrix.rows()
        ],
    }


def _cell_json(cell: Cell, manifest: Manifest, go_version: str) -> dict[str, Any]:
    is_good = cell.verdict is Verdict.GOOD
    return {
        "verdict": cell.verdict.value,
        "why": [] if is_good else explain(cell, manifest, go_version),
        "missing": [_missing_json(each) for each in cell.sealed.missing],
        "sealed": _did_json(cell.sealed),
        "connected": None if cell.connected is None else _did_json(cell.connected),
    }


def _missing_json(missing: Missing) -> dict[str, str]:
    return {"file": missing.file, "line": missing.line}


def _did_json(did: Did) -> dict[str, Any]:
    return {
        "exit_status": did.exit_status,
        "seconds": round(did.seconds, 3),
        "output": did.output if did.exit_status else "",
        "answers": dict(did.answers),
    }
