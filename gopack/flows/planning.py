"""Planning: the list's lines become versions, and the versions their closures.

Lines are resolved side by side, then all graphs are walked side by side: a go.mod that several
lines need is read once. A line that fails leaves the others as they are.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from itertools import islice

from gopack.errors import GopackError
from gopack.flows.clashing import is_lasting, join
from gopack.flows.lineresolving import LineResolver, with_remarks
from gopack.flows.progress import Progress
from gopack.flows.resolving import Known, Resolver
from gopack.flows.walking import Foresee, Walker, ignore
from gopack.plan.closure import Closure, Level
from gopack.plan.items import Item
from gopack.plan.lineclosures import install_marks, part_closures
from gopack.plan.linepairs import pairs_of
from gopack.plan.lines import TOGETHER, LinePlan, Plan, union, wants_of
from gopack.plan.mainmodule import PLAIN
from gopack.plan.survey import Part
from gopack.plan.toolchains import platforms_of
from gopack.ports import Sources
from gopack.spec.module import ModuleVersion

MAX_PAIRS = 100
"""Pairs of lines whose graphs are walked: each takes milliseconds, and few add anything."""


def _none(_: object) -> None:
    """There is nothing."""


@dataclass(frozen=True, slots=True)
class Growth:
    """What the imports of a line, or of all together, came to: see LinePlan."""

    extras: Set[ModuleVersion]
    providers: frozenset[str] = frozenset()
    parts: Mapping[ModuleVersion, bool] = field(default_factory=dict)
    held: tuple[ModuleVersion, ...] = ()


@dataclass(slots=True)
class Planner:
    """Plans a list against its sources.

    Args:
        sources: where modules are asked for; the storage is looked into first.
        graph_sources: where the graphs' go.mod files are read, which are verified when they are
            stored; `sources` if None.
        executor: runs the waiting; its threads bound the requests under way at once.
        known: see Known.
        progress: who watches.
        gomods: every go.mod that was read.
        infos: the infos of the versions that lines resolved to.
        hints: where lines are resolved, if elsewhere than at `sources`.
        platforms: those that Go is wanted for besides the ones the list names.
        stored: gives a go.mod that the storage has, at once; None of any other.
    """

    sources: Sources
    executor: Executor
    known: Known
    progress: Progress
    gomods: dict[ModuleVersion, bytes] = field(default_factory=dict)
    infos: dict[ModuleVersion, bytes] = field(default_factory=dict)
    hints: Sources | None = None
    platforms: Sequence[str] = ()
    level: Level = Level.GRAPH
    graph_sources: Sources | None = None
    stored: Callable[[ModuleVersion], bytes | None] = _none
    walker: Walker = field(init=False)

    def plan(
        self,
        items: Sequence[Item],
        level: Level,
        foresee: Foresee = ignore,
    ) -> Plan:
        """Resolve every line and walk every graph; failed lines carry their error.

        `foresee` is told, while graphs are walked, versions that will be stored with their zips.
        """
        self.progress.phase("resolving")
        platforms = platforms_of(items, self.platforms)
        resolver = LineResolver(
            Resolver(self.hints or self.sources, self.known, platforms),
            self.executor,
            self.progress,
            self.infos,
        )
        lines = resolver.resolve(items, level, foresee)
        remarks = resolver.begin_remarks(lines)
        self.progress.phase("reading the module graphs")
        self.level = level
        sources = self.graph_sources or self.sources
        self.walker = Walker(sources, self.executor, self.progress, self.gomods, self.stored)
        walked = self.walker.walk_lines(lines, foresee)
        walked = with_remarks(walked, remarks)
        walked = [replace(line, marks=install_marks(line, self.gomods)) for line in walked]
        return self._with_pairs(self._with_joint(Plan(tuple(walked), gomods=self.gomods)))

    def grow(self, plan: Plan, growth: Mapping[int, Growth]) -> Plan:
        """Give lines, by place, what their imports came to, or all TOGETHER.

        Only closures that grow are walked again.
        """
        if not growth:
            return plan
        lines = list(plan.lines)
        places = [place for place in growth if place >= 0]
        for place in places:
            more = {*lines[place].extras, *growth[place].extras}
            lines[place] = replace(
                lines[place],
                extras=tuple(sorted(more)),
                providers=growth[place].providers,
                parts=growth[place].parts,
                held=growth[place].held,
            )
        walked = self.walker.walk_lines([lines[place] for place in places])
        for place, line in zip(places, walked, strict=True):
            lines[place] = line
        grown = replace(plan, lines=tuple(lines))
        for place in growth.keys() - set(places):
            more = {*plan.joint_extras, *growth[place].extras}
            grown = replace(
                grown,
                joint_extras=tuple(sorted(more)),
                joint_providers=growth[place].providers,
            )
        return self._with_joint(grown)

    def walk_parts(self, line: LinePlan, parts: Iterable[Part]) -> dict[ModuleVersion, bool]:
        """Tell what main modules need that use a part each of a line; parts that fail are left."""
        found = part_closures(line, parts)
        errors = self.walker.walk(found)
        return union(wants_of(c) for c, error in zip(found, errors, strict=True) if error is None)

    def faults(self, modules: Iterable[ModuleVersion]) -> dict[ModuleVersion, GopackError]:
        """Tell the versions that no main module can require, since their graphs cannot be loaded.

        What only failed for now is not among them.
        """
        wanted = sorted(modules)
        errors = self.walker.walk([Closure((module,), Level.BUILD) for module in wanted])
        pairs = zip(wanted, errors, strict=True)
        return {module: error for module, error in pairs if error and is_lasting(error)}

    def hold(self, plan: Plan, held: Mapping[int, tuple[ModuleVersion, ...]]) -> Plan:
        """Give lines, by place, their extras at versions that leave them at their own."""
        lines = list(plan.lines)
        changed = [replace(lines[place], held=found) for place, found in held.items()]
        for place, line in zip(held, self.walker.walk_lines(changed), strict=True):
            lines[place] = line
        return replace(plan, lines=tuple(lines))

    def some_together(self, plan: Plan, lines: Sequence[LinePlan]) -> Plan:
        """Plan some of a plan's lines as if they were all."""
        return self._with_joint(replace(plan, lines=tuple(lines)))

    def at_level(self, plan: Plan, level: Level) -> Plan:
        """Give the same lines at another level; lines that name their own keep it."""
        self.level = level
        lines = [
            replace(line, level=level) if line.item.closure is None else line for line in plan.lines
        ]
        plan = replace(plan, lines=tuple(self.walker.walk_lines(lines)))
        return self._with_pairs(self._with_joint(replace(plan, pairs={})))

    def upgrade(self, plan: Plan, roots: Set[ModuleVersion]) -> Plan | None:
        """Walk the graph of a main module whose requirements were all upgraded to these.

        Of a file with replace lines the project has a graph of its own. None where the graph of a
        main module without such lines cannot be loaded.

        Raises:
            UpstreamError: nobody knows for now.
        """
        mains = (PLAIN, *plan.replacing())
        closures = [Closure(sorted(roots), Level.GRAPH, main=main) for main in mains]
        errors = self.walker.walk(closures)
        for error in errors:
            if error is not None and not is_lasting(error):
                raise error
        sound = [c for c, error in zip(closures[1:], errors[1:], strict=True) if error is None]
        upgraded = replace(plan, upgraded=closures[0], upgraded_files=tuple(sound))
        return None if errors[0] else upgraded

    def answer(self, plan: Plan, chosen: Set[ModuleVersion]) -> Plan:
        """Add versions that a sealed query may choose.

        One of a listed module, or of one below a pattern, is as good as listed; of any other the
        zip is there, and the go.mod files that go reads when it is required.
        """
        listed = {module.path for line in plan.lines for module in line.modules}
        listed |= {module.path for module in plan.below_patterns()}
        level = Level.BUILD if self.level is Level.BUILD else Level.GRAPH
        levels = [level if m.path in listed else Level.BUILD for m in sorted(chosen)]
        closures = [Closure([m], each) for m, each in zip(sorted(chosen), levels, strict=True)]
        errors = self.walker.walk(closures)
        sound = [c for c, error in zip(closures, errors, strict=True) if error is None]
        whole = [c for c in sound if c.roots[0].path in listed]
        read = [dict.fromkeys(c.summaries, False) for c in sound if c.roots[0].path not in listed]
        return replace(
            plan,
            answering=(*plan.answering, *whole),
            answers=union([plan.answers, *read, dict.fromkeys((c.roots[0] for c in sound), True)]),
        )

    def _with_pairs(self, plan: Plan) -> Plan:
        """Walk the graphs of two lines each that need more than all else that is wanted.

        What two lines clash on is told with all together.
        """
        wanted = plan.wants()
        whole = {module for module, is_whole in wanted.items() if is_whole}
        found: dict[ModuleVersion, bool] = {}
        for pair in islice(pairs_of(plan.lines, whole), MAX_PAIRS):
            if self.walker.walk([pair])[0] is not None:
                continue
            wants = wants_of(pair).items()
            fresh = {
                m: is_whole for m, is_whole in wants if m not in wanted or is_whole > wanted[m]
            }
            found = union([found, fresh])
            whole |= {module for module, is_whole in fresh.items() if is_whole}
        return replace(plan, pairs=found)

    def _with_joint(self, plan: Plan) -> Plan:
        """Walk the graph of all lines together, where there are several.

        Where some of them need more than go.mod files say, then that of all with all this, too.
        """
        joint, error = join(plan.lines, self.level, self.walker.walk)
        extras = plan.extras_of(TOGETHER)
        if joint is None or not (extras or plan.joint_providers):
            return replace(plan, joint=joint, joint_base=None, joint_error=error)
        providers = frozenset().union(
            plan.joint_providers, joint.promotable, *(line.providers for line in plan.lines)
        )
        roots = sorted({*joint.roots, *extras})
        every = Closure(roots, self.level, is_joint=True, narrow=providers)
        failed = self.walker.walk([every])[0]
        if failed is not None:
            return replace(plan, joint=joint, joint_base=None, joint_error=error or failed)
        return replace(plan, joint=every, joint_base=joint, joint_error=error)
