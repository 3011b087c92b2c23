"""The syntax of go.mod (and go.work) files: lines of tokens, blocks of lines, `//` comments.

Rules kept: a line is tokens up to its end or a comment; `verb (` at the end of a line opens a
block, a line that begins with `)` closes it; strings are quoted by `"` or a back quote; `/* */`
comments, control characters and characters that do not print (a BOM too) are refused outside
strings and comments; a carriage return is a space. What directives mean is not known here.

Spec: go.dev/ref/mod#go-mod-file-lexical, golang.org/x/mod/modfile (read.go).
"""

import re
from typing import NamedTuple

from gopack.errors import InputError
from gopack.spec import runes


class Line(NamedTuple):
    """One line of tokens, with its comments as they are written, `//` included.

    `before` are the comment lines directly above; inside a block an empty one stands for blank
    lines there. `suffix` is the comment at the line's end, empty if there is none. `at` is the
    offset of the first token in the text.
    """

    tokens: tuple[str, ...]
    before: tuple[str, ...]
    suffix: str
    at: int


class Block(NamedTuple):
    """A block: the tokens before its `(`, and its lines."""

    tokens: tuple[str, ...]
    before: tuple[str, ...]
    lines: tuple[Line, ...]
    at: int


# What a repeat may take and what may follow it never begin alike, so there is one way to match and
# a hostile file costs no more time than its length; and a repeated group is bounded, for each round
# takes memory. Possessive repeats would do both, but Python's match wrongly before 3.11.5.
_TOKEN = re.compile(
    r"""[ \t\r]* (?:
        (?P<comment> //[^\n]* ) \n?
      | (?P<end>     \n | \Z )
      | (?P<punct>   [()\[\]{},] )
      | (?P<string>  "[^"\\\n]*" | `[^`\n]*` )
      | (?P<escaped> "[^"\\\n]*(?=\\) )  # the beginning of a string
      | (?P<word>    (?!["`]|/\*) [^\x00-\x20\x7f()\[\]{},]+ )  # perhaps with a comment behind it
    )""",
    re.VERBOSE,
)
_ESCAPES = re.compile(r'(?:\\[\s\S][^"\\\n]*){1,1000}')
_COMMENT_IN_WORD = re.compile(r"/[/*]")
_PLAIN_LINE = re.compile(
    # Two words and perhaps a comment: most lines of most files. The words hold only characters
    # that need no further look and no "//", so this is what _TOKEN would find, only sooner.
    r"[ \t\r]*([-.~\w]+(?:/[-.~\w]+){0,20})[ \t\r]+([-+.~\w]+)[ \t\r]*(//[^\n]*)?(?:\n|\Z)",
    re.ASCII,
)
_END_OF_LINE = ("comment", "end")


def parse_statements(text: str, *, where: str) -> list[Line | Block]:
    """Read text into its statements; comments that belong to none are left out.

    >>> parse_statements("module a // b", where="go.mod")
    [Line(tokens=('module', 'a'), before=(), suffix='// b', at=0)]

    Raises:
        InputError: a syntax error, at `where:line:column`.
    """
    reader = _Reader(text, where)
    statements: list[Line | Block] = []
    above: list[str] = []
    while True:
        kind, piece, at = reader.read()
        if kind == "end":
            if not piece:
                return statements
            above = []
        elif kind == "comment":
            above.append(piece)
        else:
            statements.append(reader.read_statement(piece, at, tuple(above)))
            above = []


def position(text: str, at: int) -> str:
    r"""`line:column` of an offset, both from 1, the column in characters.

    >>> position("a\nbc", 3)
    '2:2'
    """
    return f"{text.count(chr(10), 0, at) + 1}:{at - text.rfind(chr(10), 0, at)}"


