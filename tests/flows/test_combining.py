"""Which lines are looked into together, since they take other versions than each alone."""

from gopack.flows.combining import raised_of
from gopack.plan.closure import Closure, Level
from gopack.plan.items import ModuleItem
from gopack.plan.lines import LinePlan, Plan
from tests.plan.graphs import drive, graph, mv

# What g1 imports is looked up: f1, which requires more of b; the others have nothing to do with it.
GRAPH = graph({"b1": "", "b2": "", "g1": "", "f1": "b2", "c1": "", "h1": "b2"})


def walked(*names: str) -> Closure:
    closure = Closure([mv(name) for name in names], Level.GRAPH)
    drive(closure, GRAPH)
    return closure


def line(name: str, extra: str = "", level: Level = Level.GRAPH) -> LinePlan:
    item = ModuleItem(name="goget.txt", line=1, text=name, path=f"a.b/{name[0]}")
    extras = (mv(extra),) if extra else ()
    closure = walked(name, extra) if extra else walked(name)
    return LinePlan(item, level, listed=(mv(name),), closure=closure, extras=extras)


def raised(*lines: LinePlan) -> list[str]:
    """Tell the lines that are looked into together, all first."""
    names = [each.item.text for each in lines]
    extras = {module for each in lines for module in each.extras}
    base = walked(*names)
    roots = sorted({*base.roots, *extras})
    joint = Closure(roots, Level.GRAPH)
    drive(joint, GRAPH)
    plan = Plan(lines, joint=joint, joint_base=base if extras else None)
    return [" ".join(each.item.text for each in some) for some in raised_of(plan)]


def test_line_whose_import_requires_more_of_another_is_looked_into_with_that() -> None:
    assert raised(line("b1"), line("g1", "f1")) == ["b1 g1"]
    assert raised(line("c1"), line("g1", "f1"), line("b1")) == ["c1 g1 b1", "g1 b1"]


def test_line_that_another_requires_more_of_itself_is_not_looked_into() -> None:
    """A go.mod says so, and no command can keep both."""
    assert raised(line("b1"), line("h1"), line("c1")) == []


def test_line_at_the_version_that_an_import_requires_is_not_looked_into() -> None:
    assert raised(line("b2"), line("g1", "f1"), line("c1")) == []


def test_two_lines_at_a_level_that_promises_only_all_are_not_looked_into() -> None:
    small = [line("b1", level=Level.BUILD), line("c1", level=Level.BUILD)]
    assert raised(*small, line("g1", "f1", Level.BUILD)) == ["b1 c1 g1"]
