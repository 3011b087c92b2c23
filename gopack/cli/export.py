"""`gopack export`: parts of the storage in other forms."""

from pathlib import Path

import click

from gopack.adapters import goenv
from gopack.adapters.statictree import StaticTree
from gopack.cli import options
from gopack.cli.console import make_console
from gopack.cli.failing import ends_well
from gopack.cli.sumcheck import kept_proofs
from gopack.flows.export_sumdb import export_sumdb
from gopack.plan.layout import OWN_FOLDER


@click.group("export")
def command() -> None:
    """Write parts of the storage in other forms."""


@command.command("sumdb")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@options.storage_option
def export_sumdb_command(folder: Path, storage: Path) -> None:
    """Write the checksum database's static tree into DIR, proven from what the storage keeps.

    Serve DIR/<name>/ at /sumdb/<name>/ in front of Athens, or name it in GOSUMDB as
    "<name> http://host/path" or "<name> file:///path": then the go command keeps its checksum
    verification on. DIR may hold an older tree: what is there stays, `latest` changes last.
    """
    console = make_console()
    with ends_well(console):
        store, key = kept_proofs(goenv.load_sumdb(), storage / OWN_FOLDER)
        tree = StaticTree(folder / key.name)
        proven = export_sumdb(store, key, tree.write, tree.write_last)
        console.print(
            f"{key.name}: {len(proven.records)} lookups and {len(proven.tiles)} tiles at the "
            f"tree head of {proven.head.tree.size} records, {tree.written} files written",
            markup=False,
            highlight=False,
        )
