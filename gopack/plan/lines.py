"""What becomes of each line of the list: its roots, its closure, or its error."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from gopack.errors import GopackError, NotFoundError, UpstreamError
from gopack.plan.closure import NOTHING, Closure, Level
from gopack.plan.inputs.roots import WITH_GO_LINE, InputRoots, Sum
from gopack.plan.items import (
    GoItem,
    InputItem,
    Item,
    ModuleItem,
    PatternItem,
    ToolchainItem,
    VersionsItem,
)
from gopack.plan.mainmodule import MainModule
from gopack.plan.manifest import LineFacts, survey_key
from gopack.plan.query import Resolution
from gopack.plan.summary import Summary
from gopack.plan.toolchains import exact_go, needed_go_lines
from gopack.spec import gover
from gopack.spec.module import ModuleVersion, canonical_version
from gopack.spec.toolchain import TOOLCHAIN_PATH, parse_toolchain

TOGETHER = -1
"""The place of all lines together among the lines' numbers."""


@dataclass(frozen=True, slots=True)
class LinePlan:
    """One line: what it resolved to and what it needs, or why it failed.

    Args:
        item: the line.
        level: how much is stored of what it needs.
        roots: what a query of it resolved to.
        listed: versions that it names without a query, or beside the highest one.
        closure: what it needs; None where that failed.
        others: what its other versions need, each alone, where it names several that do not go
            together.
        error: why it failed, or what of it did.
        seconds: the time resolving took.
        extras: versions that provide what its packages import and no go.mod covers.
        providers: the modules that a main module comes to require which uses its packages; known
            where they bring in more than go does for what the line names.
        parts: what main modules need that use some of its packages only; likewise.
        held: what `go get` of the line takes, where that is not the extras: versions that leave
            the line at its own, and the latest of a module that has a package another has, too.
        marks: what its go.mod says that a person should know.
    """

    item: Item
    level: Level
    roots: tuple[Resolution, ...] = ()
    listed: tuple[ModuleVersion, ...] = ()
    closure: Closure | None = None
    others: tuple[Closure, ...] = ()
    error: GopackError | None = None
    seconds: float = 0.0
    extras: tuple[ModuleVersion, ...] = ()
    providers: frozenset[str] = frozenset()
    parts: Mapping[ModuleVersion, bool] = field(default_factory=dict, hash=False)
    held: tuple[ModuleVersion, ...] = ()
    marks: tuple[str, ...] = ()

    @property
    def modules(self) -> tuple[ModuleVersion, ...]:
        """The versions the line resolved to."""
        return (*(root.module for root in self.roots), *self.listed)

    @property
    def closures(self) -> tuple[Closure, ...]:
        """Everything it needs: a closure for each main module that may use it."""
        return self.others if self.closure is None else (self.closure, *self.others)

    @property
    def joint_roots(self) -> tuple[ModuleVersion, ...]:
        """The versions that a project requires which uses all lines."""
        match self.item:
            case _ if self.closure is None:
                return ()
            case GoItem() | ToolchainItem():
                return ()
            case VersionsItem():
                return tuple(root.module for root in self.roots)
            case InputItem(roots=roots):
                return () if roots.exact else _own_names(roots)
            case _:
                return self.modules

    @property
    def packages(self) -> tuple[str, ...]:
        """The import paths or patterns the line starts from; none means its modules' all."""
        match self.item:
            case ModuleItem(path=path) if self.roots and self.roots[0].module.path != path:
                return (path,)
            case VersionsItem(path=path) if self.roots and self.roots[0].module.path != path:
                return (path,)
            case PatternItem(path=path):
                return (path,)
            case InputItem(roots=roots):
                return roots.tools
            case _:
                return ()

    @property
    def starts(self) -> tuple[ModuleVersion, ...]:
        """The versions whose packages a main module imports.

        None of a file's: what its project imports is covered by its own go.mod.
        """
        is_file = isinstance(self.item, InputItem)
        return () if is_file or self.closure is None else self.joint_roots

    def wants(self) -> Mapping[ModuleVersion, bool]:
        """Tell the versions the line needs, and of each whether its zip is needed."""
        return union([*map(wants_of, self.closures), self.parts])

    def needed_first(self) -> dict[ModuleVersion, set[ModuleVersion]]:
        """Tell, of each version that the line is about, what must be there before it.

        Nothing of versions that a file lists side by side: only requirements order them.
        """
        if isinstance(self.item, InputItem):
            return {}
        listed = set(self.modules)
        return {root: set(wants_of(c)) for c in self.closures for root in c.roots if root in listed}

    def requirement_path(self, module: ModuleVersion) -> list[ModuleVersion]:
        """Tell a shortest chain of requirements from one of its versions down to another."""
        for closure in self.closures:
            if module in closure.complete() or module in closure.mod_only():
                return closure.requirement_path(module)
        return [module]

    def notes(self) -> tuple[str, ...]:
        """Say what a person should know of the versions the line resolved to."""
        return (*(note for root in self.roots for note in note_of(root)), *self.marks)

    def advice(self) -> tuple[str, ...]:
        """Say what to list instead of what authors took back, and what to ask for."""
        return (*self._retracted(), *self._renamed())

    def _renamed(self) -> list[str]:
        """Tell of versions that only a proxy with the origin at hand knows by the listed name."""
        query = self.item.query if isinstance(self.item, ModuleItem) else ""
        if not query or canonical_version(query) != query:
            return []
        return [
            f"{self.item.where}: {root.module.path}@{query} is {root.module.version}: behind the "
            "gap ask for that one, which go get writes into go.mod, too"
            for root in self.roots
            if root.module.version != query
        ]

    def _retracted(self) -> tuple[str, ...]:
        return tuple(
            f"{self.item.where}: {root.module}: retracted by its author"
            f"{_because(root.retraction.rationale)}; stored as listed; {root.module.path}@latest "
            "takes the newest that is not retracted"
            for root in self.roots
            if root.retraction is not None
        )

    @property
    def go_version(self) -> str:
        """The Go version that its go.mod files ask for, '' where none does."""
        asked = [closure.go_version for closure in self.closures]
        if isinstance(self.item, InputItem):
            asked.append(self.item.roots.go)
        return max(asked, key=gover.precedence, default="")


