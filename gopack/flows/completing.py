"""Completing a plan: rounds of fetching and surveying, until nothing more is to be found.

Each round fetches what the plan wants, surveys what main modules would load from it, and lets the
plan grow by what provides the packages that no module has. Then the versions that carry
retractions are added, and what queries choose from all these. What was surveyed in an earlier run
is taken from the ledger.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from gopack.errors import GopackError, NotFoundError
from gopack.flows.answering import choose, choose_latest, choose_queried, guess
from gopack.flows.carrying import Carriers, carriers
from gopack.flows.combining import Combiner, serves_apart
from gopack.flows.fetching import FetchRun
from gopack.flows.further import FurtherSurveys
from gopack.flows.holding import hold_back, is_gotten, is_raised
from gopack.flows.importing import Importer
from gopack.flows.jobs import in_background
from gopack.flows.pairing import Pairing, one_for_each
from gopack.flows.planning import Growth, Planner
from gopack.flows.progress import Progress
from gopack.flows.providing import Provided, Provider
from gopack.flows.toolcheck import tool_fault
from gopack.flows.upgrading import Upgrader
from gopack.plan.closure import Closure, Level
from gopack.plan.lines import LinePlan, Plan
from gopack.plan.manifest import Manifest, ModuleFacts, SurveyFacts
from gopack.plan.summary import Retraction
from gopack.plan.survey import Survey
from gopack.plan.unresolved import Unresolved
from gopack.ports import Sources
from gopack.spec.module import ModuleVersion

MAX_HELD_ROUNDS = 5
"""What is held back may import packages that no go.mod covers, and so on."""

T = TypeVar("T")

TOGETHER = -1
"""The place of all lines together among the lines' numbers."""


@dataclass(frozen=True, slots=True)
class Noting:
    """Sources whose go.mod files are verified afterwards, and what tells if one may count.

    `check_read` has verified, for its lies to be told, what was read of modules to no avail.
    """

    sources: Sources
    is_sound: Callable[[ModuleVersion], bool]
    check_read: Callable[[Set[str]], None]


