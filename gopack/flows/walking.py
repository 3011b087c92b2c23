"""Walking module graphs: many closures at once, each go.mod read once for all that wait for it."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial

from gopack.asking import first_answer
from gopack.errors import GopackError, InputError, IntegrityError, NotFoundError
from gopack.flows.clashing import is_lasting
from gopack.flows.jobs import Jobs
from gopack.flows.progress import Progress
from gopack.plan.closure import Closure
from gopack.plan.lineclosures import closures_of, with_closures
from gopack.plan.lines import LinePlan
from gopack.plan.summary import OtherModuleError, Summary, summarize
from gopack.ports import Sources
from gopack.spec.goproxy import GoMod
from gopack.spec.module import ModuleVersion

Foresee = Callable[[Sequence[ModuleVersion]], None]
"""Is told versions that will be stored with their zips, while it is still found out what else."""


def ignore(_: object) -> None:
    """Nobody wants to know."""


class Walker:
    """Walks many closures at once; each go.mod is read once and fed to all that wait for it.

    What is stored is read where it is needed; only what has to be asked for is worth a thread.
    """

    def __init__(
        self,
        sources: Sources,
        executor: Executor,
        progress: Progress,
        gomods: dict[ModuleVersion, bytes],
        stored: Callable[[ModuleVersion], bytes | None],
    ) -> None:
        self._sources = sources
        self._executor = executor
        self._progress = progress
        self._gomods = gomods
        self._stored = stored
        self._known: dict[ModuleVersion, Summary | GopackError] = {}
        self._errors: dict[int, GopackError] = {}
        self._foresee: Foresee = ignore
        self._looked_through: set[ModuleVersion] = set()
        self._foreseen: set[ModuleVersion] = set()

    def walk_lines(self, lines: Sequence[LinePlan], foresee: Foresee = ignore) -> list[LinePlan]:
        """Give each line that resolved its closures, or the error its graph ended in.

        `foresee` is told the versions that are certain to be stored with their zips.
        """
        closures = [closures_of(line) if line.error is None else [] for line in lines]
        self._foresee = foresee
        try:
            errors = iter(self.walk([closure for each in closures for closure in each]))
        finally:
            self._foresee = ignore
        return [
            with_closures(line, [(closure, next(errors)) for closure in each]) if each else line
            for line, each in zip(lines, closures, strict=True)
        ]

    def walk(self, closures: Sequence[Closure]) -> list[GopackError | None]:
        """Walk all closures to their ends; tell of each the error that stopped it, if one did."""
        self._errors = {}
        jobs: Jobs[ModuleVersion, tuple[bytes, Summary]] = Jobs(self._executor)
        waiting: dict[ModuleVersion, list[int]] = {}
        # What has to be asked for is asked for first: the others are read meanwhile.
        for index in sorted(range(len(closures)), key=lambda i: self._begins_here(closures[i])):
            self._advance(index, closures[index], jobs, waiting)
        for module, job in jobs:
            self._remember(module, job.result)
            for index in waiting.pop(module):
                self._feed(index, closures[index], module)
                self._advance(index, closures[index], jobs, waiting)
        return [self._errors.get(index) for index in range(len(closures))]

    def _advance(
        self,
        index: int,
        closure: Closure,
        jobs: Jobs[ModuleVersion, tuple[bytes, Summary]],
        waiting: dict[ModuleVersion, list[int]],
    ) -> None:
        """Feed a closure what is known, and start reading what is not."""
        while index not in self._errors and (needed := closure.needs()):
            for module in needed:
                if module in waiting:
                    waiting[module].append(index)
                elif module in self._known or self._is_stored(module):
                    self._feed(index, closure, module)
                else:
                    jobs.submit(module, partial(self._read, module))
                    waiting[module] = [index]

    def _begins_here(self, closure: Closure) -> bool:
        return all(root in self._known or self._is_stored(root) for root in closure.roots)

    def _is_stored(self, module: ModuleVersion) -> bool:
        """Read a go.mod if the storage has it, and tell if it has."""
        data = self._stored(module)
        if data is not None:
            self._remember(module, lambda: (data, summarize(module, data)))
        return data is not None

    def _read(self, module: ModuleVersion) -> tuple[bytes, Summary]:
        data = first_answer(
            self._sources.attempts(module.path), lambda source: source.read(GoMod(module))
        )
        return data, summarize(module, data)

    def _remember(self, module: ModuleVersion, read: Callable[[], tuple[bytes, Summary]]) -> None:
        try:
            self._gomods[module], self._known[module] = read()
        except GopackError as error:
            self._known[module] = error
        self._progress.read(len(self._known))

    def _feed(self, index: int, closure: Closure, module: ModuleVersion) -> None:
        known = self._known[module]
        try:
            if not isinstance(known, Summary):
                raise known
            closure.feed(module, known)
        except GopackError as error:
            is_absent = isinstance(error, NotFoundError | OtherModuleError)
            stands = closure.feed_missing if is_absent else closure.feed_unread
            if not (is_lasting(error) and stands(module)):
                told = error if module in closure.roots else _of_a_go_mod(error)
                self._errors.setdefault(index, told.told(closure.requirement_path(module)))
            return
        if module not in self._looked_through and closure.takes_all_of(module):
            self._looked_through.add(module)
            if fresh := [named for named in known.require if named not in self._foreseen]:
                self._foreseen.update(fresh)
                self._foresee(fresh)


def _of_a_go_mod(error: GopackError) -> GopackError:
    """Blame what a go.mod says on the go.mod: no list is wrong in what it requires."""
    if isinstance(error, InputError):
        return IntegrityError(error.what, where=error.where, expected=error.expected, got=error.got)
    return error
