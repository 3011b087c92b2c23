"""Notes of what surveys came to, each line's and that of all together, and what is told of them.

What nobody provides, what several modules have, and what go passes over, since it cannot load it,
fails connected as it fails sealed: it is noted here, so that it can be told.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from gopack.flows.providing import Provided
from gopack.plan.lines import TOGETHER, LinePlan, Plan
from gopack.plan.manifest import SurveyFacts
from gopack.plan.survey import Survey
from gopack.plan.unresolved import Unresolved, one_for_each
from gopack.spec.module import ModuleVersion

T = TypeVar("T")

ByPlace = dict[int, Mapping[str, T]]
"""What is noted of packages, by the place of a line, or TOGETHER."""


@dataclass(slots=True)
class SurveyNotes:
    """What the surveys of one plan came to.

    Args:
        unresolved: the packages that nobody provides, and of each one that imports it.
        ambiguous: those that several modules have, and these modules.
        passed_over: those whose latest module go cannot load, and this version.
        twofold: by place, the surveys of which packages are ambiguous.
        clashes: by package, what is wrong only with all lines together, and the two lines that
            are enough for it.
    """

    unresolved: ByPlace[str] = field(default_factory=dict)
    ambiguous: ByPlace[tuple[ModuleVersion, ...]] = field(default_factory=dict)
    passed_over: ByPlace[ModuleVersion] = field(default_factory=dict)
    twofold: dict[int, Survey] = field(default_factory=dict)
    clashes: dict[str, Unresolved] = field(default_factory=dict)

    def recall(self, place: int, facts: SurveyFacts) -> None:
        """Note what an earlier run surveyed."""
        self.unresolved[place] = dict.fromkeys(facts.unresolved, "")
        self.ambiguous[place] = facts.ambiguous
        self.passed_over[place] = facts.passed_over

    def take(
        self, place: int, missing: Mapping[str, str], provided: Provided
    ) -> set[ModuleVersion]:
        """Note what came of missing packages; tell what is needed for them."""
        self.unresolved[place] = {p: by for p, by in missing.items() if not provided.modules[p]}
        passed_over = {p: m for p, m in provided.passed_over.items() if p in missing}
        self.passed_over[place] = {**self.passed_over.get(place, {}), **passed_over}
        return {module for p in missing if (module := provided.modules[p]) is not None}

    def take_further(
        self, place: int, missing: Mapping[str, str], provided: Provided
    ) -> set[ModuleVersion]:
        """Note what came of packages that are missing beside those that were."""
        before = self.unresolved.get(place, {})
        found = self.take(place, missing, provided)
        self.unresolved[place] = {**self.unresolved[place], **before}
        return found

    def settle(self, place: int, survey: Survey) -> None:
        """Note what a survey has found of which nothing more is missing."""
        self.ambiguous[place] = survey.ambiguous()
        if self.ambiguous[place]:
            self.twofold[place] = survey

    def absent_of(self, place: int, line: LinePlan | None) -> str:
        """Tell a package that a line lists and nobody provides, '' where there is none."""
        listed = line.packages if line is not None else ()
        return next((package for package in listed if package in self.unresolved[place]), "")

    def completing(self, place: int, facts: SurveyFacts) -> SurveyFacts:
        """Add what is noted of a settled survey to what else is to be remembered of it."""
        return replace(
            facts,
            unresolved=tuple(sorted(self.unresolved[place])),
            ambiguous=self.ambiguous[place],
            passed_over=self.passed_over.get(place, {}),
        )

    def with_passed_over(self, plan: Plan) -> Plan:
        """Have whole what go tries first and cannot load, so that it says the same sealed."""
        every = (module for each in self.passed_over.values() for module in each.values())
        return replace(plan, passed_over=frozenset(every))

    def lacking_together(self) -> dict[str, str]:
        """Tell the packages that nobody provides only with all lines together."""
        return _only_together(self.unresolved)

    def ambiguous_together(self) -> dict[str, tuple[ModuleVersion, ...]]:
        """Tell packages that several modules have only with all lines together."""
        return one_for_each(_only_together(self.ambiguous))

    def told(self, fault: Callable[[str], str]) -> list[Unresolved]:
        """Tell all that is wrong; `fault` as Provider.fault."""
        lacking, passed_over = _merged(self.unresolved), _merged(self.passed_over)
        ambiguous = one_for_each(_merged(self.ambiguous))
        return [
            *(
                self.clashes.get(package) or Unresolved(package, by, fault(package))
                for package, by in sorted(lacking.items())
            ),
            *(
                Unresolved(package, refused=fault(package), latest=module)
                for package, module in sorted(passed_over.items())
                if package not in lacking
            ),
            *(
                self.clashes.get(package) or Unresolved(package, modules=modules)
                for package, modules in ambiguous.items()
            ),
        ]


def _merged(found: ByPlace[T]) -> dict[str, T]:
    merged: dict[str, T] = {}
    for each in found.values():
        merged.update(each)
    return merged


def _only_together(found: ByPlace[T]) -> dict[str, T]:
    """Take what is true of packages with all lines together, and of none with one line alone."""
    alone = {package for place, each in found.items() if place != TOGETHER for package in each}
    return {p: what for p, what in found.get(TOGETHER, {}).items() if p not in alone}
