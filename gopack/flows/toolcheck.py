"""The tool lines of files: whether each names a command that a module of its project has.

Spec: go.dev/ref/mod#go-mod-file-tool, `go help tool`; the go command's load.MainPackagesOnly.
"""

from collections.abc import Iterator, Set
from dataclasses import replace

from gopack.errors import InputError
from gopack.flows.importing import Importer
from gopack.plan.closure import Closure
from gopack.plan.items import InputItem
from gopack.plan.lines import LinePlan, Plan
from gopack.plan.survey import prefixes
from gopack.spec.module import ModuleVersion
from gopack.spec.packages import needs_module

COMMAND = "main"
_HINT = "`go tool` refuses it connected, too: name the package of a command; all else is stored"


def with_tool_faults(plan: Plan, importer: Importer, failed: Set[ModuleVersion]) -> Plan:
    """Fail the files whose tool lines name no command; what they need is stored all the same.

    Where something did not come nobody can look.
    """
    lines = list(plan.lines)
    for place, line in enumerate(lines):
        if failed & line.wants().keys():
            continue
        fault = _tool_fault(line, importer)
        if fault is not None:
            lines[place] = replace(line, error=fault)
    return replace(plan, lines=tuple(lines))


def _tool_fault(line: LinePlan, importer: Importer) -> InputError | None:
    """Tell what is wrong with a line's tool lines; the zips it needs are here.

    What is the main module's own, or of a folder that replaces a module, cannot be looked at.
    """
    if not isinstance(line.item, InputItem) or line.error is not None:
        return None
    faults = [_fault(line, line.item, tool, importer) for tool in line.item.roots.tools]
    found = [fault for fault in faults if fault]
    return InputError("; ".join(found), where=line.item.text, hint=_HINT) if found else None


def _fault(line: LinePlan, item: InputItem, tool: str, importer: Importer) -> str:
    mains = {each.main for each in (item.roots, *item.members)}
    paths = prefixes(tool)
    if not needs_module(tool) or not mains.isdisjoint(paths):
        return ""
    candidates = []
    for closure in line.closures:
        for module, fetched in _candidates(closure, paths):
            if fetched is None:
                return ""
            if fetched.path != module.path:
                return ""  # a fork: its packages are named as the module's it replaces
            candidates.append(fetched)
    found = importer.find(tool, candidates)
    if found is None:
        return f"tool {tool}: no module that it requires has this package"
    module, package = found
    return "" if package.name == COMMAND else f"tool {tool}: it is no command in {module}"


def _candidates(
    closure: Closure, paths: list[str]
) -> Iterator[tuple[ModuleVersion, ModuleVersion | None]]:
    """Tell the selected modules that may have a package, longest path first, as fetched."""
    for path in paths:
        if path in closure.selected:
            module = ModuleVersion(path, closure.selected[path])
            yield module, closure.fetched(module)
