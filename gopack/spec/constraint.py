"""Build constraints: could any build at all use this file?

Rules kept here:
- Every tag but `ignore` counts as true and as false, whichever lets the file in.
- A `//go:build` line decides alone; `// +build` lines count only without one, above a blank line
  that is above the package clause.
- A `//go:build` line that cannot be read keeps the file out, a `// +build` line that cannot be
  read is passed by.

Spec: go.dev/cmd/go/#hdr-Build_constraints; go/build/constraint, and the go command's imports
ShouldBuild and Eval with AnyTags.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from gopack.spec import runes

SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
"""unicode.IsSpace; str.strip() alone would also take U+001C to U+001F."""

_MAX_OPERANDS = 1000
"""go/build/constraint maxSize."""

_MAX_OLD_OPERATORS = 100
"""go/build/constraint maxOldSize, for +build lines."""

_TOKEN = re.compile(r"[ \t]*(?:([()!]|&&|\|\|)|([\w.]+)|(\S|\s))", re.DOTALL)
_FIELDS = re.compile(f"[^{SPACE}]+")
_PLAIN = re.compile(rb"(?:(?://[^\n]*)?\n){0,300}//go:build[ \t]([ -~\t]*)\n")
"""Most constraints: lines of comment, none of them one, and then the one that decides alone."""


class ConstraintError(ValueError):
    """A constraint that Go cannot read; it never leaves this room's callers."""


class _Truth(NamedTuple):
    """What an expression is when each tag is taken as wanted, and when as unwanted."""

    wanted: bool
    unwanted: bool

    def negated(self) -> "_Truth":
        return _Truth(not self.unwanted, not self.wanted)

    def both(self, other: "_Truth") -> "_Truth":
        return _Truth(self.wanted and other.wanted, self.unwanted and other.unwanted)

    def either(self, other: "_Truth") -> "_Truth":
        return _Truth(self.wanted or other.wanted, self.unwanted or other.unwanted)


_IGNORED = _Truth(wanted=False, unwanted=False)
_ANY = _Truth(wanted=True, unwanted=False)


def may_build(header: bytes) -> bool:
    r"""Tell whether some build could use a file that begins like this.

    `header` reaches at least to the first line that is neither blank nor comment.

    >>> may_build(b"//go:build ignore\n\npackage main"), may_build(b"//go:build linux\n\n")
    (False, True)

    Raises:
        ConstraintError: when there are two //go:build lines.
    """
    directives = header.count(b"//go:build")
    if not directives and b"+build" not in header:
        return True
    go_build: str | None
    plus_build: list[str] = []
    plain = _PLAIN.match(header) if directives == 1 else None
    if plain is not None:
        go_build = plain[1].decode().strip()
    else:
        go_build, plus_build = _directives(header.decode(errors="surrogateescape"))
    if go_build is not None:
        try:
            return _evaluate(go_build).wanted
        except ConstraintError:
            return False
    return all(_evaluate_plus(line).wanted for line in plus_build)


def _directives(header: str) -> tuple[str | None, list[str]]:
    """Give the expression of the //go:build line, and those of the +build lines that count."""
    go_build: str | None = None
    counted: list[str] = []
    pending: list[str] = []  # these count once a blank line follows
    leading, in_comment = True, False
    for line in _lines(header):
        if leading and not line:
            counted += pending
            pending = []
            continue
        leading = leading and line.startswith("//")
        if not in_comment and (text := _after(line, "//go:build")) is not None:
            if go_build is not None:
                raise ConstraintError("multiple //go:build comments")
            go_build = text
        if leading and (text := _after(line[2:].strip(SPACE), "+build")) is not None:
            pending.append(text)
        in_comment, code = _pass_comments(line, in_comment=in_comment)
        if code:
            break
    return go_build, counted


def _lines(text: str) -> Iterator[str]:
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return (line.strip(SPACE) for line in lines)


def _after(line: str, prefix: str) -> str | None:
    """Give the text after a prefix that is a word of its own."""
    rest = line.removeprefix(prefix)
    if not line.startswith(prefix) or (rest and rest[0] not in SPACE):
        return None
    return rest.strip(SPACE)


