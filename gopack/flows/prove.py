"""The proof: the go command runs against the storage as a sealed developer's would.

Each scenario of each line is a run of its own, in a new place with nothing in it; runs go side by
side. With a second world the same runs happen connected, and both are laid beside each other.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from gopack.flows.jobs import Jobs
from gopack.plan.closure import Level
from gopack.plan.matrix import Cell, Did, Matrix
from gopack.plan.missing import Asked, find_missing, hindrance_told, needed_go, outage_told
from gopack.plan.proving import (
    Ran,
    Subject,
    at_versions,
    parse_packages,
    targets_of,
    together,
    with_packages,
)
from gopack.plan.scenarios import (
    LIST_ALL,
    SCENARIOS,
    Arguments,
    Scenario,
    Step,
    answer_of,
    get_arguments,
    main_files,
    requiring,
    selected_by,
    survey_arguments,
)

MAX_OUTPUT_CHARS = 4000


class Place(Protocol):
    """A folder with a main module and an empty module cache, for one run."""

    def write(self, name: str, text: str) -> None:
        """Write a file of the main module."""

    def read(self, name: str) -> str:
        """Read a file of the main module; an empty text where there is none."""

    def go(self, arguments: Arguments) -> Ran:
        """Run the go command in it. MUST end, and MUST NOT raise where the go command fails."""


class World(Protocol):
    """Where go commands run: sealed or connected. Safe from many threads at once."""

    def place(self) -> AbstractContextManager[Place]:
        """Make a new place; it is gone afterwards."""


@dataclass(slots=True)
class Prover:
    """Tries subjects.

    Args:
        sealed: the world whose promise is tried.
        connected: the world to compare with, or None.
        executor: its threads bound the go commands under way at once.
        go_version: what the main modules say, such as `1.26`.
        level: what the storage promises for all lines together.
        tried: told of each cell as it is known.

    """

    sealed: World
    connected: World | None
    executor: Executor
    go_version: str
    level: Level
    tried: Callable[[Cell], None]

    def prove(self, subjects: Sequence[Subject]) -> Matrix:
        """Try every line alone, and all together where there is more than one.

        Raises:
            StoreError: there is no room to run the go command in.
        """
        rows = self._survey(subjects)
        lines = [row for row in rows if row.project is None]
        if len(lines) > 1:
            rows = [*rows, self._together(lines)]
        return Matrix(tuple(self.run([(row, each) for row in rows for each in SCENARIOS])))

    def again(self, matrix: Matrix) -> Matrix:
        """Try the scenarios of the red cells once more, with what is imported found out anew.

        Steps that nobody knew of, since the packages could not be found out, are tried, too.
        """
        red = {cell.subject.key for cell in matrix.red()}
        steps = {cell.step.name for cell in matrix.red()}
        again = [subject for subject, _ in matrix.rows() if subject.key in red]
        lines = [s for s, _ in matrix.rows() if s.where]
        surveyed = {s.key: s for s in self._survey(lines)}
        joint = self._together([s for s in surveyed.values() if s.project is None])
        wanted = [surveyed.get(s.key, joint) for s in again]
        known = {subject.key: set(cells) for subject, cells in matrix.rows()}

        def is_due(row: Subject, scenario: Scenario) -> bool:
            names = {step.name for step in scenario.steps_of(row)}
            return bool(steps & names or names - known[row.key])

        fresh = self.run([(row, each) for row in wanted for each in SCENARIOS if is_due(row, each)])
        return matrix.merged(fresh)

    def run(self, pairs: Sequence[tuple[Subject, Scenario]]) -> list[Cell]:
        """Run scenarios in both worlds, side by side; cells come in the order of the pairs."""
        todo = [(s, scenario) for s, scenario in pairs if scenario.steps_of(s)]
        worlds = [world for world in (self.sealed, self.connected) if world is not None]
        jobs: Jobs[tuple[int, int], list[Did]] = Jobs(self.executor)
        for index, (subject, scenario) in enumerate(todo):
            for number, world in enumerate(worlds):
                jobs.submit((index, number), partial(self._run, world, subject, scenario))
        done: dict[tuple[int, int], list[Did]] = {}
        cells: dict[int, list[Cell]] = {}
        for (index, number), job in jobs:
            done[index, number] = job.result()
            if all((index, each) in done for each in range(len(worlds))):
                cells[index] = _cells(*todo[index], [done[index, n] for n in range(len(worlds))])
                for cell in cells[index]:
                    self.tried(cell)
        return [cell for index in range(len(todo)) for cell in cells[index]]

    def _run(self, world: World, subject: Subject, scenario: Scenario) -> list[Did]:
        with world.place() as place:
            for name, text in main_files(subject, scenario, self.go_version).items():
                place.write(name, text)
            return _run_all(place, scenario.steps_of(subject), subject)

    def _together(self, rows: Sequence[Subject]) -> Subject:
        """Make the row of all lines, at the versions that a project selects which requires all.

        `go get` refuses an older one that a line names: another line requires more of it.
        """
        joint = together(rows, self.level)
        for world in (self.sealed, self.connected):
            if world is None or len(joint.modules) < 2:
                continue
            with world.place() as place:
                place.write("go.mod", requiring(joint, self.go_version))
                ran = place.go(LIST_ALL)
            if not ran.exit_status:
                selected = selected_by(ran.stdout)
                listed = {m.path: selected.get(m.path, m.version) for m in joint.modules}
                return at_versions(joint, listed)
        return joint

    def _survey(self, subjects: Sequence[Subject]) -> list[Subject]:
        """Find out which packages and commands the lines' modules have."""
        jobs: Jobs[int, Subject] = Jobs(self.executor)
        for index, subject in enumerate(subjects):
            jobs.submit(index, partial(self._survey_one, subject))
        found = {index: job.result() for index, job in jobs}
        return [found[index] for index in range(len(subjects))]

    def _survey_one(self, subject: Subject) -> Subject:
        if subject.project is not None:
            return subject
        with self.sealed.place() as place:
            surveyed = survey(place, subject, self.go_version)
        if self.connected is None or not surveyed.is_guessed:
            return surveyed
        with self.connected.place() as place:
            return survey(place, subject, self.go_version)


