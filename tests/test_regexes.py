r"""No possessive repeat and no atomic group in the package's regular expressions.

Python 3.11.0 to 3.11.4 match them wrongly where what they repeat can itself be matched in more
than one way (mended in CPython 3.11.5), and 3.11.2 is the Python of Debian 12. The same is had by
repeats that never begin like what follows them, or by `(?=(...))\1`.
"""

import ast
import contextlib
import importlib
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / "gopack").rglob("*.py"))


def name_of(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def literal_patterns(tree: ast.AST) -> Iterator[str | bytes]:
    """The first arguments of calls `re.something("...")`."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="re")),
                args=[ast.Constant(value=(str() | bytes()) as text), *_],
            ):
                yield text


def compiled_patterns(file: Path) -> Iterator[tuple[str | bytes, int]]:
    """The patterns that a module keeps, whatever they were put together from."""
    for value in vars(importlib.import_module(name_of(file))).values():
        for item in value if isinstance(value, tuple | list) else [value]:
            if isinstance(item, re.Pattern):
                yield item.pattern, item.flags


def is_refused(pattern: str | bytes, flags: int = 0) -> bool:
    tree = io.StringIO()
    with contextlib.redirect_stdout(tree):
        re.compile(pattern, flags & ~re.LOCALE | re.DEBUG)
    return bool(re.search(r"POSSESSIVE_REPEAT|ATOMIC_GROUP", tree.getvalue()))


@pytest.mark.parametrize("pattern", ["a*+", b"a++", "(?:ab)?+", "a{2}+", "x(?>ab)", "(?=(?>a))"])
def test_is_refused_possessive_or_atomic_found(pattern: str | bytes) -> None:
    assert is_refused(pattern)


@pytest.mark.parametrize("pattern", ["[*+]+", b"a\\++", r"(?=(a+))\1", "{}+?", "(?P<a>b)*"])
def test_is_refused_plain_pattern_passes(pattern: str | bytes) -> None:
    assert not is_refused(pattern)


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_package_regexes_neither_possessive_nor_atomic(file: Path) -> None:
    patterns: list[tuple[str | bytes, int]] = [
        (text, 0) for text in literal_patterns(ast.parse(file.read_text()))
    ]
    if file.stem != "__main__":
        patterns += compiled_patterns(file)
    assert [text for text, flags in patterns if is_refused(text, flags)] == []
