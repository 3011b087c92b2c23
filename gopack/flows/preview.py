"""What a fetch would do: each line's versions, their bytes, and what is there already."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial

from gopack.asking import first_answer
from gopack.errors import GopackError
from gopack.flows.importing import Importer
from gopack.flows.jobs import Jobs
from gopack.flows.planning import Planner
from gopack.plan.closure import Level
from gopack.plan.lines import LinePlan, Plan
from gopack.plan.manifest import Manifest
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


def preview(
    plan: Plan, *, sources: Sources, store: Store, manifest: Manifest, executor: Executor
) -> Preview:
    """Measure a plan: zips that are there by the manifest, the others by asking for their size."""
    wants = plan.wants()
    there = frozenset(m for m, whole in wants.items() if _is_there(store.state(m), whole=whole))
    known = {m: e.zip.size_bytes for m, e in manifest.versions.items() if e.zip is not None}
    asked = _ask_sizes(
        (m for m, whole in wants.items() if whole and m not in known), sources, executor
    )
    return Preview(plan, {**asked, **known}, there)


def compare_levels(
    planner: Planner, plan: Plan, *, store: Store, manifest: Manifest
) -> dict[Level, Need]:
    """Measure the same lines at every level; imports that no go.mod covers are found by fetch only.

    At the closed level every module's latest version counts, too.
    """
    needs = {}
    for level in Level:
        found = planner.at_level(plan, level)
        if level is Level.CLOSED:
            importer = Importer.asking_only(planner.sources, planner.executor)
            latest = importer.latest(sorted({module.path for module in found.wants()}))
            found = replace(found, latest=tuple(m for m in latest.values() if m is not None))
        shown = preview(
            found,
            sources=planner.sources,
            store=store,
            manifest=manifest,
            executor=planner.executor,
        )
        needs[level] = shown.total()
    return needs


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
