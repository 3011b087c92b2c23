"""What a fetch would do: each line's versions, their bytes, and what is there already."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial

from gopack.asking import first_answer
from gopack.errors import GopackError
from gopack.flows.completing import Completer
from gopack.flows.jobs import Jobs
from gopack.plan.closure import Level
from gopack.plan.lines import LinePlan, Plan
from gopack.plan.manifest import Manifest
from gopack.plan.summary import is_synthesized
from gopack.ports import Sources, State, Store
from gopack.spec.module import ModuleVersion


@dataclass(frozen=True, slots=True)
class Need:
    """What some versions would take.

    `versions` counts all of them, `mod_only` those without a zip; `size_bytes` sums the zips whose
    sizes are known, `unknown` counts the others; `there` counts what needs no fetching.
    """

    versions: int
    mod_only: int
    size_bytes: int
    unknown: int
    there: int


@dataclass(frozen=True, slots=True)
class Preview:
    """A plan with its sizes."""

    plan: Plan
    sizes: Mapping[ModuleVersion, int | None]
    there: frozenset[ModuleVersion]

    def of_line(self, line: LinePlan) -> Need:
        """Tell what one line would take alone."""
        return self._need(line.wants())

    def total(self) -> Need:
        """Tell what all lines would take, each version once."""
        return self._need(self.plan.wants())

    def _need(self, wants: Mapping[ModuleVersion, bool]) -> Need:
        sizes = [self.sizes.get(module) for module, whole in wants.items() if whole]
        return Need(
            versions=len(wants),
            mod_only=len(wants) - len(sizes),
            size_bytes=sum(size for size in sizes if size is not None),
            unknown=sum(size is None for size in sizes),
            there=len(self.there & wants.keys()),
        )


@dataclass(slots=True)
class Scale:
    """Measures plans: zips that are there by the manifest, the others by asking, each once.

    Args:
        sources: where sizes are asked for.
        store: the storage.
        manifest: what is known of it.
        executor: runs the waiting.

    """

    sources: Sources
    store: Store
    manifest: Manifest
    executor: Executor
    _asked: dict[ModuleVersion, int | None] = field(default_factory=dict)

    def measure(self, plan: Plan) -> Preview:
        """Measure a plan."""
        wants = plan.wants()
        there = frozenset(
            m for m, whole in wants.items() if _is_there(self.store.state(m), whole=whole)
        )
        known = {m: e.zip.size_bytes for m, e in self.manifest.versions.items() if e.zip}
        unknown = [
            m for m, whole in wants.items() if whole and m not in known and m not in self._asked
        ]
        self._asked |= _ask_sizes(unknown, self.sources, self.executor)
        return Preview(plan, {**self._asked, **known}, there)


def compare_levels(completer: Completer, plan: Plan, scale: Scale) -> dict[Level, Need]:
    """Measure the same lines at every level, as far as that can be told without zips."""
    at_level = completer.planner.at_level
    return {
        level: scale.measure(completer.expect(at_level(plan, level))).total() for level in Level
    }


@dataclass(frozen=True, slots=True)
class Uncounted:
    """What a preview does not count: what imports bring that no go.mod covers.

    Args:
        lines: the lines whose imports nobody has read.
        is_joint: whether those of all lines together are among them.
        silent: versions of these lines that have no go.mod of their own, so that all they import
            comes on top.

    """

    lines: tuple[LinePlan, ...] = ()
    is_joint: bool = False
    silent: tuple[ModuleVersion, ...] = ()


def uncounted(completer: Completer, plan: Plan) -> Uncounted:
    """Tell what the preview of a plan does not count."""
    unread = completer.unread(plan)
    lines = tuple(line for line in unread if line is not None)
    silent = {
        m
        for line in lines
        for m in line.starts
        if (data := plan.gomods.get(m)) is not None and is_synthesized(m.path, data)
    }
    return Uncounted(lines, None in unread, tuple(sorted(silent)))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What fetch would say of a plan, as far as that is known: as plan.outcome.Outcome has it.

    `together` is what failed beside the lines.
    """

    exit_status: int
    together: tuple[GopackError, ...]
    warnings: tuple[str, ...]


def judge(completer: Completer, plan: Plan) -> Verdict:
    """Tell what is wrong with a plan that the completer has looked through."""
    more = [*completer.lies.values(), completer.error, plan.joint_failure]
    together = tuple(error for error in more if error is not None)
    statuses = [error.exit_status for error in (*plan.errors(), *together)]
    return Verdict(max(statuses, default=0), together, tuple(plan.warnings()))


def _is_there(state: State, *, whole: bool) -> bool:
    return state is State.COMPLETE or (state is State.MOD_ONLY and not whole)


def _ask_sizes(
    modules: Iterable[ModuleVersion], sources: Sources, executor: Executor
) -> dict[ModuleVersion, int | None]:
    jobs: Jobs[ModuleVersion, int | None] = Jobs(executor)
    for module in modules:
        jobs.submit(module, partial(_ask_size, module, sources))
    return {module: job.result() for module, job in jobs}


def _ask_size(module: ModuleVersion, sources: Sources) -> int | None:
    try:
        return first_answer(sources.attempts(module.path), lambda source: source.zip_size(module))
    except GopackError:
        return None  # fetch will say what is wrong with it
