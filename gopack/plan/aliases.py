"""Aliases: names of branches, tags and commits that are answerable behind the gap.

Athens reads a query that is no version from `<module>/<query>/<query>.info`; what lies there is
the info of the version that the query resolved to. It shows in no `@v/list`.

Rules kept here:
- Only names that a line has, as it spells them, of lines that are done.
- A query that is a version, or is answered from the list (`latest`, `v1.2`, `<v2`), needs none.
- A name that the go command cannot ask a proxy for (with a `/`) has none, nor has one that begins
  as a version does (v1.0.0-rc.01): Athens would take its folder for a version's. That is told.

Spec: Athens pkg/storage/fs; x/mod module.EscapeVersion.
"""

from collections.abc import Iterable, Iterator

from gopack.errors import InputError
from gopack.plan.items import ModuleItem, PatternItem
from gopack.plan.layout import is_version_folder_name
from gopack.plan.lines import LinePlan
from gopack.plan.query import names_revision
from gopack.spec.module import ModuleVersion, escape_version


def aliases_of(lines: Iterable[LinePlan]) -> dict[ModuleVersion, str]:
    """Tell the aliases of resolved lines: module path and query, to the version that it means."""
    return {name: version for _, name, version in _names(lines) if _is_askable(name.version)}


def without_alias(lines: Iterable[LinePlan]) -> list[str]:
    """Say which names of resolved lines are no aliases, and what to ask for in their stead."""
    return [
        f"{line.item.where}: {name} has no alias: behind the gap ask for {version}"
        for line, name, version in _names(lines)
        if not _is_askable(name.version)
    ]


def _names(lines: Iterable[LinePlan]) -> Iterator[tuple[LinePlan, ModuleVersion, str]]:
    """Give the names of branches, tags and commits that lines have, and their versions."""
    for line in lines:
        if isinstance(line.item, ModuleItem | PatternItem) and line.roots:
            module = line.roots[0].module
            if names_revision(module.path, line.item.query):
                yield line, ModuleVersion(module.path, line.item.query), module.version


def _is_askable(query: str) -> bool:
    if is_version_folder_name(query):
        return False
    try:
        escape_version(query)
    except InputError:
        return False
    return True
