r"""What people paste into a list: shell lines, addresses from a browser, lines of other files.

Rules kept here:
- `#` and `//` begin a comment at the start of a line, after white space or after `;`; the `//` of
  `https://` does not.
- `;`, `&&` and `||` part commands; a `\` at the end of a line is white space; quotes are the
  shell's.
- Of `go get`, `go install` and `go mod download` the flags fall away and the arguments stay.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gopack.errors import InputError

_COMMENT = re.compile(r"(?:^|(?<=[\s;]))(?:#|//)")
_WORD = re.compile(r""";|(?:[^\s;"'\[]|"[^"]*"|'[^']*'|\[[^\]]*\]|["'\[])+""")
_QUOTED = re.compile(r"""(["'])(.*?)\1""")
_SEPARATORS = {";", "&&", "||"}
_ENVIRONMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://(.*)")
_SCP = re.compile(r"[\w.-]+@([\w.-]+):(.+)")
_BROWSED = re.compile(r"/-?/?(?:tree|blob|src|releases|tags?|commits?|issues|pulls?|wiki)(?:/.*)?$")
_VALUE_FLAGS_TEXT = """
    -C -p -o -asmflags -buildmode -compiler -exec -gccgoflags -gcflags -installsuffix -ldflags
    -mod -modfile -overlay -pgo -pkgdir -reuse -tags -toolexec
"""
_VALUE_FLAGS = frozenset(_VALUE_FLAGS_TEXT.split())
"""Flags of the go command whose value is the next word (`go help build`)."""


class Word(NamedTuple):
    """One word of a line: its value without quotes, and the column it starts at."""

    value: str
    column: int


def strip_comment(text: str) -> str:
    """Cut a comment off the end of a line.

    >>> strip_comment("example.com/a // note"), strip_comment("https://example.com/a")
    ('example.com/a ', 'https://example.com/a')
    """
    found = _COMMENT.search(text)
    return text[: found.start()] if found else text


def split_commands(text: str) -> Iterator[list[Word]]:
    """Split a line without comment into commands, and each into words.

    >>> [[w.value for w in c] for c in split_commands("go get 'a@>=v1' b; go get c &&")]
    [['go', 'get', 'a@>=v1', 'b'], ['go', 'get', 'c']]
    """
    command: list[Word] = []
    for match in _WORD.finditer(text):
        if match[0] in _SEPARATORS:
            if command:
                yield command
            command = []
        elif not (match[0] == "\\" and not text[match.end() :].strip()):
            command.append(Word(_QUOTED.sub(r"\2", match[0]), match.start() + 1))
    if command:
        yield command


def go_arguments(command: Sequence[Word]) -> list[Word] | None:
    """Give the modules a pasted go command names; None when it is no go command.

    >>> [w.value for w in go_arguments([Word(v, 1) for v in "go get -u -tags x a b".split()])]
    ['a', 'b']

    Raises:
        InputError: for a go command that fetches nothing.
    """
    words = list(command)
    while len(words) > 1 and _ENVIRONMENT.fullmatch(words[0].value) and "@" not in words[0].value:
        del words[0]
    values = [word.value for word in words]
    if len(values) < 2 or values[0] != "go":
        return None
    if values[1] in {"get", "install"}:
        return _without_flags(words[2:])
    if values[1:3] == ["mod", "download"]:
        return _without_flags(words[3:])
    raise InputError(
        f"go {values[1]} is no line of a list",
        hint="Of the go command only go get, go install and go mod download lines are read.",
    )


def _without_flags(words: Sequence[Word]) -> list[Word]:
    kept, skip = [], False
    for word in words:
        if skip:
            skip = False
        elif word.value.startswith("-"):
            skip = word.value.replace("--", "-", 1) in _VALUE_FLAGS
        else:
            kept.append(word)
    return kept


def path_of_address(text: str) -> str | None:
    """Guess the module path a pasted address means; None when the text is no address.

    >>> path_of_address("https://github.com/google/uuid.git")
    'github.com/google/uuid'
    >>> path_of_address("git@github.com:google/uuid.git")
    'github.com/google/uuid'
    >>> path_of_address("https://docs.example/github.com/google/uuid@v1.6.0#section")
    'github.com/google/uuid@v1.6.0'
    """
    if match := _URL.fullmatch(text):
        host, _, path = match[1].partition("/")
        host = host.rpartition("@")[2].partition(":")[0].lower()
    elif match := _SCP.fullmatch(text):
        host, path = match[1], match[2]
    else:
        return None
    path = re.split(r"[?#]", path, maxsplit=1)[0].strip("/")
    path = _BROWSED.sub("", "/" + path).strip("/")
    first, _, rest = path.partition("/")
    if rest and "." in first and not re.search(r"\.v\d+$", first):
        return path  # a documentation site, and below it the module path
    return f"{host}/{path}".removesuffix(".git").rstrip("/")
