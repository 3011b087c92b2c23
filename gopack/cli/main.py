"""The `gopack` command: its verbs are loaded when they are called, so that `--help` is quick."""

from importlib import import_module

import click

from gopack import __version__

VERBS = {
    "fetch": "Fill the storage with what the list names and all it needs.",
    "plan": "Show what fetch would do, without storing anything.",
    "check": "Audit the storage, offline: every file, against all that can be proven.",
    "add": "Put versions that were made elsewhere into the storage.",
    "pack": "Pack a module from its source, into a folder or the storage.",
    "serve": "Serve the storage as a Go module proxy, with its checksum database.",
    "prove": "Run the go command against the storage, sealed, and compare with connected.",
    "export": "Write parts of the storage in other forms (the checksum database).",
    "bundle": "Carry a storage across the gap: incremental, split, signed and proven.",
    "key": "Make the keys that sign bundles.",
}
"""Every verb and its one line; the code is in gopack/cli/<verb>.py, as `command`."""


class _Verbs(click.Group):
    """Finds verbs by name and imports only the one that runs."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command = import_module(f"gopack.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


@click.group(
    cls=_Verbs,
    # An option that names no variable of its own reads GOPACK_<VERB>_<NAME>.
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "GOPACK"},
)
@click.version_option(__version__, prog_name="gopack", allow_from_autoenv=False)
def main() -> None:
    """Fill an air-gapped Go module proxy: sealed = connected."""
