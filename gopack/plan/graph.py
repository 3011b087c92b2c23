"""Module graphs and their build lists: what the go command reads to load a main module's graph.

A walk is a step machine: it says which go.mod files it needs, and is fed their summaries. It never
fetches, so the same walk serves threads, processes and tests.

Rules kept:
- with a pruned main module, the requirements of a module at go 1.17 or above are in the graph,
  but their own go.mod files are not read; those of an older module are, all the way down;
- with an unpruned main module everything is read;
- of each module path the highest version required anywhere in the graph is selected.

Spec: go.dev/ref/mod#graph-pruning, #minimal-version-selection; modload.readModGraph, x/mod mvs.
"""

from collections import deque
from collections.abc import Iterable, Mapping

from gopack.plan.summary import Summary
from gopack.spec import semver
from gopack.spec.module import ModuleVersion


class GraphWalk:
    """The walk over one main module's graph.

    Args:
        roots: what the main module requires.
        pruned: whether the main module's go version prunes (1.17 or above).
    """

    def __init__(self, roots: Iterable[ModuleVersion], *, pruned: bool = True) -> None:
        self._pruned = pruned
        self._waiting: dict[ModuleVersion, set[bool]] = {}
        # What is followed pruned and what is followed unpruned; a version may be both.
        self._queued: dict[bool, set[ModuleVersion]] = {False: set(), True: set()}
        self._seen: set[ModuleVersion] = set()
        self._read: dict[ModuleVersion, Summary] = {}
        self._selected: dict[str, str] = {}
        self._fresh: list[ModuleVersion] = []
        self.extend(roots)

    def extend(self, roots: Iterable[ModuleVersion]) -> None:
        """Add requirements of the main module; what was walked stays walked."""
        for root in roots:
            self._select(root)
            self._enqueue(root, pruned=self._pruned)

    def needs(self) -> list[ModuleVersion]:
        """Take the versions whose summaries are needed and were not asked for before."""
        fresh, self._fresh = self._fresh, []
        return fresh

    def feed(self, module: ModuleVersion, summary: Summary) -> None:
        """Give the summary of a version that `needs` named."""
        self._read[module] = summary
        # Of hundreds of thousands of requirements few are new, so that is asked first.
        seen = self._seen
        for required in summary.require:
            if required not in seen:
                self._select(required)
        modes = self._waiting.pop(module, set())
        if False in modes or not summary.prunes:
            queued = self._queued[False]
            for required in summary.require:
                if required not in queued:
                    self._enqueue(required, pruned=False)

    @property
    def is_done(self) -> bool:
        """Whether every summary that was needed has been fed."""
        return not self._waiting

    @property
    def read(self) -> Mapping[ModuleVersion, Summary]:
        """Every version whose go.mod was read."""
        return self._read

    @property
    def selected(self) -> Mapping[str, str]:
        """The build list: the selected version of each module path, the roots' own included."""
        return self._selected

    def is_waiting_for(self, module: ModuleVersion) -> bool:
        """Whether a version's summary is needed and was not fed yet."""
        return module in self._waiting

    def holds_roots(self, roots: Iterable[ModuleVersion]) -> bool:
        """Whether what these require counts already as it does for the main module's own."""
        queued = self._queued
        return all(root in queued[self._pruned] or root in queued[False] for root in roots)

    def build_list(self) -> set[ModuleVersion]:
        """Tell the selected versions as a set."""
        return {ModuleVersion(path, version) for path, version in self._selected.items()}

    def _select(self, module: ModuleVersion) -> None:
        self._seen.add(module)
        known = self._selected.get(module.path)
        if known is None or semver.compare(known, module.version) < 0:
            self._selected[module.path] = module.version

    def _enqueue(self, module: ModuleVersion, *, pruned: bool) -> None:
        """Mark a version to be followed, and all that this entails among those already read."""
        stack = [(module, pruned)]
        while stack:
            version, prune = stack.pop()
            if version in self._queued[prune]:
                continue
            self._queued[prune].add(version)
            summary = self._read.get(version)
            if summary is None:
                self._wait_for(version, pruned=prune)
            elif not (prune and summary.prunes):
                followed = self._queued[False]
                stack.extend((m, False) for m in summary.require if m not in followed)

    def _wait_for(self, module: ModuleVersion, *, pruned: bool) -> None:
        if module not in self._waiting:
            self._waiting[module] = set()
            self._fresh.append(module)
        self._waiting[module].add(pruned)


def parents(
    roots: Iterable[ModuleVersion], read: Mapping[ModuleVersion, Summary]
) -> dict[ModuleVersion, ModuleVersion | None]:
    """Tell of every version that roots bring in what requires it, by a shortest chain.

    Roots have None. The answer depends on the graph alone, not on the order it was read in.
    """
    found: dict[ModuleVersion, ModuleVersion | None] = dict.fromkeys(sorted(roots))
    queue = deque(found)
    while queue:
        module = queue.popleft()
        summary = read.get(module)
        for required in summary.require if summary else ():
            if required not in found:
                found[required] = module
                queue.append(required)
    return found
