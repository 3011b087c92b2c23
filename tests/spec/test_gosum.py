"""go.sum lines: read, refused with their number, written in the go command's order."""

import random

import pytest

from gopack.errors import InputError
from gopack.spec import gosum
from gopack.spec.gosum import SumLine
from gopack.spec.module import ModuleVersion
from tests.oracle import oracle

TEXT = """\
a.b/c v1.9.0 h1:1=
a.b/c v1.9.0/go.mod h1:2=
a.b/c v1.10.0-rc.1 h1:3=
a.b/c v1.10.0/go.mod h1:4=
a.b/c/d v1.0.0/go.mod h1:5=
"""


def test_format_lines_sorts_by_version_not_by_text_and_drops_repeats() -> None:
    lines = gosum.parse(TEXT)
    assert gosum.format_lines([*reversed(lines), *lines]) == TEXT


def test_parse_blank_lines_and_carriage_returns_are_passed_over() -> None:
    assert gosum.parse("\n  \r\na.b/c v1.9.0/go.mod\th1:2=\r\n") == [
        SumLine(ModuleVersion("a.b/c", "v1.9.0"), is_gomod=True, h1="h1:2=")
    ]


@pytest.mark.parametrize("bad", ["a.b/c v1.0.0", "a.b/c v1.0.0 h1:1= more", "<<<<<<< HEAD"])
def test_parse_malformed_line_is_refused_with_its_number(bad: str) -> None:
    with pytest.raises(InputError) as caught:
        gosum.parse(f"{TEXT}\n{bad}\n", name="x/go.sum")
    assert caught.value.where == "x/go.sum:7"


@pytest.mark.oracle
def test_format_lines_orders_as_go_does() -> None:
    rng = random.Random(3)
    paths = ["a.b/c", "a.b/c-d", "a.b/c/d", "A.b/c", "a.b/c.v2", "a.b/C"]
    versions = ["v1.0.0", "v1.0.0-rc.1", "v1.0.0-rc.10", "v1.10.0", "v1.9.0", "v2.0.0+incompatible"]
    lines = [
        SumLine(ModuleVersion(path, version), is_gomod=is_gomod, h1="h1:x=")
        for path in paths
        for version in versions
        for is_gomod in (True, False)
    ]
    rng.shuffle(lines)
    listed = [{"Path": str(line).split()[0], "Version": str(line).split()[1]} for line in lines]
    said = oracle.ask("module.sort", listed).value
    written = [tuple(line.split()[:2]) for line in gosum.format_lines(lines).splitlines()]
    assert written == [(v["Path"], v["Version"]) for v in said]