@dataclass(slots=True)
class Completer:
    """Completes one plan; what it learned is in `surveys` and `modules` afterwards.

    `error` is set when a proxy failed while packages were looked up, so that some may be missing;
    `lies` has the go.mod files that queries looked at and that are not what they must be. `noting`
    is where retractions are asked for, the planner's sources if None.
    """

    planner: Planner
    importer: Importer
    known: Manifest
    progress: Progress
    surveys: dict[str, SurveyFacts] = field(default_factory=dict)
    modules: dict[str, ModuleFacts] = field(default_factory=dict)
    error: GopackError | None = None
    lies: Mapping[ModuleVersion, GopackError] = field(default_factory=dict)
    noting: Noting | None = None
    _unresolved: dict[int, dict[str, str]] = field(default_factory=dict)
    _ambiguous: dict[int, Mapping[str, tuple[ModuleVersion, ...]]] = field(default_factory=dict)
    _twofold: dict[int, Survey] = field(default_factory=dict)
    _passed_over: dict[int, dict[str, ModuleVersion]] = field(default_factory=dict)
    _clashes: dict[str, Unresolved] = field(default_factory=dict)
    _provider: Provider = field(init=False)
    _carriers: Carriers = field(init=False)

    def __post_init__(self) -> None:
        self._provider = Provider(self.planner, self.importer)
        sources = self.planner.sources if self.noting is None else self.noting.sources
        self._carriers = Carriers(sources, self.planner.executor)

    def foresee(self, modules: Iterable[ModuleVersion]) -> None:
        """Begin to ask for what the plan will need that wants these, while it is still made."""
        self._carriers.foresee(modules, self.known.modules)

    def complete(self, plan: Plan, run: FetchRun) -> Plan:
        """Fetch a plan with all it leads to; give the plan as it is in the end."""
        plan = self._with_passed_over(self.planner.grow(plan, self._known_growth(plan)))
        run.start(plan)
        retractions = in_background(partial(self._look_up, plan.wants()))
        likely = in_background(partial(self._begin_answers, plan, run))
        surveys = self._surveyed(plan, run)
        self.modules = retractions.result()
        likely.result()
        run.wait()
        try:
            plan = self._survey_rounds(plan, run, surveys)
            plan = self._with_held(plan, run)
            self._find_clashes(plan, run)
            plan = self._with_combined(plan, run)
            plan = self._with_upgrades(plan, run)
        except GopackError as error:
            self.error = error
        run.bring(plan)
        plan = self._with_answers(self._with_carriers(plan))
        run.bring(plan)
        return self._with_tools(plan, run)

    def expect(self, plan: Plan) -> Plan:
        """Give the plan as it will be in the end, as far as that can be told without zips.

        All but what imports bring that no go.mod covers; that counts where an earlier run read
        them. See `unread`.
        """
        plan = self._with_passed_over(self.planner.grow(plan, self._known_growth(plan)))
        try:
            plan = self._with_upgrades(self._with_combined(plan))
        except GopackError as error:
            self.error = error
        return self._with_answers(self._with_carriers(plan))

    def unread(self, plan: Plan) -> list[LinePlan | None]:
        """Tell the lines whose imports nobody has read yet; None stands for all together."""
        places = [_line(plan, place) for place, _closure in _surveyable(plan)]
        known = self.known.surveys.keys() | self.surveys.keys()
        return [line for line in places if plan.starts(line) and plan.survey_key(line) not in known]

    def unresolved(self) -> list[Unresolved]:
        """Tell the packages that nobody provides, and those that two lines keep from each other."""
        found: dict[str, str] = {}
        for missing in self._unresolved.values():
            found.update(missing)
        told = [
            self._clashes.get(package) or Unresolved(package, by, self._provider.fault(package))
            for package, by in sorted(found.items())
        ]
        passed_over: dict[str, ModuleVersion] = {}
        for passed in self._passed_over.values():
            passed_over.update(passed)
        told += [
            Unresolved(package, refused=self._provider.fault(package), latest=module)
            for package, module in sorted(passed_over.items())
            if package not in found
        ]
        ambiguous: dict[str, tuple[ModuleVersion, ...]] = {}
        for several in self._ambiguous.values():
            ambiguous.update(several)
        told += [
            self._clashes.get(package) or Unresolved(package, modules=modules)
            for package, modules in one_for_each(ambiguous).items()
        ]
        return told

    # Surveys

    def _known_growth(self, plan: Plan) -> dict[int, Growth]:
        growth = {}
        for place, _closure in _surveyable(plan):
            facts = self.known.surveys.get(plan.survey_key(_line(plan, place)))
            if facts is None:
                continue
            self._unresolved[place] = dict.fromkeys(facts.unresolved, "")
            self._ambiguous[place] = facts.ambiguous
            self._passed_over[place] = dict(facts.passed_over)
            if facts.extras or facts.providers or facts.held:
                known = (set(facts.extras), facts.providers, facts.parts, facts.held)
                growth[place] = Growth(*known)
        return growth

    def _survey_rounds(self, plan: Plan, run: FetchRun, surveys: dict[int, Survey]) -> Plan:
        while surveys := self._sound(plan, run, surveys):
            self.progress.phase("following imports")
            growth = self._growth(plan, surveys)
            if not growth:
                return self._settled(self._with_parts(plan, surveys), surveys)
            plan = self._with_passed_over(self.planner.grow(plan, growth))
            run.start(plan)
            surveys = self._surveyed(plan, run)
            run.wait()
        return plan

    def _surveyed(self, plan: Plan, run: FetchRun) -> dict[int, Survey]:
        """Survey what is not known yet, each zip as soon as it is here."""
        surveys = {}
        for place, closure in _surveyable(plan):
            line = _line(plan, place)
            roots = plan.starts(line)
            if roots and plan.survey_key(line) not in self.known.surveys:
                surveys[place] = Survey(closure.selected, roots)
        self.importer.survey(list(surveys.values()), run.arrived)
        return surveys

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
            found = self._take(place, packages, provided[place])
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
            provided |= dict.fromkeys(places, self._provider.provide(packages, incompatible))
        return provided

    def _take(
        self, place: int, missing: Mapping[str, str], provided: Provided
    ) -> set[ModuleVersion]:
        """Note what came of a line's missing packages; tell what it needs for them."""
        self._unresolved[place] = {p: by for p, by in missing.items() if not provided.modules[p]}
        passed_over = {p: m for p, m in provided.passed_over.items() if p in missing}
        self._passed_over.setdefault(place, {}).update(passed_over)
        return {module for p in missing if (module := provided.modules[p]) is not None}

    def _with_passed_over(self, plan: Plan) -> Plan:
        """Have whole what go tries first and cannot load, so that it says the same sealed."""
        every = (m for each in self._passed_over.values() for m in each.values())
        return replace(plan, passed_over=frozenset(every))

    def _with_held(self, plan: Plan, run: FetchRun) -> Plan:
        """Find what `go get` of one line takes instead of what its imports lead to.

        Of extras whose latest would move the line to another version than it names, the highest of
        each that does not; of modules that all have a package, the latest of one. These are
        surveyed, too. What an earlier run surveyed it knows to the end: a survey counts from then.
        """
        keys = {place: plan.survey_key(line) for place, line in enumerate(plan.lines)}
        begun = {key: self.surveys.pop(key) for key in {*keys.values()} & self.surveys.keys()}
        further = FurtherSurveys(self.planner, self.importer, self._provider, {})
        extras = self._to_hold(plan, [p for p, key in keys.items() if key in begun], further)
        for _ in range(MAX_HELD_ROUNDS):
            holder = partial(hold_back, planner=self.planner)
            held = {place: holder(plan.lines[place].modules, extras[place]) for place in extras}
            fresh = {
                place: found for place, found in held.items() if found != plan.lines[place].held
            }
            if not fresh:
                break
            plan = self.planner.hold(plan, fresh)
            run.bring(plan)
            for place in fresh:
                extras[place] |= self._beyond_held(plan, place, run, further)
        for place in extras:
            begun[keys[place]] = replace(
                begun[keys[place]],
                held=plan.lines[place].held,
                unresolved=tuple(sorted(self._unresolved[place])),
                passed_over=self._passed_over.get(place, {}),
            )
        self.surveys |= begun
        return self._with_passed_over(plan)

    def _to_hold(
        self, plan: Plan, places: Iterable[int], further: FurtherSurveys
    ) -> dict[int, set[ModuleVersion]]:
        """Tell the lines of which `go get` takes something else, and what it tries first."""
        found = {}
        for place in places:
            line, survey = plan.lines[place], self._twofold.get(place)
            sides = set()
            if survey is not None and is_gotten(line):
                sides = further.taking_sides(survey, line.modules, line.extras)
            if sides or is_raised(line):
                found[place] = {*line.extras, *sides}
        return found

    def _beyond_held(
        self, plan: Plan, place: int, run: FetchRun, further: FurtherSurveys
    ) -> set[ModuleVersion]:
        """Survey a line with what is held of it; tell what that needs in its turn."""
        line = plan.lines[place]
        if not line.others:
            return set()
        required = [module.path for module in line.held]
        survey = Survey(line.others[-1].selected, plan.starts(line), required)
        self.importer.survey([survey], run.arrived)
        known = self._unresolved.get(place, {})
        missing = survey.missing()
        provided = self._provider.provide(missing, survey.incompatible())
        found = self._take(place, missing, provided)
        self._unresolved[place] |= known
        return found | further.taking_sides(survey, line.modules, line.held)

    def _find_clashes(self, plan: Plan, run: FetchRun) -> None:
        """Find the two lines for what is wrong with a package only with all lines together."""
        pairing = Pairing(self.planner, self.importer, plan, run.arrived)
        lacking, ambiguous = only_together(self._unresolved), only_together(self._ambiguous)
        for clash in (*pairing.lacking(lacking), *pairing.ambiguous(one_for_each(ambiguous))):
            self._clashes[clash.package] = clash

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
            self._ambiguous[place] = survey.ambiguous()
            if self._ambiguous[place]:
                self._twofold[place] = survey
            unresolved = self._unresolved[place]
            absent = [p for p in line.packages if p in unresolved] if line else []
            if line is not None and absent:
                lines[place] = replace(line, error=_not_contained(line, absent[0]))
            else:
                self.surveys[plan.survey_key(line)] = SurveyFacts(
                    tuple(sorted(plan.extras_of(place))),
                    tuple(sorted(unresolved)),
                    plan.providers_of(place),
                    line.parts if line else {},
                    ambiguous=self._ambiguous[place],
                    passed_over=self._passed_over.get(place, {}),
                )
        return replace(plan, lines=tuple(lines))

    def _with_tools(self, plan: Plan, run: FetchRun) -> Plan:
        """Fail the files whose tool lines name no command; what they need is stored all the same.

        Where something did not come nobody can look.
        """
        lines = list(plan.lines)
        for place, line in enumerate(lines):
            if run.fetched.failed.keys() & line.wants().keys():
                continue
            fault = tool_fault(line, self.importer)
            if fault is not None:
                lines[place] = replace(line, error=fault)
        return replace(plan, lines=tuple(lines))

    def _with_combined(self, plan: Plan, run: FetchRun | None = None) -> Plan:
        combiner = Combiner(self.planner, self.importer, self._provider, self._known_surveys())
        every = [plan.lines] if self._ambiguous.get(TOGETHER) and plan.joint else []
        pairs = [clash.clash for clash in self._clashes.values() if clash.modules]
        pairs = [pair for pair in pairs if all(map(serves_apart, pair))]
        plan = combiner.combine(plan, run, [*every, *pairs])
        self.surveys |= combiner.surveys
        return plan

    def _known_surveys(self) -> dict[str, SurveyFacts]:
        return {**self.known.surveys, **self.surveys}

    # The closed level

    def _with_upgrades(self, plan: Plan, run: FetchRun | None = None) -> Plan:
        if all(closure.level is not Level.CLOSED for closure in plan.closures()):
            return plan
        self.progress.phase("looking for upgrades")
        known = self._known_surveys()
        upgrader = Upgrader(self.planner, self.importer, self._provider, known)
        plan = upgrader.upgrade(plan, run)
        self.surveys |= upgrader.surveys
        return plan

    # What sealed queries choose

    def _with_answers(self, plan: Plan) -> Plan:
        """Have whole, with its graph, whatever a query may choose from what is stored.

        That may bring in further versions to choose from, so it is done until nothing changes.
        """
        tried: set[ModuleVersion] = set()
        while fresh := self._to_answer(plan) - tried:
            tried |= fresh
            plan = self._with_carriers(self.planner.answer(plan, fresh))
        return plan

    def _begin_answers(self, plan: Plan, run: FetchRun) -> None:
        """Begin what a query will choose, as far as that is in sight before imports are followed.

        Else these zips would come alone, when all others are here.
        """
        if not run.can_expect:
            return
        wanted = plan.wants()
        chosen = guess(wanted, plan.started_paths(), plan.gomods)
        run.expect({module for module in chosen if not wanted[module]} - plan.exactly_mod_only())

    def _to_answer(self, plan: Plan) -> set[ModuleVersion]:
        wanted, sources, executor = plan.wants(), self.planner.sources, self.planner.executor
        chosen = choose(wanted, sources, executor)
        lacking = {module for module in chosen if not wanted.get(module, False)}
        latest = choose_latest(wanted, plan.started_paths(), sources, executor)
        lacking |= (latest | self._below_patterns(plan)) - plan.usable()
        whole = {module for module, whole in plan.carriers.items() if whole}
        return (lacking - plan.exactly_mod_only()) | whole

    def _below_patterns(self, plan: Plan) -> set[ModuleVersion]:
        below = plan.below_patterns()
        floating = {m for m, query in below.items() if query in {"latest", "upgrade"}}
        queries = {(m.path, query) for m, query in below.items() if m not in floating}
        try:
            found = choose_queried(queries, self.planner.sources, self.planner.executor)
            return found | self.importer.upgrades(floating)
        except GopackError as error:
            self.error = error
            return set()

    # Retractions

    def _with_carriers(self, plan: Plan) -> Plan:
        wanted = plan.wants()
        self.modules |= self._look_up(wanted)

        def retracts(module: ModuleVersion) -> Sequence[Retraction]:
            summary = plan.summary(module)
            return summary.retract if summary else ()

        return replace(plan, carriers=carriers(wanted, self._known_modules(), retracts))

    def _look_up(self, wanted: Iterable[ModuleVersion]) -> dict[str, ModuleFacts]:
        """Ask for what is not known yet of these modules' retractions."""
        found = self._carriers.look_up(wanted, self._known_modules())
        if self.noting is None:
            return found
        self.noting.check_read(self._carriers.untold)
        is_sound = self.noting.is_sound
        return {p: f for p, f in found.items() if is_sound(ModuleVersion(p, f.carrier))}

    def _known_modules(self) -> dict[str, ModuleFacts]:
        return {**self.known.modules, **self.modules}


def only_together(found: Mapping[int, Mapping[str, T]]) -> dict[str, T]:
    """Take what is true of packages with all lines together, and of none with one line alone."""
    alone = {package for place, each in found.items() if place != TOGETHER for package in each}
    return {p: what for p, what in found.get(TOGETHER, {}).items() if p not in alone}


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
