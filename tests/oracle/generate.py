"""Write what the fast tests and gopack's tables take from the real Go.

Run as `python -m tests.oracle.generate` after a change of golang.org/x/mod in go.mod, or of Go.
"""

import json
import random
import textwrap
from pathlib import Path

from tests.oracle import oracle
from tests.spec.go_rules import RULES, Rule

ROOT = Path(__file__).parent.parent.parent
TABLES = ROOT / "gopack" / "spec" / "unicode_tables.py"
RECORDED = ROOT / "tests" / "data" / "go_rules.json"
RECORDED_PER_RULE = 120
HEAD = '''"""Letters and printable characters of Unicode 15.0, as Go 1.26 knows them.

Made by tests/oracle/generate.py from Go itself; do not edit. Pairs of hexadecimal numbers: how
many characters to skip, and how many more than one to take.
"""
'''


def packed(runs: list[tuple[int, int]]) -> str:
    words = []
    at = 0
    for first, last in runs:
        words += [f"{first - at:x}", f"{last - first:x}"]
        at = last + 1
    return " ".join(words)


def table(name: str, runs: list[tuple[int, int]]) -> str:
    body = "".join(f'    "{line} "\n' for line in textwrap.wrap(packed(runs), 92))
    return f"\n{name} = (\n{body})\n"


def recorded(rule: Rule) -> list[list[object]]:
    """Arguments with Go's answers; the seeds come first in the arguments, so the first are kept."""
    arguments = rule.arguments()
    dice = random.Random(50)
    chosen = arguments[: RECORDED_PER_RULE // 2] + dice.sample(
        arguments, min(RECORDED_PER_RULE // 2, len(arguments))
    )
    answers = oracle.ask_each(rule.op, [rule.wire(argument) for argument in chosen])
    return [[a, o.refused, o.value] for a, o in zip(chosen, answers, strict=True)]


def main() -> None:
    rows = [
        f"{json.dumps(rule.op)}: [\n" + ",\n".join(map(json.dumps, recorded(rule))) + "\n]"
        for rule in RULES
    ]
    RECORDED.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="ascii")
    letters = oracle.ask("unicode.letters", {}).value
    printable = oracle.ask("unicode.printable", {}).value
    TABLES.write_text(HEAD + table("LETTERS", letters) + table("PRINTABLE", printable))


if __name__ == "__main__":
    main()
