"""`gopack plan`: what fetch would do."""

from collections.abc import Mapping
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.tree import Tree

from gopack.cli import options
from gopack.cli.console import make_console, make_output
from gopack.cli.failing import end, ends_well, print_error, print_line_error
from gopack.cli.jsonreport import write_json
from gopack.cli.lists import read_lists
from gopack.cli.reports import plan_json
from gopack.cli.table import print_go_needed, versions_text
from gopack.cli.units import human_bytes
from gopack.cli.wiring import make_progress, reading_session
from gopack.errors import InputError
from gopack.flows.preview import (
    Need,
    Preview,
    Scale,
    Uncounted,
    Verdict,
    compare_levels,
    judge,
    uncounted,
)
from gopack.plan.closure import Level
from gopack.spec.module import ModuleVersion

MAX_NAMED = 8
"""Lines that a sentence names; the JSON names all."""


@click.command("plan")
@options.lists_argument
@options.storage_option
@options.closure_option
@options.jobs_option
@click.option(
    "--why",
    metavar="MODULE",
    envvar="GOPACK_WHY",
    show_envvar=True,
    help="Show, as a tree, the requirements that bring a module (path or path@version) in.",
)
@click.option(
    "--mod-only",
    "is_listing",
    is_flag=True,
    envvar="GOPACK_MOD_ONLY",
    show_envvar=True,
    help="List the versions that would be stored without their zips, and why each is needed.",
)
@options.platforms_option
@options.json_option
def command(
    lists: tuple[Path, ...],
    storage: Path,
    closure: str,
    jobs: int,
    why: str | None,
    is_listing: bool,
    platforms: tuple[str, ...],
    json_file: Path | None,
) -> None:
    """Show what fetch would do with LIST (goget.txt); nothing is stored.

    Each line, the version it resolves to, how many versions and bytes it brings, and how many of
    them are there already; then what each --closure level takes for all of them together, with the
    versions that carry retractions and those that sealed queries choose. Only the zips tell what
    imports bring that no go.mod covers: it counts where an earlier fetch has read them, and else
    the lines are named for which it comes on top. The exit status is fetch's.
    """
    console, output = make_console(), make_output()
    with ends_well(console):
        items, warnings = read_lists(lists)
        for warning in warnings:
            console.print(str(warning), markup=False, highlight=False)
        with (
            make_progress(console) as progress,
            reading_session(storage, jobs=jobs, progress=progress) as s,
        ):
            s.planner.platforms = platforms
            plan = s.planner.plan(items, Level(closure))
            expected = s.completer.expect(plan)
            left_out = uncounted(s.completer, expected)
            scale = Scale(s.fetcher.sources, s.store, s.ledger.manifest, s.fetcher.executor)
            shown = scale.measure(expected)
            levels = compare_levels(s.completer, plan, scale) if why is None else {}
        is_piped = str(json_file) == "-"
        if why is not None:
            _print_why(console if is_piped else output, shown, why)
        elif not is_piped:
            _print_table(output, shown)
            _print_levels(output, levels, chosen=Level(closure))
            _print_uncounted(output, left_out)
            if is_listing:
                _print_mod_only(output, shown)
        verdict = judge(s.completer, shown.plan)
        _print_verdict(console, shown, verdict)
        write_json(json_file, plan_json(shown, levels, left_out, verdict, warnings))
        end(verdict.exit_status)


def _print_table(output: Console, shown: Preview) -> None:
    table = Table(show_footer=True, header_style="bold", box=None, pad_edge=False)
    total = shown.total()
    table.add_column("line", footer="all together", overflow="fold")
    table.add_column("version", overflow="fold")
    table.add_column("go")
    table.add_column("versions", footer=str(total.versions), justify="right")
    table.add_column("there", footer=str(total.there), justify="right")
    table.add_column("bytes", footer=_bytes(total), justify="right")
    table.add_column("marks", overflow="fold")
    for line in shown.plan.lines:
        need = shown.of_line(line)
        versions = versions_text([module.version for module in line.modules])
        marks = ", ".join(line.notes()) or ("failed" if line.error else "")
        cells = (str(need.versions), str(need.there), _bytes(need))
        go = line.go_version or "-"
        table.add_row(
            line.item.text, versions, go, *cells, marks, style="red" if line.error else ""
        )
    output.print(table)
    print_go_needed(output, shown.plan)


def _print_levels(output: Console, levels: Mapping[Level, Need], *, chosen: Level) -> None:
    """Print what the three levels take beside each other."""
    table = Table(header_style="bold", box=None, pad_edge=False)
    table.add_column("--closure")
    for name in ("versions", "of them mod-only", "bytes of zips"):
        table.add_column(name, justify="right")
    for level, need in levels.items():
        style = "bold" if level is chosen else ""
        cells = (str(need.versions), str(need.mod_only), _bytes(need))
        table.add_row(level.value, *cells, style=style)
    output.print()
    output.print(table)


def _print_uncounted(output: Console, left_out: Uncounted) -> None:
    """Say for which lines only the zips tell the rest."""
    lines = [line.item.text for line in left_out.lines]
    lines += ["all lines together"] if left_out.is_joint else []
    if not lines:
        return
    shown = ", ".join(lines[:MAX_NAMED])
    more = f" and {len(lines) - MAX_NAMED} more" if len(lines) > MAX_NAMED else ""
    text = (
        f"not counted: what imports bring that no go.mod covers, of {shown}{more}; "
        "fetch reads them out of the zips, and later plans count them"
    )
    output.print()
    output.print(text, markup=False, highlight=False)
    for module in left_out.silent:
        text = f"    {module} has no go.mod of its own: all that it imports comes on top"
        output.print(text, markup=False, highlight=False)


def _print_mod_only(output: Console, shown: Preview) -> None:
    """List what is wanted without its zip."""
    reasons = shown.plan.reasons()
    bare = sorted(module for module, whole in shown.plan.wants().items() if not whole)
    output.print()
    output.print(f"stored without their zips: {len(bare)}")
    for module in bare:
        why = "; ".join(reasons.get(module, []))
        output.print(f"    {module}: {why}", markup=False, highlight=False, soft_wrap=True)


def _bytes(need: Need) -> str:
    unknown = f" + {need.unknown} unknown" if need.unknown else ""
    return human_bytes(need.size_bytes) + unknown


def _print_why(output: Console, shown: Preview, why: str) -> None:
    """Print one chain of requirements for each line and version that brings the module in.

    Raises:
        InputError: nothing brings it in.
    """
    path, _, version = why.partition("@")
    found = False
    for line in shown.plan.lines:
        matching = [
            m for m in sorted(line.wants()) if m.path == path and version in {"", m.version}
        ]
        if not matching:
            continue
        found = True
        tree = Tree(f"{line.item.where}: {line.item.text}")
        for module in matching:
            _add_chain(tree, line.requirement_path(module))
        output.print(tree)
    if not found:
        raise InputError("no line brings it in", where=why, hint="Run plan without --why.")


def _add_chain(tree: Tree, chain: list[ModuleVersion]) -> None:
    branch = tree
    for module in chain:
        same = [child for child in branch.children if child.label == str(module)]
        branch = same[0] if same else branch.add(str(module))


def _print_verdict(console: Console, shown: Preview, verdict: Verdict) -> None:
    for error in verdict.together:
        print_error(console, error, where="all lines together")
    for line in shown.plan.lines:
        if line.error is not None:
            print_line_error(console, line.error, where=line.item.where, text=line.item.text)
    for warning in verdict.warnings:
        console.print(f"warning: {warning}", style="yellow", markup=False, highlight=False)
