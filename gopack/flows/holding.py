"""Versions that cannot stand where they are wanted: `go get` takes the next lower one that can.

What an import is looked up to may require a higher version of the very module that a line names.
A project that requires both ends up there; `go get module@version` keeps the version, and takes the
highest of the other module that does not require more: with several lines, the versions of all that
are asked for in one command. And the latest of a module may not load at all, since its go.mod has
another path or requires what nobody has.

Spec: go.dev/ref/mod#go-get; modload editRequirements and previousVersion.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache

from gopack.asking import first_answer
from gopack.errors import NotFoundError
from gopack.flows.planning import Planner
from gopack.flows.steps import run_steps
from gopack.plan.closure import Closure, Level
from gopack.plan.items import ModuleItem, PatternItem
from gopack.plan.lines import LinePlan
from gopack.plan.query import previous
from gopack.spec import semver
from gopack.spec.module import ModuleVersion

MAX_STEPS_BACK = 200
"""Versions of one module that are looked at: their go.mod files are read."""

Select = Callable[[ModuleVersion], Mapping[str, str] | None]
"""Tells what a project selects with an extra, None where that raises what the project keeps."""


def is_gotten(line: LinePlan) -> bool:
    """Tell whether `go get` of a line asks for one version, which it then keeps."""
    return isinstance(line.item, ModuleItem | PatternItem) and line.closure is not None


def is_raised(line: LinePlan) -> bool:
    """Tell whether a line's extras move one of its modules to a higher version."""
    return is_gotten(line) and bool(line.extras) and raises(line.closure, line.modules)


def raises(closure: Closure | None, own: Iterable[ModuleVersion]) -> bool:
    """Tell whether a closure selects a higher version of one of these modules."""
    selected = {} if closure is None else closure.selected
    return any(
        semver.compare(selected[path], version) > 0 for path, version in own if path in selected
    )


def stand(own: Sequence[ModuleVersion], planner: Planner) -> bool:
    """Tell whether a project that requires these keeps their versions."""
    return _selected(own, own, planner) is not None


def hold_back(
    own: Sequence[ModuleVersion], extras: Iterable[ModuleVersion], *, planner: Planner
) -> tuple[ModuleVersion, ...]:
    """Tell the highest versions of extras that leave these modules at their versions.

    A project requires all extras itself. Those that raise what it keeps are lowered by a version
    each, until none does: one that requires another at a version that does is lowered with it.
    """

    @cache
    def selected(extra: ModuleVersion) -> Mapping[str, str] | None:
        return _selected((*own, extra), own, planner)

    ascending = sorted(extras, key=lambda module: semver.sort_key(module.version))
    required = {module.path: module.version for module in ascending}
    every: list[ModuleVersion] = []
    raising: list[ModuleVersion] = []
    for _ in range(MAX_STEPS_BACK):
        every = [ModuleVersion(*each) for each in sorted(required.items())]
        raising = [m for m in every if not _leaves(m, required, selected)]
        if not raising:
            break
        required |= {module.path: _previous(module, planner) for module in raising}
        required = {path: version for path, version in required.items() if version}
    return tuple(module for module in every if module not in raising)


def _leaves(extra: ModuleVersion, required: Mapping[str, str], selected: Select) -> bool:
    """Tell whether an extra leaves what a project keeps, and what it brings of the others does."""
    todo, seen = [extra], {extra}
    while todo:
        found = selected(todo.pop())
        if found is None:
            return False
        brought = {
            ModuleVersion(path, found[path])
            for path, version in required.items()
            if path in found and semver.compare(found[path], version) >= 0
        }
        todo += brought - seen
        seen |= brought
    return True


def _selected(
    roots: Sequence[ModuleVersion], own: Iterable[ModuleVersion], planner: Planner
) -> Mapping[str, str] | None:
    """Tell what a project selects, None where it raises some modules or cannot be loaded."""
    closure = Closure(roots, Level.BUILD)
    error = planner.walker.walk([closure])[0]
    return closure.selected if error is None and not raises(closure, own) else None


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


def _previous(module: ModuleVersion, planner: Planner) -> str:
    try:
        return first_answer(
            planner.sources.attempts(module.path),
            lambda source: run_steps(previous(module.path, module.version), source),
        )
    except NotFoundError:
        return ""
