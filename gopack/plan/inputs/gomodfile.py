"""go.mod as a list: the requirements of a main module, as its go command sees them.

Rules kept here:
- The file is read strictly, as go reads a main module's.
- Roots are the require lines, less those its own exclude lines drop and those a folder replaces.
- The module itself is not fetched.

Spec: go.dev/ref/mod#go-mod-file.
"""

from collections.abc import Iterable

from gopack.errors import InputError
from gopack.plan.findings import Finding, Severity
from gopack.plan.inputs.roots import (
    Format,
    InputRoots,
    find_text,
    is_local,
    replacement,
    unique,
)
from gopack.spec import gomod, module
from gopack.spec.gomod import GoMod, Replace
from gopack.spec.module import ModuleVersion


def read_go_mod(
    data: bytes, *, name: str = "go.mod", mains: frozenset[str] = frozenset()
) -> InputRoots:
    """Read a go.mod file as the main module's; `mains` are the other members of its workspace.

    Raises:
        InputError: the first fault that keeps go from reading it, at `name:line:column`.
    """
    parsed = gomod.parse(data.removeprefix(b"\xef\xbb\xbf"), strict=True, where=name)
    lines = data.decode(errors="replace").splitlines()
    required = [ModuleVersion(item.path, item.version) for item in parsed.require]
    kept, bad = _checked(required, parsed, name, lines, mains)
    findings = [
        *bad,
        *local_findings(parsed.replace, name, lines),
        *_excluded(kept, parsed, name, lines),
    ]
    excluded = set(parsed.exclude)
    required = [m for m in kept if m not in excluded]
    return InputRoots(
        name,
        Format.GO_MOD,
        unique(m for m in required if not is_local(m, parsed.replace)),
        local=unique(m for m in required if is_local(m, parsed.replace)),
        main=parsed.module,
        go=parsed.go,
        toolchain=parsed.toolchain,
        tools=parsed.tool,
        replace=parsed.replace,
        exclude=parsed.exclude,
        direct=frozenset(item.path for item in parsed.require if not item.indirect),
        findings=tuple(findings),
    )


def _checked(
    required: Iterable[ModuleVersion],
    parsed: GoMod,
    name: str,
    lines: list[str],
    mains: frozenset[str],
) -> tuple[list[ModuleVersion], list[Finding]]:
    """Part what can be fetched from what cannot; a replaced name or a member's may be anything."""
    kept, findings = [], []
    for item in required:
        try:
            if item.path not in mains and replacement(item, parsed.replace) is None:
                module.check(item.path, item.version)
        except InputError as error:
            findings.append(Finding(name, *find_text(lines, item.path), str(error), error.hint))
        else:
            kept.append(item)
    return kept, findings


def local_findings(replace: Iterable[Replace], name: str, lines: list[str]) -> list[Finding]:
    """Warn of each replacement by a folder: it stays with whoever has the folder."""
    hint = "What the folder's own go.mod requires is not known here: fetch that file too (-r FILE)."
    folders = {(item.old.path, item.new.path): None for item in replace if not item.new.version}
    return [
        Finding(
            name,
            *find_text(lines, folder, "=>"),
            f"{path} is replaced by the folder {folder}: skipped",
            hint,
            Severity.WARNING,
        )
        for path, folder in folders
    ]


def _excluded(
    required: Iterable[ModuleVersion], parsed: GoMod, name: str, lines: list[str]
) -> list[Finding]:
    excluded = set(parsed.exclude)
    return [
        Finding(
            name,
            *find_text(lines, item.path, item.version),
            f"{item} is required and excluded: go drops it",
            "",
            Severity.WARNING,
        )
        for item in required
        if item in excluded
    ]
