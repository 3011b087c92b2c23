"""Packages that nothing provides, in a line's main module or in that of all lines together.

Rules kept here:
- What a line alone has and all lines together have not, since a module that came with another line
  is there at a version without it, is a clash of these two lines.
- What nothing provides fails connected as it fails sealed: it is told, and nothing fails by it.

Spec: go.dev/ref/mod#resolve-pkg-mod; modload ImportMissingError.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice

from gopack.plan.lines import LinePlan, Plan
from gopack.plan.survey import prefixes

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
    """

    package: str
    by: str = ""
    refused: str = ""
    clash: tuple[LinePlan, ...] = ()
    instead: str = ""

    def __str__(self) -> str:
        """Say what is wrong, in one line."""
        named = f"package {self.package}{f' (imported by {self.by})' if self.by else ''}"
        if self.clash:
            names = " and ".join(f"{line.item.text} ({line.item.where})" for line in self.clash)
            return (
                f"all lines together: {names} clash, each alone works: together they select "
                f"{self.instead}, which has no {named}"
            )
        if self.refused:
            return f"{named}: go refuses the module that has it, connected, too: {self.refused}"
        return f"{named}: no module provides it, connected or not"


def pairs_for(plan: Plan, package: str) -> Iterator[tuple[LinePlan, ...]]:
    """Tell the pairs of lines that may be enough for all together to lack a package.

    One of the two has a module that may hold it, at a version that all together do not select.
    """
    if plan.joint is None:
        return
    selected = plan.joint.selected
    lines = [line for line in plan.lines if line.joint_roots and line.closure is not None]
    found = (pair for pair in combinations(lines, 2) if _may_clash(pair, package, selected))
    yield from islice(found, MAX_PAIRS)


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
