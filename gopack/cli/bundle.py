"""`gopack bundle`: a storage across the gap, in one file or several; verbs load when called."""

from importlib import import_module

import click

VERBS = {
    "create": "Write a bundle of the storage, or of what is new in it.",
    "verify": "Check a bundle whole, without unpacking it.",
    "inspect": "Show what is in a bundle.",
    "diff": "Compare bundles, manifests and states.",
    "import": "Bring a bundle into the storage of the sealed side.",
    "state": "Write what a storage has, for the way back.",
}
"""Every verb and its one line; the code is in gopack/cli/bundle_<verb>.py, as `command`."""


class _Verbs(click.Group):
    """Finds verbs by name and imports only the one that runs."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command = import_module(f"gopack.cli.bundle_{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


@click.group("bundle", cls=_Verbs)
def command() -> None:
    """Carry a storage across the gap: incremental, split, signed and proven."""
