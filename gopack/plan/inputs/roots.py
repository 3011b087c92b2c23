"""What a file other than a list asks for, whatever its format.

Rules kept here:
- Versions are named as the file names them; `replace` tells what is fetched in their stead.
- A module replaced by a folder is no root: nobody can fetch it. It is reported, and the rest goes
  on.
- A bad line is a finding, and the good lines still are roots.

Spec: go.dev/ref/mod#go-mod-file-replace, go.dev/ref/mod#go-mod-file-exclude.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from gopack.errors import InputError
from gopack.plan.findings import Finding, Severity
from gopack.spec import module
from gopack.spec.gomod import Replace
from gopack.spec.module import ModuleVersion


class Format(Enum):
    """What kind of file it is, with the words messages use."""

    LIST = "list"
    GO_MOD = "go.mod"
    GO_SUM = "go.sum"
    GO_WORK = "go.work"
    VENDOR = "vendor/modules.txt"
    GO_LIST = "go list -m -json all"
    CYCLONEDX = "CycloneDX SBOM"


WITH_GO_LINE = frozenset({Format.GO_MOD, Format.GO_WORK})
"""What says which Go it wants; where it does not, go takes it for old."""


@dataclass(frozen=True, slots=True)
class Sum:
    """One line of a go.sum: the `h1:` of a version's zip, or of its go.mod file."""

    module: ModuleVersion
    is_mod: bool
    h1: str


@dataclass(frozen=True, slots=True)
class InputRoots:
    """The versions a file asks for, and what it says about the main module they are for.

    Args:
        name: the file as the person calls it.
        format: what it is.
        roots: versions to store whole, in the file's order, each once.
        exact: whether these and `mod_only` are all; if not, their graph comes too.
        mod_only: versions of which only the go.mod file is asked for.
        main: the main module's path, empty where there is none.
        go: the main module's Go version, empty where the file has none.
        toolchain: its toolchain line, `go1.26.3`.
        tools: package paths of its tool lines.
        replace, exclude: the main module's own.
        direct: the modules that its own packages import from, where the file tells, by path.
        sums: sums the file vouches for.
        local: versions that are no roots because a folder replaces them.
        members: folders of a workspace, whose go.mod files the caller reads next.
        findings: what a person should see; errors change the exit status, not the rest.

    """

    name: str
    format: Format
    roots: tuple[ModuleVersion, ...] = ()
    exact: bool = False
    mod_only: tuple[ModuleVersion, ...] = ()
    main: str = ""
    go: str = ""
    toolchain: str = ""
    tools: tuple[str, ...] = ()
    replace: tuple[Replace, ...] = ()
    exclude: tuple[ModuleVersion, ...] = ()
    direct: frozenset[str] = frozenset()
    sums: tuple[Sum, ...] = ()
    local: tuple[ModuleVersion, ...] = ()
    members: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def has_errors(self) -> bool:
        """Whether any finding is an error, so that the run cannot end with status 0."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)


def replacement(version: ModuleVersion, replace: Iterable[Replace]) -> ModuleVersion | None:
    """Give what is fetched for this version: itself, another version, or a folder.

    A folder is a ModuleVersion without version. None means that nothing replaces it. A
    replacement of this one version goes before one of all versions.

    Source: modload Replacement.
    """
    every = {item.old: item.new for item in replace}
    return every.get(version) or every.get(ModuleVersion(version.path, ""))


def is_local(version: ModuleVersion, replace: Iterable[Replace]) -> bool:
    """Tell whether a folder replaces this version."""
    new = replacement(version, replace)
    return new is not None and not new.version


def check_exact(path: str, version: str) -> None:
    """Check that this names one version of a module, as go.sum and the go command write it.

    Raises:
        InputError: for a bad path, or a version that is a query or not canonical.
    """
    module.check(path, version)
    canonical = module.canonical_version(version)
    if canonical != version:
        raise InputError("not a canonical version", where=path, expected=canonical, got=version)


def unique(modules: Iterable[ModuleVersion]) -> tuple[ModuleVersion, ...]:
    """Drop repetitions, keeping the order."""
    return tuple(dict.fromkeys(modules))


def find_text(lines: Sequence[str], *wanted: str) -> tuple[int, int, str]:
    """Find the first line with all of these texts: its number, the first text's column, the line.

    For files whose readers give values without places. (1, 1, "") if no line has them.
    """
    for number, line in enumerate(lines, 1):
        if all(text in line for text in wanted):
            return number, line.index(wanted[0]) + 1, line
    return 1, 1, ""
