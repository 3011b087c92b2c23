"""Equal, failed, different, impossible: how cells are judged and explained."""

from dataclasses import replace

import pytest

from gopack.plan.manifest import Manifest
from gopack.plan.matrix import Cell, Did, Matrix, Verdict, explain
from gopack.plan.missing import Missing
from gopack.plan.proving import Subject
from gopack.plan.scenarios import SCENARIOS, Step
from gopack.spec.module import ModuleVersion

ROW = Subject("a.test@v1.0.0", "goget.txt:1", (ModuleVersion("a.test", "v1.0.0"),))
STEPS = {step.name: step for scenario in SCENARIOS for step in scenario.steps}
GET: Step = STEPS["get"]
LOST = Missing("a.test/v1.0.0/source.zip", "a.test", "v1.0.0", ROW.modules[0])
FINE = Did(0, effects={"go.mod": "m", "go.sum": "s"})
BROKEN = Did(1, "go: 404", missing=(LOST,))
LATE = Did(124, "go get did not end in 9 s", undecided="go get did not end in 9 s")


@pytest.mark.parametrize(
    ("sealed", "connected", "verdict"),
    [
        (FINE, None, Verdict.GOOD),
        (BROKEN, None, Verdict.FAILED),
        (FINE, FINE, Verdict.GOOD),
        (BROKEN, FINE, Verdict.FAILED),
        (BROKEN, Did(1), Verdict.IMPOSSIBLE),
        (BROKEN, LATE, Verdict.UNDECIDED),
        (FINE, LATE, Verdict.UNDECIDED),
        (LATE, FINE, Verdict.FAILED),
        (replace(FINE, effects={"go.mod": "m", "go.sum": "t"}), FINE, Verdict.DIFFERENT),
        (replace(FINE, effects={}), FINE, Verdict.DIFFERENT),
    ],
)
def test_cell_is_judged_by_both_worlds(
    sealed: Did, connected: Did | None, verdict: Verdict
) -> None:
    cell = Cell(ROW, GET, sealed, connected)
    assert cell.verdict is verdict
    statuses = {Verdict.FAILED: 4, Verdict.DIFFERENT: 4, Verdict.UNDECIDED: 3}
    assert Matrix((cell,)).exit_status == statuses.get(verdict, 0)


def test_checksum_that_is_another_is_told_by_its_first_lines() -> None:
    """The go command's last lines are advice that is always the same."""
    lines = [
        "go: verifying a.test@v1.0.0: checksum mismatch",
        "\tdownloaded: h1:x",
        "\tsum.db: h1:y",
    ]
    output = "\n".join(
        ["go: downloading", *lines, "", "SECURITY ERROR", "See go help module-auth."]
    )
    told = explain(Cell(ROW, GET, Did(1, output), None), Manifest(), "1.26.0")
    assert told[:3] == lines
    assert "gopack check" in told[3]


def test_difference_shows_the_lines() -> None:
    other = replace(FINE, effects={"go.mod": "m", "go.sum": "t"})
    [told] = Cell(ROW, GET, other, FINE).differences()
    assert told.startswith("go.sum differs:")
    assert "-s" in told
    assert "+t" in told


@pytest.mark.parametrize(
    ("sealed", "connected", "recorded", "verdict"),
    [
        ("v1.0.0", None, "v1.0.0", Verdict.GOOD),
        ("v1.1.0", None, "v1.0.0", Verdict.DIFFERENT),
        ("v1.0.0", "v1.2.0", "v1.0.0", Verdict.GOOD),  # upstream has moved on since
        ("v1.1.0", "v1.2.0", "v1.0.0", Verdict.DIFFERENT),
        ("v1.1.0", None, None, Verdict.GOOD),
    ],
)
def test_latest_is_what_it_was_when_the_storage_was_filled(
    sealed: str, connected: str | None, recorded: str | None, verdict: Verdict
) -> None:
    row = replace(ROW, latest={"a.test": recorded} if recorded else {})
    theirs = None if connected is None else Did(0, answers={"a.test": connected})
    cell = Cell(row, STEPS["@latest"], Did(0, answers={"a.test": sealed}), theirs)
    assert cell.verdict is verdict


