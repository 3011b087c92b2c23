"""Completing a plan: rounds of fetching and surveying, until nothing more is to be found.

Each round fetches what the plan wants, surveys what main modules would load from it, and lets the
plan grow by what provides the packages that no module has. Then what lines come to otherwise is
added: by `go get`, together, and upgraded. Last come the versions that carry retractions, and what
queries choose from all these.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import partial

from gopack.errors import GopackError
from gopack.flows.answering import Answers, in_sight
from gopack.flows.carrying import Carriers, carriers
from gopack.flows.combining import Combiner, serves_apart
from gopack.flows.fetching import FetchRun
from gopack.flows.getting import Getter
from gopack.flows.importing import Importer
from gopack.flows.jobs import in_background
from gopack.flows.pairing import Pairing
from gopack.flows.planning import Planner
from gopack.flows.progress import Progress
from gopack.flows.providing import Provider
from gopack.flows.surveying import Surveyor
from gopack.flows.surveynotes import SurveyNotes
from gopack.flows.toolcheck import with_tool_faults
from gopack.flows.upgrading import Upgrader
from gopack.plan.closure import Level
from gopack.plan.lines import TOGETHER, LinePlan, Plan
from gopack.plan.manifest import Manifest, ModuleFacts, SurveyFacts
from gopack.plan.summary import Retraction
from gopack.plan.survey import Survey
from gopack.plan.unresolved import Unresolved
from gopack.ports import Sources
from gopack.spec.module import ModuleVersion


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
    _notes: SurveyNotes = field(default_factory=SurveyNotes)
    _provider: Provider = field(init=False)
    _surveyor: Surveyor = field(init=False)
    _answers: Answers = field(init=False)
    _carriers: Carriers = field(init=False)

    def __post_init__(self) -> None:
        self._provider = Provider(self.planner, self.importer)
        self._surveyor = Surveyor(
            self.planner,
            self.importer,
            self._provider,
            self.known.surveys,
            self._notes,
            self.progress,
        )
        self._answers = Answers(self.planner, self.importer)
        sources = self.planner.sources if self.noting is None else self.noting.sources
        self._carriers = Carriers(sources, self.planner.executor)

    def foresee(self, modules: Iterable[ModuleVersion]) -> None:
        """Begin to ask for what the plan will need that wants these, while it is still made."""
        self._carriers.foresee(modules, self.known.modules)

    def complete(self, plan: Plan, run: FetchRun) -> Plan:
        """Fetch a plan with all it leads to; give the plan as it is in the end."""
        plan = self._surveyor.recall(plan)
        run.start(plan)
        retractions = in_background(partial(self._look_up, plan.wants()))
        likely = in_background(partial(self._begin_answers, plan, run))
        surveys = self._surveyor.begin(plan, run)
        self.modules = retractions.result()
        likely.result()
        run.wait()
        try:
            plan = self._with_imported(plan, run, surveys)
            plan = self._with_gotten(plan, run)
            self._find_clashes(plan, run)
            plan = self._with_combined(plan, run)
            plan = self._with_upgrades(plan, run)
        except GopackError as error:
            self.error = error
        run.bring(plan)
        plan = self._with_answers(self._with_carriers(plan))
        run.bring(plan)
        return with_tool_faults(plan, self.importer, run.fetched.failed.keys())

    def expect(self, plan: Plan) -> Plan:
        """Give the plan as it will be in the end, as far as that can be told without zips.

        All but what imports bring that no go.mod covers; that counts where an earlier run read
        them. See `unread`.
        """
        plan = self._surveyor.recall(plan)
        try:
            plan = self._with_upgrades(self._with_combined(plan))
        except GopackError as error:
            self.error = error
        return self._with_answers(self._with_carriers(plan))

    def unread(self, plan: Plan) -> list[LinePlan | None]:
        """Tell the lines whose imports nobody has read yet; None stands for all together."""
        return self._surveyor.unread(plan)

    def unresolved(self) -> list[Unresolved]:
        """Tell the packages that nobody provides, and those that two lines keep from each other."""
        return self._notes.told(self._provider.fault)

    def _with_imported(self, plan: Plan, run: FetchRun, surveys: dict[int, Survey]) -> Plan:
        plan = self._surveyor.follow(plan, run, surveys)
        self.surveys |= self._surveyor.surveys
        return plan

    def _with_gotten(self, plan: Plan, run: FetchRun) -> Plan:
        """Find what `go get` of one line takes instead of what its imports lead to.

        What an earlier run surveyed it knows to the end: a survey counts only from then.
        """
        keys = {plan.survey_key(line) for line in plan.lines}
        begun = {key: self.surveys.pop(key) for key in keys & self.surveys.keys()}
        getter = Getter(self.planner, self.importer, self._provider, begun, notes=self._notes)
        plan = getter.get(plan, run)
        self.surveys |= begun | getter.surveys
        return self._notes.with_passed_over(plan)

    def _find_clashes(self, plan: Plan, run: FetchRun) -> None:
        """Find the two lines for what is wrong with a package only with all lines together."""
        pairing, notes = Pairing(self.planner, self.importer, plan, run.arrived), self._notes
        lacking = pairing.lacking(notes.lacking_together())
        ambiguous = pairing.ambiguous(notes.ambiguous_together())
        for clash in (*lacking, *ambiguous):
            notes.clashes[clash.package] = clash

    def _with_combined(self, plan: Plan, run: FetchRun | None = None) -> Plan:
        combiner = Combiner(self.planner, self.importer, self._provider, self._known_surveys())
        every = [plan.lines] if self._notes.ambiguous.get(TOGETHER) and plan.joint else []
        pairs = [clash.clash for clash in self._notes.clashes.values() if clash.modules]
        pairs = [pair for pair in pairs if all(map(serves_apart, pair))]
        plan = combiner.combine(plan, run, [*every, *pairs])
        self.surveys |= combiner.surveys
        return plan

    def _with_upgrades(self, plan: Plan, run: FetchRun | None = None) -> Plan:
        """Find what upgrading moves to, which the closed level promises."""
        if all(closure.level is not Level.CLOSED for closure in plan.closures()):
            return plan
        self.progress.phase("looking for upgrades")
        known = self._known_surveys()
        upgrader = Upgrader(self.planner, self.importer, self._provider, known)
        plan = upgrader.upgrade(plan, run)
        self.surveys |= upgrader.surveys
        return plan

    def _known_surveys(self) -> dict[str, SurveyFacts]:
        return {**self.known.surveys, **self.surveys}

    def _begin_answers(self, plan: Plan, run: FetchRun) -> None:
        """Begin what a query will choose, as far as that is in sight before imports are followed.

        Else these zips would come alone, when all others are here.
        """
        if run.can_expect:
            run.expect(in_sight(plan))

    def _with_answers(self, plan: Plan) -> Plan:
        """Have whole, with its graph, whatever a query may choose from what is stored.

        That may bring in further versions to choose from, so it is done until nothing changes.
        """
        tried: set[ModuleVersion] = set()
        while fresh := self._answers.lacking(plan) - tried:
            tried |= fresh
            plan = self._with_carriers(self.planner.answer(plan, fresh))
        self.error = self._answers.error or self.error
        return plan

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
