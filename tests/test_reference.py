"""The reference page is what the commands say, and has every option and variable there is."""

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest

from gopack.cli import options
from gopack.cli.main import main
from scripts import reference

ROOT = Path(__file__).parents[1]
COMMANDS = list(reference.commands())
OWN_TREES = ("gopack", "docker", "scripts", "docker-compose.yml", "Dockerfile", "Makefile")
NOT_READ_BY_GOPACK = {"GOPACK_TEST_CACHE"}  # the tests' alone


def test_page_is_as_the_commands_are() -> None:
    """In a process of its own: click remembers how a command was asked for its help first."""
    words = [sys.executable, "-m", "scripts.reference", "--check"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"run: make docs\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize(("words", "command"), COMMANDS, ids=[words for words, _ in COMMANDS])
def test_every_option_says_what_it_does_and_reads_a_variable(
    words: str, command: click.Command
) -> None:
    assert command.help or command.short_help
    page = reference.PAGE.read_text()
    for option in command.params:
        if not isinstance(option, click.Option) or option.name in {"help", "version"}:
            continue
        assert option.help, option.opts
        for name in reference.variables_of(words, option):
            assert f"| `{name}` |" in page
            assert name.startswith("GOPACK_") or name in options.STORAGE_VARIABLES
        assert option.show_envvar or not option.envvar, option.opts


def test_option_without_a_variable_of_its_own_reads_the_commands() -> None:
    command = import_module("gopack.cli.pack").command
    with main.make_context("gopack", ["pack", "--help"], resilient_parsing=True) as context:
        inner = click.Context(command, parent=context, info_name="pack")
        [option] = [option for option in command.params if option.name == "ref"]
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("GOPACK_PACK_REF", "v1.2.3")
            assert option.value_from_envvar(inner) == "v1.2.3"


def test_every_option_is_on_the_page() -> None:
    text = reference.PAGE.read_text()
    for words, command in COMMANDS:
        section = text.split(f"## {words}\n")[1].split("\n## ")[0]
        for option in command.params:
            if isinstance(option, click.Option):
                for name in option.opts:
                    assert name in section, f"{words} {name}"


def test_every_variable_in_the_source_is_on_the_page() -> None:
    text = reference.PAGE.read_text()
    for name in sorted(_variables() - NOT_READ_BY_GOPACK):
        assert f"`{name}`" in text, f"{name}: say what it is for in scripts/reference.py"


def test_page_names_no_variable_that_nothing_reads() -> None:
    read = _variables() | reference.variables().keys() - reference.OTHER.keys()
    assert set(re.findall(r"`(GOPACK_\w+)`", reference.PAGE.read_text())) <= read


def _variables() -> set[str]:
    found: set[str] = set()
    for tree in OWN_TREES:
        files = [ROOT / tree] if (ROOT / tree).is_file() else (ROOT / tree).rglob("*")
        for file in files:
            if file.is_file() and file.suffix != ".pyc" and file.name != "reference.py":
                found.update(re.findall(r"\bGOPACK_[A-Z_]+\b", file.read_text(errors="replace")))
    return found
