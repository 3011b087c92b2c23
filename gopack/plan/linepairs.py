"""Two lines used together that select what neither selects alone: see `pairs_of`.

A project that uses one line may import a module that the other has at a higher version, and then
requires it at that: what this version requires counts, though neither line alone reads its go.mod.

Spec: go.dev/ref/mod#graph-pruning, #lazy-loading, #minimal-version-selection.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from gopack.plan.closure import Closure, Level
from gopack.plan.lines import LinePlan
from gopack.plan.summary import Summary
from gopack.spec import semver
from gopack.spec.module import ModuleVersion


@dataclass(frozen=True, slots=True)
class _Own:
    """What a line selects with nothing looked up."""

    line: LinePlan
    closure: Closure
    summaries: Mapping[ModuleVersion, Summary]

    def is_below(self, module: ModuleVersion) -> bool:
        """Tell whether it selects less of a module, or nothing."""
        selected = self.closure.selected.get(module.path)
        return selected is None or semver.compare(selected, module.version) < 0


def pairs_of(lines: Sequence[LinePlan], whole: Collection[ModuleVersion]) -> Iterator[Closure]:
    """Give closures of two lines that need more together than is stored whole anyway.

    The lines' own are walked. Each that is given is to be walked, and what it needs added to
    `whole`, before the next is asked for: many pairs need the same.
    """
    own = [found for line in lines if (found := _own(line)) is not None]
    users: dict[str, list[_Own]] = defaultdict(list)
    summaries: dict[ModuleVersion, Summary] = {}
    for each in own:
        summaries |= each.summaries
        for path in each.closure.promotable:
            users[path].append(each)
    tried: set[frozenset[ModuleVersion]] = set()
    ended: set[ModuleVersion] = set()
    for one in own:
        for module in _unread(one.closure):
            if module.path not in users or not _leads_on(module, summaries, users, whole, ended):
                continue
            for other in users[module.path]:
                if other is one or not _adds(module, one, other):
                    continue
                roots = frozenset({*one.line.joint_roots, *other.line.joint_roots})
                if roots in tried:
                    continue
                tried.add(roots)
                yield (pair := Closure(sorted(roots), Level.GRAPH))
                summaries |= pair.summaries
                if not _leads_on(module, summaries, users, whole, ended):
                    break


def _own(line: LinePlan) -> _Own | None:
    """Tell what a line selects, where it is used beside others."""
    roots = set(line.joint_roots)
    if line.level is Level.BUILD or not roots:
        return None
    for closure in line.closures:
        if not closure.is_narrow and roots == set(closure.roots):
            return _Own(line, closure, closure.summaries)
    return None


def _unread(closure: Closure) -> Iterator[ModuleVersion]:
    """Tell the versions it selects whose requirements do not count for it."""
    for path, version in closure.selected.items():
        module = ModuleVersion(path, version)
        if not closure.reads(module):
            yield module


def _leads_on(
    module: ModuleVersion,
    summaries: Mapping[ModuleVersion, Summary],
    paths: Collection[str],
    whole: Collection[ModuleVersion],
    ended: set[ModuleVersion],
) -> bool:
    """Tell whether a version, as a main module's requirement, may lead to what is not stored whole.

    What it requires becomes one in turn where a line may use packages of that. `ended` are those
    that are known not to, and never will: they need not be looked at again.
    """
    stack, seen = [module], {module}
    while stack and module not in ended:
        summary = summaries.get(stack.pop())
        for required in summary.require if summary else ():
            is_used = required.path in paths
            if required not in whole or (is_used and required not in summaries):
                return True
            if is_used and required not in seen and required not in ended:
                seen.add(required)
                stack.append(required)
    ended |= seen
    return False


def _adds(module: ModuleVersion, one: _Own, other: _Own) -> bool:
    """Tell whether a version that one selects is more than the other has, and requires more."""
    summary = one.summaries.get(module)
    if summary is None or not other.is_below(module):
        return False
    return any(one.is_below(required) and other.is_below(required) for required in summary.require)
