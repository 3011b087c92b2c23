"""GOPROXY's order: who is asked next, and whose failure is told (modfetch.TryProxies)."""

import re

import pytest

from gopack.asking import first_answer
from gopack.errors import (
    GopackError,
    InputError,
    IntegrityError,
    NoMatchingVersionError,
    NotFoundError,
    UpstreamError,
)
from gopack.ports import Attempt, ModuleSource
from tests.fake_source import FakeSource


def run(plan: str) -> str:
    """Ask sources as `name=outcome` with their separators, like `a=missing,b=broken|direct=ok`."""
    attempts: list[Attempt] = []
    outcomes: dict[str, str] = {}
    for name, outcome, separator in re.findall(r"(\w+)=(\w+)([,|]?)", plan):
        outcomes[name] = outcome
        attempts.append(Attempt(FakeSource({}, name), separator == "|"))

    def ask(source: ModuleSource) -> str:
        kind: dict[str, GopackError] = {
            "missing": NotFoundError(source.name),
            "unmatched": NoMatchingVersionError(source.name),
            "broken": UpstreamError(source.name),
            "lies": IntegrityError(source.name),
            "refused": InputError(source.name),
        }
        if outcomes[source.name] in kind:
            raise kind[outcomes[source.name]]
        return source.name

    return first_answer(attempts, ask)


@pytest.mark.parametrize(
    ("plan", "answer"),
    [
        ("a=ok,b=ok", "a"),
        ("a=missing,b=ok", "b"),
        ("a=missing|b=ok", "b"),
        ("a=broken|b=ok", "b"),
        ("a=missing,b=missing,direct=ok", "direct"),
        ("a=unmatched|b=ok", "b"),
        ("a=refused|b=ok", "b"),
    ],
)
def test_first_answer_goes_on_where_go_does(plan: str, answer: str) -> None:
    assert run(plan) == answer


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        ("a=broken,b=ok", "a"),
        ("a=unmatched,b=ok", "a"),
        ("a=missing,b=unmatched,direct=ok", "b"),
        ("a=unmatched|b=missing", "a"),
        ("a=missing,b=missing", "b"),
        ("a=broken|b=missing", "a"),
        ("a=broken|b=broken", "b"),
        ("a=missing,b=broken,direct=ok", "b"),
        ("a=missing,direct=missing", "direct"),
        ("a=broken|direct=missing", "direct"),
        ("a=missing,off=missing", "off"),
        ("a=broken|off=missing", "a"),
    ],
)
def test_first_answer_failure_told_is_the_most_helpful(plan: str, told: str) -> None:
    with pytest.raises(UpstreamError, match=f"^{told}$"):
        run(plan)


def test_first_answer_data_that_lies_ends_the_search() -> None:
    with pytest.raises(IntegrityError, match=r"^a$"):
        run("a=lies|b=ok")


@pytest.mark.parametrize("plan", ["a=refused,b=ok", "a=refused|b=missing", "a=missing,b=refused"])
def test_first_answer_of_what_a_source_cannot_be_asked_for_is_told(plan: str) -> None:
    with pytest.raises(InputError, match=r"^[ab]$"):
        run(plan)


def test_first_answer_nobody_to_ask_is_an_error() -> None:
    with pytest.raises(UpstreamError, match="no module proxy"):
        first_answer([], lambda source: source.name)
