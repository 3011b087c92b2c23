"""What `go get` of one line takes instead of what its imports lead to.

Of extras whose latest would move the line to another version than it names, it takes the highest of
each that does not; of modules that all have a package, the latest of one. What it takes imports
packages in its turn.

Spec: go.dev/ref/mod#go-get; see gopack.flows.holding and gopack.flows.further.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from gopack.flows.fetching import FetchRun
from gopack.flows.further import FurtherSurveys
from gopack.flows.holding import hold_back, is_gotten, is_raised
from gopack.flows.surveynotes import SurveyNotes
from gopack.plan.lines import Plan
from gopack.plan.survey import Survey
from gopack.spec.module import ModuleVersion

MAX_ROUNDS = 5
"""What is held back may import packages that no go.mod covers, and so on."""


@dataclass(slots=True)
class Getter(FurtherSurveys):
    """Finds what `go get` takes of lines that this run has surveyed, which are the `known` ones.

    What came of these surveys is in `notes`, and what is missing beside is noted there.
    """

    notes: SurveyNotes = field(default_factory=SurveyNotes)

    def get(self, plan: Plan, run: FetchRun) -> Plan:
        """Give the plan with what `go get` takes, surveyed, too.

        Raises:
            UpstreamError: a proxy failed, so that nobody knows.
        """
        keys = {place: plan.survey_key(line) for place, line in enumerate(plan.lines)}
        extras = self._tried_first(plan, [p for p, key in keys.items() if key in self.known])
        for _ in range(MAX_ROUNDS):
            fresh = self._held(plan, extras)
            if not fresh:
                break
            plan = self.planner.hold(plan, fresh)
            run.bring(plan)
            for place in fresh:
                extras[place] |= self._beyond_held(plan, place, run)
        for place in extras:
            facts = replace(self.known[keys[place]], held=plan.lines[place].held)
            self.surveys[keys[place]] = self.notes.completing(place, facts)
        return plan

    def _tried_first(self, plan: Plan, places: Iterable[int]) -> dict[int, set[ModuleVersion]]:
        """Tell the lines of which `go get` takes something else, and what it tries first."""
        found = {}
        for place in places:
            line, survey = plan.lines[place], self.notes.twofold.get(place)
            sides = set()
            if survey is not None and is_gotten(line):
                sides = self.taking_sides(survey, line.modules, line.extras)
            if sides or is_raised(line):
                found[place] = {*line.extras, *sides}
        return found

    def _held(
        self, plan: Plan, extras: Mapping[int, Iterable[ModuleVersion]]
    ) -> dict[int, tuple[ModuleVersion, ...]]:
        """Tell of each line that does not hold it yet what leaves it at its version."""
        holder = partial(hold_back, planner=self.planner)
        held = {place: holder(plan.lines[place].modules, extras[place]) for place in extras}
        return {place: found for place, found in held.items() if found != plan.lines[place].held}

    def _beyond_held(self, plan: Plan, place: int, run: FetchRun) -> set[ModuleVersion]:
        """Survey a line with what is held of it; tell what that needs in its turn."""
        line = plan.lines[place]
        if not line.others:
            return set()
        required = [module.path for module in line.held]
        survey = Survey(line.others[-1].selected, plan.starts(line), required)
        self.importer.survey([survey], run.arrived)
        missing = survey.missing()
        provided = self.provider.provide(missing, survey.incompatible())
        found = self.notes.take_further(place, missing, provided)
        return found | self.taking_sides(survey, line.modules, line.held)
