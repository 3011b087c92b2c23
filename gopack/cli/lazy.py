"""Command groups whose verbs are imported only when they run, so that `--help` is quick."""

import gc
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """A group that finds its verbs by name.

    Args:
        verbs: every verb and its one line, in the order of the help.
        modules: what the name of a verb's module starts with; the module has it as `command`.
    """

    def __init__(self, *args: Any, verbs: Mapping[str, str], modules: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self._verbs = verbs
        self._modules = modules

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Tell the verbs, none of them imported."""
        return list(self._verbs)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one verb; None where there is none of this name."""
        if cmd_name not in self._verbs:
            return None
        gc.disable()  # what modules are made of stays: to look for cycles in it takes time alone
        try:
            command = import_module(f"{self._modules}{cmd_name}").command
        finally:
            gc.enable()
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verbs' lines, none of them imported."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self._verbs.items()))
