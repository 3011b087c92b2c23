"""Versions that cannot stand where they are wanted: `go get` takes the next lower one that can.

What an import is looked up to may require a higher version of the very module that the line names.
A project that requires both ends up there; `go get module@version` keeps the version, and takes the
highest of the other module that does not require more. And the latest of a module may not load at
all, since its go.mod has another path or requires what nobody has.

Spec: go.dev/ref/mod#go-get; modload editRequirements and previousVersion.
"""

from collections.abc import Callable, Iterable

from gopack.asking import first_answer
from gopack.errors import NotFoundError
from gopack.flows.planning import Planner
from gopack.flows.steps import run_steps
from gopack.plan.closure import Closure, Level
from gopack.plan.items import ModuleItem, PatternItem
from gopack.plan.lines import LinePlan
from gopack.plan.query import previous
from gopack.spec.module import ModuleVersion

MAX_STEPS_BACK = 200
"""Versions of one module that are looked at: their go.mod files are read."""


def is_raised(line: LinePlan) -> bool:
    """Tell whether a line's extras move one of its modules to a higher version."""
    if not isinstance(line.item, ModuleItem | PatternItem) or not line.extras:
        return False
    return line.closure is not None and not _leaves(line.closure, line.modules)


def hold_back(
    line: LinePlan, extras: Iterable[ModuleVersion], *, planner: Planner
) -> tuple[ModuleVersion, ...]:
    """Tell the highest versions of extras that leave the line's modules at their versions."""
    own = line.modules

    def leaves_own(candidate: ModuleVersion) -> bool:
        closure = Closure((*own, candidate), Level.BUILD)
        return planner.walker.walk([closure])[0] is None and _leaves(closure, own)

    found = (_step_back(extra, leaves_own, planner) for extra in sorted(extras))
    return tuple(module for module in found if module is not None)


def below(module: ModuleVersion, planner: Planner) -> ModuleVersion | None:
    """Tell the highest version under one that cannot be loaded that a project can require."""
    return _step_back(module, lambda candidate: not planner.faults([candidate]), planner)


def _step_back(
    module: ModuleVersion, stands: Callable[[ModuleVersion], bool], planner: Planner
) -> ModuleVersion | None:
    candidate = module
    for _ in range(MAX_STEPS_BACK):
        if stands(candidate):
            return candidate
        version = _previous(candidate, planner)
        if not version:
            return None
        candidate = ModuleVersion(module.path, version)
    return None


def _leaves(closure: Closure, own: Iterable[ModuleVersion]) -> bool:
    return all(closure.selected.get(module.path) == module.version for module in own)


def _previous(module: ModuleVersion, planner: Planner) -> str:
    try:
        return first_answer(
            planner.sources.attempts(module.path),
            lambda source: run_steps(previous(module.path, module.version), source),
        )
    except NotFoundError:
        return ""
