"""Closures: the versions a main module may need when it uses a line's module.

Three levels; the last holds the two others:

- `build`: the module graph as the go command loads it; zips of the selected versions only, with
  what has packages promoted as below where that is known;
- `graph`: the main module may import any package of what it requires, so every selected version
  may become one of its own requirements (lazy loading promotes it), which reads its go.mod in
  turn; every version named in a go.mod that is read may be the selected one in some subset of the
  list, so each is stored with its zip. What a promoted module's packages import is promoted in
  turn: so the go.mod files of all that is named are read, and all the way down where one does not
  prune; what these add is mod-only, since who names them names all that its packages import;
- `closed`: the graph with no pruning at all, mod-only beyond what `graph` stores whole. Of the
  modules of that, a main module whose graph is not pruned loads packages from the versions that
  the whole graph selects, and looks into modules above and below them: these are stored whole, too.

Where a look-up of imports has told which modules provide packages, a closure is narrow: only these
are promoted, and of what is read, the versions that are selected on the way are stored with their
zips; of all others the go.mod is enough, since nothing is loaded from them.

A closure is a step machine like the walks it is made of: `needs`, `feed`, until `is_done`. It asks
for versions, is fed them, and names them, as they are fetched: a replaced one is its replacement.

Spec: go.dev/ref/mod#graph-pruning, #lazy-loading, #minimal-version-selection.
"""

from collections.abc import Iterable, Mapping
from enum import Enum

