"""Characters as Go sees them: runes, UTF-8, and the Unicode version Go is built with.

Python's own tables change with its version, Go's with Go's; a name that one Go calls a letter
must not be refused here, so the tables are Go's.

Spec: pkg.go.dev/unicode, pkg.go.dev/unicode/utf8.
"""

from bisect import bisect_right
from functools import cache

from gopack.spec import unicode_tables

ERROR = 0xFFFD
"""utf8.RuneError: what a byte that starts no character decodes to, with size 1."""


@cache
def _bounds(table: str) -> list[int]:
    """The places where membership flips, ascending: odd many at or below a member."""
    bounds: list[int] = []
    at = 0
    numbers = [int(word, 16) for word in table.split()]
    for skip, more in zip(numbers[::2], numbers[1::2], strict=True):
        bounds += [at + skip, at + skip + more + 1]
        at = bounds[-1]
    return bounds


def is_letter(char: str) -> bool:
    """unicode.IsLetter.

    >>> is_letter("ß"), is_letter("1")
    (True, False)
    """
    return bisect_right(_bounds(unicode_tables.LETTERS), ord(char)) % 2 == 1


def is_print(char: str) -> bool:
    """unicode.IsPrint: letters, marks, numbers, punctuation, symbols, and of spaces only U+0020.

    >>> is_print("ß"), is_print(" "), is_print(chr(0xA0)), is_print(chr(7))
    (True, True, False, False)
    """
    return bisect_right(_bounds(unicode_tables.PRINTABLE), ord(char)) % 2 == 1


def is_utf8(text: str) -> bool:
    r"""Whether text has no lone surrogates, so that it can be UTF-8.

    >>> is_utf8("ß"), is_utf8(b"\xff".decode("utf-8", "surrogateescape"))
    (True, False)
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def encoded(text: str) -> bytes:
    r"""The bytes of text, with escaped bytes restored; never fails.

    >>> encoded(b"a\xff".decode("utf-8", "surrogateescape"))
    b'a\xff'
    """
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def decode(data: bytes) -> tuple[int, int]:
    r"""The first rune of data and its size in bytes; (ERROR, 1) where none starts.

    >>> decode(b"\xc3\x9f!"), decode(b"\xff!")
    ((223, 2), (65533, 1))
    """
    lead = data[0]
    if lead < 0x80:
        return lead, 1
    size = 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
    try:
        return ord(data[:size].decode()), size
    except (UnicodeDecodeError, TypeError):
        return ERROR, 1


def shown(text: str) -> str:
    r"""Text fit for a message: itself, or escaped where it is empty or holds what cannot be seen.

    >>> shown("v1.2.3"), shown("a\x1b[0m")
    ('v1.2.3', "'a\\x1b[0m'")
    """
    return text if text and text.isprintable() else repr(text)
