"""Rows for files of the list: a go.mod is tried as the main module that it is.

Rules kept here:
- A go.mod, and each member of a workspace, keeps its requirements, replace, exclude and tool lines.
- Folders that replace modules are empty modules here, as they are for what was fetched: nobody here
  knows what they require.
- Of any other file the versions are required by a main module; of a go.sum each is downloaded.

Spec: go.dev/ref/mod#go-mod-file; `go help mod download`.
"""

import json
from collections.abc import Sequence

from gopack.plan.closure import Level
from gopack.plan.inputs.roots import Format, InputRoots
from gopack.plan.items import InputItem
from gopack.plan.mainmodule import MainModule
from gopack.plan.proving import Project, Subject
from gopack.spec.module import ModuleVersion

_MAINS = frozenset({Format.GO_MOD, Format.GO_WORK})


def rows_of(item: InputItem, level: Level, go_version: str) -> list[Subject]:
    """Make the rows of a file: one, or one for each member of a workspace; none if it has nothing.

    `go_version` is for main modules of files that name none.
    """
    if item.fault is not None:
        return []
    mains = tuple(each.main for each in (item.roots, *item.members) if each.main)
    level = Level(item.closure) if item.closure else level
    members = item.members or (item.roots,)
    return [
        Subject(
            f"{item.text}: {each.main}" if item.members else item.text,
            item.where,
            _fetched(each, mains),
            level=level,
            project=_project(each, mains, go_version),
        )
        for each in members
        if each.roots or each.local
    ]


def _fetched(roots: InputRoots, mains: Sequence[str]) -> tuple[ModuleVersion, ...]:
    main = MainModule.of(roots.replace, roots.exclude, mains)
    every = (main.fetched(module) for module in roots.roots)
    return tuple(dict.fromkeys(module for module in every if module is not None))


def _project(roots: InputRoots, mains: Sequence[str], go_version: str) -> Project:
    if roots.exact:
        text = f"module gopack.invalid/prove\n\ngo {go_version}\n"
        return Project({"go.mod": text}, is_exact=True)
    folders = [each.old for each in roots.replace if not each.new.version]
    folders += [ModuleVersion(path, "") for path in mains if path != roots.main]
    folders = list(dict.fromkeys(folders))
    files = {f"folder{n}/go.mod": f"module {_quoted(m.path)}\n" for n, m in enumerate(folders)}
    text = _go_mod(roots, folders, go_version)
    return Project({"go.mod": text, **files}, has_tools=bool(roots.tools) and not folders)


def _go_mod(roots: InputRoots, folders: Sequence[ModuleVersion], go_version: str) -> str:
    own_go = roots.go if roots.format in _MAINS else go_version
    forks = {each.old: each.new for each in roots.replace if each.new.version}
    lines = [f"module {_quoted(roots.main or 'gopack.invalid/prove')}"]
    lines += [f"go {own_go}"] if own_go else []
    lines += [f"require {_named(module)}" for module in (*roots.roots, *roots.local)]
    lines += [f"exclude {_named(module)}" for module in roots.exclude]
    lines += [f"replace {_named(o)} => {_named(n)}" for o, n in forks.items() if o not in folders]
    lines += [f"replace {_named(old)} => ./folder{n}" for n, old in enumerate(folders)]
    lines += [f"tool {_quoted(path)}" for path in roots.tools]
    return "".join(f"{line}\n" for line in lines)


def _named(module: ModuleVersion) -> str:
    return f"{_quoted(module.path)} {module.version}".rstrip()


def _quoted(path: str) -> str:
    """Write a path as a Go string: a name that is replaced may be anything."""
    return json.dumps(path)