def _own_names(roots: InputRoots) -> tuple[ModuleVersion, ...]:
    """Tell what a file brings in that a project without its replace lines can require.

    A fork's go.mod has the name of the module that it replaces, so nobody can require the fork.
    """
    main = MainModule.of(roots.replace, roots.exclude)
    pairs = ((module, main.fetched(module)) for module in roots.roots)
    kept = (fetched for module, fetched in pairs if fetched and fetched.path == module.path)
    return tuple(dict.fromkeys(kept))


def note_of(root: Resolution) -> list[str]:
    """Say what a person should know of a resolved version: retracted, deprecated."""
    notes = []
    if root.retraction is not None:
        notes.append("retracted" + _because(root.retraction.rationale))
    if root.deprecated:
        notes.append("deprecated" + _because(root.deprecated))
    return notes


def _facts(root: Resolution) -> LineFacts:
    return LineFacts(
        retracted=None if root.retraction is None else root.retraction.rationale,
        deprecated=root.deprecated,
        carrier=str(root.carrier or ""),
    )


def _because(text: str) -> str:
    first = text.strip().split("\n")[0]
    return f": {first}" if first else ""


def wants_of(closure: Closure | None) -> dict[ModuleVersion, bool]:
    """Tell a closure's versions, and of each whether its zip is needed."""
    if closure is None:
        return {}
    return dict.fromkeys(closure.mod_only(), False) | dict.fromkeys(closure.complete(), True)


