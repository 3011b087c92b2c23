"""The closures of a line: one for each main module that may use what it names.

Rules kept here:
- Several versions of one module do not go together: each is used alone.
- A file is its own main module, with its own replace and exclude lines and its Go version; the
  members of a workspace are main modules of their own, too.
- A go.sum and Go itself say exactly what is stored: there is no graph.
- Of a workspace go reads, of what a member requires, what that requires at the version that the
  member has, where another is selected; and `go mod tidy` compares the graph of a main module at
  go 1.17 with the one that go 1.16 would load, and the packages that it would load by it. Of both
  the whole graph is stored, mod-only but for what packages may come from.
- What `build` stores of one line is read beyond pruning: `go get` and `go mod tidy` make
  requirements of the main module out of what provides packages, and read what these require.

Source: modload readModGraph (pruning == workspace), updatePrunedRoots; modload LoadPackages
(TidyCompatibleVersion) and checkTidyCompatibility.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from gopack.errors import GopackError, InputError
from gopack.plan.closure import Closure, Level
from gopack.plan.findings import Severity
from gopack.plan.inputs.roots import WITH_GO_LINE, Format, InputRoots
from gopack.plan.items import GoItem, InputItem, ModuleItem, ToolchainItem, VersionsItem
from gopack.plan.lines import LinePlan
from gopack.plan.mainmodule import MainModule
from gopack.plan.summary import PRUNING_SINCE
from gopack.plan.survey import Part
from gopack.spec import gomod, gover
from gopack.spec.module import ModuleVersion


def closures_of(line: LinePlan) -> list[Closure]:
    """Give the closures of a resolved line, not walked yet; the first is `LinePlan.closure`."""
    match line.item:
        case GoItem() | ToolchainItem():
            return [Closure((), line.level, given=dict.fromkeys(line.modules, True))]
        case VersionsItem():
            highest, *others = line.modules
            alone = [_closure((module,), line.level) for module in others]
            return [*_with_extras(line, (highest,)), *alone]
        case InputItem(roots=roots, members=members):
            mains = [each.main for each in (roots, *members) if each.main]
            return [_of_input(each, line.level, mains) for each in (roots, *members)]
        case _:
            return _with_extras(line, line.modules)


def _with_extras(line: LinePlan, roots: Sequence[ModuleVersion]) -> list[Closure]:
    """Give the closure of what a line names, and where that is not all, that of all it imports.

    What has packages that it imports becomes a requirement, and brings in what it requires.
    """
    alone = _closure(roots, line.level)
    held = [Closure((*roots, *line.held), line.level)] if line.held else []
    if not line.providers and not line.extras:
        return [alone, *held]
    every = Closure((*roots, *line.extras), line.level, narrow=line.providers)
    return [every, alone, *held]


def _closure(roots: Sequence[ModuleVersion], level: Level) -> Closure:
    """Give a closure of which, at `build`, the go command reads the rest when it adds to go.mod."""
    return Closure(roots, level, is_read_whole=level is Level.BUILD)


def part_closures(line: LinePlan, parts: Iterable[Part]) -> list[Closure]:
    """Give the closures of main modules that use a part each of what a line names.

    Such a one requires only the extras that something it loads imports and does not require
    itself, and so may select lower versions than one that uses everything. One without extras does
    so where the line's own closure does not promote all that it loads; `build` promises none.
    """
    is_whole_only = line.level is Level.BUILD and not line.extras
    if line.closure is None or not line.closure.is_narrow or is_whole_only:
        return []
    extras = {module.path: module for module in line.extras}
    roots = line.closure.roots[: len(line.closure.roots) - len(extras)]
    own = next((closure for closure in line.others if closure.roots == roots), None)
    required = _required(line.closure)
    found: dict[frozenset[ModuleVersion], list[Part]] = {}
    for part in parts:
        used = {v for u, v in part.uses if u != v and v not in required.get(u, ())}
        needed = frozenset(extras[path] for path in used & extras.keys())
        has_all = len(needed) == len(extras)
        if not (has_all if needed else own is None or own.promotes(part.providers)):
            found.setdefault(needed, []).append(part)
    return [
        _part_closure((*roots, *sorted(needed)), found[needed])
        for needed in sorted(found, key=sorted)
    ]


def _part_closure(roots: Sequence[ModuleVersion], parts: Iterable[Part]) -> Closure:
    providers = frozenset().union(*(part.providers for part in parts))
    return Closure(roots, Level.GRAPH, narrow=providers)


def _required(closure: Closure) -> dict[str, set[str]]:
    """Tell of each selected module what its go.mod requires, by path."""
    selected, read = closure.build_list(), closure.summaries
    return {m.path: {r.path for r in read[m].require} for m in selected if m in read}


def install_marks(line: LinePlan, gomods: Mapping[ModuleVersion, bytes]) -> tuple[str, ...]:
    """Say of a line with a package path that `go install` refuses what is in its module.

    Source: the go command's load.PackagesAndErrorsOutsideModule.
    """
    if not isinstance(line.item, ModuleItem) or not line.packages:
        return ()
    try:
        parsed = gomod.parse(gomods.get(line.modules[0], b""), strict=True)
    except InputError:
        return ()
    lines = {"replace": parsed.replace, "exclude": parsed.exclude}
    verbs = [verb for verb, found in lines.items() if found]
    if not verbs:
        return ()
    return (f"go install refuses it: its go.mod has {' and '.join(verbs)}",)


def with_closures(line: LinePlan, walked: Sequence[tuple[Closure, GopackError | None]]) -> LinePlan:
    """Give a line what became of its closures: those that stand, and what is wrong first."""
    errors = [error for _, error in walked if error is not None]
    if isinstance(line.item, InputItem):
        fault = fault_of(line.item)
        errors += [] if fault is None else [fault]
    main, main_error = walked[0]
    return replace(
        line,
        closure=main if main_error is None else None,
        others=tuple(closure for closure, error in walked[1:] if error is None),
        error=errors[0] if errors else None,
    )


def _of_input(roots: InputRoots, level: Level, mains: Iterable[str]) -> Closure:
    if roots.exact:
        given = dict.fromkeys(roots.mod_only, False) | dict.fromkeys(roots.roots, True)
        return Closure((), level, given=given)
    has_pruning_go = gover.compare(roots.go, PRUNING_SINCE) >= 0
    is_unknown = not roots.go and roots.format not in WITH_GO_LINE
    return Closure(
        roots.roots,
        level,
        is_pruned=has_pruning_go or is_unknown,
        main=MainModule.of(roots.replace, roots.exclude, mains),
        is_read_whole=roots.format is Format.GO_WORK or level is Level.BUILD,
        is_loaded_whole=_compares_with_unpruned(roots),
    )


def _compares_with_unpruned(roots: InputRoots) -> bool:
    return roots.format is Format.GO_MOD and gover.lang(roots.go) == PRUNING_SINCE


def listed_in(roots: InputRoots) -> tuple[ModuleVersion, ...]:
    """Tell the versions a file names, as they are fetched."""
    main = MainModule.of(roots.replace, roots.exclude)
    fetched = (main.fetched(module) for module in (*roots.roots, *roots.mod_only))
    return tuple(dict.fromkeys(module for module in fetched if module is not None))


def fault_of(item: InputItem) -> InputError | None:
    """Tell that some of a file's lines cannot be used, None where all can."""
    bad = [f for f in item.roots.findings if f.severity is Severity.ERROR]
    if not bad:
        return None
    first, roots = bad[0], item.roots
    file = "" if first.name == roots.name else f"{first.name}: "
    line = f"line {first.line}: " if first.line else ""
    more = f", and {len(bad) - 1} more like it" if len(bad) > 1 else ""
    rest = "; the rest of the file was taken" if roots.roots or roots.mod_only else ""
    return InputError(f"{file}{line}{first.what}{more}{rest}", hint=first.hint)
