"""The `gopack` command: its verbs are loaded when they are called, so that `--help` is quick."""

import os

import click

from gopack import __version__
from gopack.cli.lazy import LazyGroup

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
    "push": "Push the storage into a running Athens, through Docker.",
    "key": "Make the keys that sign bundles.",
}
"""Every verb and its one line; the code is in gopack/cli/<verb>.py, as `command`."""


@click.group(
    cls=LazyGroup,
    verbs=VERBS,
    modules="gopack.cli.",
    # An option that names no variable of its own reads GOPACK_<VERB>_<NAME>.
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "GOPACK"},
)
@click.version_option(__version__, prog_name="gopack", allow_from_autoenv=False)
def main() -> None:
    """Fill an air-gapped Go module proxy: sealed = connected."""
    _occupy_closed_streams()


def _occupy_closed_streams() -> None:
    """Keep the numbers 0, 1 and 2 from files, where who started gopack has closed the streams.

    What is written to standard output and error would go into the storage's files otherwise, of
    this process and of those that it starts.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            lowest_free = os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(lowest_free, True)  # noqa: FBT003 - it has no name
