"""Retraction carriers: where a stored version is retracted, the go.mod that says so is stored, too.

Without it the go command behind the gap takes a retracted version for `latest`, or passes one over
whose retraction was taken back. The carrier is the module's highest version; where it retracts
itself its go.mod is enough, else it may be chosen and is stored whole.

Spec: go.dev/ref/mod#go-mod-file-retract; modload CheckRetractions.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from concurrent.futures import Executor
from functools import partial

from gopack.asking import first_answer
from gopack.errors import GopackError
from gopack.flows.ahead import Ahead
from gopack.flows.steps import run_steps
from gopack.plan.manifest import ModuleFacts
from gopack.plan.query import highest
from gopack.plan.summary import Retraction, retraction_of
from gopack.ports import Sources
from gopack.spec import semver
from gopack.spec.module import ModuleVersion

AT_ONCE = 8
"""Modules asked for at once while the graphs are read: these come first."""

_Highest = tuple[ModuleVersion, tuple[Retraction, ...]]
"""A module's highest version and what its go.mod retracts."""


class Carriers:
    """Asks for the highest versions of modules, ahead of time where that is possible.

    What is known counts until a version is wanted that is higher than all in sight then. A module
    that cannot be asked is left out: go retracts nothing then.
    """

    def __init__(self, sources: Sources, executor: Executor) -> None:
        self._ahead = Ahead(executor, AT_ONCE, partial(_ask, sources))
        self._asked: set[str] = set()
        self._found: dict[str, _Highest | None] = {}

    def foresee(self, modules: Iterable[ModuleVersion], known: Mapping[str, ModuleFacts]) -> None:
        """Begin to ask for what these versions will be looked up for."""
        for path, version in modules:
            is_asked = path in self._asked or path in self._found
            if not is_asked and not _holds(known, path, version):
                self._asked.add(path)
                self._ahead.ask(path)

    @property
    def untold(self) -> Set[str]:
        """The modules of which nobody could tell anything."""
        return {path for path, highest in self._found.items() if highest is None}

    def look_up(
        self, wanted: Iterable[ModuleVersion], known: Mapping[str, ModuleFacts]
    ) -> dict[str, ModuleFacts]:
        """Tell what the highest version of each module retracts, unless it is known already."""
        due = [m for m in _highest_wanted(wanted) if not _holds(known, *m)]
        self.foresee(due, known)
        self._ahead.hurry()
        while self._asked:
            path = self._asked.pop()
            coming = self._ahead.take(path)
            self._found[path] = coming.result() if coming else None
        found = {path: (self._found[path], version) for path, version in due}
        return {p: _facts(*highest, v) for p, (highest, v) in found.items() if highest is not None}


def _holds(known: Mapping[str, ModuleFacts], path: str, version: str) -> bool:
    facts = known.get(path)
    return facts is not None and facts.holds_for(version)


def _highest_wanted(wanted: Iterable[ModuleVersion]) -> list[ModuleVersion]:
    """Give the highest version of each path, sorted by path."""
    ascending = sorted(wanted, key=lambda module: semver.sort_key(module.version))
    return [ModuleVersion(*each) for each in sorted(dict(ascending).items())]


def carriers(
    wanted: Iterable[ModuleVersion],
    known: Mapping[str, ModuleFacts],
    retracts: Callable[[ModuleVersion], Sequence[Retraction]],
) -> dict[ModuleVersion, bool]:
    """Tell the versions that carry retractions of wanted ones, and of each if its zip is needed.

    So does one that takes a retraction back which is stored: a version that is the highest where
    it is stored alone counts for all, and its author may have thought better of it since.

    Args:
        wanted: what is to be stored.
        known: what the highest version of each module retracts.
        retracts: gives what the go.mod of a wanted version retracts.
    """
    found = {}
    paths = {path for path, facts in known.items() if facts.carrier}
    here = {m.path: retracts(m) for m in _highest_wanted(wanted) if m.path in paths}
    for module in wanted:
        if module.path not in paths:
            continue
        facts = known[module.path]
        told = (*here[module.path], *facts.retract)
        if retraction_of(told, module.version):
            retracts_itself = retraction_of(facts.retract, facts.carrier) is not None
            found[ModuleVersion(module.path, facts.carrier)] = not retracts_itself
    return found


def _ask(sources: Sources, path: str) -> _Highest | None:
    try:
        found = first_answer(sources.attempts(path), lambda s: run_steps(highest(path), s))
    except GopackError:
        return None
    return None if found is None else (found[0], found[1].retract)


def _facts(highest: ModuleVersion, retract: tuple[Retraction, ...], wanted: str) -> ModuleFacts:
    is_above = semver.compare(wanted, highest.version) > 0
    return ModuleFacts(highest.version, retract, wanted if is_above else "")
