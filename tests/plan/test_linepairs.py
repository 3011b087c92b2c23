"""Two lines that need more together than each needs alone."""

from gopack.plan.closure import Closure, Level
from gopack.plan.items import ModuleItem
from gopack.plan.linepairs import pairs_of
from gopack.plan.lines import LinePlan
from tests.plan.graphs import drive, graph, mv, names

# b1 selects p2 and reads nothing of it; who uses a1, too, requires p2, which requires q2.
TEXT = {"a1": "p1 q1", "b1": "r1", "r1": "p2", "p1": "q1", "p2": "q2", "q1": "", "q2": ""}


def line(name: str, requirements: dict[str, str], level: Level = Level.GRAPH) -> LinePlan:
    item = ModuleItem(name="goget.txt", line=1, text=f"a.b/{name[0]}", path=f"a.b/{name[0]}")
    closure = Closure([mv(name)], level)
    drive(closure, graph(requirements))
    return LinePlan(item, level, listed=(mv(name),), closure=closure)


def pairs(
    *names_: str,
    level: Level = Level.GRAPH,
    others: dict[str, str] | None = None,
    whole: str = "",
) -> list[str]:
    """Tell what each pair wants that is not wanted anyway."""
    requirements = TEXT | (others or {})
    lines = [line(name, requirements, level) for name in names_]
    wanted = {mv(name) for name in whole.split()}.union(*(each.wants() for each in lines))
    found = []
    for closure in pairs_of(lines, wanted):
        drive(closure, graph(requirements))
        found.append(names(closure.complete() - wanted))
        wanted |= closure.complete()
    return found


def test_pair_requires_what_a_version_does_that_one_selects_and_the_other_uses() -> None:
    assert pairs("a1", "b1") == pairs("b1", "a1") == ["q2"]


def test_pair_that_selects_what_each_selects_alone_is_none() -> None:
    assert pairs("a1", "b1", others={"p2": "q1"}) == []
    assert pairs("a1", "b1", others={"r1": "p1"}) == []
    assert pairs("a1", "b1", others={"r1": "p2 q2"}) == []


def test_pair_at_a_level_that_promises_none_is_none() -> None:
    assert pairs("a1", "b1", level=Level.BUILD) == []


def test_pair_that_needs_what_is_stored_anyway_is_none() -> None:
    assert pairs("a1", "b1", whole="q2") == [""]  # nobody has read what it requires
    further = {"q2": "u1", "u1": ""}
    assert pairs("a1", "b1", others=further) == ["q2 u1"]
    assert pairs("a1", "b1", others=further, whole="q2") == ["u1"]
    assert pairs("a1", "b1", "c1", others={"c1": "r1 q1"}) == ["q2"]


def test_pair_is_told_once_however_much_it_adds() -> None:
    more = {"a1": "p1 q1 s1", "r1": "p2 s2", "s1": "", "s2": "t1", "t1": ""}
    assert pairs("a1", "b1", others=more) == ["q2 t1"]


def test_line_that_failed_is_in_no_pair() -> None:
    failed = LinePlan(line("b1", TEXT).item, Level.GRAPH)
    assert list(pairs_of([line("a1", TEXT), failed], ())) == []
