"""Resolving: what one line of the list asks for becomes versions.

Rules kept here:
- A path is a module or a package: the path itself is asked for as a module, then every shorter
  prefix of it, longest first; the first that answers is taken. Each proxy is asked for all of them
  before the next one is asked for any.
- A pattern is asked for from the last whole element before its dots on.

Spec: go.dev/ref/mod#resolve-pkg-mod, the go command's modload QueryPattern and
modulePrefixesExcludingTarget. Differs: whether the package is inside is not looked at here.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from gopack.asking import first_answer
from gopack.errors import InputError, NotFoundError
from gopack.flows.steps import run_steps
from gopack.plan.items import Item, ModuleItem, PatternItem
from gopack.plan.query import Resolution, resolve
from gopack.ports import ModuleSource, Sources
from gopack.spec import module

Known = Callable[[ModuleItem], Resolution | None]
"""Tells what a line resolved to before, where asking again could not change the answer."""


@dataclass(frozen=True, slots=True)
class Resolver:
    """Resolves lines against their sources.

    Args:
        sources: where modules are asked for.
        known: see Known.
    """

    sources: Sources
    known: Known

    def resolve_item(self, item: Item, *, base: str = "") -> tuple[Resolution, ...]:
        """Resolve one line; `base` is the version of its module on another line, for `patch`.

        Raises:
            GopackError: there is no such version, or it cannot be had.
        """
        match item:
            case ModuleItem(path=path, query=query):
                found = self.known(item) or self._ask(path, query, base)
            case PatternItem(path=path, query=query):
                found = self._ask(path[: path.index("...")].rpartition("/")[0], query, base)
            case _:
                raise InputError(
                    "this kind of line is not supported yet", hint="List modules by their path."
                )
        return (found,)

    def _ask(self, path: str, query: str, base: str) -> Resolution:
        current = base if query == "patch" else ""
        first: NotFoundError | None = None
        for prefixes in self._groups(path):
            try:
                return first_answer(
                    self.sources.attempts(prefixes[0]),
                    lambda source: _ask_prefixes(source, prefixes, query, current),  # noqa: B023
                )
            except NotFoundError as error:
                first = first or error
        if first is None:
            module.check_path(path)
            raise InputError("no prefix of it can be a module path", where=path)
        raise first

    def _groups(self, path: str) -> Iterator[list[str]]:
        """Part a path's prefixes by who is asked for them: GOPRIVATE may name longer ones only."""
        for _, prefixes in groupby(module_prefixes(path), self._asked):
            yield list(prefixes)

    def _asked(self, path: str) -> list[tuple[str, bool]]:
        return [(source.name, falls) for source, falls in self.sources.attempts(path)]


def _ask_prefixes(
    source: ModuleSource, prefixes: Sequence[str], query: str, current: str
) -> Resolution:
    """Ask one source for each prefix in turn; tell the longest one's failure if all fail."""
    first: NotFoundError | None = None
    for prefix in prefixes:
        try:
            return run_steps(resolve(prefix, query, current=current), source)
        except NotFoundError as error:
            first = first or error
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
