"""Imports that no go.mod covers: found in the zips, resolved with `latest` as the go command does.

A package is looked for in all modules that may have it at one proxy before the next one is asked
for any of them: no name leaves the house, and no repository is searched, for what a proxy has.

A round: survey what main modules would load from the closures as they are; look every package up
that no module provides; what provides it becomes a further requirement, and the closures grow. The
rounds end when nothing new is found. What nobody provides, connected or not, is a warning.

Spec: go.dev/ref/mod#resolve-pkg-mod; modload queryImport and QueryPackages.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from gopack.asking import first_answer, is_absent
from gopack.errors import GopackError, NotFoundError, UpstreamError
from gopack.flows.jobs import Jobs
from gopack.flows.reading import EMPTY, Memory, PackageReader, ReadPackages
from gopack.flows.steps import run_steps
from gopack.plan.query import Resolution, Steps, resolve
from gopack.plan.survey import Contents, Survey, prefixes
from gopack.ports import Arrived, Attempt, Sources
from gopack.spec import module, semver
from gopack.spec.module import ModuleVersion
from gopack.spec.packages import Package

Bring = Callable[[Iterable[ModuleVersion]], Mapping[ModuleVersion, GopackError]]
"""Fetches zips so that they can be read; tells which could not be had."""


class Candidate(NamedTuple):
    """A module that may have a package, and its selected version where that is `+incompatible`.

    Such versions are taken then, too. Source: modload newQueryMatcher (preferIncompatible).
    """

    path: str
    current: str


Sought = tuple[Candidate, ...]
"""A package that is looked for: the modules that may have it, longest path first."""


@dataclass(slots=True)
class Importer:
    """Finds what provides packages. What was found once is remembered for the run.

    Args:
        sources: where modules are asked for.
        executor: runs the waiting.
        read_packages, bring: see ReadPackages and Bring; what is brought is verified.
        memory: what earlier runs read, if anything is remembered.
    """

    sources: Sources
    executor: Executor
    read_packages: ReadPackages
    bring: Bring
    memory: Memory | None = None
    _reader: PackageReader = field(init=False)
    _latest: dict[str, ModuleVersion | UpstreamError | None] = field(default_factory=dict)
    _latest_at: dict[tuple[Candidate, int], ModuleVersion | GopackError | None] = field(
        default_factory=dict
    )
    _upgrade: dict[tuple[ModuleVersion, frozenset[ModuleVersion]], ModuleVersion | None] = field(
        default_factory=dict
    )
    _contents: dict[tuple[ModuleVersion, frozenset[str]], Contents] = field(default_factory=dict)
    _provider: dict[Sought, ModuleVersion | None] = field(default_factory=dict)
    _faults: dict[ModuleVersion, GopackError] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._reader = PackageReader(self.read_packages, self.executor, self.memory)

    def survey(self, surveys: Sequence[Survey], arrived: Arrived) -> None:
        """Drive surveys to their ends, side by side; `arrived` tells when a zip can be read."""
        self._reader.survey(surveys, arrived)

    @property
    def faults(self) -> Mapping[ModuleVersion, GopackError]:
        """The versions that could not be read, or are not what they must be, with why.

        They count as having no packages; what was found beside them may be found otherwise later.
        """
        return {**self._faults, **self._reader.unread}

    @property
    def unread(self) -> Set[ModuleVersion]:
        """The versions that surveys came by and that could not be read."""
        return self._reader.unread.keys()

    def remember(self, is_recorded: Callable[[ModuleVersion], bool]) -> None:
        """Have what surveys read remembered for later runs, of what the storage has recorded."""
        self._reader.remember(is_recorded)

    def provide(
        self, packages: Iterable[str], incompatible: Iterable[ModuleVersion] = ()
    ) -> dict[str, ModuleVersion | None]:
        """Tell the module at `latest` that has each package, longest path first; None if none has.

        `incompatible` are the `+incompatible` versions that are selected: see Survey.incompatible.

        Raises:
            UpstreamError: a proxy failed before a module was found, or GOPROXY=off leaves nobody to
                ask, so that nobody knows.
        """
        current = {module.path: module.version for module in incompatible}
        sought = {
            package: tuple(Candidate(path, current.get(path, "")) for path in prefixes(package))
            for package in packages
        }
        wanted = [each for each in sought.values() if each not in self._provider]
        place = 0
        while wanted:
            self._ask_latest_at(place, {candidate for each in wanted for candidate in each})
            self._look_into_latest_at(place, wanted)
            left = [each for each in wanted if each not in self._provider]
            wanted = [each for each in left if self._is_asked_on(each, place)]
            place += 1
        for each in sought.values():
            if each not in self._provider:
                self._raise_what_may_come(each)
        return {p: self._provider.setdefault(each, None) for p, each in sought.items()}

    def _raise_what_may_come(self, sought: Sought) -> None:
        """Let nobody take a package for missing that was passed over with a `|`, or not asked for.

        Raises:
            UpstreamError: so it was.
        """
        paths = [each.path for each in sought if _is_module_path(each.path)]
        if paths and not any(map(self._attempts, paths)):
            self.sources.attempts(paths[0])  # which says why
        for candidate in sought:
            for place in range(len(self._attempts(candidate.path))):
                found = self._latest_at.get((candidate, place))
                if isinstance(found, UpstreamError) and found.retryable:
                    raise found

    def _look_into_latest_at(self, place: int, wanted: Iterable[Sought]) -> None:
        """Find what provides packages among what one place of GOPROXY has."""
        latest = {each: [self._latest_at[c, place] for c in each] for each in wanted}
        falls_back = {each for each in latest if self._falls_back(each, place)}
        while open_ones := {
            each: _next(left, skips=each in falls_back) for each, left in latest.items() if left
        }:
            self._read_all(m for m in open_ones.values() if m is not None)
            for each, found in open_ones.items():
                package = each[0].path
                if found and package in self._contents[found, _NOTHING].paths:
                    self._provider[each] = found
                    latest[each] = []

    def _falls_back(self, sought: Sought, place: int) -> bool:
        """Whether a `|` follows this place of GOPROXY: the next one is asked in any case."""
        attempts = [self._attempts(candidate.path) for candidate in sought]
        return any(a[place].falls_back_on_error for a in attempts if len(a) > place)

    def _is_asked_on(self, sought: Sought, place: int) -> bool:
        """Whether the next place of GOPROXY is asked, after one that did not have the package."""
        found = [self._latest_at[candidate, place] for candidate in sought]
        is_absent_here = all(
            each is None or (isinstance(each, UpstreamError) and is_absent(each)) for each in found
        )
        has_more = any(len(self._attempts(candidate.path)) > place + 1 for candidate in sought)
        return has_more and (is_absent_here or self._falls_back(sought, place))

    def _attempts(self, path: str) -> Sequence[Attempt]:
        if not _is_module_path(path):
            return ()
        try:
            return self.sources.attempts(path)
        except NotFoundError:  # GOPROXY=off: a longer path may be GOPRIVATE's all the same
            return ()

    def has(self, module: ModuleVersion, package: str) -> bool:
        """Tell whether a version has a package.

        Raises:
            UpstreamError: its zip did not come, that may come later.
        """
        self._read_all([module])
        return package in self._contents[module, _NOTHING].paths

    def find(
        self, package: str, candidates: Iterable[ModuleVersion]
    ) -> tuple[ModuleVersion, Package] | None:
        """Find the first of these versions that has a package, and read it; their zips are here."""
        for candidate in candidates:
            try:
                read = self.read_packages(candidate, frozenset({package})).result().read
            except GopackError:  # what has no zip is among them, and has no package
                continue
            if package in read:
                return candidate, read[package]
        return None

    def latest(self, paths: Iterable[str]) -> dict[str, ModuleVersion | None]:
        """Tell the latest version of each module; None where there is none.

        Raises:
            UpstreamError: a proxy failed, so that nobody knows.
        """
        wanted = list(paths)
        self._ask_latest(wanted)
        return {path: _known(self._latest[path]) for path in wanted}

    def upgrades(self, versions: Iterable[ModuleVersion]) -> set[ModuleVersion]:
        """Tell what `go get -u` moves these versions to.

        That is `latest`; where this is lower, what is chosen from the version itself on.

        Raises:
            UpstreamError: a proxy failed, so that nobody knows.
        """
        wanted = set(versions)
        latest = self.latest({version.path for version in wanted})
        above = {v for v in wanted if (m := latest[v.path]) and _is_lower(m, v)}
        found = {m for m in latest.values() if m is not None}
        return found | self.upgrades_past(frozenset(), above)

    def upgrades_past(
        self, excluded: frozenset[ModuleVersion], versions: Iterable[ModuleVersion]
    ) -> set[ModuleVersion]:
        """Tell what is chosen from these versions on, by a project that excludes some.

        Raises:
            UpstreamError: a proxy failed, so that nobody knows.
        """
        wanted = [(version, excluded) for version in sorted(versions)]
        jobs: Jobs[ModuleVersion, ModuleVersion | None] = Jobs(self.executor)
        for version, _ in (each for each in wanted if each not in self._upgrade):
            jobs.submit(version, partial(self._ask_upgrade, version, excluded))
        self._upgrade |= {(version, excluded): job.result() for version, job in jobs}
        found = (self._upgrade[each] for each in wanted)
        return {module for module in found if module is not None}

    def _ask_latest_at(self, place: int, candidates: Iterable[Candidate]) -> None:
        """Ask one place of GOPROXY for the latest version of each module."""
        jobs: Jobs[Candidate, Resolution] = Jobs(self.executor)
        for candidate in sorted(c for c in candidates if (c, place) not in self._latest_at):
            attempts = self._attempts(candidate.path)
            if len(attempts) > place:
                steps = resolve(candidate.path, "latest", current=candidate.current)
                jobs.submit(candidate, partial(run_steps, steps, attempts[place].source))
            else:
                self._latest_at[candidate, place] = None
        for candidate, job in jobs:
            try:
                self._latest_at[candidate, place] = job.result().module
            except GopackError as error:
                self._latest_at[candidate, place] = error

    def _ask_latest(self, paths: Iterable[str]) -> None:
        jobs: Jobs[str, ModuleVersion | None] = Jobs(self.executor)
        for path in sorted(set(paths) - self._latest.keys()):
            if _is_module_path(path):
                jobs.submit(path, partial(self._ask, path, partial(resolve, path, "latest")))
            else:
                self._latest[path] = None
        for path, job in jobs:
            try:
                self._latest[path] = job.result()
            except UpstreamError as error:
                self._latest[path] = error

    def _ask_upgrade(
        self, version: ModuleVersion, excluded: frozenset[ModuleVersion]
    ) -> ModuleVersion | None:
        without = frozenset(m.version for m in excluded if m.path == version.path)
        steps = partial(resolve, version.path, "upgrade", current=version.version, excluded=without)
        return self._ask(version.path, steps)

    def _ask(self, path: str, steps: Callable[[], Steps[Resolution]]) -> ModuleVersion | None:
        """Ask for a module's version; None where there is no such module.

        Raises:
            UpstreamError: only when it may be there: what goes wrong once may go right later.
        """
        try:
            resolution = first_answer(
                self.sources.attempts(path), lambda source: run_steps(steps(), source)
            )
        except UpstreamError as error:
            if error.retryable:
                raise
            return None
        except GopackError:
            return None
        return resolution.module

    def _read_all(self, modules: Iterable[ModuleVersion]) -> None:
        """Learn what packages these versions have.

        Raises:
            UpstreamError: a zip did not come that may come later.
        """
        unread = {m for m in modules if (m, _NOTHING) not in self._contents}
        failed = self.bring(unread)
        for error in failed.values():
            if isinstance(error, UpstreamError) and error.retryable:
                raise error
        jobs: Jobs[ModuleVersion, Contents] = Jobs(self.executor)
        for candidate in sorted(unread - failed.keys()):
            jobs.watch(candidate, self.read_packages(candidate, _NOTHING))
        for candidate, error in failed.items():
            self._contents[candidate, _NOTHING] = EMPTY
            if not isinstance(error, UpstreamError):
                self._faults[candidate] = error
        for candidate, job in jobs:
            self._contents[candidate, _NOTHING] = self._taken(candidate, job)

    def _taken(self, module: ModuleVersion, job: "Future[Contents]") -> Contents:
        try:
            return job.result()
        except GopackError as error:
            self._faults[module] = error
            return EMPTY


_NOTHING = frozenset[str]()
"""Asks for the paths of the packages alone."""


def _known(latest: ModuleVersion | UpstreamError | None) -> ModuleVersion | None:
    if isinstance(latest, UpstreamError):
        raise latest
    return latest


def _next(left: list[ModuleVersion | GopackError | None], *, skips: bool) -> ModuleVersion | None:
    """Take the next candidate that is a module; what fails behind one that has it matters not.

    Raises:
        UpstreamError: one before it failed that may come later.
    """
    while left:
        candidate = left.pop(0)
        if isinstance(candidate, UpstreamError) and candidate.retryable and not skips:
            raise candidate
        if isinstance(candidate, ModuleVersion):
            return candidate
    return None


def _is_lower(a: ModuleVersion, b: ModuleVersion) -> bool:
    return semver.compare(a.version, b.version) < 0


def _is_module_path(path: str) -> bool:
    try:
        module.check_path(path)
    except GopackError:
        return False
    return True
