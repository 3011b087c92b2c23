"""Names that are the same but for letter case, as Go compares them.

Differs from str.casefold, which takes `ß` for `ss`: Go folds character by character.

Spec: pkg.go.dev/strings#EqualFold, x/mod zip strToFold.
"""

from functools import cache

from gopack.spec import fold_tables


@cache
def _folds() -> dict[int, int]:
    """What str.translate needs: each character that is not the least of its kind, and that."""
    folds = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
    at = 0
    numbers = [int(word, 16) for word in fold_tables.FOLDS.split()]
    for start in range(0, len(numbers), 4):
        skip, more, step, delta = numbers[start : start + 4]
        first = at + skip
        at = first + more * step
        for code in range(first, at + 1, step):
            folds[code] = code + delta
    return folds


def folded(text: str) -> str:
    r"""Give a text that two names share exactly if strings.EqualFold takes them for equal.

    >>> folded("README") == folded("ReadMe"), folded("Straße") == folded("STRASSE")
    (True, False)
    >>> folded("\N{KELVIN SIGN}") == folded("k")
    True
    """
    return text.lower() if text.isascii() else text.translate(_folds())
