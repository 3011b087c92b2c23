"""vendor/modules.txt as a list: the modules a vendored project is built with.

Rules kept here:
- A line `# path version` names a module of the build list, `=> path version` after it what is
  vendored in its stead; `# path => ...` without version repeats a replacement and names none.
- Annotations are passed over, and packages of the module above them; any other line is not go's.
- The Go version of the file's main module is not in it.

Spec: go.dev/ref/mod#vendoring; modload readVendorList.
"""

from gopack.errors import InputError
from gopack.plan.findings import Finding, read_lines
from gopack.plan.inputs.gomodfile import local_findings
from gopack.plan.inputs.roots import Format, InputRoots, check_exact, is_local, unique
from gopack.spec import semver
from gopack.spec.gomod import Replace
from gopack.spec.module import ModuleVersion

_HINT = "Run go mod vendor where the file comes from."
_HINT_OTHER = f"{_HINT[:-1]}, or call the file otherwise if it is a list."


def read_vendor(data: bytes, *, name: str = "vendor/modules.txt") -> InputRoots:
    """Read a vendor/modules.txt file; lines that name no module properly become findings."""
    lines, findings = read_lines(data, name)
    roots: list[ModuleVersion] = []
    replace: list[Replace] = []
    above: str | None = ""
    for line in lines:
        if not line.text.startswith("# "):
            if above is not None and not _is_passed_over(line.text, above):
                what = "no package of the module above it"
                findings.append(Finding(name, line.number, 1, line.text, what, _HINT_OTHER))
            continue
        try:
            root, new = _read_fields(line.text.split()[1:])
        except InputError as error:
            above = None  # what it would have been, nobody knows
            findings.append(Finding(name, line.number, 3, line.text, str(error), _HINT))
            continue
        above = root.path
        if root.version:
            roots.append(root)
        if new is not None:
            replace.append(Replace(root, new))
    if not roots and not findings:
        hint = "Give the go.mod file instead."
        findings.append(Finding(name, 1, 1, "", "no modules are vendored", hint))
    findings += local_findings(replace, name, [line.text for line in lines])
    kept = (root for root in roots if not is_local(root, replace))
    return InputRoots(
        name,
        Format.VENDOR,
        unique(kept),
        replace=tuple(dict.fromkeys(replace)),
        findings=tuple(findings),
    )


def _is_passed_over(text: str, above: str) -> bool:
    """Tell whether a line is an annotation, or a package of the module above it."""
    package = text.strip()
    return not package or text.startswith("#") or f"{package}/".startswith(f"{above}/")


def _read_fields(fields: list[str]) -> tuple[ModuleVersion, ModuleVersion | None]:
    """Read `path [version] [=> path [version]]`."""
    left, arrow, right = _cut(fields)
    if len(left) not in {1, 2} or (len(left) == 1 and not arrow):
        raise InputError("no module and version")
    version = left[1] if len(left) == 2 else ""
    if version and not arrow:
        check_exact(left[0], version)
    old = ModuleVersion(left[0], version)
    if not arrow:
        return old, None
    if len(right) == 2 and semver.is_valid(right[1]):
        check_exact(right[0], right[1])
        return old, ModuleVersion(right[0], right[1])
    if len(right) == 1:
        return old, ModuleVersion(right[0], "")
    raise InputError("no replacement after the =>")


def _cut(fields: list[str]) -> tuple[list[str], bool, list[str]]:
    if "=>" not in fields:
        return fields, False, []
    at = fields.index("=>")
    return fields[:at], True, fields[at + 1 :]
