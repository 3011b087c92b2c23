"""What surveys beyond those of the lines themselves work with: lines together, and upgrades.

Where two modules have a package `go get` requires the latest of the one with the longest path that
has it there: it finds a package first in what the go.mod names. Where the go.mod names both, that
helps only if it requires the other at a version that has the package no more.

Source: modget findAndUpgradeImports, loadPackages and applyUpgrades; modload importFromModules.
Differs: which of the modules a project has already, before the command, is not looked at.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gopack.flows.holding import hold_back
from gopack.flows.importing import Importer
from gopack.flows.planning import Planner
from gopack.flows.providing import Provider
from gopack.plan.closure import Closure, Level
from gopack.plan.manifest import SurveyFacts
from gopack.plan.survey import Survey
from gopack.spec.module import ModuleVersion


@dataclass(slots=True)
class FurtherSurveys:
    """What was read is in `surveys` afterwards; `known` is what was read in an earlier run."""

    planner: Planner
    importer: Importer
    provider: Provider
    known: Mapping[str, SurveyFacts]
    surveys: dict[str, SurveyFacts] = field(default_factory=dict)

    def taking_sides(
        self, survey: Survey, own: Sequence[ModuleVersion], beside: Iterable[ModuleVersion] = ()
    ) -> set[ModuleVersion]:
        """Tell what `go get` of some versions takes so that no two modules have a package.

        Args:
            survey: of a project that requires these, and what is `beside` them.
            own: the versions that it keeps.
            beside: what it takes for other imports.

        Raises:
            UpstreamError: a proxy failed, so that nobody knows.
        """
        ambiguous, untaken = survey.ambiguous(), survey.untaken()
        if not ambiguous:
            return set()
        latest = self.provider.provide(ambiguous).modules
        taken = hold_back(own, {m for m in latest.values() if m}, planner=self.planner)
        before = Closure((*own, *beside), Level.BUILD)
        after = Closure((*before.roots, *taken), Level.BUILD)
        if any(self.planner.walker.walk([before, after])):
            return set()
        moved = {m.path for m in before.build_list() - after.build_list()}
        helping = {
            module.path
            for package, module in latest.items()
            if module is not None
            and (package in untaken or moved & {m.path for m in ambiguous[package]} - {module.path})
        }
        return {module for module in taken if module.path in helping}
