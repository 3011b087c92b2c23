"""What became of a run, line by line: the last table, the JSON and the exit status."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gopack.errors import GopackError
from gopack.plan.lines import LinePlan, Plan
from gopack.spec.module import ModuleVersion


@dataclass(frozen=True, slots=True)
class Stored:
    """One version that appeared: the bytes of its files, and seconds since the run began."""

    size_bytes: int
    after_s: float


@dataclass(frozen=True, slots=True)
class LineOutcome:
    """One line of the list, done or failed.

    `go` is the Go version that it needs. `needed` counts the versions the line needs, `added` those
    that this run stored; a version that several lines need counts for each. `notes` are marks:
    retracted, deprecated.
    """

    where: str
    text: str
    versions: tuple[str, ...]
    go: str
    needed: int
    added: int
    added_bytes: int
    seconds: float
    notes: tuple[str, ...]
    error: GopackError | None

    @property
    def status(self) -> str:
        """One word: `failed`, `done`, or `there` when nothing had to be fetched."""
        if self.error is not None:
            return "failed"
        return "done" if self.added else "there"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A whole run.

    `added` and `added_bytes` count each version once; `together` is what failed of the versions
    that only all lines together need; `warnings` are whole sentences.
    """

    lines: tuple[LineOutcome, ...]
    added: int
    added_bytes: int
    needed: int
    seconds: float
    together: tuple[GopackError, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def errors(self) -> list[GopackError]:
        """Every error of the run, the lines' first."""
        return [o.error for o in self.lines if o.error is not None] + list(self.together)

    @property
    def exit_status(self) -> int:
        """0 when every line is done, else the highest status of any error."""
        return max((error.exit_status for error in self.errors), default=0)


def outcome_of(
    plan: Plan,
    stored: Mapping[ModuleVersion, Stored],
    failed: Mapping[ModuleVersion, GopackError],
    *,
    seconds: float,
    warnings: Iterable[str] = (),
) -> Outcome:
    """Put together what a plan wanted and what a run reached."""
    return Outcome(
        lines=tuple(_line_outcome(line, stored, failed) for line in plan.lines),
        added=len(stored),
        added_bytes=sum(s.size_bytes for s in stored.values()),
        needed=len(plan.wants()),
        seconds=seconds,
        together=_joint_failures(plan, failed),
        warnings=tuple(warnings),
    )


def _line_outcome(
    line: LinePlan,
    stored: Mapping[ModuleVersion, Stored],
    failed: Mapping[ModuleVersion, GopackError],
) -> LineOutcome:
    wants = line.wants()
    added = [stored[module] for module in wants if module in stored]
    return LineOutcome(
        where=line.item.where,
        text=line.item.text,
        versions=tuple(module.version for module in line.modules),
        go=line.go_version,
        needed=len(wants),
        added=len(added),
        added_bytes=sum(s.size_bytes for s in added),
        seconds=max([line.seconds, *(s.after_s for s in added)]),
        notes=line.notes(),
        error=_heaviest([line.error, _first_failure(line, failed)]),
    )


def _heaviest(errors: Iterable[GopackError | None]) -> GopackError | None:
    """Pick the error that weighs most, the first of several: lines that are bad hide no lie."""
    return max(filter(None, errors), key=lambda error: error.exit_status, default=None)


def _joint_failures(
    plan: Plan, failed: Mapping[ModuleVersion, GopackError]
) -> tuple[GopackError, ...]:
    """Tell what failed of the versions that no line needs alone."""
    of_lines = {module for line in plan.lines for module in line.wants()}
    chain = plan.joint.requirement_path if plan.joint else lambda module: [module]
    errors = [failed[m].told(chain(m)) for m in sorted(failed.keys() - of_lines)]
    return tuple([plan.joint_failure, *errors] if plan.joint_failure else errors)


def _first_failure(
    line: LinePlan, failed: Mapping[ModuleVersion, GopackError]
) -> GopackError | None:
    """Pick the failure that weighs most, and say what brought its version in."""
    mine = [(-failed[m].exit_status, m) for m in line.wants() if m in failed]
    if not mine:
        return None
    module = min(mine)[1]
    return failed[module].told(line.requirement_path(module))
