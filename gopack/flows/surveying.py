"""Rounds of surveys: what main modules load of a plan's lines, and what they need for it.

Each line is surveyed alone, and all lines together; what an earlier run surveyed is taken from the
ledger. A plan grows by what provides the packages that no module has, and is surveyed again, until
nothing more is missing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from gopack.errors import NotFoundError
from gopack.flows.fetching import FetchRun
from gopack.flows.importing import Importer
from gopack.flows.planning import Growth, Planner
from gopack.flows.progress import Progress
from gopack.flows.providing import Provided, Provider
from gopack.flows.surveynotes import SurveyNotes
from gopack.plan.closure import Closure
from gopack.plan.lines import TOGETHER, LinePlan, Plan
from gopack.plan.manifest import SurveyFacts
from gopack.plan.survey import Survey
from gopack.spec.module import ModuleVersion


@dataclass(slots=True)
class Surveyor:
    """Surveys one plan; what was read is in `surveys` afterwards, and in `notes`.

    Args:
        planner: lets the plan grow.
        importer: reads the packages.
        provider: looks up what is missing.
        known: what was surveyed in an earlier run.
        notes: take what the surveys came to.
        progress: who watches.
        surveys: what was surveyed to the end.
    """

    planner: Planner
    importer: Importer
    provider: Provider
    known: Mapping[str, SurveyFacts]
    notes: SurveyNotes
    progress: Progress
    surveys: dict[str, SurveyFacts] = field(default_factory=dict)

    def recall(self, plan: Plan) -> Plan:
        """Give the plan with what an earlier run learned of its imports."""
        growth = {}
        for place, _closure in _surveyable(plan):
            facts = self.known.get(plan.survey_key(_line(plan, place)))
            if facts is None:
                continue
            self.notes.recall(place, facts)
            if facts.extras or facts.providers or facts.held:
                known = (set(facts.extras), facts.providers, facts.parts, facts.held)
                growth[place] = Growth(*known)
        return self._grown(plan, growth)

    def unread(self, plan: Plan) -> list[LinePlan | None]:
        """Tell the lines whose imports nobody has read yet; None stands for all together."""
        lines = [_line(plan, place) for place, _closure in _surveyable(plan)]
        read = self.known.keys() | self.surveys.keys()
        return [line for line in lines if plan.starts(line) and plan.survey_key(line) not in read]

    def begin(self, plan: Plan, run: FetchRun) -> dict[int, Survey]:
        """Survey what is not known yet, each zip as soon as it is here."""
        surveys = {}
        for place, closure in _surveyable(plan):
            line = _line(plan, place)
            roots = plan.starts(line)
            if roots and plan.survey_key(line) not in self.known:
                surveys[place] = Survey(closure.selected, roots)
        self.importer.survey(list(surveys.values()), run.arrived)
        return surveys

    def follow(self, plan: Plan, run: FetchRun, surveys: dict[int, Survey]) -> Plan:
        """Give the plan with all that imports lead to, beginning with its first surveys.

        Raises:
            UpstreamError: a proxy failed, so that nobody knows.
        """
        while surveys := self._sound(plan, run, surveys):
            self.progress.phase("following imports")
            growth = self._growth(plan, surveys)
            if not growth:
                return self._settled(self._with_parts(plan, surveys), surveys)
            plan = self._grown(plan, growth)
            run.start(plan)
            surveys = self.begin(plan, run)
            run.wait()
        return plan

    def _grown(self, plan: Plan, growth: Mapping[int, Growth]) -> Plan:
        return self.notes.with_passed_over(self.planner.grow(plan, growth))

    def _sound(self, plan: Plan, run: FetchRun, surveys: Mapping[int, Survey]) -> dict[int, Survey]:
        """Leave out the surveys of main modules that cannot be loaded: they know not enough."""
        failed = run.fetched.failed.keys() | self.importer.unread
        closures = dict(_surveyable(plan))
        return {
            place: survey
            for place, survey in surveys.items()
            if failed.isdisjoint(_selected(closures[place]))
        }

    def _growth(self, plan: Plan, surveys: Mapping[int, Survey]) -> dict[int, Growth]:
        """Tell of each line that needs more what it needs; what is missing is looked up last.

        Source: modload loadFromRoots, which resolves missing imports once the roots are stable.
        """
        if unpromoted := self._unpromoted(plan, surveys):
            return unpromoted
        missing = {place: survey.missing() for place, survey in surveys.items()}
        provided = self._provided(surveys)
        growth: dict[int, Growth] = {}
        for place, packages in missing.items():
            found = self.notes.take(place, packages, provided[place])
            if extras := found - plan.extras_of(place):
                providers = surveys[place].providers() | plan.providers_of(place)
                growth[place] = Growth(extras, providers)
        return growth

    def _unpromoted(self, plan: Plan, surveys: Mapping[int, Survey]) -> dict[int, Growth]:
        """Tell of each line what it comes to require, where its closure may not promote it all."""
        closures = dict(_surveyable(plan))
        growth: dict[int, Growth] = {}
        for place, survey in surveys.items():
            closure, known = closures[place], plan.providers_of(place)
            providers = survey.providers() | known
            if providers != known and (closure.is_narrow or not closure.promotes(providers)):
                growth[place] = Growth(frozenset(), providers)
        return growth

    def _provided(self, surveys: Mapping[int, Survey]) -> dict[int, Provided]:
        """Look up what surveys miss, in one go for all that would take the same versions."""
        alike: dict[frozenset[ModuleVersion], list[int]] = {}
        for place, survey in surveys.items():
            alike.setdefault(survey.incompatible(), []).append(place)
        provided: dict[int, Provided] = {}
        for incompatible, places in alike.items():
            packages = {package for place in places for package in surveys[place].missing()}
            provided |= dict.fromkeys(places, self.provider.provide(packages, incompatible))
        return provided

    def _with_parts(self, plan: Plan, surveys: Mapping[int, Survey]) -> Plan:
        """Find what projects need that use a part of a line whose imports no go.mod covers."""
        lines = list(plan.lines)
        for place, survey in surveys.items():
            line = _line(plan, place)
            if line is not None:
                parts = self.planner.walk_parts(line, survey.parts())
                lines[place] = replace(line, parts=parts)
        return replace(plan, lines=tuple(lines))

    def _settled(self, plan: Plan, surveys: Mapping[int, Survey]) -> Plan:
        """Note what the surveys came to; a listed package that is not there fails its line."""
        lines = list(plan.lines)
        for place, survey in surveys.items():
            line = _line(plan, place)
            self.notes.settle(place, survey)
            absent = self.notes.absent_of(place, line)
            if line is not None and absent:
                lines[place] = replace(line, error=_not_contained(line, absent))
                continue
            facts = SurveyFacts(
                tuple(sorted(plan.extras_of(place))),
                providers=plan.providers_of(place),
                parts=line.parts if line else {},
            )
            self.surveys[plan.survey_key(line)] = self.notes.completing(place, facts)
        return replace(plan, lines=tuple(lines))


def _selected(closure: Closure) -> Iterable[ModuleVersion]:
    return (*closure.roots, *(ModuleVersion(*each) for each in closure.selected.items()))


def _surveyable(plan: Plan) -> list[tuple[int, Closure]]:
    """Tell the closures to survey by their place: the lines', and that of all together."""
    found = [
        (place, line.closure)
        for place, line in enumerate(plan.lines)
        if line.closure is not None and line.error is None
    ]
    return found if plan.joint is None else [*found, (TOGETHER, plan.joint)]


def _line(plan: Plan, place: int) -> LinePlan | None:
    return None if place == TOGETHER else plan.lines[place]


def _not_contained(line: LinePlan, package: str) -> NotFoundError:
    return NotFoundError(
        f"module {line.modules[0]} found, but does not contain package {package}",
        where=str(line.modules[0]),
        hint="list the module, or a package that it has at this version",
    )
