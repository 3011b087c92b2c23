"""Write gopack's table of letter cases from the real Go.

Run as `python -m tests.oracle.generate_folds` after a change of Go.
"""

import textwrap
from pathlib import Path

from tests.oracle import oracle

TABLE = Path(__file__).parent.parent.parent / "gopack" / "spec" / "fold_tables.py"
HEAD = '''"""Characters that differ in letter case alone, of Unicode 15.0, as Go 1.26 knows them.

Made by tests/oracle/generate_folds.py from Go itself; do not edit. Quadruples of hexadecimal
numbers: how far the first character is from the last one before, how many more follow, how far
they are apart, and what leads from each to the least character of its kind (a-z for A-Z).
"""
'''


def quadruples(folds: list[tuple[int, int]]) -> list[str]:
    runs: list[list[int]] = []  # first, last, step, delta
    for char, least in folds:
        delta = least - char
        if runs and runs[-1][3] == delta and char - runs[-1][1] in (1, 2):
            run = runs[-1]
            if run[0] == run[1] or char - run[1] == run[2]:
                run[1], run[2] = char, char - run[1]
                continue
        runs.append([char, char, 1, delta])
    words = []
    at = 0
    for first, last, step, delta in runs:
        words += [f"{first - at:x}", f"{(last - first) // step:x}", f"{step:x}", f"{delta:x}"]
        at = last
    return words


def main() -> None:
    words = quadruples(oracle.ask("unicode.folds", {}).value)
    lines = textwrap.wrap(" ".join(words), 92, break_on_hyphens=False)
    body = "".join(f'    "{line} "\n' for line in lines)
    TABLE.write_text(f"{HEAD}\nFOLDS = (\n{body})\n")


if __name__ == "__main__":
    main()
