"""The command lines and Python names that other programs call are there, as they call them."""

import contextlib
import inspect
from pathlib import Path

import click
import pytest

from gopack.cli.main import main
from gopack.errors import InputError
from gopack.spec import gomod, module, pseudo, semver

LINES = """
fetch
fetch a.txt b.txt --storage DIR --closure build --jobs 4 --prune --json out.json
fetch --closure graph
fetch --closure closed
plan a.txt --storage DIR --closure graph --jobs 4 --json out.json
plan --why example.com/a
pack v1.0.0 OUT --json out.json
pack example.com/a v1.0.0 OUT
add example.com/a v1.0.0 DIR --storage DIR --json out.json
check --storage DIR --json out.json
check --url http://127.0.0.1:3000 example.com/a@v1.0.0
serve --storage DIR --listen 127.0.0.1:3000
prove a.txt b.txt --storage DIR --json out.json
prove --storage DIR
bundle create NEW --json out.json
bundle verify OUT --json out.json
bundle inspect OUT --json out.json
bundle diff A B --json out.json
bundle import OUT --json out.json
bundle state NEW
key new NAME FILE
push --help
"""


@pytest.mark.parametrize("line", LINES.strip().splitlines())
def test_command_line_is_understood(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("DIR", "A", "B", "OUT"):
        (tmp_path / name).mkdir()
    command: click.Command = main
    context = click.Context(main, info_name="gopack")
    words = line.split()
    while isinstance(command, click.Group):
        found = command.get_command(context, words.pop(0))
        assert found is not None
        command = found
        context = click.Context(command, parent=context)
    if "--help" not in words:
        command.make_context("gopack", words, parent=context.parent)


ODD = [
    *("", " ", "v", "v1", "v1.2.3", "é", "v1.2.3-é", "v\u0661.0.0", "A", "!A", "!!", "a!", "\x00"),
    *("\ud800", "v1.0.0\n", "github.com/a\x00b", "example.com/aux", "a" * 10**4, "a/" * 10**4),
    *("v" + "9" * 10**4 + ".0.0", "v1.0.0-" + "a." * 10**4 + "a", "!" * 10**4, "\ufeff"),
    *("module " + "a" * 10**4, "require (" * 10**3, '"' * 10**4, "/*" * 10**3, "module a\x00"),
    "retract [" + "v1.0.0," * 10**3,
]


@pytest.mark.parametrize("odd", ODD, ids=lambda text: ascii(text)[:20])
def test_names_take_any_text(odd: str) -> None:
    assert isinstance(semver.is_valid(odd), bool)
    assert (semver.canonical(odd) != "") == semver.is_valid(odd)
    assert semver.compare(odd, "v1.0.0") == -semver.compare("v1.0.0", odd)
    assert isinstance(pseudo.is_pseudo(odd), bool)
    for refuse in (
        *(module.check_path, module.check_import_path, module.check_file_path),
        *(module.escape_path, module.unescape_path, module.escape_version),
        *(lambda text: module.check("example.com/a", text), lambda text: module.check(text, "v1")),
        *(gomod.parse, lambda text: gomod.parse(text, strict=True)),
    ):
        with contextlib.suppress(InputError):
            refuse(odd)


def test_parse_gives_what_is_promised() -> None:
    text = (
        "// Deprecated: gone\nmodule example.com/a\n\ngo 1.24\n\ntoolchain go1.24.1\n\n"
        "godebug default=go1.21\n\nrequire example.com/b v1.0.0 // indirect\n\n"
        "exclude example.com/c v1.0.0\n\nreplace example.com/d => ../d\n\n"
        "retract [v1.0.0, v1.1.0] // broken\n\ntool example.com/b/cmd\n\nignore ./x\n"
    )
    mod = gomod.parse(text, strict=True)
    assert (mod.module, mod.deprecated, mod.go, mod.toolchain) == (
        *("example.com/a", "gone", "1.24", "go1.24.1"),
    )
    [required], [retracted] = mod.require, mod.retract
    assert (required.path, required.version, required.indirect) == ("example.com/b", "v1.0.0", True)
    assert (retracted.low, retracted.high, retracted.rationale) == ("v1.0.0", "v1.1.0", "broken")
    others = (mod.godebug, mod.exclude, mod.replace, mod.tool, mod.ignore)
    assert [len(each) for each in others] == [1, 1, 1, 1, 1]
    parameters = inspect.signature(gomod.parse).parameters
    assert parameters["strict"].kind is inspect.Parameter.KEYWORD_ONLY
    assert parameters["strict"].default is False