def _pass_comments(line: str, *, in_comment: bool) -> tuple[bool, bool]:
    """Tell whether a line ends inside a /* comment, and whether it has code."""
    while line:
        if in_comment:
            end = line.find("*/")
            if end < 0:
                return True, False
            in_comment, line = False, line[end + 2 :].strip(SPACE)
        elif line.startswith("//"):
            return False, False
        elif line.startswith("/*"):
            in_comment, line = True, line[2:].strip(SPACE)
        else:
            return False, True
    return in_comment, False


def _tag(name: str) -> _Truth:
    return _IGNORED if name == "ignore" else _ANY


def _is_tag(word: str) -> bool:
    """Letters, digits, underscores and dots, as Go knows them (Python's isalnum knows more)."""
    return word != "" and all(
        c in "_." or (c.isalnum() if c.isascii() else runes.is_letter(c) or c.isdecimal())
        for c in word
    )


class _Level:
    """The operands read so far between two parentheses."""

    def __init__(self, *, negated: bool = False) -> None:
        self.negated = negated  # the whole level, once it closes
        self.ors: _Truth | None = None
        self.ands: _Truth | None = None

    def add(self, operand: _Truth) -> None:
        self.ands = operand if self.ands is None else self.ands.both(operand)

    def close(self) -> _Truth:
        assert self.ands is not None
        return self.ands if self.ors is None else self.ors.either(self.ands)


def _tokens(text: str) -> Iterator[tuple[str, bool]]:
    """Yield tokens, and whether each is a tag."""
    for operator, tag, other in _TOKEN.findall(text):
        if other.strip(" \t") or (tag and not _is_tag(tag)):
            raise ConstraintError(f"invalid syntax at {other or tag}")
        if operator or tag:
            yield operator or tag, bool(tag)


@lru_cache(maxsize=256)
def _evaluate(text: str) -> _Truth:
    """Read a //go:build expression, without recursion: files may nest it deeply on purpose."""
    levels = [_Level()]
    negated, operands, after_operand = False, 0, False
    for lexeme, is_tag in _tokens(text):
        if after_operand:
            after_operand = _operator(lexeme, levels, is_tag=is_tag)
            continue
        if lexeme == "!" and not negated:
            negated = True
            continue
        operands += 1
        if operands > _MAX_OPERANDS:
            raise ConstraintError("build expression too large")
        if is_tag:
            levels[-1].add(_tag(lexeme).negated() if negated else _tag(lexeme))
            after_operand = True
        elif lexeme == "(":
            levels.append(_Level(negated=negated))
        else:
            raise ConstraintError(f"unexpected token {lexeme}")
        negated = False
    if not after_operand or len(levels) > 1:
        raise ConstraintError("unexpected end of expression")
    return levels[0].close()


def _operator(lexeme: str, levels: list[_Level], *, is_tag: bool) -> bool:
    """Read what follows an operand; tell whether an operand stands before the next token."""
    level = levels[-1]
    if is_tag or lexeme not in {"&&", "||", ")"} or (lexeme == ")" and len(levels) == 1):
        raise ConstraintError(f"unexpected token {lexeme}")
    if lexeme == "||":
        level.ors, level.ands = level.close(), None
    elif lexeme == ")":
        levels.pop()
        closed = level.close()
        levels[-1].add(closed.negated() if level.negated else closed)
        return True
    return False


def _evaluate_plus(text: str) -> _Truth:
    """Read a +build line: blanks are or, commas are and; one too large is as if it were not."""
    clauses = [clause.split(",") for clause in _FIELDS.findall(text)]
    if not clauses:
        return _IGNORED
    if sum(len(clause) for clause in clauses) - 1 > _MAX_OLD_OPERATORS:
        return _ANY
    result = _Truth(wanted=False, unwanted=False)
    for clause in clauses:
        result = result.either(_all_of(clause))
    return result


def _all_of(words: Iterable[str]) -> _Truth:
    result = _Truth(wanted=True, unwanted=True)
    for word in words:
        name = word.removeprefix("!")
        if word == "!" or word.startswith("!!"):
            truth = _IGNORED
        elif name == word:
            truth = _tag(name if _is_tag(name) else "ignore")
        else:
            truth = _tag(name if _is_tag(name) else "ignore").negated()
        result = result.both(truth)
    return result
