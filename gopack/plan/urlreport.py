"""What a running proxy answered, and what that tells: the data of `gopack check --url`."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple


class Said(NamedTuple):
    """An answer: its status, SHA-256 and size, its first bytes as text, how long it took."""

    status: int
    sha256: str
    size_bytes: int
    text: str
    seconds: float


class Kind(Enum):
    """What a finding means: WRONG content or status, or a setting that leaves a way OUT."""

    WRONG = "wrong"
    OPEN = "open"


class UrlFinding(NamedTuple):
    """One thing that is not as it must be, where it was asked for, and the next step."""

    kind: Kind
    path: str
    what: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.path}: {self.what}"


@dataclass(frozen=True, slots=True)
class UrlReport:
    """What was asked for (path and status, in order), and what is not as it must be."""

    asked: Sequence[tuple[str, int]]
    findings: Sequence[UrlFinding]

    @property
    def exit_status(self) -> int:
        """4 where an answer is wrong or a way out was seen, else 0."""
        return 4 if self.findings else 0
