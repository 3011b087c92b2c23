"""Which packages a main module would load, and which of them no module in its build list has.

A main module that uses a line's packages loads what they import, all the way down, and `go mod
tidy` the tests of each of these, one level deep. A package that no module of the build list has is
looked for with `latest`; the survey finds these packages, so that what go would choose is stored.

Spec: go.dev/ref/mod#go-mod-tidy, #resolve-pkg-mod; modload loadPackages (pkgInAll, LoadTests) and
importFromModules.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from sys import intern

from gopack.spec.module import ModuleVersion
from gopack.spec.packages import Package, is_importable, needs_module


@dataclass(frozen=True, slots=True)
class Contents:
    """What is known of one module version: all its packages' paths, and some packages read.

    `is_whole` tells that every package was read that can be.
    """

    paths: frozenset[str]
    read: Mapping[str, Package]
    is_whole: bool = False


def interned(contents: Contents) -> Contents:
    """Give contents that came from elsewhere with each text in this process once.

    The same packages are imported all over, and those that name them come one by one.
    """
    read = {
        intern(p.path): Package(
            intern(p.path),
            tuple(map(intern, p.imports)),
            tuple(map(intern, p.test_imports)),
            p.matched,
            p.built,
            intern(p.name),
        )
        for p in contents.read.values()
    }
    return Contents(frozenset(map(intern, contents.paths)), read, contents.is_whole)


ALL = frozenset({"..."})
"""Asks for every package of a module."""


@dataclass(frozen=True, slots=True)
class Part:
    """What a main module loads that uses some packages of a line.

    Args:
        providers: the modules that have these packages.
        uses: which of these modules import from which, by their paths.
    """

    providers: frozenset[str]
    uses: frozenset[tuple[str, str]]


class Survey:
    """A step machine: says which packages it needs to know, is fed them, finds what is missing.

    Args:
        selected: the build list, version by module path.
        roots: the modules whose packages a main module may import, by path, and which packages of
            each: import paths, or patterns with `...`; none means every package.
        required: further modules that the main module's go.mod names.
    """

    def __init__(
        self,
        selected: Mapping[str, str],
        roots: Mapping[str, Sequence[str]],
        required: Iterable[str] = (),
    ) -> None:
        self._selected = selected
        self._starts = dict(roots)
        self._required = frozenset(required)
        self._paths: dict[str, frozenset[str]] = {}
        self._read: dict[str, Package] = {}
        self._parked: dict[str, list[tuple[str, bool]]] = {}
        self._fresh: dict[str, set[str]] = {}
        self._seen: dict[str, bool] = {}
        self._importer: dict[str, str] = {}
        self._missing: set[str] = set()
        self._provider: dict[str, str] = {}
        self._started_from: dict[str, None] = {}
        self._looked_above: set[str] = set()
        self._roots = set(roots)
        for path in self._roots:
            self._fresh[path] = set(ALL)

    def needs(self) -> dict[ModuleVersion, frozenset[str]]:
        """Take the packages to read, by version, that were not asked for before.

        ALL asks for every package of a version; a package may turn out not to be there.
        """
        fresh, self._fresh = self._fresh, {}
        return {
            ModuleVersion(path, self._selected[path]): ALL if wanted >= ALL else frozenset(wanted)
            for path, wanted in sorted(fresh.items())
        }

    def feed(self, module: ModuleVersion, contents: Contents) -> None:
        """Give what `needs` asked for; nothing of a version that cannot be had."""
        self._paths[module.path] = contents.paths
        self._read.update(contents.read)
        parked = self._parked.pop(module.path, [])
        if module.path in self._starts:  # what is imported of it may come before the rest of it
            self._roots.discard(module.path)
            started = self._started(module.path, contents.read)
            parked += [(path, True) for path in started if path not in self._started_from]
            self._started_from |= dict.fromkeys(started)
        self._follow(parked)

    @property
    def is_done(self) -> bool:
        """Whether every import was followed."""
        return not self._parked and not self._roots

    def missing(self) -> dict[str, str]:
        """Tell the packages that no module has, and of each a package that imports it."""
        wanted = {p for starts in self._starts.values() for p in starts if _DOTS not in p}
        not_there = wanted - self._seen.keys()
        return {path: self._importer.get(path, "") for path in sorted(self._missing | not_there)}

    def incompatible(self) -> frozenset[ModuleVersion]:
        """Tell the selected `+incompatible` versions of modules that may have what is missing.

        Of such a module the look-up takes `+incompatible` versions, whatever else there is.

        Source: modload queryImport, newQueryMatcher.
        """
        paths = {path for package in self.missing() for path in prefixes(package)}
        found = (ModuleVersion(path, self._selected.get(path, "")) for path in paths)
        return frozenset(module for module in found if module.version.endswith("+incompatible"))

    def providers(self) -> frozenset[str]:
        """Tell the modules that have a package in `all`: a main module comes to require each.

        Not those of which only tests of other modules' packages import something.

        Source: modload updatePrunedRoots and tidyPrunedRoots (pkgInAll).
        """
        return frozenset(self._provider[path] for path, in_all in self._seen.items() if in_all)

    def ambiguous(self) -> dict[str, tuple[ModuleVersion, ...]]:
        """Tell the loaded packages that several modules have, so that go takes none of them.

        Modules count that a project's go.mod names: the listed ones, and those that other packages
        are loaded from; where none of them has the package, all that have it.

        Source: modload importFromModules, AmbiguousImportError.
        """
        found = {}
        for path, (holders, named) in self._shared():
            if len(named) != 1:
                modules = sorted(named or holders)
                found[path] = tuple(ModuleVersion(m, self._selected[m]) for m in modules)
        return found

    def untaken(self) -> frozenset[str]:
        """Tell the ambiguous packages of which a project's go.mod names no module.

        Once it names one, go takes them from that.
        """
        return frozenset(path for path, (_holders, named) in self._shared() if not named)

    def _shared(self) -> Iterator[tuple[str, tuple[set[str], set[str]]]]:
        """Tell the loaded packages that several modules have: all these, and those that count."""
        shared: dict[str, set[str]] = {}
        for inner in self._paths:
            for outer in prefixes(inner)[1:]:
                for path in self._paths.get(outer, frozenset()) & self._paths[inner]:
                    if path in self._provider:
                        shared.setdefault(path, set()).update((outer, inner))
        named = {module for path, module in self._provider.items() if path not in shared}
        named |= self._starts.keys() | self._required
        for path, holders in sorted(shared.items()):
            yield path, (holders, holders & named)

    def parts(self) -> Iterator[Part]:
        """Tell what parts of the line load, once the survey is done.

        First all packages that it starts from without tests, as between `go get` and `go mod tidy`;
        then all that another module can import, without tests and with them; then each alone, in
        the same ways.
        """
        importable = [path for path in self._started_from if is_importable(self._read[path])]
        for starts, with_tests in (
            (self._started_from, False),
            (importable, False),
            (importable, True),
        ):
            yield self._part(starts, with_tests=with_tests)
        for path in self._started_from:
            yield self._part([path], with_tests=False)
            yield self._part([path])

    def _part(self, starts: Iterable[str], *, with_tests: bool = True) -> Part:
        seen: dict[str, bool] = {}
        uses: set[tuple[str, str]] = set()
        todo = [(start, with_tests) for start in starts]
        while todo:
            path, in_all = todo.pop()
            if path not in self._provider or seen.get(path, False) or seen.get(path) is in_all:
                continue
            seen[path] = in_all
            package, user = self._read[path], self._provider[path]
            tests = package.test_imports if in_all else ()
            todo += [(imported, in_all) for imported in package.imports]
            todo += [(imported, False) for imported in tests]
            found = (self._provider.get(imported) for imported in (*package.imports, *tests))
            uses |= {(user, used) for used in found if used is not None}
        return Part(frozenset(self._provider[path] for path in seen), frozenset(uses))

    def _started(self, root: str, packages: Mapping[str, Package]) -> list[str]:
        starts = self._starts[root] or [f"{root}/..."]
        return [path for path, package in packages.items() if _is_start(path, package, starts)]

    def _follow(self, imports: list[tuple[str, bool]]) -> None:
        """Follow imports; those of packages in `all` (true) take their tests along."""
        while imports:
            path, in_all = imports.pop()
            if self._seen.get(path, False) or self._seen.get(path) is in_all:
                continue
            package = self._find(path, in_all=in_all)
            if package is None:
                continue
            self._seen[path] = in_all
            self._push(imports, package.imports, path, in_all=in_all)
            if in_all:
                self._push(imports, package.test_imports, path, in_all=False)

    def _push(
        self, imports: list[tuple[str, bool]], paths: Iterable[str], by: str, *, in_all: bool
    ) -> None:
        for path in paths:
            if needs_module(path):
                self._importer.setdefault(path, by)
                imports.append((path, in_all))

    def _find(self, path: str, *, in_all: bool) -> Package | None:
        """Find the package, longest module path first; park it until its module is read.

        The modules with a shorter path are looked into, too: they may have it as well.
        """
        for prefix in prefixes(path):
            if prefix not in self._selected:
                continue
            paths = self._paths.get(prefix)
            if paths is not None and path not in paths:
                continue
            if path in self._read:
                self._provider[path] = intern(prefix)  # one text for all packages of a module
                self._look_above(prefix)
                return self._read[path]
            self._fresh.setdefault(prefix, set()).add(path)
            self._parked.setdefault(prefix, []).append((path, in_all))
            return None
        self._missing.add(path)
        return None

    def _look_above(self, module: str) -> None:
        if module in self._looked_above:
            return
        self._looked_above.add(module)
        for outer in prefixes(module)[1:]:
            if outer in self._selected and outer not in self._paths and outer not in self._roots:
                self._fresh.setdefault(outer, set())


def _is_start(path: str, package: Package, starts: Iterable[str]) -> bool:
    return any(
        path == start
        or (_DOTS in start and package.matched and _pattern(start).fullmatch(path) is not None)
        for start in starts
    )


_DOTS = "..."


@lru_cache
def _pattern(text: str) -> re.Pattern[str]:
    """Give what matches packages as go does: dots stand for anything. Source: pkgpattern."""
    escaped = re.escape(text).replace(re.escape(_DOTS), ".*")
    return re.compile(re.sub(r"/\.\*$", "(/.*)?", escaped))


def prefixes(path: str) -> list[str]:
    """Tell the module paths a package may be in, longest first.

    >>> prefixes("example.com/a/b")
    ['example.com/a/b', 'example.com/a', 'example.com']
    """
    found = []
    while path:
        found.append(path)
        path = path.rpartition("/")[0]
    return found
