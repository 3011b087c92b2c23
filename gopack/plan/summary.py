"""What gopack reads out of a dependency's go.mod: requirements, go version, retractions.

Spec: go.dev/ref/mod#go-mod-file, the go command's modload.rawGoModSummary and goModSummary.
"""

from dataclasses import dataclass
from sys import intern

from gopack.errors import InputError, IntegrityError
from gopack.spec import gomod, gover, semver
from gopack.spec.module import ModuleVersion

PRUNING_SINCE = "1.17"
"""Modules at this go version or above prune the graph (gover.ExplicitIndirectVersion)."""

_BROKEN = "the go command refuses this version, too: list another, or tell the module's author"


@dataclass(frozen=True, slots=True)
class Retraction:
    """Versions from `low` to `high`, both included, that their author takes back."""

    low: str
    high: str
    rationale: str


@dataclass(frozen=True, slots=True)
class Summary:
    """One version's go.mod, as its dependants see it.

    `path` is what its module line says; `go` is empty where there is no go line (1.16 is meant);
    `prunes` tells whether its dependants need to look no further than `require`.
    """

    path: str
    go: str
    prunes: bool
    require: tuple[ModuleVersion, ...]
    retract: tuple[Retraction, ...]
    deprecated: str


def summarize(module: ModuleVersion, data: bytes) -> Summary:
    """Read a dependency's go.mod, lax as the go command is.

    `replace` and `exclude` are the main module's business and are left out.

    Raises:
        IntegrityError: it cannot be parsed.
    """
    try:
        file = gomod.parse(data)
    except InputError as error:
        raise IntegrityError(f"parsing go.mod: {error}", where=str(module), hint=_BROKEN) from error
    go = file.go or ""
    return Summary(
        path=file.module or "",
        go=go,
        prunes=bool(go) and gover.compare(go, PRUNING_SINCE) >= 0,
        require=tuple(ModuleVersion(intern(r.path), intern(r.version)) for r in file.require),
        retract=tuple(Retraction(r.low, r.high, r.rationale) for r in file.retract),
        deprecated=file.deprecated or "",
    )


class OtherModuleError(IntegrityError):
    """A go.mod that names no module, or another path than it was asked for as."""


def check_names_module(module: ModuleVersion, summary: Summary) -> None:
    """Check that a go.mod is the one of the module it was asked for as.

    Raises:
        OtherModuleError: it has no module line, or names another path.
    """
    if not summary.path:
        raise OtherModuleError(
            "parsing go.mod: missing module line", where=str(module), hint=_BROKEN
        )
    if summary.path != module.path:
        raise OtherModuleError(
            "go.mod names another module path",
            where=str(module),
            expected=module.path,
            got=summary.path,
            hint=f"the module has moved: list {summary.path} instead",
        )


def parse_fault(data: bytes) -> str:
    """Say why a go.mod cannot be parsed, with line and column; empty if it can."""
    try:
        gomod.parse(data)
    except InputError as error:
        return str(error)
    return ""


def named_module(data: bytes) -> str:
    """Tell the module that a go.mod names, even if it cannot be parsed; empty if it names none."""
    try:
        return gomod.parse(data).module
    except InputError:
        return gomod.module_path(data)


def required_by(module: ModuleVersion, data: bytes) -> list[ModuleVersion]:
    """Tell what a go.mod requires; one that go cannot read requires nothing."""
    try:
        return list(summarize(module, data).require)
    except IntegrityError:
        return []


def retraction_of(retractions: tuple[Retraction, ...], version: str) -> Retraction | None:
    """Find the retraction that covers a version, None if it is not retracted."""
    for retraction in retractions:
        if (
            semver.compare(retraction.low, version) <= 0
            and semver.compare(version, retraction.high) <= 0
        ):
            return retraction
    return None


def is_synthesized(path: str, data: bytes) -> bool:
    """Tell whether a go.mod is the one proxies make for a version that has none.

    Source: modfetch.LegacyGoMod.
    """
    return data == f"module {path}\n".encode()
