"""The order in which versions appear in the storage.

A version appears after the versions it requires, and a listed root after its whole closure, so
that whoever reads the storage meanwhile never finds a version whose requirements are not there.
Requirement cycles exist; the edge that closes one is dropped.
"""

from collections.abc import Iterable, Mapping

from gopack.spec.module import ModuleVersion

Edges = Mapping[ModuleVersion, Iterable[ModuleVersion]]


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
        self._ready: set[ModuleVersion] = set()

    def staged(self, module: ModuleVersion) -> list[ModuleVersion]:
        """Note that a version's files are staged; tell what may appear now, in this order."""
        self._staged.add(module)
        return self._release(module) if not self._missing[module] else []

    def blocked(self) -> list[ModuleVersion]:
        """Tell the staged versions that wait for one that is not, requirements first."""
        return sorted(self._staged - self._ready, key=self._rank.__getitem__)

    def _release(self, module: ModuleVersion) -> list[ModuleVersion]:
        released: list[ModuleVersion] = []
        stack = [module]
        while stack:
            ready = stack.pop()
            self._ready.add(ready)
            released.append(ready)
            for dependant in self._dependants.get(ready, ()):
                self._missing[dependant] -= 1
                if not self._missing[dependant] and dependant in self._staged:
                    stack.append(dependant)
        return released


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
