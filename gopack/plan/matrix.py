"""The matrix of line and step: what each go command did sealed, beside what it did connected.

Rules:
- Equal means: the same exit status and, where the step compares them, the same bytes in go.mod and
  go.sum and the same `go list -m -json all`.
- A step is impossible only if it failed connected in the same run; where the upstream did not
  answer, or the connected go command did not come to its own end, it is undecided, which is not
  equal. Where nothing but impossible steps is left, nothing is proven.
- `@latest` is compared with what the manifest recorded or with the connected answer; the versions
  that sealed `-versions` tells must be among the connected ones, of which there may be more.
- What was not compared is told with the reason, and counted.
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from gopack.plan.manifest import Manifest
from gopack.plan.missing import MISMATCH, Missing, hindrance_told, is_another
from gopack.plan.proving import Subject
from gopack.plan.scenarios import STEP_NAMES, Step

MAX_DIFF_LINES = 10


@dataclass(frozen=True, slots=True)
class Did:
    """What a step did in one world.

    Args:
        exit_status: of the first go command that failed, else 0.
        output: what that one said on standard error.
        effects: what must be equal in both worlds, as text by name.
        answers: what a query told, by module path.
        missing: what it lacked, where it failed.
        needs_go: a Go version it needs and there is not.
        undecided: why nobody knows what it does: it did not end, or an upstream did not answer, or
            its machine lacked something.

    """

    exit_status: int
    output: str = ""
    effects: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[Missing, ...] = ()
    needs_go: str = ""
    seconds: float = 0.0
    undecided: str = ""


class Verdict(Enum):
    """What became of a cell."""

    GOOD = "good"
    FAILED = "failed"
    DIFFERENT = "different"
    IMPOSSIBLE = "impossible"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Cell:
    """One step of one subject; `connected` is None where it was not tried."""

    subject: Subject
    step: Step
    sealed: Did
    connected: Did | None = None

    @property
    def verdict(self) -> Verdict:
        """Judge the cell."""
        if self.connected is not None and self.connected.exit_status:
            return Verdict.UNDECIDED if self.connected.undecided else Verdict.IMPOSSIBLE
        if self.sealed.exit_status:
            return Verdict.FAILED
        return Verdict.DIFFERENT if self.differences() else Verdict.GOOD

    @property
    def is_more(self) -> bool:
        """Whether it works sealed and failed connected: the upstream lost it, perhaps."""
        return self.verdict is Verdict.IMPOSSIBLE and not self.sealed.exit_status

    def differences(self) -> list[str]:
        """Name what is not equal, each with the lines that differ first."""
        found = []
        if self.connected is not None:
            for name, text in self.connected.effects.items():
                if (mine := self.sealed.effects.get(name, "")) != text:
                    found.append(f"{name} differs:\n{_diff(mine, text)}")
        return found + self._wrong_answers()

    def uncompared(self) -> list[str]:
        """Say which answers of a step that worked in both worlds were compared with nothing."""
        if self.verdict is not Verdict.GOOD or self.connected is None:
            return []
        if self.step.reads != "latest":
            return []
        found = []
        for path, version in self.sealed.answers.items():
            theirs, recorded = self.connected.answers.get(path), self.subject.latest.get(path)
            if version in {theirs, recorded}:
                continue
            why = (
                "the line names a version, so its latest was not recorded"
                if recorded is None
                else f"it was {recorded} when the storage was filled, and may have moved on with "
                "what the other lines require"
            )
            found.append(f"{path}@latest is {version} sealed and {theirs} connected: {why}")
        return found

    def _wrong_answers(self) -> list[str]:
        theirs = None if self.connected is None else self.connected.answers
        if self.step.reads == "versions":
            return [] if theirs is None else _unknown_versions(self.sealed.answers, theirs)
        if self.step.reads != "latest":
            return []
        return [
            f"{path}@latest is {version}, and was {recorded} when the storage was filled"
            for path, version in self.sealed.answers.items()
            if (recorded := self.subject.latest.get(path)) is not None
            and self._is_wrong(version, recorded, None if theirs is None else theirs.get(path))
        ]

    def _is_wrong(self, version: str, recorded: str, theirs: str | None) -> bool:
        """Judge a module's latest version.

        Several modules together may require more of each other than the latest of one; so much
        is wrong only where connected chooses what was recorded.
        """
        if len(self.subject.modules) == 1:
            return version not in {recorded, theirs}
        return theirs == recorded != version


def _unknown_versions(sealed: Mapping[str, str], connected: Mapping[str, str]) -> list[str]:
    return [
        f"{path}: sealed -versions tells {' '.join(unknown)}, connected does not"
        for path, versions in sealed.items()
        if (unknown := sorted(set(versions.split()) - set(connected.get(path, "").split())))
    ]


def _diff(sealed: str, connected: str) -> str:
    lines = difflib.unified_diff(
        connected.splitlines(), sealed.splitlines(), "connected", "sealed", lineterm="", n=0
    )
    shown = list(lines)
    more = [f"... {len(shown) - MAX_DIFF_LINES} lines more"] if len(shown) > MAX_DIFF_LINES else []
    return "\n".join([*shown[:MAX_DIFF_LINES], *more])


@dataclass(frozen=True, slots=True)
class Matrix:
    """All cells, row by row; `notes` are whole sentences on how they came about."""

    cells: tuple[Cell, ...]
    notes: tuple[str, ...] = ()

    @property
    def steps(self) -> list[str]:
        """The columns that have a cell, in their order."""
        tried = {cell.step.name for cell in self.cells}
        return [name for name in STEP_NAMES if name in tried]

    def rows(self) -> list[tuple[Subject, dict[str, Cell]]]:
        """Tell each subject's cells by the step's name."""
        found: dict[tuple[str, str], tuple[Subject, dict[str, Cell]]] = {}
        for cell in self.cells:
            found.setdefault(cell.subject.key, (cell.subject, {}))[1][cell.step.name] = cell
        return list(found.values())

    def count(self, verdict: Verdict) -> int:
        """Count the cells with a verdict."""
        return sum(cell.verdict is verdict for cell in self.cells)

    def red(self) -> list[Cell]:
        """Tell the cells that break the promise."""
        return [c for c in self.cells if c.verdict in {Verdict.FAILED, Verdict.DIFFERENT}]

    def uncompared(self) -> list[tuple[Cell, list[str]]]:
        """Tell the good cells of which some answer was compared with nothing, and why."""
        return [(cell, why) for cell in self.cells if (why := cell.uncompared())]

    @property
    def exit_status(self) -> int:
        """4 when the promise is broken: what the storage says of itself is not so.

        Else 3 when an upstream kept it from being known; 0 when the promise holds.
        """
        if self.red():
            return 4
        return 3 if self.count(Verdict.UNDECIDED) else 0

    def missing(self) -> list[Missing]:
        """Tell everything that failed steps lacked, each once."""
        found = [each for cell in self.red() for each in cell.sealed.missing]
        return list(dict.fromkeys(found))

    def merged(self, fresh: Iterable[Cell]) -> "Matrix":
        """Give the matrix with some cells tried again, and with those that are new."""
        new = {(c.subject.key, c.step.name): c for c in fresh}
        subjects = {c.subject.key: c.subject for c in new.values()}
        cells = [new.pop((c.subject.key, c.step.name), c) for c in self.cells]
        told = (replace(c, subject=subjects.get(c.subject.key, c.subject)) for c in cells)
        return Matrix((*told, *new.values()), self.notes)


def explain(cell: Cell, manifest: Manifest, go_version: str) -> list[str]:
    """Say of a cell that is not good what is wrong and what mends it, a line each."""
    did = cell.sealed
    if cell.verdict is Verdict.UNDECIDED and cell.connected is not None:
        return [
            f"nobody knows what it does connected: {cell.connected.undecided}",
            _again(cell.connected),
        ]
    if cell.verdict is Verdict.IMPOSSIBLE and cell.connected is not None:
        did = cell.connected
    if did.needs_go:
        return [
            f"it needs Go {did.needs_go}, and the go command here is {go_version}: "
            "prove it with a newer one"
        ]
    if cell.verdict is Verdict.DIFFERENT:
        return cell.differences()
    if did.undecided and not did.missing:
        told = "see that the proxy answers, and prove it again with fewer --jobs"
        return [did.undecided, _again(did, told)]
    lines = [f"{each.file} is missing: {each.remedy(manifest)}" for each in did.missing]
    if lines and cell.verdict is Verdict.FAILED:
        return lines
    return [*_telling(did.output), *_what_to_try(cell, did)]


def _again(did: Did, of_upstream: str = "prove it again when the upstream answers") -> str:
    is_of_machine = bool(hindrance_told(did.undecided))
    return "see to that on this machine, and prove it again" if is_of_machine else of_upstream


def _telling(output: str) -> list[str]:
    """Give the lines that tell most: the last ones, or the first of a checksum that is another."""
    said = [line for line in output.splitlines() if line.strip()]
    at = next((n for n, line in enumerate(said) if MISMATCH in line), len(said) - 3)
    return said[max(at, 0) :][:3]


def _what_to_try(cell: Cell, did: Did) -> list[str]:
    if is_another(did.output):
        return [
            "find out with `gopack check` what else is not as it was; --repair and fetch mend it"
        ]
    if cell.verdict is Verdict.FAILED and cell.connected is None:
        return ["nothing was missing: it may fail connected, too, which --compare tells"]
    return []
