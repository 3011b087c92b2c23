"""Extras that move a line: held back to versions that leave it where it is, as `go get` does.

What an import is looked up to may require a higher version of the very module that the line names.
A project that requires both ends up there; `go get module@version` keeps the version, and takes the
highest of the other module that does not require more.

Spec: go.dev/ref/mod#go-get; modload editRequirements and previousVersion.
"""

from collections.abc import Iterable

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
    found = (_held(line.modules, extra, planner) for extra in sorted(extras))
    return tuple(module for module in found if module is not None)


def _held(
    own: tuple[ModuleVersion, ...], extra: ModuleVersion, planner: Planner
) -> ModuleVersion | None:
    candidate = extra
    for _ in range(MAX_STEPS_BACK):
        closure = Closure((*own, candidate), Level.BUILD)
        if planner.walker.walk([closure])[0] is None and _leaves(closure, own):
            return candidate
        version = _previous(candidate, planner)
        if not version:
            return None
        candidate = ModuleVersion(extra.path, version)
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
