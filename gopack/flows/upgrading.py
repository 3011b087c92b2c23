"""What `go get -u` moves a project to: each version's upgrade, with its graph and its imports.

Modules that only come into sight by upgrading are upgraded in turn, and so is what the upgraded
versions' packages import and no go.mod covers. Of modules that are in the unpruned graph alone,
the latest version is stored without its graph.

Spec: go.dev/ref/mod#go-get; modget updateBuildList and queryUpgrade.
"""

from dataclasses import replace
from functools import partial

from gopack.flows.fetching import FetchRun
from gopack.flows.further import FurtherSurveys
from gopack.plan.lines import Plan
from gopack.plan.manifest import SurveyFacts, survey_key
from gopack.plan.survey import Survey
from gopack.spec.module import ModuleVersion


class Upgrader(FurtherSurveys):
    """Upgrades one plan."""

    def upgrade(self, plan: Plan, run: FetchRun | None) -> Plan:
        """Give the plan with what upgrading moves to.

        Without a run, imports count only where an earlier run read them.

        Raises:
            UpstreamError: a proxy failed, so that nobody knows.
        """
        upgraded: set[ModuleVersion] = set()
        while True:
            found = self.importer.upgrades(plan.selected()) | self._past_excluded(plan)
            if found <= upgraded:
                found = self._imports(plan, run)
            if found <= upgraded:
                break
            upgraded |= found
            walk = partial(self.planner.upgrade, plan)
            plan = walk(upgraded) or walk(self.provider.sound(upgraded)) or plan
        others = self.importer.latest(sorted({m.path for m in plan.wants()}))
        return replace(plan, latest=tuple(sorted(m for m in others.values() if m is not None)))

    def _past_excluded(self, plan: Plan) -> set[ModuleVersion]:
        """Tell what projects move to whose files exclude versions, beside what all others do."""
        found: set[ModuleVersion] = set()
        for excluded in plan.excluded():
            paths = {module.path for module in excluded}
            versions = (module for module in plan.selected() if module.path in paths)
            found |= self.importer.upgrades_past(excluded, versions)
        return found

    def _imports(self, plan: Plan, run: FetchRun | None) -> set[ModuleVersion]:
        """Tell what has the packages that are imported at the upgraded versions alone."""
        closure = plan.upgraded
        if closure is None:
            return set()
        starts = {**plan.starts(None), **dict.fromkeys(plan.imported_by_files(), ())}
        starts = {path: each for path, each in starts.items() if path in closure.selected}
        packages = {p for path, each in starts.items() for p in each or (f"{path}/...",)}
        key = "upgraded " + survey_key(closure.roots, packages)
        facts = self.surveys.get(key) or self.known.get(key)
        if facts is None and run is not None and starts:
            run.bring(plan)
            survey = Survey(closure.selected, starts)
            self.importer.survey([survey], run.arrived)
            facts = self._facts(survey)
            if run.fetched.failed.keys().isdisjoint(closure.build_list()):
                self.surveys[key] = facts
        return set() if facts is None else set(facts.extras)

    def _facts(self, survey: Survey) -> SurveyFacts:
        modules = self.provider.provide(survey.missing(), survey.incompatible()).modules
        found = {module for module in modules.values() if module is not None}
        unresolved = sorted(package for package, module in modules.items() if module is None)
        return SurveyFacts(tuple(sorted(found)), tuple(unresolved), survey.providers())
