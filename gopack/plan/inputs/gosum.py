"""go.sum as a list: exactly the versions in it.

Rules kept here:
- A version with a sum of its zip is stored whole, one with a sum of its go.mod alone mod-only.
- The sums are handed on, so that what is fetched can be held against them.

Spec: go.dev/ref/mod#go-sum-files; modfetch readGoSum.
"""

import re

from gopack.errors import InputError
from gopack.plan.findings import Finding, Line, read_lines
from gopack.plan.inputs.roots import Format, InputRoots, Sum, check_exact, unique
from gopack.spec.module import ModuleVersion

_H1 = re.compile(r"h1:[A-Za-z0-9+/]{43}=")
_EMPTY_GO_MOD = "h1:G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY="
"""The sum of an empty go.mod, which old Go wrote by mistake; go drops it (emptyGoModHash)."""


def read_go_sum(data: bytes, *, name: str = "go.sum") -> InputRoots:
    """Read a go.sum file; lines that are none become findings."""
    lines, findings = read_lines(data, name)
    sums: list[Sum] = []
    for line in lines:
        fields = line.text.split()
        if not fields:
            continue
        try:
            found = _read_fields(fields)
        except InputError as error:
            findings.append(_finding(name, line, str(error)))
        else:
            sums += [found] if found.h1 != _EMPTY_GO_MOD else []
    if not sums and not findings:
        findings.append(Finding(name, 1, 1, "", "no sums in it", "Give another go.sum, or go.mod."))
    whole = unique(item.module for item in sums if not item.is_mod)
    mods = unique(item.module for item in sums if item.is_mod)
    return InputRoots(
        name,
        Format.GO_SUM,
        whole,
        exact=True,
        mod_only=tuple(item for item in mods if item not in set(whole)),
        sums=tuple(sums),
        findings=tuple(findings),
    )


def _read_fields(fields: list[str]) -> Sum:
    if len(fields) != 3:
        raise InputError(f"malformed go.sum line: {len(fields)} fields instead of 3")
    path, version, h1 = fields
    is_mod = version.endswith("/go.mod")
    version = version.removesuffix("/go.mod")
    check_exact(path, version)
    if not _H1.fullmatch(h1):
        raise InputError(f"no sum of a kind go knows: {h1!r}")
    return Sum(ModuleVersion(path, version), is_mod, h1)


def _finding(name: str, line: Line, what: str) -> Finding:
    column = len(line.text) - len(line.text.lstrip()) + 1
    hint = "Run go mod tidy where the file comes from, or delete the line."
    return Finding(name, line.number, column, line.text, what, hint)
