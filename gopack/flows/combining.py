"""Lines used together, of which one has what another would look up: see `combinations_of`.

What a line imports and no go.mod covers is looked up with `latest` only where no module of the
build list has it. Where another line brings in such a module at a lower version, a project that
uses both stays there, and what it selects beside it are other versions than with either line alone.
And where that latest requires a higher version of what another line names, `go get` of both in one
command keeps that, and takes less of what it looked up: see `raised_of`.

Spec: go.dev/ref/mod#resolve-pkg-mod, #minimal-version-selection, #go-get; modload loadFromRoots,
editRequirements.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, islice

from gopack.flows.fetching import FetchRun
from gopack.flows.further import FurtherSurveys
from gopack.flows.holding import hold_back, is_gotten, raises, stand
from gopack.plan.closure import Closure, Level
from gopack.plan.lines import LinePlan, Plan
from gopack.plan.manifest import SurveyFacts
from gopack.plan.survey import Survey
from gopack.spec import semver
from gopack.spec.module import ModuleVersion

MAX_PAIRS = 60
"""Pairs of lines that are looked into, beside all lines together."""

MAX_ROUNDS = 40
"""What is looked up imports packages in its turn, and so on; two rounds find more of them."""


class Combiner(FurtherSurveys):
    """Finds what lines need together."""

    def combine(
        self, plan: Plan, run: FetchRun | None, twofold: Iterable[Sequence[LinePlan]] = ()
    ) -> Plan:
        """Give the plan with what lines need together.

        `twofold` are lines that bring a package in two modules. Without a run, imports count only
        where an earlier run read them.

        Raises:
            UpstreamError: a proxy failed, so that nobody knows.
        """
        for lines in combinations_of(plan):
            plan = self._with(plan, lines, run)
        gotten = [[line for line in lines if is_gotten(line)] for lines in twofold]
        for lines in (*raised_of(plan), *gotten):
            own = _named(lines)
            if stand(own, self.planner):
                plan = self._with(plan, lines, run, own)
        return plan

    def _with(
        self,
        plan: Plan,
        lines: Sequence[LinePlan],
        run: FetchRun | None,
        own: Sequence[ModuleVersion] = (),
    ) -> Plan:
        """Add what lines need together; `own` are the versions that stay where they are."""
        bare = [replace(line, extras=(), providers=frozenset()) for line in lines]
        some = replace(plan, joint_extras=(), joint_providers=frozenset())
        some = self.planner.some_together(some, bare)
        key = f"{'held' if own else 'combined'} {some.survey_key(None)}"
        facts = self.known.get(key)
        if facts is not None:
            return _with_closures(plan, self._growing(some, facts))
        if run is None:
            return plan
        for _ in range(MAX_ROUNDS):
            plan = _with_closures(plan, some)
            facts = self._read(plan, some, run, own)
            if facts is None:
                return plan
            if facts == SurveyFacts(some.joint_extras, (), some.joint_providers):
                self.surveys[key] = facts
                break
            some = self._growing(some, facts)
        return plan

    def _growing(self, some: Plan, facts: SurveyFacts) -> Plan:
        grown = replace(some, joint_extras=facts.extras, joint_providers=facts.providers)
        return self.planner.some_together(grown, grown.lines)

    def _read(
        self, plan: Plan, some: Plan, run: FetchRun, own: Sequence[ModuleVersion]
    ) -> SurveyFacts | None:
        """Survey lines together; None where that cannot be loaded, or something did not come."""
        if some.joint is None:
            return None
        run.bring(plan)
        if not run.fetched.failed.keys().isdisjoint(some.joint.build_list()):
            return None
        required = [module.path for module in some.joint_extras]
        survey = Survey(some.joint.selected, some.starts(None), required)
        self.importer.survey([survey], run.arrived)
        providers = survey.providers() | some.joint_providers
        if providers != some.joint_providers and not some.joint.promotes(providers):
            return SurveyFacts(some.joint_extras, (), providers)
        found = self.provider.provide(survey.missing(), survey.incompatible()).modules.values()
        extras = {*some.joint_extras, *(module for module in found if module is not None)}
        if own:
            extras |= self.taking_sides(survey, own, some.joint_extras)
            extras = set(hold_back(own, extras, planner=self.planner))
        if extras == {*some.joint_extras}:
            return SurveyFacts(some.joint_extras, (), some.joint_providers)
        return SurveyFacts(tuple(sorted(extras)), (), providers)


def combinations_of(plan: Plan) -> Iterator[Sequence[LinePlan]]:
    """Tell the lines that use other versions together than each alone: all, then pairs.

    That is so where one has a module at a lower version that is looked up for the other.
    """
    sound = [line for line in plan.lines if line.starts and line.error is None]
    if plan.joint_error is None and any(_is_met(line, _selected(plan)) for line in sound):
        yield plan.lines
    if len(sound) > 2:
        yield from islice(_pairs(sound), MAX_PAIRS)


def raised_of(plan: Plan) -> Iterator[Sequence[LinePlan]]:
    """Tell the lines together of which an extra moves one to a higher version: all, then pairs."""
    lines = [line for line in plan.lines if is_gotten(line) and line.error is None]
    if len(lines) > 1 and plan.joint_base is not None and raises(plan.joint, _named(lines)):
        yield lines
    if len(lines) > 2:
        yield from islice(_raised_pairs(list(filter(serves_apart, lines))), MAX_PAIRS)


def serves_apart(line: LinePlan) -> bool:
    """Tell whether a line's level promises to serve a project that uses some lines, and not all."""
    return line.level is not Level.BUILD


def _raised_pairs(lines: Sequence[LinePlan]) -> Iterator[Sequence[LinePlan]]:
    """Tell two lines each of which one's extras raise the other."""
    for line, other in combinations(lines, 2):
        if _raises(line, other) or _raises(other, line):
            yield line, other


def _raises(line: LinePlan, other: LinePlan) -> bool:
    return bool(line.extras) and raises(line.closure, other.modules)


def _named(lines: Iterable[LinePlan]) -> list[ModuleVersion]:
    return [module for line in lines for module in line.modules]


def _pairs(lines: Sequence[LinePlan]) -> Iterator[Sequence[LinePlan]]:
    for line in lines:
        for other in lines:
            if other is not line and _is_met(line, [_own(other)]):
                yield line, other


def _is_met(line: LinePlan, closures: Iterable[Mapping[str, str]]) -> bool:
    """Tell whether one of these build lists has an extra of a line at a lower version."""
    return any(
        semver.compare(selected[extra.path], extra.version) < 0
        for selected in closures
        for extra in line.extras
        if extra.path in selected
    )


def _selected(plan: Plan) -> list[Mapping[str, str]]:
    """Tell the build list of all lines together without anything looked up."""
    base = plan.joint_base or plan.joint
    return [] if base is None else [base.selected]


def _own(line: LinePlan) -> Mapping[str, str]:
    """Tell what a line selects with nothing looked up."""
    closure = line.others[0] if line.extras and line.others else line.closure
    return {} if closure is None else closure.selected


def _with_closures(plan: Plan, some: Plan) -> Plan:
    found: list[Closure] = [c for c in (some.joint, some.joint_base) if c is not None]
    return replace(plan, combined=(*plan.combined, *found))
