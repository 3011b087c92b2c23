"""The order of a proof: surveys, rows, both worlds, and trying again; no go command runs."""

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest

from gopack.flows.prove import Prover
from gopack.plan.closure import Level
from gopack.plan.matrix import Cell, Matrix, Verdict
from gopack.plan.missing import Asked
from gopack.plan.proving import Ran, Subject
from gopack.plan.scenarios import untried
from gopack.spec.module import ModuleVersion

Answer = Callable[[Sequence[str]], Ran]
LOST = Ran(1, "", "go: 404", (Asked("b.test/@v/v1.0.0.zip", 404),))


def line(path: str, number: int) -> Subject:
    return Subject(path, f"goget.txt:{number}", (ModuleVersion(path, "v1.0.0"),))


A, B = line("a.test", 1), line("b.test", 2)


def packages(arguments: Sequence[str]) -> Ran:
    """A go command that succeeds; each module has one package."""
    if "-find" not in arguments:
        return Ran(0, "", "")
    paths = [word.removesuffix("/...") for word in arguments if word.endswith("/...")]
    shown = [
        {"ImportPath": p, "Name": "x", "Module": {"Path": p}, "GoFiles": ["x.go"]} for p in paths
    ]
    return Ran(0, "\n".join(map(json.dumps, shown)), "")


@dataclass
class FakePlace:
    answer: Answer
    log: list[Sequence[str]]
    files: dict[str, str] = field(default_factory=dict)

    def write(self, name: str, text: str) -> None:
        self.files[name] = text

    def read(self, name: str) -> str:
        return self.files.get(name, "")

    def go(self, arguments: Sequence[str]) -> Ran:
        self.log.append(arguments)
        return self.answer(arguments)


@dataclass
class FakeWorld:
    answer: Answer
    log: list[Sequence[str]] = field(default_factory=list)
    places: list[FakePlace] = field(default_factory=list)

    @contextmanager
    def place(self) -> Iterator[FakePlace]:
        self.places.append(FakePlace(self.answer, self.log))
        yield self.places[-1]


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


def prove(
    executor: ThreadPoolExecutor, sealed: FakeWorld, connected: FakeWorld | None = None
) -> tuple[Prover, Matrix, list[Cell]]:
    told: list[Cell] = []
    prover = Prover(sealed, connected, executor, "1.26", Level.GRAPH, told.append)
    return prover, prover.prove([A, B]), told


def loses_b(arguments: Sequence[str]) -> Ran:
    return LOST if any("b.test" in word for word in arguments) else packages(arguments)


def test_every_line_alone_and_all_together_are_rows(executor: ThreadPoolExecutor) -> None:
    _, matrix, told = prove(executor, FakeWorld(packages))
    assert [subject.name for subject, _ in matrix.rows()] == ["a.test", "b.test", "all together"]
    assert matrix.exit_status == 0
    assert sorted(c.step.name for c in told) == sorted(c.step.name for c in matrix.cells)
    assert matrix.rows()[2][0].imports == ("a.test", "b.test")


def test_each_scenario_has_a_place_of_its_own(executor: ThreadPoolExecutor) -> None:
    world = FakeWorld(packages)
    _, matrix, _ = prove(executor, world)
    surveys = 3  # what all lines together select, too
    scenarios = 4  # main, pattern, tests, queries; nothing to install
    assert len(world.places) == surveys + scenarios * len(matrix.rows())


def test_joint_row_is_at_what_a_project_selects_that_requires_all(
    executor: ThreadPoolExecutor,
) -> None:
    """`go get a@v1.0.0 b@v1.0.0` is refused where b requires more of a."""
    selected = [{"Path": "gopack.invalid/prove"}, {"Path": "a.test", "Version": "v1.3.0"}]

    def raises_a(arguments: Sequence[str]) -> Ran:
        if arguments == ("list", "-m", "-json", "all"):
            return Ran(0, "\n".join(map(json.dumps, selected)), "")
        return packages(arguments)

    _, matrix, _ = prove(executor, FakeWorld(raises_a))
    assert [str(m) for m in matrix.rows()[0][0].modules] == ["a.test@v1.0.0"]
    assert [str(m) for m in matrix.rows()[2][0].modules] == ["a.test@v1.3.0", "b.test@v1.0.0"]


