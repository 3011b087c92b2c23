"""`gopack key`: the keys that sign bundles."""

import os
from pathlib import Path

import click

from gopack.adapters.bundlefiles import write_new_key
from gopack.cli.failing import ends_well
from gopack.cli.wiring import make_console, make_output
from gopack.errors import InputError
from gopack.spec import note


@click.group("key")
def command() -> None:
    """Make the keys that sign bundles."""


@command.command("new")
@click.argument("name", metavar="NAME")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
def new(name: str, file: Path) -> None:
    """Make a key called NAME: FILE is the secret half, FILE.pub the public one.

    FILE stays on the connected side, readable by its owner alone, and goes to `bundle create
    --sign`; FILE.pub goes to the sealed side once, by a way that can be trusted, and there to
    `--trust`. NAME is seen in every signature; it has no spaces and no plus sign.
    """
    console = make_console()
    with ends_well(console):
        if (
            not note.is_valid_name(name) or not name.isprintable()
        ):  # a note has no control characters
            raise InputError(
                "not a key's name", where=name, hint="no spaces, no plus sign, nothing invisible"
            )
        signer = note.Signer(name, os.urandom(note.KEY_BYTES))
        public = write_new_key(file, signer)
        make_output().print(str(signer.verifier), markup=False, highlight=False)
        console.print(
            f"{file}: keep it here and secret; {public}: take it to the sealed side",
            markup=False,
            highlight=False,
        )
