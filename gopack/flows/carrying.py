"""Retraction carriers: where a stored version is retracted, the go.mod that says so is stored, too.

Without it the go command behind the gap takes a retracted version for `latest`. The carrier is the
module's highest version; where it retracts itself its go.mod is enough, else it may be chosen and
is stored whole.

Spec: go.dev/ref/mod#go-mod-file-retract; modload CheckRetractions.
"""

from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from functools import partial

from gopack.asking import first_answer
from gopack.errors import GopackError
from gopack.flows.jobs import Jobs
from gopack.flows.steps import run_steps
from gopack.plan.manifest import ModuleFacts
from gopack.plan.query import highest
from gopack.plan.summary import retraction_of
from gopack.ports import Sources
from gopack.spec import semver
from gopack.spec.module import ModuleVersion


def look_up(
    wanted: Iterable[ModuleVersion],
    known: Mapping[str, ModuleFacts],
    sources: Sources,
    executor: Executor,
) -> dict[str, ModuleFacts]:
    """Ask what the highest version of each module retracts, unless it is known already.

    What is known counts until a version is wanted that is higher than all in sight then. A module
    that cannot be asked is left out: go retracts nothing then.
    """
    jobs: Jobs[str, ModuleFacts | None] = Jobs(executor)
    for path, version in _highest_wanted(wanted).items():
        facts = known.get(path)
        if facts is None or not facts.holds_for(version):
            jobs.submit(path, partial(_ask, path, version, sources))
    found = {path: job.result() for path, job in jobs}
    return {path: facts for path, facts in found.items() if facts is not None}


def _highest_wanted(wanted: Iterable[ModuleVersion]) -> dict[str, str]:
    """Give the highest version of each path, sorted by path."""
    ascending = sorted(wanted, key=lambda module: semver.sort_key(module.version))
    return dict(sorted(dict(ascending).items()))


def carriers(
    wanted: Iterable[ModuleVersion], known: Mapping[str, ModuleFacts]
) -> dict[ModuleVersion, bool]:
    """Tell the versions that carry retractions of wanted ones, and of each if its zip is needed."""
    found = {}
    for module in wanted:
        facts = known.get(module.path)
        if facts and facts.carrier and retraction_of(facts.retract, module.version):
            retracts_itself = retraction_of(facts.retract, facts.carrier) is not None
            found[ModuleVersion(module.path, facts.carrier)] = not retracts_itself
    return found


def _ask(path: str, wanted: str, sources: Sources) -> ModuleFacts | None:
    try:
        answer = first_answer(
            sources.attempts(path), lambda source: run_steps(highest(path), source)
        )
    except GopackError:
        return None
    if answer is None:
        return None
    module, summary = answer
    is_above = semver.compare(wanted, module.version) > 0
    return ModuleFacts(module.version, summary.retract, wanted if is_above else "")
