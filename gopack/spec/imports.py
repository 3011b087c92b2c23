"""The imports of a Go source file, read from its head alone.

Rules kept here:
- Only the package clause and the import declarations are read; the rest of a file may be anything.
- A file that the go command cannot parse so far has no imports, and still is a Go file.
- Build constraints are judged as `go mod tidy` does (gopack.spec.constraint), so GOOS and GOARCH
  in a file's name keep nothing out.

Spec: go.dev/ref/spec#Import_declarations; go/parser ImportsOnly, and the go command's modindex
readGoInfo and ScanDir with imports.AnyTags.
"""

import re
from dataclasses import dataclass, field

from gopack.spec import runes
from gopack.spec.constraint import ConstraintError, may_build

_BOM = b"\xef\xbb\xbf"
_IDENT = rb"[A-Za-z0-9_\x80-\xff]"
# What a repeat may take and what may follow it never begin alike, so there is one way to match and
# a hostile file costs no more time than its length; and a repeated group is bounded, for each round
# takes memory. Possessive repeats would do both, but Python's match wrongly before 3.11.5.
_SPACE = re.compile(rb"[ \t\r\n\f;]*")
_PACKAGE = re.compile(rb"package(?!%b)" % _IDENT)
_IMPORT = re.compile(rb"import(?!%b)" % _IDENT)
_NAME = re.compile(rb"%b+" % _IDENT)
_SPEC_NAME = re.compile(rb"\.|%b+" % _IDENT)
_RAW_STRING = re.compile(rb"`[^`]*`")
_STRING_START = re.compile(rb'"[^"\\\n]*')
_ESCAPES = re.compile(rb'(?:\\.[^"\\\n]*){1,1000}', re.DOTALL)
_ENDS_LINE = re.compile(rb"[ \t\r]*\n[ \t\r\n]*")
_COMMENT = re.compile(rb"//[^\n]*|/\*.*?\*/", re.DOTALL)
_KEYWORDS_TEXT = b"""
    break case chan const continue default defer else fallthrough for func go goto if import
    interface map package range return select struct switch type var
"""
_KEYWORDS = frozenset(_KEYWORDS_TEXT.split())

_BLOCK_COMMENT_TEXT = rb"/\*[^*]*\*+(?:[^/*][^*]*\*+){0,300}/"
_BLANK_TEXT = rb"[ \t\r\n]*(?:(?://[^\n]*\n|%b)[ \t\r\n]*){0,300}" % _BLOCK_COMMENT_TEXT
_LINE_END_TEXT = rb"[ \t\r]*(?://[^\n]*)?\n"
_PLAIN_LINE_TEXT = rb"""[ \t\r]*(?:([A-Za-z_]\w*|\.)[ \t]+)?"([-\w./]+)"%b""" % _LINE_END_TEXT
_PLAIN_LINE = re.compile(rb"^" + _PLAIN_LINE_TEXT, re.MULTILINE)
_PLAIN_GROUP_TEXT = rb"(?:%b|%b){0,2000}" % (_PLAIN_LINE_TEXT, _LINE_END_TEXT)
_PLAIN_FILE = re.compile(
    # Most files: a package clause, one import declaration at most, then another declaration.
    # It finds what the functions below would find, only sooner.
    _BLANK_TEXT
    + rb"package[ \t]+([A-Za-z_]\w*)%b" % _LINE_END_TEXT
    + _BLANK_TEXT
    + rb"(?:import(?!%b)[ \t]*" % _IDENT
    + rb"(?:\(%b(?P<group>%b)[ \t]*\)[ \t\r]*\n" % (rb"[ \t\r]*\n", _PLAIN_GROUP_TEXT)
    + rb"|(?P<single>%b))%b)?(?=[a-hj-z])" % (_PLAIN_LINE_TEXT, _BLANK_TEXT)
)

_PLAIN_PATH = re.compile(rb"[-A-Za-z0-9_./~+@]+")
_NO_PATH = frozenset("!\"#$%&'()*,:;<=>?[\\]^{|}`\ufffd")
"""modindex isValidImport: what the specification lets a compiler refuse."""

_ESCAPE = re.compile(
    r"""\\(?:([abfnrtv\\"])|([0-7]{3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|)""",
    re.DOTALL,
)
_SIMPLE_ESCAPES = dict(zip('abfnrtv\\"', '\a\b\f\n\r\t\v\\"', strict=True))

_MARGIN_BYTES = 8
"""A prefix that ends this near to where reading stopped may end inside a keyword or comment."""