def survey(place: Place, subject: Subject, go_version: str) -> Subject:
    """Ask the go command for the packages of a subject's modules.

    Where it fails the modules' own paths stand for them, so that the steps fail as they must.
    """
    text = f"module gopack.invalid/survey\n\ngo {go_version}\n"
    place.write("go.mod", text)
    for arguments in (get_arguments(subject), survey_arguments(subject)):
        ran = place.go(arguments)
        if ran.exit_status:
            paths = tuple(m.path.removesuffix("/...") for m in targets_of(subject))
            return replace(subject, imports=paths, is_guessed=True)
    return with_packages(subject, parse_packages(ran.stdout))


def _run_all(place: Place, steps: Sequence[Step], subject: Subject) -> list[Did]:
    done: list[Did] = []
    failed: Did | None = None
    for step in steps:
        done.append(failed or run_step(place, step, subject))
        if step.others_need and done[-1].exit_status:
            failed = replace(done[-1], seconds=0.0)
    return done


def run_step(place: Place, step: Step, subject: Subject) -> Did:
    """Run a step's go commands until one fails."""
    started = time.monotonic()
    ran = Ran(0, "", "")
    asked: list[Asked] = []
    for arguments in step.commands(subject):
        ran = place.go(arguments)
        asked += ran.asked
        if ran.exit_status:
            break
    did = Did(ran.exit_status, ran.stderr[-MAX_OUTPUT_CHARS:], seconds=time.monotonic() - started)
    if ran.is_timed_out:
        return replace(did, undecided=ran.stderr)
    if ran.exit_status:
        lacks = _ended_early(ran)
        missing = () if lacks else tuple(find_missing(ran.stderr, asked))
        return replace(
            did,
            missing=missing,
            needs_go=needed_go(ran.stderr),
            undecided=outage_told(ran.stderr) or lacks,
        )
    told = answer_of(step, ran.stdout)
    if not step.compares_files:
        return replace(did, answers=told)
    return replace(did, effects={**_files(place), **told})


def _ended_early(ran: Ran) -> str:
    """Tell what kept a go command from its end that no upstream can help."""
    if ran.exit_status < 0:
        return f"the go command was ended by signal {-ran.exit_status}"
    return hindrance_told(ran.stderr)


def _files(place: Place) -> Mapping[str, str]:
    return {name: place.read(name) for name in ("go.mod", "go.sum")}


def _cells(subject: Subject, scenario: Scenario, worlds: Sequence[Sequence[Did]]) -> list[Cell]:
    return [
        Cell(subject, step, *(world[number] for world in worlds))
        for number, step in enumerate(scenario.steps_of(subject))
    ]
