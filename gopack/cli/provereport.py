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
from gopack.plan.scenarios import untried

MARKS = {
    Verdict.GOOD: "[green]✓[/]",
    Verdict.FAILED: "[bold red]✗[/]",
    Verdict.DIFFERENT: "[bold red]≠[/]",
    Verdict.IMPOSSIBLE: "[yellow]![/]",
    Verdict.UNDECIDED: "[bold yellow]?[/]",
}
WORDS = {
    Verdict.GOOD: "good",
    Verdict.FAILED: "failed sealed",
    Verdict.DIFFERENT: "not as it is connected",
    Verdict.IMPOSSIBLE: "failed connected",
    Verdict.UNDECIDED: "undecided: connected it came to no end",
}


def word_of(cell: Cell) -> str:
    """Say what became of a cell."""
    if cell.verdict is not Verdict.IMPOSSIBLE:
        return WORDS[cell.verdict]
    return "works sealed and failed connected" if cell.is_more else "failed connected, too"


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
    for line in left_open(matrix):
        console.print(line, style="dim", markup=False, highlight=False)
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
        return f"{self.steps}: {word_of(self.cells[0])}"

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
            found.setdefault((cell.subject.key, word_of(cell), why), []).append(cell)
    return [Failure(tuple(cells), key[2]) for key, cells in found.items()]  # type: ignore[arg-type]


def _print_failure(console: Console, failure: Failure) -> None:
    cell = failure.cells[0]
    is_open = cell.verdict in {Verdict.IMPOSSIBLE, Verdict.UNDECIDED}
    style = "yellow" if is_open else "red"
    place = f"{cell.subject.where}: " if cell.subject.where else ""
    title = f"{place}{cell.subject.name}: {failure.title}"
    console.print(title, style=style, markup=False, highlight=False)
    for line in failure.lines:
        for part in line.splitlines():
            console.print(f"    {part}", markup=False, highlight=False)


def left_open(matrix: Matrix) -> list[str]:
    """Tell what was tried and not compared, and what was not tried, each with its reason."""
    lines = [
        f"not compared: {cell.subject.name}: {cell.step.name}: {why}"
        for cell, reasons in matrix.uncompared()
        for why in reasons
    ]
    steps: dict[tuple[str, str], list[str]] = {}
    for subject, _ in matrix.rows():
        for name, why in untried(subject).items():
            steps.setdefault((subject.name, why), []).append(name)
    names: dict[tuple[str, str], list[str]] = {}
    for (name, why), tried in steps.items():
        names.setdefault((", ".join(tried), why), []).append(name)
    rows = len(matrix.rows())
    lines += [
        f"not tried: {tried}: {why} ({_rows(found, rows)})" for (tried, why), found in names.items()
    ]
    lines += [
        f"not tried: {subject.name}: {limit}"
        for subject, _ in matrix.rows()
        for limit in subject.limits
    ]
    return lines


def _rows(names: list[str], rows: int) -> str:
    return "every row" if len(names) == rows else ", ".join(names)


def summary(matrix: Matrix) -> str:
    """Count the cells in a sentence."""
    good, impossible = matrix.count(Verdict.GOOD), matrix.count(Verdict.IMPOSSIBLE)
    possible = len(matrix.cells) - impossible
    more_works = sum(cell.is_more for cell in matrix.cells)
    is_compared = any(cell.connected for cell in matrix.cells)
    word = "are as they are connected" if is_compared else "work sealed"
    counts = (
        (impossible - more_works, "failed connected, too"),
        (more_works, "work sealed and failed connected"),
        (matrix.count(Verdict.UNDECIDED), "undecided, since they came to no end connected"),
        (len(matrix.uncompared()), "with answers that were not compared"),
    )
    more = "".join(f"; {n} {what}" for n, what in counts if n)
    counted = f"{good} of {possible} steps {word}" if possible else "nothing is proven"
    return f"{counted}{more}"


def prove_json(matrix: Matrix, manifest: Manifest, go_version: str) -> dict[str, Any]:
    """Give the matrix for programs."""
    return {
        "exit_status": matrix.exit_status,
        "go": go_version,
        "summary": {
            **{verdict.value: matrix.count(verdict) for verdict in Verdict},
            "not_compared": len(matrix.uncompared()),
        },
        "steps": matrix.steps,
        "notes": list(matrix.notes),
        "lines": [
            {
                "where": subject.where,
                "text": subject.name,
                "modules": [str(module) for module in subject.modules],
                "imports": list(subject.imports),
                "commands": list(subject.commands),
                "limits": list(subject.limits),
                "not_tried": untried(subject),
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
        "not_compared": cell.uncompared(),
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
        "undecided": did.undecided,
        "answers": dict(did.answers),
    }
