"""The main job: the list becomes a storage."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gopack.errors import GopackError, NotFoundError
from gopack.flows.completing import Completer
from gopack.flows.fetching import Fetched, Fetcher
from gopack.flows.planning import Planner
from gopack.plan.closure import Level
from gopack.plan.items import Item
from gopack.plan.lines import Plan
from gopack.plan.manifest import Annotations, LineFacts, SurveyFacts
from gopack.plan.outcome import Outcome, outcome_of
from gopack.spec.module import ModuleVersion


@dataclass(frozen=True, slots=True)
class FetchResult:
    """A run: what was planned, and what came of it."""

    plan: Plan
    outcome: Outcome


def fetch(
    items: Sequence[Item], level: Level, planner: Planner, fetcher: Fetcher, completer: Completer
) -> FetchResult:
    """Plan the list, fetch what the storage lacks, and write down what is known of it.

    Lines that fail leave the others as they are; what was stored is recorded even when the run
    is broken off.

    Raises:
        StoreError: the storage has too little room, or cannot be written at all.
    """
    started = time.monotonic()
    run = fetcher.begin()

    def foresee(modules: Sequence[ModuleVersion]) -> None:
        run.foresee(modules)
        completer.foresee(modules)

    plan = planner.plan(items, level, foresee)
    try:
        plan = completer.complete(plan, run)
        fetched = run.finish()
    finally:
        run.abandon()
        fetcher.ledger.annotate(
            Annotations(
                why=plan.reasons(),
                listed=_facts(plan, completer),
                surveys=_surveys(plan, completer),
                modules=completer.modules,
            )
        )
        fetcher.ledger.save()
        completer.importer.remember(run.has_recorded)
    seconds = time.monotonic() - started
    outcome = outcome_of(
        plan,
        fetched.stored,
        fetched.failed,
        seconds=seconds,
        warnings=[*_warnings(plan, fetched), *map(str, completer.unresolved())],
    )
    more = [error for error in (fetched.unproven, completer.error) if error is not None]
    doubtful = {**completer.importer.faults, **completer.lies}
    more += [error for module, error in doubtful.items() if module not in fetched.failed]
    outcome = replace(outcome, together=(*outcome.together, *more))
    return FetchResult(plan, outcome)


def _facts(plan: Plan, completer: Completer) -> dict[ModuleVersion, LineFacts]:
    """What is known of listed versions; where a go.mod was a lie, the next run asks again."""
    lied_of = {module.path for module in completer.lies}
    return {m: facts for m, facts in plan.facts().items() if m.path not in lied_of}


def _surveys(plan: Plan, completer: Completer) -> dict[str, SurveyFacts]:
    """What surveys came to; where a line failed, that of the others together is of no list."""
    if completer.importer.faults:  # what could not be read may have had what was looked for
        return {}
    if all(line.error is None for line in plan.lines):
        return completer.surveys
    together = plan.survey_key(None)
    return {key: facts for key, facts in completer.surveys.items() if key != together}


def _warnings(plan: Plan, fetched: Fetched) -> list[str]:
    warnings = plan.warnings()
    missing = fetched.missing.union(*(closure.missing for closure in plan.closures()))
    missing -= plan.passed_over  # stored, though go loads none of it: told where it is looked for
    warnings.extend(
        f"{module}: a go.mod requires it, and no upstream has one that go can load "
        "(go fails on it connected, too)"
        for module in sorted(missing)
    )
    warnings.extend(
        f"{module}: {_without_zip(error)}; its go.mod is stored, and go selects another version"
        for module, error in sorted(fetched.zipless.items())
    )
    return warnings


def _without_zip(error: GopackError) -> str:
    if isinstance(error, NotFoundError):
        return "no upstream has its zip"
    return f"its zip cannot be had ({error.what})"
