"""What is stored for a line, at each level."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from gopack.plan.closure import Closure, Level
from gopack.plan.summary import Summary
from gopack.spec.module import ModuleVersion
from tests.examples import examples
from tests.plan.graphs import drive, graph, mv, names
from tests.plan.test_graph import VERSIONS, graphs

CHAIN = graph({"a1": "b1", "b1": "c1", "c1": "d1", "d1": "e1", "e1": ""})


def closure(level: Level, *roots: str, is_joint: bool = False) -> Closure:
    return Closure([mv(root) for root in roots], level, is_joint=is_joint)


def test_build_stores_zips_of_the_build_list_only() -> None:
    found = closure(Level.BUILD, "a1")
    drive(found, graph({"a1!": "b1 c1", "b1": "c2", "c1": "", "c2": ""}))
    assert names(found.complete()) == "a1 b1 c2"
    assert names(found.mod_only()) == "c1"


def test_build_joint_is_not_pruned() -> None:
    found = closure(Level.BUILD, "a1", is_joint=True)
    drive(found, CHAIN)
    assert names(found.complete()) == "a1 b1 c1 d1 e1"


def test_graph_promotes_what_the_main_module_may_import() -> None:
    found = closure(Level.GRAPH, "a1")
    assert names(drive(found, CHAIN)) == "a1 b1 c1"
    assert names(found.complete()) == "a1 b1 c1"
    assert not found.mod_only()
    assert [found.reads(mv(name)) for name in ("a1", "b1", "c1")] == [True, True, False]


def test_graph_reads_all_of_an_old_module_that_what_is_promoted_may_import() -> None:
    """A main module that imports what imports c1 requires it itself, and c1 does not prune."""
    found = closure(Level.GRAPH, "a1")
    drive(found, graph({"a1": "b1", "b1": "c1", "c1!": "d1", "d1": "e1", "e1": ""}))
    assert names(found.complete()) == "a1 b1 c1"
    assert names(found.mod_only()) == "d1 e1"
    assert found.requirement_path(mv("e1")) == [mv(n) for n in ("a1", "b1", "c1", "d1", "e1")]
    assert not found.takes_all_of(mv("c1"))


def test_graph_stands_without_what_nobody_can_read_beyond_what_is_promoted() -> None:
    found = closure(Level.GRAPH, "a1")
    known = graph({"a1": "b1", "b1": "c1"})
    while needed := found.needs():
        for module in needed:
            if module in known:
                assert not found.feed_unread(module)
                found.feed(module, known[module])
            else:
                assert found.feed_unread(module)
    assert found.is_done
    assert names(found.complete()) == "a1 b1"
    assert found.missing == {mv("c1")}


def test_graph_stores_every_version_named_with_its_zip() -> None:
    found = closure(Level.GRAPH, "a1", "b1")
    drive(found, graph({"a1": "c1", "b1": "c2", "c1": "", "c2": ""}))
    assert names(found.complete()) == "a1 b1 c1 c2"


def test_graph_promotion_that_raises_a_version_is_promoted_again() -> None:
    found = closure(Level.GRAPH, "a1")
    drive(found, graph({"a1": "b1 c1", "b1": "c2", "c1": "", "c2": "d1", "d1": ""}))
    assert names(found.complete()) == "a1 b1 c1 c2 d1"
    assert mv("c2") in found.summaries


def test_closed_reads_everything_mod_only_beyond_graph() -> None:
    found = closure(Level.CLOSED, "a1")
    drive(found, CHAIN)
    assert names(found.complete()) == "a1 b1 c1"
    assert names(found.mod_only()) == "d1 e1"
    assert found.requirement_path(mv("e1")) == [mv(n) for n in ("a1", "b1", "c1", "d1", "e1")]


def test_closed_stores_whole_what_the_whole_graph_selects_of_its_modules() -> None:
    """A main module that does not prune loads packages from c2, and from nothing of e1."""
    found = closure(Level.CLOSED, "a1")
    drive(found, graph({"a1": "b1 c1", "b1": "d1", "d1": "c2 e1", "c1": "", "c2": "", "e1": ""}))
    assert found.selected["a.b/c"] == "v1.1.0"
    assert names(found.complete()) == "a1 b1 c1 c2 d1"
    assert names(found.mod_only()) == "e1"


def test_closed_stores_whole_what_go_looks_into_for_packages_of_its_modules() -> None:
    """It looks into each module whose path a package's begins with."""
    paths = {"x.y/n/sub": "x.y/low", "x.y/low": "x.y/n", "x.y/n": "x.y/n/sub/deep", "x.y/no": ""}
    roots = [ModuleVersion("x.y/n/sub", "v1.0.0")]
    found = Closure(roots, Level.CLOSED)
    walked = {m: [ModuleVersion(p, "v1.0.0") for p in r.split()] for m, r in paths.items()}
    walked["x.y/n/sub/deep"] = [ModuleVersion("x.y/no", "v1.0.0")]
    while needed := found.needs():
        for module in needed:
            found.feed(module, _summary(module, walked[module.path]))
    assert {m.path for m in found.complete()} == {"x.y/n/sub", "x.y/low", "x.y/n", "x.y/n/sub/deep"}
    assert {m.path for m in found.mod_only()} == {"x.y/no"}


