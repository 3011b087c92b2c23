"""The order in which versions appear."""

from hypothesis import given, settings
from hypothesis import strategies as st

from gopack.plan.publishing import PublishOrder
from gopack.spec.module import ModuleVersion
from tests.examples import examples
from tests.plan.graphs import mv, names


def test_staged_waits_for_requirements_and_releases_what_waited() -> None:
    order = PublishOrder({mv("a1"): [mv("b1")], mv("b1"): [mv("c1")], mv("c1"): []})
    assert order.staged(mv("a1")) == []
    assert order.staged(mv("b1")) == []
    assert names(order.blocked()) == "a1 b1"
    assert order.staged(mv("c1")) == [mv("c1")]
    assert order.appeared(mv("c1")) == [mv("b1")]
    assert order.appeared(mv("b1")) == [mv("a1")]
    assert order.appeared(mv("a1")) == []
    assert order.blocked() == []


def test_staged_requirement_that_is_no_key_is_there_already() -> None:
    assert PublishOrder({mv("a1"): [mv("z1")]}).staged(mv("a1")) == [mv("a1")]


def test_staged_with_itself_as_requirement_appears() -> None:
    assert PublishOrder({mv("a1"): [mv("a1")]}).staged(mv("a1")) == [mv("a1")]


def test_blocked_lists_requirements_first() -> None:
    order = PublishOrder({mv("a1"): [mv("b1")], mv("b1"): [mv("c1")], mv("c1"): []})
    order.staged(mv("a1"))
    order.staged(mv("b1"))
    assert order.blocked() == [mv("b1"), mv("a1")]


MODULES = [mv(f"{letter}1") for letter in "abcdef"]


@settings(max_examples=examples(200))
@given(
    edges=st.dictionaries(
        st.sampled_from(MODULES), st.frozensets(st.sampled_from(MODULES), max_size=3), min_size=1
    ),
    order=st.permutations(MODULES),
)
def test_all_staged_each_appears_once_and_after_what_is_no_cycle(
    edges: dict[ModuleVersion, frozenset[ModuleVersion]], order: list[ModuleVersion]
) -> None:
    publish = PublishOrder(edges)
    appeared: list[ModuleVersion] = []
    for staged in order:
        ready = publish.staged(staged) if staged in edges else []
        while ready:
            appeared += ready
            ready = [m for done in ready for m in publish.appeared(done)]
    assert sorted(appeared) == sorted(edges)
    assert publish.blocked() == []
    place = {module: i for i, module in enumerate(appeared)}
    for module, required in edges.items():
        for r in required & edges.keys():
            if module not in reach(edges, r):
                assert place[r] < place[module]


def reach(
    edges: dict[ModuleVersion, frozenset[ModuleVersion]], start: ModuleVersion
) -> set[ModuleVersion]:
    seen, todo = {start}, [start]
    while todo:
        fresh = set(edges.get(todo.pop(), ())) - seen
        seen |= fresh
        todo += fresh
    return seen