class _SyntaxError(Exception):
    """The file cannot be parsed so far."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """What the head of a Go file tells.

    Args:
        imports: import paths in their order, `C` among them, each as often as it stands there.
        built: whether some build could use the file.
        error: why it cannot be parsed, if so; then it has no imports.
        package: the name in its package clause, empty where that cannot be read.

    """

    imports: tuple[str, ...] = ()
    built: bool = True
    error: str = ""
    package: str = field(default="", repr=False, compare=False)


def read_source(data: bytes, *, whole: bool = True) -> SourceFile | None:
    r"""Read a Go file, or the first bytes of one.

    None means that more than this prefix is needed; with `whole` it never comes.

    >>> read_source(b'package a\nimport ("fmt"; x "example.com/b")\nfunc f() {')
    SourceFile(imports=('fmt', 'example.com/b'), built=True, error='')
    >>> read_source(b'package a\nimport "fm', whole=False) is None
    True
    """
    data = data.removeprefix(_BOM)
    try:
        package, imports, end = _read_imports(data)
        header = data[:end]
        if b"\0" in data[: end + 1]:
            return SourceFile(error="unexpected NUL in input")
        _check_text(header)
        read = SourceFile(tuple(imports), package=package)
    except _SyntaxError as error:
        end, header = len(data), data
        read = SourceFile(error=str(error))
    if not whole and len(data) - end < _MARGIN_BYTES:
        return None
    try:
        if may_build(header):
            return read
        return SourceFile(built=False, error=read.error, package=read.package)
    except ConstraintError as error:
        return SourceFile(error=str(error))


def _skip(data: bytes, at: int) -> int:
    """Go past white space, comments and semicolons."""
    while True:
        space = _SPACE.match(data, at)
        assert space is not None
        at = space.end()
        if data.startswith(b"//", at):
            at = data.find(b"\n", at) + 1 or len(data)
        elif data.startswith(b"/*", at) and (end := data.find(b"*/", at + 2)) >= 0:
            at = end + 2
        else:
            return at


def _read_imports(data: bytes) -> tuple[str, list[str], int]:
    """Give the package's name, the import paths, and where the first thing after them starts."""
    if plain := _PLAIN_FILE.match(data):
        return _read_plain(plain)
    package, at = _read_package(data)
    imports: list[str] = []
    while True:
        start, at = at, _skip(data, at)
        keyword = _IMPORT.match(data, at)
        if keyword is None:
            _check_end(data, start, at)
        if keyword is None or not _continues(data[start:at]):
            return package, imports, at
        start, at = keyword.end(), _skip(data, keyword.end())
        _refuse_semicolon(data[start:at])
        if data[at : at + 1] == b"(":
            at = _read_group(data, at + 1, imports)
        else:
            at = _read_spec(data, at, imports)


def _read_plain(plain: re.Match[bytes]) -> tuple[str, list[str], int]:
    specs = _PLAIN_LINE.findall(plain["group"] or plain["single"] or b"")
    if not _KEYWORDS.isdisjoint([plain[1], *[name for name, _ in specs]]):
        raise _SyntaxError("a keyword where a name stands")
    return plain[1].decode(), [path.decode() for _, path in specs], plain.end()


def _read_package(data: bytes) -> tuple[str, int]:
    at = _skip(data, 0)
    _refuse_semicolon(data[:at])
    keyword = _PACKAGE.match(data, at)
    if keyword is None:
        raise _SyntaxError("expected 'package'")
    at = _skip(data, keyword.end())
    _refuse_semicolon(data[keyword.end() : at])
    name = _NAME.match(data, at)
    if name is None or not _is_identifier(name[0]):
        raise _SyntaxError("expected a package name")
    return name[0].decode(), name.end()


def _read_group(data: bytes, at: int, imports: list[str]) -> int:
    start, at = at, _skip(data, at)
    _refuse_semicolon(data[start:at])
    while data[at : at + 1] != b")":
        end = _read_spec(data, at, imports)
        at = _skip(data, end)
        if data[at : at + 1] != b")":
            _check_separator(data[end:at])
        elif not re.fullmatch(rb"\n*|;\n*", _gap(data[end:at])):
            raise _SyntaxError("missing import path")
    return at + 1


def _read_spec(data: bytes, at: int, imports: list[str]) -> int:
    name = _SPEC_NAME.match(data, at)
    start = _skip(data, name.end()) if name else at
    end = _string_end(data, start)
    if name is not None:
        _check_name(name[0], data[name.end() : start])
    imports.append(_import_path(data[start:end]))
    return end


