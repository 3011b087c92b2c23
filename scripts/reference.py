"""Write docs/reference.md: every command as `--help` shows it, and every variable.

    python -m scripts.reference            writes the page
    python -m scripts.reference --check    tells whether it is as it should be

Rules:
- The page has nothing that is not in `--help`, but for the variables that are no option's (OTHER).
- It is the same on every machine: a fixed width, and no environment.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path

import click

from gopack.cli.main import VERBS, main

PAGE = Path(__file__).parents[1] / "docs" / "reference.md"
WIDTH = 96

OTHER = {
    "GOPACK_LIST": "the lists of `fetch`, `plan` and `prove` (several between colons)",
    "GOPACK_USER": "container: UID[:GID] to work as, where the mounted folder's owner is not right",
    "GOPACK_TARGET": "compose: the image's build target; `direct` adds go, git and ssh",
    "GOPACK_IMAGE": "compose: the name of the image that is built or used",
    "GOPACK_BUILD_NETWORK": "compose: the network that the image is built in",
    "GOPACK_KNOWN_HOSTS": "compose: a known_hosts file for ssh, for `direct`",
    "GOPACK_GOENV": "container: the go.env with the go command's defaults",
}
"""Variables that no option of a command reads, and what each is for."""

INTRO = """\
# Reference

Every command and option, as `--help` shows it. `make docs` makes this page from the commands.

In the container and with `make run` the command is the same: the worker runs `gopack fetch`.
Options win over variables; variables win over defaults. Compose passes the variables alone that
[container.md](container.md#settings) names.

What `--json` writes of a command that an error ended early has `exit_status` and `errors`, each
with `kind`, `exit_status`, `message` and `hint`, as the reports of `fetch`, `plan`, `add`, `pack`
have; no report of an earlier run stays, and one that this run has written gets the error added.
Only a command line that cannot be read (`Usage: ...`) leaves the file as it is.
"""


def page() -> str:
    """Give the page's text."""
    parts = [INTRO]
    for words, command in commands():
        parts.append(f"## {words}\n\n```text\n{help_text(words, command)}\n```\n")
    rows = [f"| `{name}` | {text} |" for name, text in sorted(variables().items())]
    table = ["## Variables", "", "| variable | |", "|---|---|", *rows]
    return "\n".join([*parts, *table]) + "\n"


def commands() -> Iterator[tuple[str, click.Command]]:
    """Tell every command that runs, and the groups that hold them, by its words."""
    yield "gopack", main
    for verb in VERBS:
        command = import_module(f"gopack.cli.{verb}").command
        yield f"gopack {verb}", command
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in sorted(command.list_commands(context)):
                inner = command.get_command(context, name)
                assert inner is not None
                yield f"gopack {verb} {name}", inner


def help_text(words: str, command: click.Command) -> str:
    """Give what `--help` prints, at the page's width."""
    context = click.Context(
        command, info_name=words, terminal_width=WIDTH, help_option_names=["-h", "--help"]
    )
    return "\n".join(line.rstrip() for line in command.get_help(context).splitlines()).strip()


def variables() -> Mapping[str, str]:
    """Tell every variable and what it sets."""
    found: dict[str, list[str]] = {}
    for words, command in commands():
        for option in command.params:
            if isinstance(option, click.Option) and option.name not in {"help", "version"}:
                for name in variables_of(words, option):
                    found.setdefault(name, []).append(
                        f"`{words} {option.opts[0]}`{_several(option)}"
                    )
    texts = {name: ", ".join(options) for name, options in found.items()}
    for name, text in OTHER.items():
        texts[name] = f"{text}; {texts[name]}" if name in texts else text
    return texts


def _several(option: click.Option) -> str:
    """Say how a variable names several, where it can: click splits paths as PATH is split."""
    if not option.multiple:
        return ""
    return f" (several between {'colons' if isinstance(option.type, click.Path) else 'blanks'})"


def variables_of(words: str, option: click.Option) -> Sequence[str]:
    """Tell the variables that an option reads: its own, else the one made of the command's name."""
    if option.envvar:
        return [option.envvar] if isinstance(option.envvar, str) else option.envvar
    return [f"{words} {option.name}".replace(" ", "_").replace("-", "_").upper()]


def write() -> int:
    """Write the page, or check it; give the exit status."""
    text = page()
    if "--check" in sys.argv[1:]:
        return 0 if PAGE.is_file() and PAGE.read_text() == text else 1
    PAGE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(write())
