"""Walks over module graphs: what is read, what is selected."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gopack.plan.graph import GraphWalk, parents
from gopack.plan.summary import Summary
from gopack.spec import semver
from gopack.spec.module import ModuleVersion
from tests.examples import examples
from tests.plan.graphs import Graph, drive, graph, mv, names


@pytest.mark.parametrize(
    ("requirements", "roots", "read", "selected"),
    [
        pytest.param({"a1": ""}, "a1", "a1", "a1", id="alone"),
        pytest.param({"a1": "b1"}, "a1", "a1", "a1 b1", id="pruned dependency is not read"),
        pytest.param(
            {"a1!": "b1", "b1": "c1", "c1": ""}, "a1", "a1 b1 c1", "a1 b1 c1", id="old goes down"
        ),
        pytest.param(
            {"a1": "b1", "b1!": "c1"}, "a1", "a1", "a1 b1", id="old below a pruned one is not read"
        ),
        pytest.param({"a1": "b2", "b1": ""}, "a1 b1", "a1 b1", "a1 b2", id="highest is selected"),
        pytest.param(
            {"a1!": "b1", "b1!": "a2", "a2!": "b1"}, "a1", "a1 a2 b1", "a2 b1", id="cycle"
        ),
        pytest.param(
            {"a1": "c1", "b1!": "a1", "c1": "d1", "d1": ""},
            "a1 b1",
            "a1 b1 c1 d1",
            "a1 b1 c1 d1",
            id="root that an old one needs is followed after all",
        ),
    ],
)
def test_walk_with_pruned_main(
    requirements: Mapping[str, str], roots: str, read: str, selected: str
) -> None:
    walk = GraphWalk([mv(name) for name in roots.split()])
    asked = drive(walk, graph(requirements))
    assert names(asked) == read
    assert len(asked) == len(set(asked))
    assert set(walk.read) == set(asked)
    assert names(walk.build_list()) == selected


def test_walk_with_old_main_reads_everything() -> None:
    walk = GraphWalk([mv("a1")], pruned=False)
    assert names(drive(walk, graph({"a1": "b1", "b1": "c1", "c1": ""}))) == "a1 b1 c1"


def test_parents_form_shortest_chains_from_the_roots() -> None:
    known = graph({"a1": "b1 d1", "b1": "c1 a1", "c1": "b1 d1"})
    found = parents([mv("a1")], known)
    assert found == {mv("a1"): None, mv("b1"): mv("a1"), mv("d1"): mv("a1"), mv("c1"): mv("b1")}


def test_extend_reads_what_a_promoted_root_needs() -> None:
    known = graph({"a1": "b1", "b1": "c1", "c1": ""})
    walk = GraphWalk([mv("a1")])
    drive(walk, known)
    assert not walk.holds_roots([mv("b1")])
    walk.extend([mv("b1")])
    assert not walk.is_done
    assert names(drive(walk, known)) == "b1"
    assert walk.holds_roots([mv("b1")])
    assert names(walk.build_list()) == "a1 b1 c1"


def naive_read(known: Graph, roots: list[ModuleVersion]) -> set[ModuleVersion]:
    """The rule written down a second time: a fixpoint over (version, is it followed deep)."""
    todo: set[tuple[ModuleVersion, bool]] = {(root, True) for root in roots}
    while True:
        deep = {
            (required, False)
            for module, pruned in todo
            if not (pruned and known[module].prunes)
            for required in known[module].require
        }
        if deep <= todo:
            return {module for module, _pruned in todo}
        todo |= deep


VERSIONS = [mv(f"{letter}{number}") for letter in "abcd" for number in (1, 2, 3)]


@st.composite
def graphs(draw: st.DrawFn) -> dict[ModuleVersion, Summary]:
    found = {}
    for module in VERSIONS:
        require = draw(st.lists(st.sampled_from(VERSIONS), max_size=3, unique=True))
        others = tuple(r for r in require if r.path != module.path)
        prunes = draw(st.booleans())
        found[module] = Summary(module.path, "", prunes, others, (), "")
    return found


@settings(max_examples=examples(150))
@given(
    known=graphs(),
    roots=st.lists(st.sampled_from(VERSIONS), min_size=1, max_size=3, unique=True),
    order=st.randoms(use_true_random=False),
)
def test_walk_any_order_of_answers_reads_and_selects_the_same(
    known: dict[ModuleVersion, Summary], roots: list[ModuleVersion], order: object
) -> None:
    walk = GraphWalk(roots)
    waiting: list[ModuleVersion] = []
    while fresh := [*waiting, *walk.needs()]:
        order.shuffle(fresh)  # type: ignore[attr-defined]
        module, *waiting = fresh
        walk.feed(module, known[module])
    assert set(walk.read) == naive_read(known, roots)
    named = {r for m in walk.read for r in known[m].require} | set(roots)
    for path, version in walk.selected.items():
        assert version == max((m.version for m in named if m.path == path), key=semver.sort_key)