@pytest.mark.parametrize(
    ("sealed", "connected", "recorded", "verdict", "told"),
    [
        ("v1.1.0", "v1.1.0", "v1.0.0", Verdict.GOOD, ""),
        ("v1.0.0", "v1.2.0", "v1.0.0", Verdict.GOOD, ""),
        ("v1.1.0", "v1.0.0", "v1.0.0", Verdict.DIFFERENT, ""),  # nothing moved upstream
        ("v1.1.0", "v1.2.0", "v1.0.0", Verdict.GOOD, "may have moved on"),
        ("v1.1.0", "v1.2.0", "", Verdict.GOOD, "not recorded"),
    ],
)
def test_joint_latest_that_nobody_can_judge_is_told_as_not_compared(
    sealed: str, connected: str, recorded: str, verdict: Verdict, told: str
) -> None:
    modules = (*ROW.modules, ModuleVersion("b.test", "v1.0.0"))
    row = replace(ROW, modules=modules, latest={"a.test": recorded} if recorded else {})
    answers = [Did(0, answers={"a.test": version}) for version in (sealed, connected)]
    cell = Cell(row, STEPS["@latest"], *answers)
    assert cell.verdict is verdict
    assert bool(cell.uncompared()) is bool(told)
    assert told in "".join(cell.uncompared())
    assert len(Matrix((cell,)).uncompared()) == bool(told)


def test_undecided_says_what_happened_connected() -> None:
    lines = explain(Cell(ROW, GET, BROKEN, LATE), Manifest(), "1.26.1")
    assert lines[0] == "nobody knows what it does connected: go get did not end in 9 s"


@pytest.mark.parametrize(
    ("why", "remedy"),
    [
        ("go: write /t/x: no space left on device", "this machine"),
        ("the go command was ended by signal 9", "this machine"),
        ("go get did not end in 9 s", "upstream"),
        ('Get "https://p.test/x/@v/list": EOF', "upstream"),
    ],
)
def test_undecided_says_what_to_see_to(why: str, remedy: str) -> None:
    told = explain(Cell(ROW, GET, FINE, Did(1, why, undecided=why)), Manifest(), "1.26.0")
    assert why in told[0]
    assert remedy in told[1]


def test_sealed_time_out_names_no_file() -> None:
    assert explain(Cell(ROW, GET, LATE), Manifest(), "1.26.1")[0] == LATE.undecided


@pytest.mark.parametrize(
    ("sealed", "connected", "verdict"),
    [
        ("v1.0.0", "v1.0.0 v1.1.0", Verdict.GOOD),
        ("v1.0.0 v1.2.0", "v1.0.0 v1.1.0", Verdict.DIFFERENT),
    ],
)
def test_sealed_versions_are_among_the_connected(
    sealed: str, connected: str, verdict: Verdict
) -> None:
    answers = [Did(0, answers={"a.test": text}) for text in (sealed, connected)]
    assert Cell(ROW, STEPS["-versions"], *answers).verdict is verdict


def test_failure_is_explained_by_the_file_and_the_line() -> None:
    [line] = explain(Cell(ROW, GET, BROKEN, FINE), Manifest(), "1.26.1")
    assert line == "a.test/v1.0.0/source.zip is missing: add the line a.test@v1.0.0"


def test_failure_with_nothing_missing_shows_what_go_said() -> None:
    lines = explain(Cell(ROW, GET, Did(1, "\nx.go:1: no\n")), Manifest(), "1.26.1")
    assert lines[0] == "x.go:1: no"
    assert "--compare" in lines[1]


def test_newer_go_is_told_with_the_one_here() -> None:
    [line] = explain(Cell(ROW, GET, Did(1, "x", needs_go="1.99")), Manifest(), "1.26.1")
    assert "1.99" in line
    assert "1.26.1" in line


def test_matrix_takes_cells_tried_again() -> None:
    good, bad = Cell(ROW, GET, FINE), Cell(ROW, GET, BROKEN)
    other = Cell(ROW, STEPS["tidy"], FINE)
    matrix = Matrix((bad, other))
    assert matrix.missing() == [LOST]
    mended = matrix.merged([good])
    assert mended.cells == (good, other)
    assert mended.missing() == []
    assert mended.steps == ["get", "tidy"]


def test_matrix_takes_cells_of_steps_that_were_not_known() -> None:
    """And its row is told with what is known now."""
    guessed = replace(ROW, is_guessed=True)
    old = Matrix((Cell(guessed, GET, BROKEN), Cell(guessed, STEPS["-versions"], FINE)))
    mended = old.merged([Cell(ROW, GET, FINE), Cell(ROW, STEPS["install"], FINE)])
    assert mended.steps == ["get", "-versions", "install"]
    [(row, cells)] = mended.rows()
    assert not row.is_guessed
    assert all(cell.subject == ROW for cell in cells.values())
