"""`gopack fetch`: the list becomes the storage."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console

from gopack.cli import options
from gopack.cli.console import make_console
from gopack.cli.failing import end, ends_well, print_error, print_line_error
from gopack.cli.jsonreport import write_json
from gopack.cli.lists import read_heads, read_lists
from gopack.cli.reports import fetch_json
from gopack.cli.table import print_go_needed, print_outcome
from gopack.cli.wiring import make_progress, session
from gopack.cli.writable import check_can_be_written
from gopack.flows.aliasing import publish_aliases
from gopack.flows.fetch import FetchResult, fetch
from gopack.flows.prune import prunable, prune, prune_aliases
from gopack.plan.aliases import without_alias
from gopack.plan.closure import Level
from gopack.plan.unverified import told, unverified
from gopack.spec.module import ModuleVersion


@click.command("fetch")
@options.lists_argument
@options.storage_option
@options.closure_option
@options.jobs_option
@click.option(
    "--prune",
    "is_pruning",
    is_flag=True,
    envvar="GOPACK_PRUNE",
    show_envvar=True,
    help="Remove versions that no line needs any more, after showing which.",
)
@click.option(
    "--head",
    "heads",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="GOPACK_HEAD",
    show_envvar=True,
    metavar="FILE",
    help="A sealed client's `latest` file: carry what it needs to trust the newest tree head.",
)
@click.option(
    "--aliases",
    "with_aliases",
    is_flag=True,
    envvar="GOPACK_ALIASES",
    show_envvar=True,
    help="Make branch, tag and commit names answerable as the list has them: go get module@main.",
)
@options.platforms_option
@options.json_option
def command(
    lists: tuple[Path, ...],
    storage: Path,
    closure: str,
    jobs: int,
    is_pruning: bool,
    heads: tuple[Path, ...],
    with_aliases: bool,
    platforms: tuple[str, ...],
    json_file: Path | None,
) -> None:
    """Fill the storage with what LIST (goget.txt) names and all it needs.

    What is there already is not fetched again. Lines that fail do not stop the others; the exit
    status is 0 when every line is done, else 2 for the list, 3 for an upstream, 4 for data that
    is not what it must be, 5 for the storage: the highest that occurred.
    """
    console = make_console()
    with ends_well(console):
        if json_file is not None:
            check_can_be_written(json_file)
        items, warnings = read_lists(lists)
        for warning in warnings:
            console.print(str(warning), markup=False, highlight=False)
        with (
            make_progress(console) as progress,
            session(
                storage, jobs=jobs, progress=progress, heads=read_heads(heads), items=items
            ) as s,
        ):
            s.planner.platforms = platforms
            result = fetch(items, Level(closure), s.planner, s.fetcher, s.completer)
            if not result.outcome.exit_status:
                s.store.forget_incoming()
            if with_aliases:
                publish_aliases(result, s.store, s.store, s.ledger)
                result = _told(result, without_alias(result.plan.lines))
            going = prunable(result, s.ledger.manifest.versions) if is_pruning else []
            if is_pruning:
                known = s.ledger.manifest.aliases
                for alias in prune_aliases(result, s.store, s.ledger, known, going):
                    progress.note(f"pruned the name {alias}")
                prune(s.store, s.ledger, going, progress.note)
            bare = unverified(result.plan.wants(), s.ledger.manifest.versions)
        _report(console, result, bare)
        write_json(json_file, fetch_json(result, going, bare, warnings))
        end(result.outcome.exit_status)


def _told(result: FetchResult, warnings: Iterable[str]) -> FetchResult:
    outcome = replace(result.outcome, warnings=(*result.outcome.warnings, *warnings))
    return replace(result, outcome=outcome)


def _report(console: Console, result: FetchResult, bare: Mapping[str, list[ModuleVersion]]) -> None:
    print_outcome(console, result.outcome)
    for reason, modules in bare.items():
        console.print(told(reason, modules), markup=False, highlight=False)
    print_go_needed(console, result.plan)
    for warning in result.outcome.warnings:
        console.print(f"warning: {warning}", style="yellow", markup=False, highlight=False)
    for line in result.outcome.lines:
        if line.error is not None:
            print_line_error(console, line.error, where=line.where, text=line.text)
    for error in result.outcome.together:
        print_error(console, error, where="all lines together")
