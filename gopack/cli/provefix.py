"""`gopack prove --fix`: what a failed step asked for is fetched, and the step tried again.

The list is fetched with what was missing added to it, so that why a version is there stays known.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from gopack.cli.failing import print_error
from gopack.cli.options import DEFAULT_JOBS
from gopack.cli.wiring import make_progress, session
from gopack.flows.fetch import fetch
from gopack.flows.prove import Prover
from gopack.plan.closure import Level
from gopack.plan.items import Item, ModuleItem
from gopack.plan.matrix import Matrix
from gopack.plan.missing import Missing

MAX_ROUNDS = 10
"""Each round fetches whole closures; what is missing after so many will not be found."""


def mend(
    console: Console,
    trial: Prover,
    matrix: Matrix,
    items: Sequence[Item],
    storage: Path,
    level: Level,
    *,
    renew: Callable[[], None],
) -> Matrix:
    """Fetch and try again until nothing more is missing that can be had.

    What was fetched is verified by its own proofs, or exempt: `renew` sees to that.

    Raises:
        GopackError: as fetch; lines that fail are told and left out.
    """
    tried: dict[str, Missing] = {}
    for _ in range(MAX_ROUNDS):
        fresh = [each for each in matrix.missing() if each.line not in tried]
        if not fresh:
            break
        tried |= {each.line: each for each in fresh}
        _fetch(console, [*items, *map(_item, tried.values())], storage, level)
        renew()
        matrix = trial.again(matrix)
    if tried:
        console.print("lines that were tried in addition; add those you want to keep:")
        for line in sorted(tried):
            console.print(f"  {line}", markup=False, highlight=False)
    return matrix


def _item(missing: Missing) -> ModuleItem:
    return ModuleItem(missing.path, missing.query, name="prove --fix", text=missing.line)


def _fetch(console: Console, items: Sequence[Item], storage: Path, level: Level) -> None:
    with (
        make_progress(console) as progress,
        session(storage, jobs=DEFAULT_JOBS, progress=progress) as parts,
    ):
        outcome = fetch(items, level, parts.planner, parts.fetcher, parts.completer).outcome
    for error in outcome.errors:
        print_error(console, error)
