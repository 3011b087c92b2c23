"""Our reading of Go's rules beside Go's own: recorded answers, and (oracle) thousands of live ones.

tests/data/go_rules.json is written by `python -m tests.oracle.generate` from the real Go.
"""

import functools
import json
from pathlib import Path
from typing import Any

import pytest

from gopack.spec import module
from tests.oracle import oracle
from tests.oracle.oracle import Answer
from tests.spec.go_rules import RULES, Rule, our_answer

RECORDED = Path(__file__).parent.parent / "data" / "go_rules.json"


def agree(rule: Rule, ours: Answer, theirs: Answer) -> bool:
    if rule.op == "info.parse" and not theirs.refused:
        # The go command finds a version that is missing or not canonical only later: see info.py.
        version = theirs.value["Version"]
        if version == "" or module.canonical_version(version) != version:
            return ours.refused
    return (ours.refused, ours.value) == (theirs.refused, theirs.value)


@functools.cache
def recorded() -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = json.loads(RECORDED.read_text(encoding="ascii"))
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.op)
def test_rule_recorded_arguments_same_answer(rule: Rule) -> None:
    for argument, refused, value in recorded()[rule.op]:
        ours = our_answer(rule, argument)
        assert agree(rule, ours, Answer(value, "refused" if refused else "")), (argument, ours)


@pytest.mark.oracle
@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.op)
def test_rule_thousands_of_arguments_same_answer(rule: Rule) -> None:
    arguments = rule.arguments()
    answers = oracle.ask_each(rule.op, [rule.wire(argument) for argument in arguments])
    for argument, theirs in zip(arguments, answers, strict=True):
        ours = our_answer(rule, argument)
        assert agree(rule, ours, theirs), (argument, ours, theirs)
    kinds = {(theirs.refused, json.dumps(theirs.value)) for theirs in answers}
    assert len(kinds) > 1, "all answers are the same: a weak test"
