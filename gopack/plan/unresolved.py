"""Packages that nothing provides, in a line's main module or in that of all lines together.

Rules kept here:
- What a line alone has and all lines together have not, since a module that came with another line
  is there at a version without it, is a clash of these two lines.
- So are two lines that bring a package in two modules: `go mod tidy` takes none of them, and `go
  get` tries the latest of one.
- What nothing provides fails connected as it fails sealed: it is told, and nothing fails by it.

Spec: go.dev/ref/mod#resolve-pkg-mod; modload ImportMissingError, AmbiguousImportError.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice

from gopack.plan.lines import LinePlan, Plan
from gopack.plan.survey import prefixes
from gopack.spec.module import ModuleVersion

MAX_PAIRS = 60
"""Pairs of lines that are tried for one package: each is a walk and a survey."""


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A package that is not to be had.

    Args:
        package: its import path.
        by: a package that imports it, '' where that is not known.
        refused: what is wrong with the module that has it, '' where none has it.
        clash: the lines that are enough for it, where each of them alone has the package.
        instead: the version that they select, which has it not.
        modules: those that all have it, where that is what is wrong.
        latest: the latest version that has it, where go cannot load that and takes a lower one.
    """

    package: str
    by: str = ""
    refused: str = ""
    clash: tuple[LinePlan, ...] = ()
    instead: str = ""
    modules: tuple[ModuleVersion, ...] = ()
    latest: ModuleVersion | None = None

    def __str__(self) -> str:
        """Say what is wrong, in one line."""
        named = f"package {self.package}{f' (imported by {self.by})' if self.by else ''}"
        if self.clash:
            names = " and ".join(f"{line.item.text} ({line.item.where})" for line in self.clash)
            clash = f"all lines together: {names} clash, each alone works"
            if self.modules:
                return f"{clash}: {_all_have(self.modules, named)}"
            return f"{clash}: together they select {self.instead}, which has no {named}"
        if self.modules:
            return _all_have(self.modules, named)
        if self.latest:
            because = f": {self.refused}" if self.refused else ""
            return (
                f"{named}: go cannot load {self.latest}, its latest; go get takes a lower version, "
                f"go mod tidy without it fails, connected, too{because}"
            )
        if self.refused:
            return f"{named}: go refuses the module that has it, connected, too: {self.refused}"
        return f"{named}: no module provides it, connected or not"


def _all_have(modules: Sequence[ModuleVersion], named: str) -> str:
    return (
        f"{' and '.join(map(str, modules))} have {named}, an ambiguous import: go mod tidy fails "
        "on it, connected, too, and so does go get, unless the latest of one of them helps"
    )


def one_for_each(
    packages: Mapping[str, tuple[ModuleVersion, ...]],
) -> dict[str, tuple[ModuleVersion, ...]]:
    """Take one package of those that the same modules have, sorted."""
    firsts = {modules: package for package, modules in sorted(packages.items(), reverse=True)}
    return {package: modules for modules, package in sorted(firsts.items(), key=lambda x: x[1])}


def pairs_with(plan: Plan, modules: Sequence[ModuleVersion]) -> Iterator[tuple[LinePlan, ...]]:
    """Tell the pairs of lines that have these modules between them."""
    paths = {module.path for module in modules}
    yield from islice((pair for pair in _pairs(plan) if paths <= _selected(pair)), MAX_PAIRS)


def pairs_for(plan: Plan, package: str) -> Iterator[tuple[LinePlan, ...]]:
    """Tell the pairs of lines that may be enough for all together to lack a package.

    One of the two has a module that may hold it, at a version that all together do not select.
    """
    if plan.joint is None:
        return
    selected = plan.joint.selected
    found = (pair for pair in _pairs(plan) if _may_clash(pair, package, selected))
    yield from islice(found, MAX_PAIRS)


def _pairs(plan: Plan) -> Iterator[tuple[LinePlan, ...]]:
    """Tell all pairs of lines that a project can use together."""
    lines = [line for line in plan.lines if line.joint_roots and line.closure is not None]
    return combinations(lines, 2)


def _selected(pair: Sequence[LinePlan]) -> set[str]:
    return {path for line in pair if line.closure is not None for path in line.closure.selected}


def _may_clash(pair: Sequence[LinePlan], package: str, selected: Mapping[str, str]) -> bool:
    for path in prefixes(package):
        versions = {line.closure.selected.get(path) for line in pair if line.closure is not None}
        if selected.get(path) in versions and len(versions - {None}) > 1:
            return True
    return False


def selected_instead(plan: Plan, package: str) -> str:
    """Tell the version that all lines together have of the module that should have a package."""
    if plan.joint is None:
        return ""
    selected = plan.joint.selected
    return next((f"{path}@{selected[path]}" for path in prefixes(package) if path in selected), "")
