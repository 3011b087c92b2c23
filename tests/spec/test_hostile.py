"""Reading costs no more than a file's length, whatever stands in it."""

import time
from contextlib import suppress

import pytest

from gopack.errors import InputError
from gopack.spec import imports, modsyntax

SIZE_BYTES = 200_000
LIMIT_S = 4.0
"""Some twenty times what the slowest takes; quadratic reading would take many minutes."""


def filled(before: str, unit: str, after: str = "") -> str:
    return before + unit * (SIZE_BYTES // len(unit)) + after


MOD_FILES = {
    "slashes in a word": filled("require (\n", "a/", " v1\n)\n"),
    "comments behind words": filled("", "a//b\n"),
    "escapes": filled('x "', "\\\\", '"\n'),
    "escapes in an open string": filled('x "', "\\\\"),
    "spaces before a bad character": filled("require (\na ", " ", "\x07"),
    "a word before a bad character": filled("require (\n", "a", "\x07"),
    "lines of three words": filled("require (\n", "a/b/c d e\n", ")\n"),
    "blank lines": filled("require (\n", " \n", ")\n"),
}
SOURCES = {
    "stars in a comment": filled("package a\n/*", "* "),
    "stars in a closed comment": filled("package a\n/*", "* ", "*/\nfunc"),
    "comments": filled("package a\n", "/**/"),
    "comments and a bad byte": filled("", "/* a */ // b\n", "?"),
    "comments in a group": filled("package a\nimport (\n", "// a\n"),
    "spaces in a group": filled("package a\nimport (\n", " "),
    "blank lines in a group": filled("package a\nimport (\n", "\n"),
    "imports": filled("package a\nimport (\n", 'x "a"\n', ")\nfunc"),
    "imports, then a bad byte": filled("package a\nimport (\n", '"a"\n', "?"),
    "comments behind a name": filled("package a\nimport b", "/**/", "?"),
    "escapes in an open string": filled('package a\nimport "', "\\\\"),
    "a long name": filled("package a\nimport ", "a"),
}


@pytest.mark.parametrize("name", MOD_FILES)
def test_parse_statements_hostile_file_read_in_linear_time(name: str) -> None:
    begin = time.process_time()
    with suppress(InputError):
        modsyntax.parse_statements(MOD_FILES[name], where="go.mod")
    assert time.process_time() - begin < LIMIT_S


@pytest.mark.parametrize("name", SOURCES)
def test_read_source_hostile_file_read_in_linear_time(name: str) -> None:
    begin = time.process_time()
    assert imports.read_source(SOURCES[name].encode()) is not None
    assert time.process_time() - begin < LIMIT_S