def test_missing_in_first_graph_does_not_stand() -> None:
    found = closure(Level.GRAPH, "a1")
    assert found.needs() == [mv("a1")]
    assert not found.feed_missing(mv("a1"))
    assert not found.is_done


def test_missing_that_only_the_unpruned_graph_has_is_left_out_whenever_it_comes() -> None:
    """The first graph is still being read when it is asked for: z1 and what it requires are old."""
    found = closure(Level.CLOSED, "a1", "z1")
    old = {"z1!": "y1", "y1!": "x1", "x1!": "w1", "w1!": ""}
    drive(found, graph({"a1": "b1", "b1": "e1", **old}))
    assert found.missing == {mv("e1")}


def test_missing_beyond_the_first_graph_is_left_out() -> None:
    found = closure(Level.GRAPH, "a1")
    drive(found, graph({"a1": "b1 c1", "c1": "d1", "d1": ""}))
    assert names(found.complete()) == "a1 c1 d1"
    assert found.missing == {mv("b1")}
    assert found.is_essential(mv("b1"))  # `go mod download` fails on it: it is in the build list
    assert not found.is_essential(mv("d1"))


def _summary(module: ModuleVersion, require: list[ModuleVersion]) -> Summary:
    return Summary(module.path, "1.20", True, tuple(require), (), "")  # noqa: FBT003


@settings(max_examples=examples(100))
@given(
    known=graphs(),
    roots=st.lists(st.sampled_from(VERSIONS), min_size=1, max_size=3, unique=True),
)
def test_each_level_holds_the_one_before(
    known: dict[ModuleVersion, Summary], roots: list[ModuleVersion]
) -> None:
    build, wide, closed = (Closure(roots, level) for level in Level)
    for each in (build, wide, closed):
        drive(each, known)
        assert not each.complete() & each.mod_only()
        assert set(roots) <= set(each.summaries)
    assert build.complete() <= wide.complete() <= closed.complete()
    stored = [each.complete() | each.mod_only() for each in (build, wide, closed)]
    assert stored[0] <= stored[1] <= stored[2]
    for module in stored[2]:
        path = closed.requirement_path(module)
        assert path[0] in roots
        assert path[-1] == module
        for above, below in itertools.pairwise(path):
            assert below in known[above].require


def test_narrow_promotes_providers_only_and_stores_what_is_selected() -> None:
    known = graph({"a1!": "", "b1": "c2 d1", "c1": "", "c2": "e1", "d1": "f1", "e1": "", "f1": ""})
    found = Closure([mv("a1"), mv("b1")], Level.GRAPH, narrow=frozenset({"a.b/b", "a.b/c"}))
    assert names(drive(found, known)) == "a1 b1 c2"  # d1 provides nothing: its go.mod is not read
    assert names(found.complete()) == "a1 b1 c2 d1 e1"


def test_narrow_stores_what_was_selected_on_the_way_and_the_rest_mod_only() -> None:
    known = graph({"a1!": "b1 c1", "b1!": "d1", "c1": "d3", "d1!": "", "d3": "", "d2": ""})
    found = Closure([mv("a1")], Level.GRAPH, narrow=frozenset())
    drive(found, known)
    assert names(found.complete()) == "a1 b1 c1 d3"
    assert names(found.mod_only()) == "d1"


def test_narrow_build_promotes_providers_and_stores_what_is_selected() -> None:
    known = graph({"a1": "b1 c1", "b1": "d1 e1", "c1": "f1", "d1": "g1"})
    found = Closure([mv("a1")], Level.BUILD, narrow=frozenset({"a.b/a", "a.b/b"}))
    assert names(drive(found, known)) == "a1 b1"
    assert names(found.complete()) == "a1 b1 c1 d1 e1"
    assert not found.mod_only()


def test_closure_promotes_what_its_main_module_has_read_as_its_own() -> None:
    found = closure(Level.GRAPH, "a1")
    drive(found, graph({"a1": "b1", "b1": "c1", "c1": "d1", "d1": ""}))
    assert found.promotes(["a.b/a", "a.b/b", "a.b/elsewhere"])
    assert not found.promotes(["a.b/b", "a.b/c"])


def test_closure_promotes_what_a_module_that_does_not_prune_brings_in() -> None:
    found = closure(Level.BUILD, "a1")
    drive(found, graph({"a1!": "b1", "b1": "c1", "c1": ""}))
    assert found.promotes(["a.b/b", "a.b/c"])
