"""Closures: the versions a main module may need when it uses a line's module.

Three levels, each holding the one before:

- `build`: the module graph as the go command loads it; zips of the selected versions only;
- `graph`: the main module may import any package of what it requires, so every selected version
  may become one of its own requirements (lazy loading promotes it), which reads its go.mod in
  turn; every version named in a go.mod that is read may be the selected one in some subset of the
  list, so each is stored with its zip;
- `closed`: the graph with no pruning at all, mod-only beyond what `graph` stores whole.

A closure is a step machine like the walks it is made of: `needs`, `feed`, until `is_done`.

Spec: go.dev/ref/mod#graph-pruning, #lazy-loading, #minimal-version-selection.
"""

from collections.abc import Iterable, Mapping
from enum import Enum

from gopack.plan.graph import GraphWalk, parents
from gopack.plan.summary import Summary
from gopack.spec.module import ModuleVersion


class Level(Enum):
    """How much is stored: `--closure`."""

    BUILD = "build"
    GRAPH = "graph"
    CLOSED = "closed"


NOTHING = Summary(path="", go="", prunes=True, require=(), retract=(), deprecated="")
"""What a version nobody has requires."""


class Closure:
    """What a main module with these requirements may need, at a level.

    `is_joint` says that the roots are all lines together; at `build` that graph is not pruned.
    """

    def __init__(
        self, roots: Iterable[ModuleVersion], level: Level, *, is_joint: bool = False
    ) -> None:
        self.roots = tuple(roots)
        self.level = level
        self._lazy = GraphWalk(self.roots, pruned=not (is_joint and level is Level.BUILD))
        self._full = GraphWalk(self.roots, pruned=False) if level is Level.CLOSED else None
        self._promoted = False
        self._promotable: frozenset[str] | None = None
        self._first: frozenset[ModuleVersion] = frozenset()
        self._missing: set[ModuleVersion] = set()
        self._parents: dict[ModuleVersion, ModuleVersion | None] = {}
        self._parents_of = 0

    def needs(self) -> list[ModuleVersion]:
        """Take the versions whose summaries are needed and were not asked for before."""
        fresh = self._lazy.needs()
        if self._lazy.is_done and not self._promoted:
            self._promote()
            fresh += self._lazy.needs()
        if self._full is not None:
            fresh += self._full.needs()
        return fresh

    def feed(self, module: ModuleVersion, summary: Summary) -> None:
        """Give the summary of a version that `needs` named, once."""
        for walk in self._walks():
            if walk.is_waiting_for(module):
                walk.feed(module, summary)

    def feed_missing(self, module: ModuleVersion) -> bool:
        """Say that the upstream does not have a version; tell whether the closure stands without.

        It does not where the go command reads that go.mod whatever is imported; beyond that, a
        version nobody can have fails connected as it fails sealed.
        """
        if self._promotable is None:
            return False
        self._missing.add(module)
        self.feed(module, NOTHING)
        return True

    def is_essential(self, module: ModuleVersion) -> bool:
        """Whether the go command needs a version's zip when it downloads all of the graph."""
        return module in self._first or module in self.roots

    @property
    def is_done(self) -> bool:
        """Whether the closure is known; ask `needs` first."""
        return self._promoted and all(walk.is_done for walk in self._walks())

    @property
    def selected(self) -> Mapping[str, str]:
        """The build list of a main module that uses all it may: version by module path."""
        return self._lazy.selected

    @property
    def summaries(self) -> Mapping[ModuleVersion, Summary]:
        """Every version whose go.mod was read."""
        return (self._full or self._lazy).read

    def complete(self) -> set[ModuleVersion]:
        """Tell the versions to store with their zips."""
        if self.level is Level.BUILD:
            return self._lazy.build_list()
        return (set(self._lazy.read) | named_in(self._lazy.read)) - self._missing

    def mod_only(self) -> set[ModuleVersion]:
        """Tell the versions to store without their zips."""
        return set(self.summaries) - self.complete() - self._missing

    @property
    def missing(self) -> frozenset[ModuleVersion]:
        """The versions that requirements name and the upstream does not have."""
        return frozenset(self._missing)

    def requirement_path(self, module: ModuleVersion) -> list[ModuleVersion]:
        """Tell a shortest chain of requirements from a root down to a version."""
        if len(self.summaries) != self._parents_of:
            self._parents = parents(self.roots, self.summaries)
            self._parents_of = len(self.summaries)
        chain = [module]
        while (parent := self._parents.get(chain[-1])) is not None:
            chain.append(parent)
        return chain[::-1]

    def _walks(self) -> list[GraphWalk]:
        return [self._lazy] if self._full is None else [self._lazy, self._full]

    def _promote(self) -> None:
        """Make the selected version of every module in the first graph a requirement.

        Promoting may select higher versions of these modules, which are promoted in turn; modules
        that only come into sight by promotion provide no package that the main module imports.
        """
        if self._promotable is None:
            self._promotable = frozenset(self._lazy.selected)
            self._first = frozenset(self._lazy.build_list())
        if self.level is Level.BUILD:
            self._promoted = True
        while self._lazy.is_done and not self._promoted:
            selected = self._lazy.selected
            roots = [ModuleVersion(path, selected[path]) for path in sorted(self._promotable)]
            if self._lazy.holds_roots(roots):
                self._promoted = True
            self._lazy.extend(roots)


def named_in(summaries: Mapping[ModuleVersion, Summary]) -> set[ModuleVersion]:
    """Tell every version that some of these go.mod files require."""
    return {required for summary in summaries.values() for required in summary.require}
