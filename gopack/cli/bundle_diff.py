"""`gopack bundle diff`: what one has and the other has not."""

from pathlib import Path

import click

from gopack.cli import options
from gopack.cli.bundling import read_inventory
from gopack.cli.console import make_console, make_output
from gopack.cli.failing import ends_well
from gopack.cli.jsonreport import write_json
from gopack.plan.bundle.diff import Diff, compare


@click.command("diff")
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@options.json_option
def command(first: str, second: str, json_file: Path | None) -> None:
    """Show what B has and A has not (+), and the reverse (-), without unpacking.

    A and B are bundles, manifests, what `bundle state` wrote, or storages. Of an incremental bundle
    counts what a side has after importing it. `^` became complete, `v` lost its zip, `!` has other
    bytes.
    """
    console = make_console()
    with ends_well(console):
        diff = compare(read_inventory(first), read_inventory(second))
        output = make_output()
        for line in _lines(diff):
            output.print(line, markup=False, highlight=False)
        write_json(json_file, _report(diff))


def _lines(diff: Diff) -> list[str]:
    marks = {
        "+": diff.added,
        "-": diff.removed,
        "^": diff.completed,
        "v": diff.reduced,
        "!": diff.different,
    }
    lines = [f"{mark} {module}" for mark, modules in marks.items() for module in modules]
    lines += [f"{name}: {old} checksum records in A, {new} in B" for name, old, new in diff.records]
    return lines or ["no difference"]


def _report(diff: Diff) -> dict[str, object]:
    return {
        "added": [str(module) for module in diff.added],
        "removed": [str(module) for module in diff.removed],
        "completed": [str(module) for module in diff.completed],
        "reduced": [str(module) for module in diff.reduced],
        "different": [str(module) for module in diff.different],
        "records": {name: [old, new] for name, old, new in diff.records},
    }