@dataclass(frozen=True, slots=True)
class Plan:
    """All lines, and what they need together.

    `joint` is the closure of a main module that requires every line that resolved; where they
    cannot live together, of those that can, and `joint_error` says why the others cannot. It is
    None when there are fewer than two. `joint_extras` are its extras beside those of the lines,
    `joint_providers` as LinePlan.providers; with these, `joint_base` is its closure without them.
    `pairs` are versions that two lines need together and nothing else does.
    `combined` are closures of lines together of which one has what is looked up for another.
    `upgraded` is the closure of what `go get -u` moves to, `upgraded_files` are those of the same
    in the projects of files with replace lines, and `latest` is every module's latest version, at
    the closed level.
    `passed_over` are latest versions that go cannot load, so that it takes lower ones.
    `carriers` are versions that carry retractions, and of each whether its zip is needed.
    `answers` are versions that a sealed query may choose and no line needs whole, with the go.mod
    files that go reads for them; `answering` are the closures of those that are of listed modules.
    """

    lines: tuple[LinePlan, ...]
    joint: Closure | None = None
    joint_error: GopackError | None = None
    joint_extras: tuple[ModuleVersion, ...] = ()
    joint_providers: frozenset[str] = frozenset()
    joint_base: Closure | None = None
    pairs: Mapping[ModuleVersion, bool] = field(default_factory=dict)
    combined: tuple[Closure, ...] = ()
    upgraded: Closure | None = None
    upgraded_files: tuple[Closure, ...] = ()
    latest: tuple[ModuleVersion, ...] = ()
    passed_over: frozenset[ModuleVersion] = frozenset()
    carriers: Mapping[ModuleVersion, bool] = field(default_factory=dict)
    answers: Mapping[ModuleVersion, bool] = field(default_factory=dict)
    answering: tuple[Closure, ...] = ()
    gomods: Mapping[ModuleVersion, bytes] = field(default_factory=dict)

    @property
    def go_version(self) -> str:
        """The Go version that some line needs, '' where none says."""
        return max((line.go_version for line in self.lines), key=gover.precedence, default="")

    @property
    def go_lines(self) -> tuple[str, ...]:
        """The lines to add for this Go, none where the list has what is new enough."""
        listed = [m for line in self.lines for m in line.modules if m.path == TOOLCHAIN_PATH]
        mains = [line.item.roots for line in self.lines if isinstance(line.item, InputItem)]
        exact = [exact_go(m.go, m.toolchain) for m in mains if m.format in WITH_GO_LINE]
        stored = {parse_toolchain(module.version).version for module in listed}
        return needed_go_lines(self.go_version, [version for version in exact if version], stored)

    def expected_sums(self) -> dict[ModuleVersion, list[Sum]]:
        """Tell the sums that the go.sum files among the lines vouch for, by version."""
        expected: dict[ModuleVersion, list[Sum]] = {}
        for line in self.lines:
            for each in line.item.roots.sums if isinstance(line.item, InputItem) else ():
                expected.setdefault(each.module, []).append(each)
        return expected

    def exactly_mod_only(self) -> set[ModuleVersion]:
        """Tell the versions of which a go.sum says that the go.mod alone is wanted."""
        exact = [i.item.roots for i in self.lines if isinstance(i.item, InputItem)]
        return {m for roots in exact if roots.exact for m in roots.mod_only}

    def errors(self) -> list[GopackError]:
        """Tell the errors of the lines that failed."""
        return [line.error for line in self.lines if line.error is not None]

    @property
    def joint_failure(self) -> GopackError | None:
        """The joint error where asking again may end better: the graph is not known for now.

        Any other says that the lines cannot live together, and go says so connected, too.
        """
        error = self.joint_error
        is_upstreams = isinstance(error, UpstreamError) and not isinstance(error, NotFoundError)
        return error if is_upstreams else None

    def warnings(self) -> list[str]:
        """Say what lines came to that a person should look at, and which do not go together."""
        found = [advice for line in self.lines for advice in line.advice()]
        if self.joint_error is not None and self.joint_failure is None:
            found.append(f"all lines together: {self.joint_error}")
        return found

    def closures(self) -> list[Closure]:
        """Tell every closure there is, the lines' first."""
        found = [closure for line in self.lines for closure in line.closures]
        more = [c for c in (self.joint, self.joint_base, self.upgraded) if c is not None]
        return [*found, *more, *self.upgraded_files, *self.combined, *self.answering]

    def selected(self) -> set[ModuleVersion]:
        """Tell the versions that are in any build list."""
        pairs = {pair for closure in self.closures() for pair in closure.selected.items()}
        return {ModuleVersion(*pair) for pair in pairs}

    def started_paths(self) -> set[str]:
        """Tell the modules whose packages some line starts from; none of a file's."""
        return {module.path for line in self.lines for module in line.starts}

    def below_patterns(self) -> dict[ModuleVersion, str]:
        """Tell the versions that are required of modules below a pattern, and the pattern's query.

        `go get` puts that to each of these modules, too.

        Source: modget queryWildcard.
        """
        found = {}
        for line in self.lines:
            if not isinstance(line.item, PatternItem) or line.closure is None:
                continue
            below = line.item.path.removesuffix("...")
            for closure in (line.closure, *self.answering):
                pairs = (pair for pair in closure.selected.items() if pair[0].startswith(below))
                found.update({ModuleVersion(*pair): line.item.query for pair in pairs})
        return found

    def usable(self) -> set[ModuleVersion]:
        """Tell the versions that a main module may require and use all of."""
        return {
            root for closure in self.closures() if not closure.is_narrow for root in closure.roots
        }

    def wants(self) -> dict[ModuleVersion, bool]:
        """Tell every version that is needed, and of each whether its zip is needed."""
        wants: list[Mapping[ModuleVersion, bool]] = [wants_of(c) for c in self.closures()]
        wants += [line.parts for line in self.lines]
        whole = dict.fromkeys((*self.latest, *self.passed_over), True)
        return union([*wants, whole, self.pairs, self.carriers, self.answers])

    def extras_of(self, place: int) -> set[ModuleVersion]:
        """Tell the extras of one line, or of all at the place TOGETHER."""
        if place >= 0:
            return set(self.lines[place].extras)
        return {m for line in self.lines for m in line.extras} | set(self.joint_extras)

    def providers_of(self, place: int) -> frozenset[str]:
        """Tell the providers of one line, or of all at the place TOGETHER."""
        return self.lines[place].providers if place >= 0 else self.joint_providers

    def starts(self, line: LinePlan | None) -> dict[str, tuple[str, ...]]:
        """Tell the modules that one line, or all together, start from, and packages of each.

        A module that any line lists as a whole is started from as a whole.
        """
        starts: dict[str, tuple[str, ...]] = {}
        for each in [line] if line else self.lines:
            for root in each.starts:
                if not line and self.joint and root.path not in self.joint.selected:
                    continue
                before = starts.get(root.path)
                is_whole = before == () or not each.packages
                starts[root.path] = () if is_whole else (*(before or ()), *each.packages)
        return starts

    def imported_by_files(self) -> set[str]:
        """Tell the modules that the projects of files import from, at the closed level.

        From what packages of these nobody here knows.
        """
        return {path for roots in self._closed_files() for path in roots.direct}

    def excluded(self) -> set[frozenset[ModuleVersion]]:
        """Tell what files exclude, each, at the closed level."""
        return {frozenset(roots.exclude) for roots in self._closed_files() if roots.exclude}

    def replacing(self) -> list[MainModule]:
        """Tell what files replace, each, at the closed level."""
        files = (roots for roots in self._closed_files() if roots.replace)
        return [MainModule.of(roots.replace, roots.exclude) for roots in files]

    def _closed_files(self) -> Iterator[InputRoots]:
        for line in self.lines:
            if isinstance(line.item, InputItem) and line.level is Level.CLOSED and line.closures:
                yield from (line.item.roots, *line.item.members)

    def survey_key(self, line: LinePlan | None) -> str:
        """Name what surveying one line, or all together, would be of.

        At another level other versions are selected, so other packages are missing; the default
        level is not named.
        """
        if line is not None:
            return survey_key(line.modules, [*line.packages, *level_word(line.level)])
        roots = {root for each in self.lines for root in each.joint_roots}
        words = {p for each in self.lines for p in each.packages}
        words.update(level_word(self.joint.level) if self.joint else ())
        for each in self.lines:
            marks = level_word(each.level)
            words.update(f"{root} {mark}" for root in each.modules for mark in marks)
        return "together " + survey_key(roots, words)

    def roots(self) -> dict[ModuleVersion, set[ModuleVersion]]:
        """Tell every listed version, and all that the lines that list it need."""
        found: dict[ModuleVersion, set[ModuleVersion]] = {}
        for line in self.lines:
            for root, needed in line.needed_first().items():
                found.setdefault(root, set()).update(needed)
        return found

    def summary(self, module: ModuleVersion) -> Summary | None:
        """Tell what was read of a version's go.mod, None if no graph needed it.

        Nothing is read of one that go cannot load.
        """
        if module in self.passed_over:
            return NOTHING
        for closure in self.closures():
            if (summary := closure.summaries.get(module)) is not None:
                return summary
        return None

    def reasons(self) -> dict[ModuleVersion, list[str]]:
        """Say of every version why it is there: the lines that list it, else what requires it."""
        why: dict[ModuleVersion, list[str]] = {}
        for line in self.lines:
            for root in line.modules:
                why.setdefault(root, []).append(line.item.text)
        extras = {
            module for place in range(TOGETHER, len(self.lines)) for module in self.extras_of(place)
        }
        extras |= {module for line in self.lines for module in (*line.parts, *line.held)}
        extras |= {root for closure in self.combined for root in closure.roots}
        why.update({m: ["imported, and no go.mod covers it"] for m in extras if m not in why})
        why.update({m: ["go passes it over"] for m in self.passed_over if m not in why})
        why.update({m: ["latest of its module"] for m in self.latest if m not in why})
        why.update({m: ["carries retractions"] for m in self.carriers if m not in why})
        answers = {root for closure in self.answering for root in closure.roots} | set(self.answers)
        why.update({m: ["a sealed query may choose it"] for m in answers if m not in why})
        for closure in self.closures():
            for module in wants_of(closure):
                if module in self.carriers or module in extras:
                    continue
                if module not in why:
                    chain = closure.requirement_path(module)
                    why[module] = [f"required by {chain[-2]}" if chain[1:] else "an upgrade"]
        why.update({m: ["two lines together may select it"] for m in self.pairs if m not in why})
        return why

    def facts(self) -> dict[ModuleVersion, LineFacts]:
        """Tell what the listed versions' modules say of them."""
        return {r.module: _facts(r) for line in self.lines for r in line.roots}

    def is_essential(self, module: ModuleVersion) -> bool:
        """Whether a line cannot do without a version, wherever it is imported from."""
        return any(closure.is_essential(module) for closure in self.closures())


def level_word(level: Level) -> list[str]:
    """Name a level in a survey's key, the default one not at all."""
    return [] if level is Level.GRAPH else [f"closure={level.value}"]


def union(wants: Iterable[Mapping[ModuleVersion, bool]]) -> dict[ModuleVersion, bool]:
    """Tell what any of these wants, whole where any wants it whole."""
    result: dict[ModuleVersion, bool] = {}
    for want in wants:
        for module, whole in want.items():
            result[module] = result.get(module, False) or whole
    return result