class _Reader:
    """The text and how far it is read."""

    __slots__ = ("is_ascii", "pos", "text", "where")

    def __init__(self, text: str, where: str) -> None:
        self.text = text
        self.where = where
        self.pos = 0
        self.is_ascii = text.isascii()

    def read(self) -> tuple[str, str, int]:
        """The next token: its kind (a group of _TOKEN), text and offset."""
        found = _TOKEN.match(self.text, self.pos)
        if found is None:
            raise self._unreadable()
        kind = found.lastgroup or ""
        piece, at = found[kind], found.start(kind)
        self.pos = found.end()
        if kind == "word":
            if comment := _COMMENT_IN_WORD.search(piece):
                piece = piece[: comment.start()]
                self.pos = at + len(piece)
            if not self.is_ascii:
                self._check_prints(piece, at)
        elif kind == "escaped":
            self.pos = self._string_end(found)
            return "string", self.text[at : self.pos], at
        return kind, piece, at

    def read_statement(self, first: str, at: int, above: tuple[str, ...]) -> Line | Block:
        """A line or a block whose first token is read already."""
        tokens = [first]
        while True:
            kind, piece, _ = self.read()
            if kind in _END_OF_LINE:
                return Line(tuple(tokens), above, piece if kind == "comment" else "", at)
            if piece == "(":
                following = self._peek()
                if following[0] in _END_OF_LINE:
                    return Block(tuple(tokens), above, self._read_lines(at), at)
                if following[1] == ")":
                    self.read()
                    if self._peek()[0] in _END_OF_LINE:
                        self.read()
                        return Block(tuple(tokens), above, (), at)
                    tokens += "()"
                    continue
            tokens.append(piece)

    def _peek(self) -> tuple[str, str, int]:
        before = self.pos
        piece = self.read()
        self.pos = before
        return piece

    def _read_lines(self, block_at: int) -> tuple[Line, ...]:
        """The lines of a block, from behind its opening parenthesis to behind its closing one."""
        text = self.text
        lines: list[Line] = []
        above: list[str] = []
        self.read()  # the end of the opening line
        while True:
            plain = _PLAIN_LINE.match(text, self.pos)
            if plain:
                path, version, suffix = plain.groups("")
                lines.append(Line((path, version), tuple(above), suffix, plain.start(1)))
                self.pos = plain.end()
                above = []
                continue
            kind, piece, at = self.read()
            if kind == "comment":
                above.append(piece)
            elif kind == "end":
                if not piece:
                    raise self._refusal("the block that begins here is not closed", block_at)
                is_worth_a_mark = above[-1] if above else lines
                if is_worth_a_mark:
                    above.append("")
            elif piece == ")":
                self._read_block_end()
                return tuple(lines)
            else:
                lines.append(self._read_line(piece, at, tuple(above)))
                above = []

    def _read_line(self, first: str, at: int, above: tuple[str, ...]) -> Line:
        tokens = [first]
        while True:
            kind, piece, _ = self.read()
            if kind in _END_OF_LINE:
                return Line(tuple(tokens), above, piece if kind == "comment" else "", at)
            tokens.append(piece)

    def _read_block_end(self) -> None:
        kind, _, at = self.read()
        if kind not in _END_OF_LINE:
            raise self._refusal("expected the end of the line after a closing parenthesis", at)

    def _string_end(self, beginning: re.Match[str]) -> int:
        """Where the string ends whose first escape is behind this beginning."""
        end = beginning.end()
        while escapes := _ESCAPES.match(self.text, end):
            end = escapes.end()
        if not self.text.startswith('"', end):
            self.pos = beginning.start()
            raise self._unreadable()
        return end + 1

    def _check_prints(self, word: str, at: int) -> None:
        for i, char in enumerate(word):
            # A byte that is not UTF-8 (a surrogate here) counts as U+FFFD, which prints.
            if char > "\x7f" and not ("\ud800" <= char <= "\udfff" or runes.is_print(char)):
                raise self._refusal(f"unexpected character {char!a}", at + i)

    def _unreadable(self) -> InputError:
        at = self.pos
        while self.text[at] in " \t\r":
            at += 1
        if self.text.startswith("/*", at):
            return self._refusal("comments begin with //, /* */ is not known", at)
        if self.text[at] in '"`':
            return self._refusal("a quoted string is not closed on its line", at)
        return self._refusal(f"unexpected character {self.text[at]!a}", at)

    def _refusal(self, what: str, at: int) -> InputError:
        return InputError(what, where=f"{self.where}:{position(self.text, at)}")


_ESCAPE = re.compile(
    r"\\(?:(?P<simple>[abfnrtv\\\"])|x(?P<hex>[0-9A-Fa-f]{2})|(?P<octal>[0-3][0-7]{2})"
    r"|u(?P<short>[0-9A-Fa-f]{4})|U(?P<long>[0-9A-Fa-f]{8}))"
)
_SIMPLE = dict(zip('abfnrtv\\"', '\a\b\f\n\r\t\v\\"', strict=True))


def unquote(token: str) -> str | None:
    r"""The text of a token in double quotes as strconv.Unquote reads it; None if it does not.

    >>> unquote('"a\\u00df"'), unquote('"\\q"')
    ('aß', None)
    """
    # Bytes that are not UTF-8 become U+FFFD, as Go's decoding makes them.
    body = re.sub("[\ud800-\udfff]", "\ufffd", token[1:-1])
    if "\\" not in body:
        return body
    if "\\" in _ESCAPE.sub("", body):
        return None
    try:
        plain = b"".join(_pieces(body))
    except (ValueError, OverflowError):
        return None
    return plain.decode("utf-8", "surrogateescape")


def _pieces(body: str) -> list[bytes]:
    pieces = []
    at = 0
    for found in _ESCAPE.finditer(body):
        pieces += [body[at : found.start()].encode(), _escape_bytes(found)]
        at = found.end()
    return [*pieces, body[at:].encode()]


def _escape_bytes(found: re.Match[str]) -> bytes:
    kind = found.lastgroup or ""
    digits = found[kind]
    if kind == "simple":
        return _SIMPLE[digits].encode()
    if kind in ("hex", "octal"):
        return bytes([int(digits, 16 if kind == "hex" else 8)])
    return chr(int(digits, 16)).encode()  # a surrogate or too large a number is a ValueError
