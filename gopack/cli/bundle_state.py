"""`gopack bundle state`: what a storage has, in a small file for the way back."""

from pathlib import Path

import click

from gopack.adapters.bundlefiles import write_new
from gopack.cli import options
from gopack.cli.bundling import read_inventory
from gopack.cli.console import make_console
from gopack.cli.failing import ends_well
from gopack.plan.bundle import inventory as inventories


@click.command("state")
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path, dir_okay=False))
@options.storage_option
def command(out: Path, storage: Path) -> None:
    """Write what the storage has to OUT: names and short prints of versions, no code.

    Where a file may travel back, the connected side makes the next bundle with
    `gopack bundle create --since OUT`.
    """
    console = make_console()
    with ends_well(console):
        inventory = read_inventory(str(storage))
        write_new(out, inventories.dumps(inventory))
        console.print(f"{out}: {len(inventory.versions)} versions", markup=False, highlight=False)