def _string_end(data: bytes, at: int) -> int:
    if raw := _RAW_STRING.match(data, at):
        return raw.end()
    found = _STRING_START.match(data, at)
    end = found.end() if found else len(data)
    while escapes := _ESCAPES.match(data, end):
        end = escapes.end()
    if not data.startswith(b'"', end):
        raise _SyntaxError("missing import path")
    return end + 1


def _check_name(name: bytes, gap: bytes) -> None:
    between = _gap(gap)
    if b";" in between or (name != b"." and b"\n" in between):
        raise _SyntaxError("missing import path")
    if name != b"." and not _is_identifier(name):
        raise _SyntaxError("the import's name is no identifier")


def _import_path(literal: bytes) -> str:
    is_raw = literal.startswith(b"`")
    text = literal[1:-1].replace(b"\r", b"") if is_raw else literal[1:-1]
    if _PLAIN_PATH.fullmatch(text):
        return text.decode()
    path = text.decode(errors="surrogateescape")
    if b"\\" in text and not is_raw:
        path = _unquote(path)
    # What is graphic to Go and no space is printable to Python, but for the space itself.
    if not path or any(c in _NO_PATH or c == " " or not c.isprintable() for c in path):
        raise _SyntaxError(f"invalid import path: {path!r}")
    return path


def _unquote(text: str) -> str:
    """Replace the escapes of a string literal (strconv.Unquote)."""

    def replaced(match: re.Match[str]) -> str:
        simple, octal, byte, *wide = match.groups()
        if simple:
            return _SIMPLE_ESCAPES[simple]
        number = int(octal, 8) if octal else int(byte or wide[0] or wide[1] or "-1", 16)
        if number < 0 or (octal and number > 255) or not (octal or byte or _is_rune(number)):
            raise _SyntaxError("unknown escape sequence")
        is_byte = number >= 0x80 and (octal or byte)
        return chr(0xDC00 + number) if is_byte else chr(number)

    encoded = _ESCAPE.sub(replaced, text).encode("utf-8", "surrogateescape")
    return encoded.decode(errors="surrogateescape")


def _is_rune(number: int) -> bool:
    return number < 0xD800 or 0xE000 <= number <= 0x10FFFF


def _is_identifier(name: bytes) -> bool:
    """Tell whether this is a name: letters, digits and underscores, no keyword."""
    text = name.decode(errors="surrogateescape")
    if text.isascii():
        return not text[0].isdigit() and name not in _KEYWORDS
    return not text[0].isdecimal() and all(
        c == "_" or c.isdecimal() or runes.is_letter(c) for c in text
    )


def _gap(text: bytes) -> bytes:
    """Give the newlines and semicolons of what lies between two tokens, in order.

    A comment over several lines counts as a newline.
    """
    plain = _COMMENT.sub(lambda m: b"\n" if b"\n" in m[0] else b"", text)
    if b"\f" in plain:
        raise _SyntaxError("illegal character U+000C")
    return re.sub(rb"[ \t\r]", b"", plain)


def _check_separator(gap: bytes) -> None:
    """Demand one semicolon, or the newline that stands for it."""
    if _ENDS_LINE.fullmatch(gap):
        return
    if not re.fullmatch(rb"\n+|;\n*", _gap(gap)):
        raise _SyntaxError("expected ';'")


def _continues(gap: bytes) -> bool:
    """Tell whether a declaration can follow; go/parser stops looking at a second semicolon."""
    if not _ENDS_LINE.fullmatch(gap) and re.match(rb"\n+;|;\n*;", _gap(gap)):
        return False
    _check_separator(gap)
    return True


def _refuse_semicolon(gap: bytes) -> None:
    if (b";" in gap or b"\f" in gap) and b";" in _gap(gap):
        raise _SyntaxError("unexpected ';'")


def _check_end(data: bytes, start: int, at: int) -> None:
    """Refuse what go/parser cannot read as the first thing after the imports.

    The go command shows its parser nothing more, unless that thing is a broken comment or word
    it stumbled on itself.
    """
    if data[at : at + 1] not in {b"/", b"i"} and b"\f" not in data[start:at]:
        return
    gap = _gap(data[start:at])
    if re.match(rb"\n+;|;\n*;", gap):
        return
    if (not gap and at < len(data)) or data[at : at + 2] == b"/*":
        raise _SyntaxError("expected ';' after the import")


def _check_text(header: bytes) -> None:
    """Go sources are UTF-8 without a byte order mark inside."""
    if header.isascii():
        return
    try:
        header.decode()
    except UnicodeDecodeError as error:
        raise _SyntaxError("illegal UTF-8 encoding") from error
    if _BOM in header:
        raise _SyntaxError("illegal byte order mark")
