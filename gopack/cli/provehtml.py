"""The matrix as a web page that needs nothing but itself."""

from html import escape

from gopack.cli.provereport import WORDS, Failure, failures, left_open, summary, word_of
from gopack.plan.manifest import Manifest
from gopack.plan.matrix import Cell, Matrix, Verdict
from gopack.plan.proving import Subject

_SIGNS = {
    Verdict.GOOD: "✓",
    Verdict.FAILED: "✗",
    Verdict.DIFFERENT: "≠",
    Verdict.IMPOSSIBLE: "!",
    Verdict.UNDECIDED: "?",
}

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --faint: #667; --rule: #d8dde3;
  --good: #1a7f37; --good-bg: #e6f6ea; --bad: #b42318; --bad-bg: #fdeceb; --odd: #8a6100;
  --odd-bg: #fff4d6; --soft: #f5f7f9; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --paper: #14171b; --faint: #98a2ae;
  --rule: #2d333b; --good: #57c474; --good-bg: #16301e; --bad: #ff8a80; --bad-bg: #3a1b1a;
  --odd: #e8bd5a; --odd-bg: #33290f; --soft: #1b1f25; } }
body { margin: 2rem auto; max-width: 76rem; padding: 0 1.5rem; color: var(--ink);
  background: var(--paper); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2.2rem 0 .6rem; }
.verdict { font-size: 1.05rem; margin: .3rem 0 1.4rem; color: var(--faint); }
.verdict b { color: var(--good); } .verdict b.red { color: var(--bad); }
.scroll { overflow-x: auto; border: 1px solid var(--rule); border-radius: 8px; }
table { border-collapse: collapse; width: 100%; }
th { font-weight: 600; font-size: .82rem; color: var(--faint); background: var(--soft);
  padding: .5rem .4rem; vertical-align: bottom; }
th[scope=row] { position: sticky; left: 0; text-align: left; color: var(--ink);
  padding: .4rem .8rem; font: 500 .85rem/1.4 ui-monospace, monospace; white-space: nowrap;
  background: var(--paper); }
thead th:first-child { text-align: left; padding-left: .8rem; }
td { text-align: center; padding: .3rem; }
tbody tr { border-top: 1px solid var(--rule); }
.cell { display: block; min-width: 1.7rem; border-radius: 5px; padding: .15rem 0; font-weight: 700;
  text-decoration: none; }
.good { color: var(--good); background: var(--good-bg); }
.failed, .different { color: var(--bad); background: var(--bad-bg); }
.impossible, .undecided { color: var(--odd); background: var(--odd-bg); }
.none { color: var(--rule); }
details { border: 1px solid var(--rule); border-radius: 8px; margin: .6rem 0; }
summary { cursor: pointer; padding: .55rem .8rem; }
summary code { font-weight: 600; }
details ul { margin: 0; padding: .2rem 1rem .6rem 2rem; }
li { white-space: pre-wrap; overflow-wrap: anywhere; font: .85rem/1.5 ui-monospace, monospace; }
pre { margin: 0; padding: .7rem .9rem; overflow-x: auto; background: var(--soft); font-size: .8rem;
  border-top: 1px solid var(--rule); border-radius: 0 0 8px 8px; white-space: pre-wrap; }
.legend { color: var(--faint); font-size: .85rem; margin-top: .7rem; }
.legend .cell { display: inline-block; margin: 0 .3rem 0 .9rem; text-align: center; }
.legend .cell:first-child { margin-left: 0; }
"""


def html_of(matrix: Matrix, manifest: Manifest, go_version: str) -> str:
    """Write the page."""
    is_proven = not matrix.exit_status and matrix.count(Verdict.GOOD) > 0
    color = "" if is_proven else ' class="red"'
    told = [*left_open(matrix), *(f"note: {note}" for note in matrix.notes)]
    notes = "".join(f"<p class=legend>{escape(line)}</p>\n" for line in told)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>gopack prove</title>\n<style>{_STYLE}</style></head>\n<body>\n"
        f"<h1>gopack prove</h1>\n<p class=verdict><b{color}>{_headline(matrix)}.</b> "
        f"{escape(summary(matrix))}, with go {escape(go_version)}.</p>\n"
        f"{_table(matrix)}\n{_legend()}\n{notes}{_failures(matrix, manifest, go_version)}"
        "</body></html>\n"
    )


def _headline(matrix: Matrix) -> str:
    """Say in a few words what is shown: broken, not all known, kept, or nothing at all."""
    is_compared = any(cell.connected for cell in matrix.cells)
    if matrix.red():
        return "Not sealed = connected" if is_compared else "Not all works sealed"
    if matrix.exit_status:
        return "Not all is decided"
    if not matrix.count(Verdict.GOOD):
        return "Nothing is proven"
    return "Sealed = connected" if is_compared else "All works sealed"


def _table(matrix: Matrix) -> str:
    head = "".join(f"<th scope=col>{escape(name)}</th>" for name in matrix.steps)
    rows = "\n".join(_row(matrix.steps, *row) for row in matrix.rows())
    return (
        f'<div class="scroll"><table><thead><tr><th scope=col>line</th>{head}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody></table></div>"
    )


def _row(steps: list[str], subject: Subject, cells: dict[str, Cell]) -> str:
    shown = "".join(
        f"<td>{_cell(cells[name]) if name in cells else '<span class=none>·</span>'}</td>"
        for name in steps
    )
    return f"<tr><th scope=row>{escape(subject.name)}</th>{shown}</tr>"


def _cell(cell: Cell) -> str:
    kind, sign = cell.verdict.value, _SIGNS[cell.verdict]
    title = escape(f"{cell.subject.name}: {cell.step.name}: {word_of(cell)}", quote=True)
    if cell.verdict is Verdict.GOOD:
        return f'<span class="cell {kind}" title="{title}">{sign}</span>'
    return f'<a class="cell {kind}" title="{title}" href="#{_anchor(cell)}">{sign}</a>'


def _anchor(cell: Cell) -> str:
    text = f"{cell.subject.where}-{cell.subject.name}-{cell.step.name}"
    return "".join(c if c.isalnum() else "-" for c in text)


def _legend() -> str:
    signs = "".join(
        f'<span class="cell {verdict.value}">{sign}</span>{WORDS[verdict]}'
        for verdict, sign in _SIGNS.items()
    )
    return f"<p class=legend>{signs}</p>"


def _failures(matrix: Matrix, manifest: Manifest, go_version: str) -> str:
    shown = failures(matrix, manifest, go_version)
    if not shown:
        return ""
    parts = "\n".join(map(_failure, shown))
    return f"<h2>What does not work, and why</h2>\n{parts}\n"


def _failure(failure: Failure) -> str:
    cell = failure.cells[0]
    did = cell.sealed
    is_theirs = cell.verdict in {Verdict.IMPOSSIBLE, Verdict.UNDECIDED}
    if is_theirs and cell.connected is not None:
        did = cell.connected
    items = "".join(f"<li>{escape(line)}</li>" for line in failure.lines)
    output = f"<pre>{escape(did.output.strip())}</pre>" if did.exit_status else ""
    is_open = "" if cell.verdict is Verdict.IMPOSSIBLE else " open"
    anchors = "".join(f'<a id="{_anchor(each)}"></a>' for each in failure.cells)
    return (
        f"{anchors}<details{is_open}><summary><code>{escape(cell.subject.name)}</code> "
        f"{escape(failure.title)}</summary><ul>{items}</ul>{output}</details>"
    )
