"""The order in which versions appear in the storage.

A version appears after the versions it requires, and a listed root after its whole closure, so
that whoever reads the storage meanwhile never finds a version whose requirements are not there.
Requirement cycles exist; the edge that closes one is dropped.
"""

from collections.abc import Iterable, Mapping

from gopack.spec.module import ModuleVersion

Edges = Mapping[ModuleVersion, Iterable[ModuleVersion]]


def in_order(requires: Edges) -> list[ModuleVersion]:
    """Sort versions so that each comes after those it requires, as far as cycles allow."""
    rank = _post_order(requires)
    return sorted(rank, key=rank.__getitem__)


class PublishOrder:
    """Says which staged versions may appear now.

    Args:
        requires: for every version to publish, the versions that must be there before it;
            versions that are no keys themselves are taken to be there already.
    """

    def __init__(self, requires: Edges) -> None:
        self._rank = _post_order(requires)
        self._missing: dict[ModuleVersion, int] = {}
        self._dependants: dict[ModuleVersion, list[ModuleVersion]] = {}
        for module, rank in self._rank.items():
            before = {r for r in requires[module] if self._rank.get(r, rank) < rank}
            self._missing[module] = len(before)
            for required in before:
                self._dependants.setdefault(required, []).append(module)
        self._staged: set[ModuleVersion] = set()
        self._told: set[ModuleVersion] = set()

    def staged(self, module: ModuleVersion) -> list[ModuleVersion]:
        """Note that a version may appear as far as its own files go; tell what may appear now."""
        self._staged.add(module)
        return self._ready([module])

    def appeared(self, module: ModuleVersion) -> list[ModuleVersion]:
        """Note that a version has appeared; tell what may appear now."""
        dependants = self._dependants.pop(module, [])
        for dependant in dependants:
            self._missing[dependant] -= 1
        return self._ready(dependants)

    def blocked(self) -> list[ModuleVersion]:
        """Tell the staged versions that wait for one that has not appeared, requirements first."""
        return sorted(self._staged - self._told, key=self._rank.__getitem__)

    def _ready(self, modules: Iterable[ModuleVersion]) -> list[ModuleVersion]:
        ready = [
            m for m in modules if m in self._staged and m not in self._told and not self._missing[m]
        ]
        self._told.update(ready)
        return ready


def _post_order(requires: Edges) -> dict[ModuleVersion, int]:
    """Rank versions so that all but the edges that close a cycle run to a lower rank."""
    rank: dict[ModuleVersion, int] = {}
    entered: set[ModuleVersion] = set()
    for start in sorted(requires):
        stack: list[tuple[ModuleVersion, bool]] = [(start, False)]
        while stack:
            module, is_left = stack.pop()
            if is_left:
                rank[module] = len(rank)
            elif module not in entered:
                entered.add(module)
                stack.append((module, True))
                stack.extend((r, False) for r in sorted(requires[module]) if r in requires)
    return rank
