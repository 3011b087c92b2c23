"""Finding the two lines that are enough for what all lines together fail on, and each alone not.

A package that is only lacking, or only ambiguous, with all lines together is looked for with two at
a time: their graphs are walked and their packages surveyed, from what is here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gopack.flows.importing import Importer
from gopack.flows.planning import Planner
from gopack.plan.lines import LinePlan, Plan
from gopack.plan.survey import Survey
from gopack.plan.unresolved import Unresolved, pairs_for, pairs_with, selected_instead
from gopack.ports import Arrived
from gopack.spec.module import ModuleVersion

MAX_CLASHES = 5
"""Packages for which the two lines are looked for that keep them from each other."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """Looks for pairs of lines among those of one plan; `arrived` as FetchRun.arrived."""

    planner: Planner
    importer: Importer
    plan: Plan
    arrived: Arrived

    def lacking(self, packages: Mapping[str, str]) -> Iterator[Unresolved]:
        """Tell the pairs that lack a package; each is given with one that imports it."""
        for package in sorted(packages)[:MAX_CLASHES]:
            for pair, both, survey in self._surveyed(pairs_for(self.plan, package)):
                if package in survey.missing():
                    by = packages[package] or survey.missing()[package]
                    instead = selected_instead(both, package)
                    yield Unresolved(package, by, clash=pair, instead=instead)
                    break

    def ambiguous(self, packages: Mapping[str, Sequence[ModuleVersion]]) -> Iterator[Unresolved]:
        """Tell the pairs with which a package is in several modules; each is given with these."""
        for package in sorted(packages)[:MAX_CLASHES]:
            modules = tuple(packages[package])
            for pair, _both, survey in self._surveyed(pairs_with(self.plan, modules)):
                if package in survey.ambiguous():
                    yield Unresolved(package, clash=pair, modules=modules)
                    break

    def _surveyed(
        self, pairs: Iterator[tuple[LinePlan, ...]]
    ) -> Iterator[tuple[tuple[LinePlan, ...], Plan, Survey]]:
        for pair in pairs:
            both = self.planner.some_together(self.plan, pair)
            if both.joint is not None:
                survey = Survey(both.joint.selected, both.starts(None))
                self.importer.survey([survey], self.arrived)
                yield pair, both, survey