def test_failed_get_fails_what_builds_on_it_and_names_the_file(
    executor: ThreadPoolExecutor,
) -> None:
    _, matrix, _ = prove(executor, FakeWorld(loses_b))
    rows = {subject.name: cells for subject, cells in matrix.rows()}
    assert {c.verdict for c in rows["a.test"].values()} == {Verdict.GOOD}
    assert {c.verdict for c in rows["b.test"].values()} == {Verdict.FAILED}
    assert [each.file for each in matrix.missing()] == ["b.test/v1.0.0/source.zip"]
    assert rows["b.test"]["verify"].sealed.missing == rows["b.test"]["get"].sealed.missing


def test_both_worlds_run_the_same_and_the_survey_falls_back(executor: ThreadPoolExecutor) -> None:
    connected = FakeWorld(packages)
    _, matrix, _ = prove(executor, FakeWorld(loses_b), connected)
    assert {c.verdict for c in matrix.cells} == {Verdict.GOOD, Verdict.FAILED}
    assert matrix.rows()[1][0].is_guessed is False
    assert any("-find" in arguments for arguments in connected.log)


def test_what_fails_in_both_worlds_is_impossible(executor: ThreadPoolExecutor) -> None:
    _, matrix, _ = prove(executor, FakeWorld(loses_b), FakeWorld(loses_b))
    assert matrix.exit_status == 0
    assert matrix.count(Verdict.IMPOSSIBLE) > 0


def times_out(arguments: Sequence[str]) -> Ran:
    if "-find" in arguments:
        return packages(arguments)
    return Ran(124, "", "go get did not end in 9 s", LOST.asked, is_timed_out=True)


def fails_upstream(arguments: Sequence[str]) -> Ran:
    said = 'go: Get "https://p.test/a.test/@v/list": dial tcp 10.0.0.1:443: i/o timeout'
    return Ran(1, "", said)


def has_no_room(arguments: Sequence[str]) -> Ran:
    return Ran(1, "", "go: writing /t/cache/list: no space left on device", LOST.asked)


def is_killed(arguments: Sequence[str]) -> Ran:
    return Ran(-9, "", "", LOST.asked)


@pytest.mark.parametrize("answer", [times_out, fails_upstream, has_no_room, is_killed])
def test_connected_that_came_to_no_end_decides_nothing(
    answer: Answer, executor: ThreadPoolExecutor
) -> None:
    _, matrix, _ = prove(executor, FakeWorld(packages), FakeWorld(answer))
    assert {c.verdict for c in matrix.cells} == {Verdict.UNDECIDED}
    assert matrix.exit_status == 3
    assert matrix.missing() == []


@pytest.mark.parametrize("answer", [times_out, has_no_room, is_killed])
def test_sealed_that_did_not_end_has_failed_and_misses_nothing(
    answer: Answer, executor: ThreadPoolExecutor
) -> None:
    _, matrix, _ = prove(executor, FakeWorld(answer), FakeWorld(packages))
    assert {c.verdict for c in matrix.cells} == {Verdict.FAILED}
    assert matrix.missing() == []


def test_again_tries_only_rows_that_were_red(executor: ThreadPoolExecutor) -> None:
    world = FakeWorld(loses_b)
    prover, matrix, _ = prove(executor, world)
    world.answer = packages
    del world.log[:]
    mended = prover.again(matrix)
    assert mended.exit_status == 0
    assert len(mended.cells) == len(matrix.cells)
    alone = [words for words in world.log if words[0] == "get" and words[1:] == ("a.test@v1.0.0",)]
    assert len(alone) == 1, "the survey needs it, the scenarios are not run again"


def test_again_tries_steps_that_the_survey_did_not_know_of(executor: ThreadPoolExecutor) -> None:
    """Nobody knew that there is a command, since the module was not there."""

    def has_command(arguments: Sequence[str]) -> Ran:
        ran = packages(arguments)
        return replace(ran, stdout=ran.stdout.replace('"Name": "x"', '"Name": "main"'))

    world = FakeWorld(loses_b)
    prover, matrix, _ = prove(executor, world)
    assert "install" not in matrix.steps
    world.answer = has_command
    mended = prover.again(matrix)
    [row] = [cells for subject, cells in mended.rows() if subject.name == "b.test"]
    assert row["install"].verdict is Verdict.GOOD
    assert "install" not in untried(row["install"].subject)
