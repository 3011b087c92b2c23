"""Resolving: what one line of the list asks for becomes versions.

Rules kept here:
- A path is a module or a package: the path itself is asked for as a module, then every shorter
  prefix of it, longest first; the first that answers is taken. Each proxy is asked for all of them
  before the next one is asked for any.
- A pattern is asked for from the last whole element before its dots on.
- What a file names is taken as it is, and nobody is asked about it here.

Spec: go.dev/ref/mod#resolve-pkg-mod, the go command's modload QueryPattern and
modulePrefixesExcludingTarget. Differs: whether the package is inside is not looked at here.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import NamedTuple, TypeVar

from gopack.asking import first_answer, is_absent
from gopack.errors import GopackError, InputError, NotFoundError
from gopack.flows.steps import run_steps
from gopack.plan.items import (
    GoItem,
    InputItem,
    Item,
    ModuleItem,
    PatternItem,
    ToolchainItem,
    VersionsItem,
)
from gopack.plan.lineclosures import listed_in
from gopack.plan.query import (
    Resolution,
    Steps,
    highest,
    remarked,
    resolve,
    resolve_all,
    resolve_bare,
)
from gopack.plan.toolchains import choose_toolchains
from gopack.ports import ModuleSource, Sources
from gopack.spec import module
from gopack.spec.goproxy import VersionList
from gopack.spec.module import ModuleVersion
from gopack.spec.toolchain import TOOLCHAIN_PATH

T = TypeVar("T")
Known = Callable[[ModuleItem], Resolution | None]
"""Tells what a line resolved to before, where asking again could not change the answer."""


class Resolved(NamedTuple):
    """What a line resolved to; `listed` are versions that need no asking, or not yet."""

    roots: tuple[Resolution, ...]
    listed: tuple[ModuleVersion, ...] = ()


@dataclass(frozen=True, slots=True)
class Resolver:
    """Resolves lines against their sources.

    Args:
        sources: where modules are asked for.
        known: see Known.
        platforms: those that every Go version is wanted for.
        answered: the place of the source that gave a version, among those of its module.
    """

    sources: Sources
    known: Known
    platforms: frozenset[str] = frozenset()
    answered: dict[ModuleVersion, int] = field(default_factory=dict)

    def resolve_item(self, item: Item, *, base: str = "") -> Resolved:
        """Resolve one line; `base` is the version of its module on another line, for `patch`.

        What is said of exact versions is not looked up: see `remark`.

        Raises:
            GopackError: there is no such version, or it cannot be had.
        """
        match item:
            case ModuleItem(path=path, query=query):
                current = base if item.needs_base else ""
                machine = partial(resolve_bare, query=query, current=current)
                return Resolved((self.known(item) or self._ask_noting(path, machine),))
            case PatternItem(path=path, query=query):
                start = path[: path.index("...")].rpartition("/")[0]
                return Resolved((self._ask(start, partial(resolve, query=query)),))
            case VersionsItem(path=path, bounds=bounds):
                first, others = self._ask(path, partial(resolve_all, bounds=bounds))
                return Resolved((first,), others)
            case GoItem(query=query):
                return self._resolve_go(query, ())
            case ToolchainItem(query=query, platforms=platforms):
                return self._resolve_go(query, platforms)
            case InputItem(fault=None, roots=roots):
                return Resolved((), listed_in(roots))
            case InputItem(fault=GopackError() as fault):
                raise fault
        raise InputError("nothing can be fetched for this line", hint="List a module's path.")

    def remark(self, bare: Resolution) -> Resolution:
        """Look up what its module says of an exact version, if anybody knows.

        Who did not have the version is not asked.
        """
        path = bare.module.path
        attempts = self.sources.attempts(path)[self.answered.get(bare.module, 0) :]
        try:
            found = first_answer(attempts, lambda source: run_steps(highest(path), source))
        except GopackError:
            found = None
        return remarked(bare, found)

    def _resolve_go(self, query: str, platforms: Sequence[str]) -> Resolved:
        offered = first_answer(
            self.sources.attempts(TOOLCHAIN_PATH),
            lambda source: source.read(VersionList(TOOLCHAIN_PATH)),
        )
        chosen = choose_toolchains(offered, query, required=platforms, wished=self.platforms)
        return Resolved((), chosen)

    def _ask_noting(self, path: str, machine: Callable[[str], Steps[Resolution]]) -> Resolution:
        """Ask, and note which of the sources answered."""
        found, place = self._ask_placed(path, machine)
        self.answered[found.module] = place
        return found

    def _ask(self, path: str, machine: Callable[[str], Steps[T]]) -> T:
        return self._ask_placed(path, machine)[0]

    def _ask_placed(self, path: str, machine: Callable[[str], Steps[T]]) -> tuple[T, int]:
        first: NotFoundError | None = None
        for prefixes in self._groups(path):
            try:
                return self._ask_group(prefixes, machine)
            except NotFoundError as error:
                first = first or error
        if first is None:
            module.check_path(path)
            raise InputError("no prefix of it can be a module path", where=path)
        raise first

    def _ask_group(
        self, prefixes: Sequence[str], machine: Callable[[str], Steps[T]]
    ) -> tuple[T, int]:
        attempts = self.sources.attempts(prefixes[0])
        sources = [attempt.source for attempt in attempts]

        def ask(source: ModuleSource) -> tuple[T, int]:
            return _ask_prefixes(source, prefixes, machine), sources.index(source)

        return first_answer(attempts, ask)

    def _groups(self, path: str) -> Iterator[list[str]]:
        """Part a path's prefixes by who is asked for them: GOPRIVATE may name longer ones only."""
        for _, prefixes in groupby(module_prefixes(path), self._asked):
            yield list(prefixes)

    def _asked(self, path: str) -> list[tuple[str, bool]]:
        try:
            return [(source.name, falls) for source, falls in self.sources.attempts(path)]
        except NotFoundError:  # GOPROXY=off: a longer path may be GOPRIVATE's all the same
            return []


def _ask_prefixes(
    source: ModuleSource, prefixes: Sequence[str], machine: Callable[[str], Steps[T]]
) -> T:
    """Ask one source for each prefix in turn; tell the longest one's failure if all fail.

    That no version of a module matches goes before that another is no module.
    """
    first: NotFoundError | None = None
    for prefix in prefixes:
        try:
            return run_steps(machine(prefix), source)
        except NotFoundError as error:
            if first is None or (is_absent(first) and not is_absent(error)):
                first = error
    assert first is not None  # there is at least one prefix
    raise first


def module_prefixes(path: str) -> list[str]:
    """Give the prefixes of a package path that can be module paths, longest first.

    >>> module_prefixes("example.com/a/v2/b")
    ['example.com/a/v2/b', 'example.com/a/v2', 'example.com/a', 'example.com']
    """
    elements = path.split("/")
    prefixes = ["/".join(elements[:n]) for n in range(len(elements), 0, -1)]
    return [prefix for prefix in prefixes if _is_module_path(prefix)]


def _is_module_path(path: str) -> bool:
    try:
        module.check_path(path)
    except InputError:
        return False
    return True