from gopack.plan.graph import GraphWalk, parents
from gopack.plan.mainmodule import PLAIN, MainModule
from gopack.plan.summary import Summary, check_names_module
from gopack.spec import gover
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

    Args:
        roots: the requirements, by their names in the main module's go.mod.
        level: how much is stored.
        is_joint: whether the roots are all lines together; at `build` that graph is not pruned.
        is_pruned: whether the main module's Go version prunes (1.17 or above).
        main: what its go.mod replaces and excludes.
        given: versions to store whatever the graph says, and of each whether its zip is needed.
        narrow: the modules that provide packages, where that is known: see above.
        is_read_whole: whether go reads more go.mod files of the graph than pruning leaves: those
            of all it names are stored, mod-only beyond what the level stores whole.
        is_loaded_whole: whether go loads packages by that graph, too: see `closed`.
    """

    def __init__(  # noqa: PLR0913 - what is known of a main module, by keyword
        self,
        roots: Iterable[ModuleVersion],
        level: Level,
        *,
        is_joint: bool = False,
        is_pruned: bool = True,
        main: MainModule = PLAIN,
        given: Mapping[ModuleVersion, bool] | None = None,
        narrow: frozenset[str] | None = None,
        is_read_whole: bool = False,
        is_loaded_whole: bool = False,
    ) -> None:
        self.roots = tuple(roots)
        self.level = level
        self._main = main
        self._given = dict(given or {})
        self._named: dict[ModuleVersion, set[ModuleVersion]] = {}
        is_pruned = is_pruned and not (is_joint and level is Level.BUILD)
        self._lazy = GraphWalk(self.roots, pruned=is_pruned)
        self._is_loaded_whole = is_loaded_whole or level is Level.CLOSED
        is_read_whole = is_read_whole or self._is_loaded_whole
        self._full = GraphWalk(self.roots, pruned=False) if is_read_whole else None
        self._beyond: GraphWalk | None = None
        self._narrow = narrow
        self._passed: set[ModuleVersion] = set()
        self._promoted = False
        self._promotable: frozenset[str] | None = None
        self._first: frozenset[ModuleVersion] = frozenset()
        self._missing: set[ModuleVersion] = set()
        self._parents: dict[ModuleVersion, ModuleVersion | None] = {}
        self._parents_of = 0

    def needs(self) -> list[ModuleVersion]:
        """Take the versions whose summaries are needed and were not asked for before."""
        if self._main is PLAIN:
            return self._fresh()
        wanted: list[ModuleVersion] = []
        while fresh := self._fresh():
            for module in fresh:
                fetched = self._main.fetched(module)
                if fetched is None:
                    self._feed_as(module, NOTHING)
                else:
                    self._named.setdefault(fetched, set()).add(module)
                    wanted.append(fetched)
            if wanted:
                break
        return wanted

    def _fresh(self) -> list[ModuleVersion]:
        fresh = self._lazy.needs()
        if self._lazy.is_done and not self._promoted:
            self._promote()
            fresh += self._lazy.needs()
        if self._full is not None:
            fresh += self._full.needs()
        return fresh + self._fresh_beyond()

    def feed(self, module: ModuleVersion, summary: Summary) -> None:
        """Give the summary of a version that `needs` named, once.

        Raises:
            IntegrityError: it is another module's.
        """
        names = self._named.get(module, {module})
        if summary is not NOTHING and summary.path not in {name.path for name in names}:
            check_names_module(module, summary)
        for name in sorted(names):
            self._feed_as(name, self._main.admitted(summary))

    def _feed_as(self, name: ModuleVersion, summary: Summary) -> None:
        for walk in self._walks():
            if walk.is_waiting_for(name):
                walk.feed(name, summary)

    def feed_missing(self, module: ModuleVersion) -> bool:
        """Say that the upstream does not have a version; tell whether the closure stands without.

        It does not where the go command reads that go.mod whatever is imported; beyond that, a
        version nobody can have fails connected as it fails sealed.
        """
        names = self._named.get(module, {module})
        if self._promotable is None and any(self._lazy.is_waiting_for(name) for name in names):
            return False
        self._missing.add(module)
        self.feed(module, NOTHING)
        return True

    def feed_unread(self, module: ModuleVersion) -> bool:
        """Say that nobody can read a version's go.mod; tell whether the closure stands without.

        It does where the go command reads it only for some main modules; these fail connected, too.
        """
        names = self._named.get(module, {module})
        if any(self._lazy.is_waiting_for(name) for name in names):
            return False
        return self.feed_missing(module)

    def is_essential(self, module: ModuleVersion) -> bool:
        """Whether the go command needs a version's zip when it downloads all of the graph."""
        if module in self._given:
            return True
        names = self._named.get(module, {module})
        return not (names.isdisjoint(self._first) and names.isdisjoint(self.roots))

    @property
    def is_narrow(self) -> bool:
        """Whether only what provides some packages is promoted."""
        return self._narrow is not None

    def promotes(self, paths: Iterable[str]) -> bool:
        """Tell whether the selected versions of these modules count as main module's own."""
        chosen = (ModuleVersion(p, self.selected[p]) for p in paths if p in self.selected)
        return self._lazy.holds_roots(chosen)

    def takes_all_of(self, module: ModuleVersion) -> bool:
        """Tell whether a version that was fed, and all that it requires, is stored with its zip."""
        is_plain = self._narrow is None and self._main is PLAIN and self._full is None
        return self.level is Level.GRAPH and is_plain and self.reads(module)

    def reads(self, module: ModuleVersion) -> bool:
        """Tell whether what a version requires counts for what this main module selects."""
        return module in self._lazy.read

    @property
    def is_done(self) -> bool:
        """Whether the closure is known; ask `needs` first."""
        return self._promoted and all(walk.is_done for walk in self._walks())

    @property
    def selected(self) -> Mapping[str, str]:
        """The build list of a main module that uses all it may: version by module path."""
        return self._lazy.selected

    def fetched(self, module: ModuleVersion) -> ModuleVersion | None:
        """Tell what is fetched for a version: itself, its replacement, None for a folder."""
        return self._main.fetched(module)

    def build_list(self) -> set[ModuleVersion]:
        """Tell the selected versions as a set."""
        return self._lazy.build_list()

    @property
    def promotable(self) -> frozenset[str]:
        """The modules that a main module may come to require itself."""
        return self._promotable or frozenset()

    @property
    def summaries(self) -> Mapping[ModuleVersion, Summary]:
        """Every version whose go.mod was read."""
        read = self._all_read
        if not self._main.replaced:
            return read
        return {fetched: s for m, s in read.items() if (fetched := self._main.fetched(m))}

    def complete(self) -> set[ModuleVersion]:
        """Tell the versions to store with their zips."""
        given = {module for module, whole in self._given.items() if whole}
        if self.level is Level.BUILD and self._narrow is None:
            return self._fetched(self._lazy.build_list()) | given
        read = self._lazy.read
        whole = self._passed if self._narrow is not None else set(read) | named_in(read)
        return (self._fetched(whole | self._selected_whole(whole)) | given) - self._missing

    def mod_only(self) -> set[ModuleVersion]:
        """Tell the versions to store without their zips."""
        return (set(self.summaries) | self._given.keys()) - self.complete() - self._missing

    @property
    def go_version(self) -> str:
        """The highest Go version that the selected versions' go.mod files ask for; '' for none."""
        read, selected = self._lazy.read, self._lazy.build_list()
        asked = (summary.go for module, summary in read.items() if module in selected)
        return max(asked, key=gover.precedence, default="")

    @property
    def missing(self) -> frozenset[ModuleVersion]:
        """The versions that requirements name and the upstream does not have."""
        return frozenset(self._missing)

    def requirement_path(self, module: ModuleVersion) -> list[ModuleVersion]:
        """Tell a shortest chain of requirements from a root down to a version."""
        read = self._all_read
        if len(read) != self._parents_of:
            self._parents = parents(self.roots, read)
            self._parents_of = len(read)
        chain = [min(self._named.get(module, {module}))]
        while (parent := self._parents.get(chain[-1])) is not None:
            chain.append(parent)
        return chain[::-1]

    def _fetched(self, names: Iterable[ModuleVersion]) -> set[ModuleVersion]:
        if self._main is PLAIN:
            return set(names)
        every = (self._main.fetched(m) for m in names if m not in self._main.excluded)
        return {module for module in every if module is not None}

    @property
    def _all_read(self) -> Mapping[ModuleVersion, Summary]:
        return (self._full or self._beyond or self._lazy).read

    def _walks(self) -> list[GraphWalk]:
        walks = (self._lazy, self._full, self._beyond)
        return [walk for walk in walks if walk is not None]

    def _selected_whole(self, whole: Iterable[ModuleVersion]) -> set[ModuleVersion]:
        """Tell what the whole graph selects of these versions' modules, and of those near them.

        A package may be in each module whose path is the beginning of its own: go looks into all.
        """
        if self._full is None or not self._is_loaded_whole:
            return set()
        selected = self._full.selected
        paths = {module.path for module in whole}
        above = {path[:at] for path in paths for at in _slashes(path)}
        return {
            ModuleVersion(path, version)
            for path, version in selected.items()
            if path in paths or path in above or any(path[:at] in paths for at in _slashes(path))
        }

    def _look_beyond(self) -> None:
        """Read the go.mod files of all that is named, as those of a main module's requirements.

        Where the graph is read whole, or only some modules provide packages, there is nothing more.
        """
        is_open = self._narrow is None and self._full is None
        if self.level is not Level.GRAPH or not is_open:
            return
        read = self._lazy.read
        self._beyond = GraphWalk(set(read) | named_in(read))

    def _fresh_beyond(self) -> list[ModuleVersion]:
        """Take what the walk beyond needs; what was read before is fed at once."""
        wanted: list[ModuleVersion] = []
        read = self._lazy.read
        while self._beyond is not None and (fresh := self._beyond.needs()):
            for module in fresh:
                if module in read:
                    self._beyond.feed(module, read[module])
                else:
                    wanted.append(module)
        return wanted

    def _promote(self) -> None:
        """Make the selected version of every module in the first graph a requirement.

        Promoting may select higher versions of these modules, which are promoted in turn. Modules
        that only come into sight by promotion provide no package that the main module imports
        itself; what becomes of them is looked for beyond.
        """
        if self._promotable is None:
            self._promotable = frozenset(self._lazy.selected)
            self._first = frozenset(self._lazy.build_list())
        if self.level is Level.BUILD and self._narrow is None:
            self._promoted = True
        while self._lazy.is_done and not self._promoted:
            selected = self._lazy.selected
            self._passed |= self._lazy.build_list()
            paths = self._promotable if self._narrow is None else self._narrow & selected.keys()
            roots = [ModuleVersion(path, selected[path]) for path in sorted(paths)]
            if self._lazy.holds_roots(roots):
                self._promoted = True
                self._look_beyond()
            self._lazy.extend(roots)


def named_in(summaries: Mapping[ModuleVersion, Summary]) -> set[ModuleVersion]:
    """Tell every version that some of these go.mod files require."""
    return {required for summary in summaries.values() for required in summary.require}


def _slashes(path: str) -> list[int]:
    return [at for at, character in enumerate(path) if character == "/"]
