"""Two lines used together that select what neither selects alone: see `pairs_of`.

A project that uses one line may import a module that the other has at a higher version, and then
requires it at that: what this version requires counts, though neither line alone reads its go.mod.

Spec: go.dev/ref/mod#graph-pruning, #lazy-loading, #minimal-version-selection.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from gopack.plan.closure import Closure, Level
from gopack.plan.lines import LinePlan
from gopack.spec import semver
from gopack.spec.module import ModuleVersion


def pairs_of(lines: Sequence[LinePlan]) -> list[Closure]:
    """Give the closures of pairs of lines that need more together than each needs alone.

    The lines' own are walked; these are not.
    """
    own = [(line, closure) for line in lines if (closure := _own(line)) is not None]
    uses: dict[str, list[tuple[LinePlan, Closure]]] = defaultdict(list)
    for line, closure in own:
        for path in closure.promotable:
            uses[path].append((line, closure))
    found: dict[tuple[ModuleVersion, ...], Closure] = {}
    for line, closure in own:
        for module in _unread(closure):
            for other, others in uses.get(module.path, ()):
                if other is not line and _adds(module, closure, others):
                    roots = tuple(sorted({*line.joint_roots, *other.joint_roots}))
                    found.setdefault(roots, Closure(roots, Level.GRAPH))
    return list(found.values())


def _own(line: LinePlan) -> Closure | None:
    """Tell what a line selects with nothing looked up, where it is used beside others."""
    closure = line.others[0] if line.extras and line.others else line.closure
    is_used = line.level is not Level.BUILD and bool(line.joint_roots)
    return closure if is_used else None


def _unread(closure: Closure) -> Iterator[ModuleVersion]:
    """Tell the versions it selects whose requirements do not count for it."""
    for path, version in closure.selected.items():
        module = ModuleVersion(path, version)
        if not closure.reads(module):
            yield module


def _adds(module: ModuleVersion, closure: Closure, other: Closure) -> bool:
    """Tell whether a version, selected and required by the two together, raises another."""
    if not _is_higher(module, other):
        return False
    summary = closure.summaries.get(module)
    required = summary.require if summary else ()
    return any(_is_higher(each, closure) and _is_higher(each, other) for each in required)


def _is_higher(module: ModuleVersion, closure: Closure) -> bool:
    selected = closure.selected.get(module.path)
    return selected is None or semver.compare(module.version, selected) > 0
