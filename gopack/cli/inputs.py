"""Reading files that are no lists: a go.mod, a workspace with its members, an SBOM."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from gopack.errors import InputError
from gopack.plan.findings import Finding, Severity
from gopack.plan.inputs.detect import read_input
from gopack.plan.inputs.gomodfile import read_go_mod
from gopack.plan.inputs.gowork import find_use, join_members
from gopack.plan.inputs.roots import Format, InputRoots
from gopack.plan.items import InputItem

_MISSING_HINT = "Copy the workspace with its members' go.mod files, or delete the use line."


def read_item(file: Path, data: bytes, kind: Format) -> InputItem:
    """Read a file of any format but a list; one that cannot be read carries why."""
    name = str(file)
    try:
        roots = read_input(name, data, kind)
    except InputError as error:
        error.hint = error.hint or "Mend the file, or take it out of the list."
        return InputItem(name=name, text=name, roots=InputRoots(name, kind), fault=error)
    if not roots.members:
        return InputItem(name=name, text=name, roots=_doubted(roots))
    missing: list[Finding] = []
    members = tuple(_members(file, data, roots, missing))
    joined = join_members(roots, members)
    joined = replace(joined, findings=(*joined.findings, *missing))
    return InputItem(name=name, text=name, roots=_doubted(joined), members=members)


def _doubted(roots: InputRoots) -> InputRoots:
    """Warn of a file that brings nothing: a main module may be so, and may be the wrong one."""
    if roots.findings or roots.roots or roots.mod_only:
        return roots
    what, hint = "it requires no module: nothing is fetched for it", "Is it the right file?"
    return replace(roots, findings=(Finding(roots.name, 0, 0, "", what, hint, Severity.WARNING),))


def _members(
    file: Path, data: bytes, work: InputRoots, missing: list[Finding]
) -> Iterator[InputRoots]:
    """Read the members; a requirement on one of them is met there, whatever its name is."""
    read: dict[str, bytes] = {}
    for folder in work.members:
        member = file.parent / folder / "go.mod"
        try:
            read[folder] = member.read_bytes()
        except OSError as error:
            what = f"{member}: cannot be read: {error.strerror}"
            missing.append(Finding(str(file), *find_use(data, folder), what, _MISSING_HINT))
    mains = frozenset(main for text in read.values() if (main := _main_of(text)))
    for folder, text in read.items():
        try:
            yield read_go_mod(text, name=str(file.parent / folder / "go.mod"), mains=mains)
        except InputError as error:
            missing.append(Finding(str(file), *find_use(data, folder), str(error), error.hint))


def _main_of(data: bytes) -> str:
    try:
        return read_go_mod(data).main
    except InputError:
        return ""
