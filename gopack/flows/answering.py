"""What sealed queries choose from a storage that will hold these versions: see plan.answering.

Only modules that have a version without its zip are looked at: of the others any may be chosen. Of
listed modules, `latest` is to be as good as listed, wherever it came from.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Set
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from gopack.asking import first_answer
from gopack.errors import GopackError, InputError, NotFoundError
from gopack.flows.importing import Importer
from gopack.flows.jobs import Jobs
from gopack.flows.planning import Planner
from gopack.flows.steps import run_steps
from gopack.plan.answering import answers, by_path, latest
from gopack.plan.lines import Plan
from gopack.plan.query import Steps, resolve
from gopack.ports import Sources
from gopack.spec.goproxy import GoMod, Info, Request
from gopack.spec.module import ModuleVersion
from gopack.spec.pseudo import is_pseudo, pseudo_time

T = TypeVar("T")


@dataclass(slots=True)
class Answers:
    """Tells what queries choose of a plan; `error` is set when a proxy failed meanwhile."""

    planner: Planner
    importer: Importer
    error: GopackError | None = None

    def lacking(self, plan: Plan) -> set[ModuleVersion]:
        """Tell what a query may choose and the plan does not want with all that it needs."""
        wanted, sources, executor = plan.wants(), self.planner.sources, self.planner.executor
        chosen = choose(wanted, sources, executor)
        lacking = {module for module in chosen if not wanted.get(module, False)}
        latest = choose_latest(wanted, plan.started_paths(), sources, executor)
        lacking |= (latest | self._below_patterns(plan)) - plan.usable()
        whole = {module for module, whole in plan.carriers.items() if whole}
        return (lacking - plan.exactly_mod_only()) | whole

    def _below_patterns(self, plan: Plan) -> set[ModuleVersion]:
        below = plan.below_patterns()
        floating = {m for m, query in below.items() if query in {"latest", "upgrade"}}
        queries = {(m.path, query) for m, query in below.items() if m not in floating}
        try:
            found = choose_queried(queries, self.planner.sources, self.planner.executor)
            return found | self.importer.upgrades(floating)
        except GopackError as error:
            self.error = error
            return set()


def in_sight(plan: Plan) -> set[ModuleVersion]:
    """Tell most of what a plan will be lacking, asking nobody: see `guess`."""
    wanted = plan.wants()
    chosen = guess(wanted, plan.started_paths(), plan.gomods)
    return {module for module in chosen if not wanted[module]} - plan.exactly_mod_only()


def choose(
    wanted: Mapping[ModuleVersion, bool], sources: Sources, executor: Executor
) -> set[ModuleVersion]:
    """Tell the wanted versions that a query may choose behind the gap.

    A module whose files cannot be read is left out: its fetch says why.
    """
    jobs: Jobs[str, set[ModuleVersion]] = Jobs(executor)
    for path, stored in by_path(wanted).items():
        if not all(stored.values()):
            jobs.submit(path, partial(_choose, path, stored, sources))
    return {module for _, job in jobs for module in job.result()}


def choose_latest(
    wanted: Mapping[ModuleVersion, bool], paths: Set[str], sources: Sources, executor: Executor
) -> set[ModuleVersion]:
    """Tell what `latest` of these modules is behind the gap, where several versions are wanted."""
    jobs: Jobs[str, set[ModuleVersion]] = Jobs(executor)
    for path, stored in by_path(wanted).items():
        if path in paths and len(stored) > 1:
            jobs.submit(path, partial(_choose_latest, path, stored, sources))
    return {module for _, job in jobs for module in job.result()}


def guess(
    wanted: Mapping[ModuleVersion, bool], paths: Set[str], gomods: Mapping[ModuleVersion, bytes]
) -> set[ModuleVersion]:
    """Tell most of what `choose` and `choose_latest` will tell, asking nobody.

    Args:
        wanted: as there.
        paths: as of `choose_latest`.
        gomods: the go.mod files that were read.
    """
    source = _Read(gomods)
    found: set[ModuleVersion] = set()
    for path, stored in by_path(wanted).items():
        if not all(stored.values()):
            found |= run_steps(answers(path, stored), source)
        if path in paths and len(stored) > 1:
            with suppress(GopackError):
                found.add(run_steps(latest(path, stored), source))
    return found


class _Read:
    """A source of the go.mod files that were read, and of the times that versions tell."""

    def __init__(self, gomods: Mapping[ModuleVersion, bytes]) -> None:
        self._gomods = gomods

    def read(self, request: Request) -> bytes:
        match request:
            case GoMod(module) if module in self._gomods:
                return self._gomods[module]
            case Info(_, version) if is_pseudo(version):
                told = {"Version": version, "Time": pseudo_time(version).isoformat()}
                return json.dumps(told).encode()
            case _:
                raise NotFoundError("not read yet", where=str(request))


def choose_queried(
    queries: Iterable[tuple[str, str]], sources: Sources, executor: Executor
) -> set[ModuleVersion]:
    """Tell what these queries on modules, by path, choose; nothing where no version matches.

    Raises:
        GopackError: a proxy failed, so that nobody knows.
    """
    jobs: Jobs[tuple[str, str], set[ModuleVersion]] = Jobs(executor)
    for path, query in sorted(queries):
        jobs.submit((path, query), partial(_choose_queried, path, query, sources))
    return {module for _, job in jobs for module in job.result()}


def _choose_queried(path: str, query: str, sources: Sources) -> set[ModuleVersion]:
    try:
        return {_ask(path, partial(resolve, path, query), sources).module}
    except (NotFoundError, InputError):
        return set()


def _choose_latest(path: str, stored: Iterable[str], sources: Sources) -> set[ModuleVersion]:
    try:
        return {_ask(path, partial(latest, path, stored), sources)}
    except GopackError:
        return set()


def _choose(path: str, stored: Mapping[str, bool], sources: Sources) -> set[ModuleVersion]:
    try:
        return _ask(path, partial(answers, path, stored), sources)
    except GopackError:
        return set()


def _ask(path: str, machine: Callable[[], Steps[T]], sources: Sources) -> T:
    return first_answer(sources.attempts(path), lambda source: run_steps(machine(), source))
