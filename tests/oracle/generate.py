"""Write what the fast tests and gopack's tables take from the real Go.

Run as `python -m tests.oracle.generate` after a change of golang.org/x/mod in go.mod, or of Go.
"""

import textwrap
from pathlib import Path

from tests.oracle import oracle

ROOT = Path(__file__).parent.parent.parent
TABLES = ROOT / "gopack" / "spec" / "unicode_tables.py"
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


def main() -> None:
    letters = oracle.ask("unicode.letters", {}).value
    printable = oracle.ask("unicode.printable", {}).value
    TABLES.write_text(HEAD + table("LETTERS", letters) + table("PRINTABLE", printable))


if __name__ == "__main__":
    main()
