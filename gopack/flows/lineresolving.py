"""Resolving a whole list: its lines side by side, and what their modules say of exact versions."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial

from gopack.errors import GopackError
from gopack.flows.jobs import Jobs
from gopack.flows.progress import Progress
from gopack.flows.resolving import Resolver
from gopack.flows.walking import Foresee
from gopack.plan.closure import Level
from gopack.plan.items import Item, ModuleItem
from gopack.plan.lines import LinePlan
from gopack.plan.query import Resolution
from gopack.spec.module import ModuleVersion

Remarks = Jobs[int, tuple[Resolution, ...]]
"""What is being asked about lines, by their place: what they resolved to, with what is said."""


@dataclass(frozen=True, slots=True)
class LineResolver:
    """Resolves lines with one resolver; `infos` takes the infos of their versions."""

    resolver: Resolver
    executor: Executor
    progress: Progress
    infos: dict[ModuleVersion, bytes]

    def resolve(self, items: Sequence[Item], level: Level, foresee: Foresee) -> list[LinePlan]:
        """Resolve the lines; those that say `patch` after the others, since they build on them.

        A line that fails carries its error.
        """
        found: dict[int, LinePlan] = {}
        for wave in (False, True):
            indexes = [i for i, item in enumerate(items) if _needs_base(item) is wave]
            bases = {m.path: m.version for line in found.values() for m in line.modules}
            jobs: Jobs[int, LinePlan] = Jobs(self.executor)
            for i in indexes:
                jobs.submit(i, partial(self._resolve_one, items[i], level, bases))
            for i, job in jobs:
                found[i] = job.result()
                self.infos.update((root.module, root.info_bytes) for root in found[i].roots)
                if isinstance(items[i], ModuleItem):
                    foresee(found[i].modules)
                self.progress.resolved(len(found), len(items))
        return [found[i] for i in range(len(items))]

    def begin_remarks(self, lines: Sequence[LinePlan]) -> Remarks:
        """Look up what modules say of the exact versions that are listed, beside all else."""
        jobs: Remarks = Jobs(self.executor)
        for place, line in enumerate(lines):
            if any(root.is_bare for root in line.roots):
                jobs.submit(place, partial(_remarked, line.roots, self.resolver))
        return jobs

    def _resolve_one(self, item: Item, level: Level, bases: Mapping[str, str]) -> LinePlan:
        started = time.monotonic()
        line = LinePlan(item, Level(item.closure) if item.closure else level)
        try:
            base = bases.get(item.path, "") if isinstance(item, ModuleItem) else ""
            roots, listed = self.resolver.resolve_item(item, base=base)
        except GopackError as error:
            return replace(line, error=error, seconds=time.monotonic() - started)
        return replace(line, roots=roots, listed=listed, seconds=time.monotonic() - started)


def with_remarks(lines: Sequence[LinePlan], remarks: Remarks) -> list[LinePlan]:
    """Give the lines with what is said of them, once that is known."""
    found = {place: job.result() for place, job in remarks}
    return [
        replace(line, roots=found[place]) if place in found else line
        for place, line in enumerate(lines)
    ]


def _remarked(roots: Sequence[Resolution], resolver: Resolver) -> tuple[Resolution, ...]:
    return tuple(resolver.remark(root) if root.is_bare else root for root in roots)


def _needs_base(item: Item) -> bool:
    return isinstance(item, ModuleItem) and item.needs_base
