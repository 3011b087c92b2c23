"""Reading files that are no lists: a go.mod, a workspace with its members, an SBOM."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from gopack.errors import InputError
from gopack.plan.findings import Finding
from gopack.plan.inputs.detect import read_input
from gopack.plan.inputs.gowork import join_members
from gopack.plan.inputs.roots import Format, InputRoots
from gopack.plan.items import InputItem


def read_item(file: Path, data: bytes, kind: Format) -> InputItem:
    """Read a file of any format but a list; one that cannot be read carries why."""
    name = str(file)
    try:
        roots = read_input(name, data, kind)
    except InputError as error:
        error.hint = error.hint or "Mend the file, or take it out of the list."
        return InputItem(name=name, text=name, roots=InputRoots(name, kind), fault=error)
    if not roots.members:
        return InputItem(name=name, text=name, roots=roots)
    missing: list[Finding] = []
    members = tuple(_members(file, roots, missing))
    joined = join_members(roots, members)
    joined = replace(joined, findings=(*joined.findings, *missing))
    return InputItem(name=name, text=name, roots=joined, members=members)


def _members(file: Path, work: InputRoots, missing: list[Finding]) -> Iterator[InputRoots]:
    for folder in work.members:
        member = file.parent / folder / "go.mod"
        try:
            yield read_input(str(member), member.read_bytes(), Format.GO_MOD)
        except OSError as error:
            hint = "Copy the workspace with its members' go.mod files, or delete the use line."
            what = f"{member}: cannot be read: {error.strerror}"
            missing.append(Finding(str(file), 1, 1, f"use {folder}", what, hint))
        except InputError as error:
            missing.append(Finding(str(file), 1, 1, f"use {folder}", str(error), error.hint))
