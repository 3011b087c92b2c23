"""Findings: what is wrong in a text a person wrote, with the place and the next step.

Rules kept here:
- Every finding of a file is collected; none hides another.
- Lines and columns count from 1; a column counts characters, so a caret can stand under it.
- A text is UTF-8 with or without a byte order mark, LF or CRLF; anything that cannot be read, or
  cannot be seen, is a finding, never a guess.

Spec: none; the form `file:line:column: text` is the one compilers and editors share.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from gopack.errors import InputError

MAX_LINE_CHARS = 4096
"""Longer lines are no list, and an excerpt of them helps nobody."""

MAX_SHOWN = 50
"""A binary file given by mistake has thousands of findings; a person reads the first few."""

_EXCERPT_CHARS = 100
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\ud800-\udfff]")
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class Severity(Enum):
    """An error stops the run before anything is fetched; a warning is printed and passed by."""

    ERROR = "error"
    WARNING = "warning"


class Line(NamedTuple):
    """One line of a text, without its end."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong at one place.

    Args:
        name: the file as the person calls it.
        line, column: from 1; a line of 0 is the file as a whole.
        text: the whole line.
        what: what is wrong, a clause without a full stop.
        hint: the next step.
        severity: whether the run can go on.

    """

    name: str
    line: int
    column: int
    text: str
    what: str
    hint: str = ""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        mark = "warning: " if self.severity is Severity.WARNING else ""
        if self.line:
            shown = f"{self.name}:{self.line}:{self.column}: {mark}{self.what}\n{self.excerpt()}"
        else:
            shown = f"{self.name}: {mark}{self.what}"
        return f"{shown}\n    hint: {self.hint}" if self.hint else shown

    def excerpt(self) -> str:
        """The line, cut around the column, and a caret below the column."""
        at = self.column - 1
        start = max(0, at - _EXCERPT_CHARS // 2) if len(self.text) > _EXCERPT_CHARS else 0
        cut = self.text[start : start + _EXCERPT_CHARS]
        visible = "".join(" " if c == "\t" else c if c.isprintable() else "\ufffd" for c in cut)
        return f"    {visible.rstrip()}\n    {' ' * (at - start)}^"


class FindingsError(InputError):
    """A text that cannot be used; `findings` has everything that is wrong with it."""

    def __init__(self, findings: Iterable[Finding], *, name: str, hint: str = "") -> None:
        self.findings = tuple(findings)
        count = len(self.findings)
        what = f"{count} {'line is' if count == 1 else 'places are'} wrong, nothing was fetched"
        super().__init__(what, where=name, hint=hint)

    def __str__(self) -> str:
        shown = [str(finding) for finding in self.findings[:MAX_SHOWN]]
        if len(self.findings) > MAX_SHOWN:
            shown.append(f"{self.where}: and {len(self.findings) - MAX_SHOWN} more")
        return "\n".join(shown)


def read_lines(text: str | bytes, name: str) -> tuple[list[Line], list[Finding]]:
    r"""Split a text into its readable lines, and tell what cannot be read.

    A line with a finding is left out of the lines, so that it is reported once.

    >>> read_lines(b"a\r\nb\x00c\n", "list")[0]
    [Line(number=1, text='a'), Line(number=3, text='')]
    """
    if isinstance(text, bytes) and text.startswith(_UTF16_MARKS):
        what, hint = "the file is UTF-16", "Save it as UTF-8 (in Notepad: Save as, encoding UTF-8)."
        return [], [Finding(name, 1, 1, "", what, hint)]
    lines, findings = [], []
    pieces: Sequence[bytes | str] = _split(text)
    for number, raw in enumerate(pieces, 1):
        line, column, what = _decode(raw)
        if what:
            hint = "Retype the line: the character may have come with a copy from another program."
            findings.append(Finding(name, number, column, line[:MAX_LINE_CHARS], what, hint))
        else:
            lines.append(Line(number, line))
    return lines, findings


def _split(text: str | bytes) -> list[bytes] | list[str]:
    if isinstance(text, bytes):
        return [
            line.removesuffix(b"\r") for line in text.removeprefix(b"\xef\xbb\xbf").split(b"\n")
        ]
    return [line.removesuffix("\r") for line in text.removeprefix("\ufeff").split("\n")]


def _decode(raw: bytes | str) -> tuple[str, int, str]:
    """Give the text, and where it is bad the column and what is wrong there."""
    line = raw if isinstance(raw, str) else raw.decode(errors="replace")
    if len(line) > MAX_LINE_CHARS:
        return line, MAX_LINE_CHARS, f"the line is longer than {MAX_LINE_CHARS} characters"
    if isinstance(raw, bytes):
        try:
            raw.decode()
        except UnicodeDecodeError as error:
            column = len(raw[: error.start].decode()) + 1
            return line, column, f"byte 0x{raw[error.start]:02x} is not UTF-8"
    if bad := _CONTROL.search(line):
        kind = "NUL" if bad[0] == "\0" else f"control character U+{ord(bad[0]):04X}"
        return line, bad.start() + 1, kind
    return line, 0, ""
