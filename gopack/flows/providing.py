"""What provides packages that no go.mod covers, as far as a main module can require it.

The latest version of the module that has a package is what the go command tries first. Where that
cannot be loaded, `go mod tidy` fails, and `go get` takes the next lower version that can be.

Spec: go.dev/ref/mod#resolve-pkg-mod; modload queryImport and editRequirements.
"""

from collections.abc import Iterable, Set
from dataclasses import dataclass, field

from gopack.errors import GopackError
from gopack.flows.holding import below
from gopack.flows.importing import Importer
from gopack.flows.planning import Planner
from gopack.spec.module import ModuleVersion


@dataclass(frozen=True, slots=True)
class Provided:
    """What came of looking packages up.

    Args:
        modules: the version that a project comes to require for each package, None where there is
            none.
        passed_over: the latest versions that have packages and cannot be loaded.
    """

    modules: dict[str, ModuleVersion | None]
    passed_over: dict[str, ModuleVersion]


@dataclass(slots=True)
class Provider:
    """Looks packages up; what was found once is remembered for the run."""

    planner: Planner
    importer: Importer
    _faults: dict[ModuleVersion, GopackError] = field(default_factory=dict)
    _taken: dict[ModuleVersion, ModuleVersion | None] = field(default_factory=dict)
    _latest: dict[str, ModuleVersion] = field(default_factory=dict)

    def provide(
        self, packages: Iterable[str], incompatible: Iterable[ModuleVersion] = ()
    ) -> Provided:
        """Look packages up; `incompatible` as Survey.incompatible.

        Raises:
            UpstreamError: a proxy failed, so that nobody knows.
        """
        latest = self.importer.provide(sorted(packages), incompatible)
        self._latest |= {package: module for package, module in latest.items() if module}
        self._settle({m for m in latest.values() if m is not None})
        modules = {p: None if m is None else self._with(p, m) for p, m in latest.items()}
        passed = {p: m for p, m in latest.items() if m and self._taken[m] != m}
        return Provided(modules, passed)

    def sound(self, modules: Iterable[ModuleVersion]) -> set[ModuleVersion]:
        """Give for each version itself, or the next lower one where it cannot be loaded."""
        wanted = set(modules)
        self._settle(wanted)
        return {taken for m in wanted if (taken := self._taken[m]) is not None}

    def fault(self, package: str) -> str:
        """Say what is wrong with the latest version that has a package, '' where nothing is."""
        latest = self._latest.get(package)
        return "" if latest is None else str(self._faults.get(latest, ""))

    def _settle(self, modules: Set[ModuleVersion]) -> None:
        fresh = modules - self._taken.keys()
        faults = self.planner.faults(fresh)
        self._faults |= faults
        for module in fresh:
            self._taken[module] = below(module, self.planner) if module in faults else module

    def _with(self, package: str, latest: ModuleVersion) -> ModuleVersion | None:
        taken = self._taken[latest]
        if taken is None or taken == latest or self.importer.has(taken, package):
            return taken
        return None
