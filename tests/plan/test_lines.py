"""What becomes of each line, before and after the fetch."""

from gopack.errors import GopackError, IntegrityError, NotFoundError, UpstreamError
from gopack.plan.closure import Closure, Level
from gopack.plan.items import ModuleItem
from gopack.plan.lines import LinePlan, Plan, note_of
from gopack.plan.manifest import LineFacts
from gopack.plan.outcome import Stored, outcome_of
from gopack.plan.query import Resolution
from gopack.plan.summary import Retraction
from gopack.spec.info import parse_info
from tests.plan.graphs import drive, graph, mv, names

KNOWN = graph({"a1": "b1", "b1": "", "c1": "b2", "b2": "d1", "d1": ""})
INFO = b'{"Version":"v1.1.0"}'


def root(
    name: str, retraction: Retraction | None = None, deprecated: str = "", carrier: str = ""
) -> Resolution:
    return Resolution(
        mv(name),
        parse_info(INFO, where="x"),
        INFO,
        retraction,
        deprecated,
        mv(carrier) if carrier else None,
    )


def line(name: str, number: int = 1, error: GopackError | None = None) -> LinePlan:
    item = ModuleItem(name="goget.txt", line=number, text=f"a.b/{name[0]}", path=f"a.b/{name[0]}")
    if error is not None:
        return LinePlan(item, Level.GRAPH, error=error, seconds=0.5)
    closure = Closure([mv(name)], Level.GRAPH)
    drive(closure, KNOWN)
    return LinePlan(item, Level.GRAPH, (root(name),), closure=closure, seconds=0.5)


def plan(*lines: LinePlan) -> Plan:
    joint = Closure([m for each in lines for m in each.modules], Level.GRAPH)
    drive(joint, KNOWN)
    return Plan(lines, joint)


def test_note_of_says_retracted_and_deprecated_in_one_line_each() -> None:
    retraction = Retraction("v1.0.0", "v1.0.0", "bad\nvery bad")
    assert note_of(root("a1", retraction, " use b\nnow")) == ["retracted: bad", "deprecated: use b"]
    assert note_of(root("a1", Retraction("v1.0.0", "v1.0.0", ""))) == ["retracted"]
    assert note_of(root("a1")) == []


def test_plan_wants_what_any_closure_wants() -> None:
    both = plan(line("a1"), line("c1", 2))
    assert names(both.wants()) == "a1 b1 b2 c1 d1"
    assert all(both.wants().values())
    assert Plan(()).wants() == {}


def test_plan_wants_zip_where_one_line_does() -> None:
    small = LinePlan(
        line("c1").item, Level.CLOSED, (root("c1"),), closure=Closure([mv("c1")], Level.CLOSED)
    )
    assert small.closure is not None
    drive(small.closure, graph({"c1": "b2", "b2": "d1", "d1": "e1", "e1": ""}))
    assert small.wants() == {mv("c1"): True, mv("b2"): True, mv("d1"): True, mv("e1"): False}


def test_plan_roots_need_the_whole_line() -> None:
    found = plan(line("a1"), line("c1", 2)).roots()
    assert {names([m]): names(needed) for m, needed in found.items()} == {
        "a1": "a1 b1",
        "c1": "b2 c1 d1",
    }


def test_plan_reasons_name_lines_else_what_requires() -> None:
    found = plan(line("a1"), line("c1", 2)).reasons()
    assert {names([m]): why for m, why in found.items()} == {
        "a1": ["a.b/a"],
        "c1": ["a.b/c"],
        "b1": ["required by a.b/a@v1.1.0"],
        "b2": ["required by a.b/c@v1.1.0"],
        "d1": ["required by a.b/b@v1.2.0"],
    }


def test_plan_facts_keep_marks_and_carrier() -> None:
    marked = LinePlan(
        line("a1").item,
        Level.GRAPH,
        (root("a1", Retraction("v1.1.0", "v1.1.0", "bad"), "old", "a2"), root("b1")),
    )
    assert Plan((marked,)).facts() == {
        mv("a1"): LineFacts("bad", "old", "a.b/a@v1.2.0"),
        mv("b1"): LineFacts(None, "", ""),
    }


def test_plan_summary_is_of_any_closure() -> None:
    both = plan(line("a1"), line("c1", 2))
    assert both.summary(mv("b2")) == KNOWN[mv("b2")]
    assert both.summary(mv("e9")) is None


def test_outcome_counts_per_line_and_once_in_total() -> None:
    both = plan(line("a1"), line("c1", 2))
    stored = {mv("a1"): Stored(100, 1.0), mv("b1"): Stored(10, 2.0)}
    found = outcome_of(both, stored, {}, seconds=3, warnings=["w"])
    assert [(o.added, o.added_bytes, o.needed, o.seconds, o.status) for o in found.lines] == [
        (2, 110, 2, 2.0, "done"),
        (0, 0, 3, 0.5, "there"),
    ]
    assert (found.added, found.added_bytes, found.needed, found.exit_status) == (2, 110, 5, 0)
    assert found.warnings == ("w",)
    assert found.lines[0].where == "goget.txt:1"


def test_outcome_failure_weighs_most_and_tells_the_chain() -> None:
    failed: dict[object, GopackError] = {
        mv("b2"): UpstreamError("gone", where="b2"),
        mv("d1"): IntegrityError("lies", where="d1"),
    }
    found = outcome_of(plan(line("a1"), line("c1", 2)), {}, failed, seconds=1)  # type: ignore[arg-type]
    sound, broken = found.lines
    assert sound.error is None
    assert str(broken.error) == (
        "d1: lies (a.b/c@v1.1.0 requires a.b/b@v1.2.0 requires a.b/d@v1.1.0)"
    )
    assert (broken.status, found.exit_status, found.together) == ("failed", 4, ())


def test_outcome_what_only_all_together_need_is_told_apart() -> None:
    lines = (line("a1"),)
    joint = Closure([mv("a1"), mv("c1")], Level.GRAPH)
    drive(joint, KNOWN)
    found = outcome_of(
        Plan(lines, joint), {}, {mv("d1"): UpstreamError("gone", where="d1")}, seconds=1
    )
    assert found.lines[0].error is None
    assert [str(e) for e in found.together] == [
        "d1: gone (a.b/c@v1.1.0 requires a.b/b@v1.2.0 requires a.b/d@v1.1.0)"
    ]
    assert found.exit_status == 3


def test_outcome_line_that_did_not_resolve_keeps_its_error() -> None:
    error = NotFoundError("no such module", where="a.b/x")
    found = outcome_of(Plan((line("x1", error=error), line("a1", 2))), {}, {}, seconds=1)
    assert found.errors == [error]
    assert [o.status for o in found.lines] == ["failed", "there"]
    assert found.exit_status == 3
