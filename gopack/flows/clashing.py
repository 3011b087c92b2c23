"""Lines that cannot live together: which two of them clash, and what the others need together.

Each line's own graph can be loaded, and that of all together cannot: a version that only the union
selects has a go.mod that nobody can read. The pair that is enough for it is found by trying, and
the later line of it stays out; so it goes on until the rest can be loaded.
"""

from collections.abc import Callable, Sequence
from copy import copy
from itertools import combinations, islice

from gopack.errors import GopackError, NotFoundError, UpstreamError
from gopack.plan.closure import Closure, Level
from gopack.plan.lines import LinePlan

Walk = Callable[[Sequence[Closure]], Sequence[GopackError | None]]
"""Walks closures to their ends, and tells of each the error that stopped it."""

MAX_PAIRS = 300
"""Pairs that are tried; their go.mod files are at hand, so a few hundred take a moment."""

MAX_LEFT_OUT = 5
"""Lines that are left out before nothing is stored for all together."""


def join(
    lines: Sequence[LinePlan], level: Level, walk: Walk
) -> tuple[Closure | None, GopackError | None]:
    """Give the walked closure of all lines that go together, and the first clash, if there is."""
    first: GopackError | None = None
    kept = [line for line in lines if line.joint_roots]
    for _ in range(MAX_LEFT_OUT):
        roots = {module for line in kept for module in line.joint_roots}
        if len(roots) < 2:
            break
        joint = Closure(sorted(roots), level, is_joint=True)
        error = walk([joint])[0]
        if error is None:
            return joint, first
        clashing = _clashing(kept, error, level, walk) if is_lasting(error) else ()
        first = first or _named(error, clashing)
        if not clashing:
            break
        kept.remove(clashing[-1])
    return None, first


def is_lasting(error: GopackError) -> bool:
    """Tell whether asking again would end the same, so that the go command fails on it, too."""
    return isinstance(error, NotFoundError) or not isinstance(error, UpstreamError)


def _clashing(
    lines: Sequence[LinePlan], error: GopackError, level: Level, walk: Walk
) -> tuple[LinePlan, ...]:
    """Find one line, else two, that are enough for the error; nothing if it takes more."""
    path = error.where.partition("@")[0]
    near = [line for line in lines if line.closure and path in line.closure.selected]
    pairs = (*combinations(near, 2), *combinations(lines, 2))
    tried: list[tuple[LinePlan, ...]] = [(line,) for line in lines]
    tried += islice(dict.fromkeys(pairs), MAX_PAIRS)
    closures = [
        Closure(sorted({m for line in some for m in line.joint_roots}), level, is_joint=True)
        for some in tried
    ]
    errors = walk(closures)
    return next((some for some, failed in zip(tried, errors, strict=True) if failed), ())


def _named(error: GopackError, lines: Sequence[LinePlan]) -> GopackError:
    """Say which lines are enough for the error."""
    if not lines:
        return error
    named = copy(error)
    names = " and ".join(f"{line.item.text} ({line.item.where})" for line in lines)
    clash = f"{names} clash" if len(lines) > 1 else f"{names} goes with no other line"
    named.what = f"{error.what}; {clash}, each alone works"
    return named
