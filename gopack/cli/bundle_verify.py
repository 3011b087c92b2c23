"""`gopack bundle verify`: every byte, sum and proof of a bundle, without unpacking it."""

import tempfile
from pathlib import Path

import click

from gopack.cli import options
from gopack.cli.bundling import bundle_source, carried_key, make_trust, trust_options, zip_checkers
from gopack.cli.console import make_console
from gopack.cli.failing import ends_well
from gopack.cli.jsonreport import write_json
from gopack.cli.progress import make_progress
from gopack.flows.bundle_open import open_bundle
from gopack.flows.bundle_verify import verify


@click.command("verify")
@click.argument("bundle", metavar="BUNDLE", type=click.Path(path_type=Path))
@trust_options
@options.json_option
def command(
    bundle: Path, trusted: tuple[Path, ...], is_unsigned_fine: bool, json_file: Path | None
) -> None:
    """Check BUNDLE (one file, or volumes: their common name) whole, without unpacking it.

    Checked are the signature, every file's SHA-256, every version's h1: sums against the module zip
    rules and its checksum record, and the records' inclusion in the signed tree. An incremental
    bundle's proofs may lean on what its parent brought; import checks those.
    """
    console = make_console()
    with ends_well(console), make_progress(console) as progress:
        trust = make_trust(trusted, is_unsigned_fine=is_unsigned_fine)
        with (
            bundle_source(bundle) as source,
            zip_checkers(source, Path(tempfile.gettempdir())) as checkers,
        ):
            opened = open_bundle(source, trust)
            zips = checkers.take(opened)
            progress.phase("checking the bundle")
            checked = verify(opened, zips, progress, carried_key(opened))
        signed = f"signed by {', '.join(opened.signers)}" if opened.signers else "not checked"
        leaning = f", {checked.leaning} to be proven at import" if checked.leaning else ""
        text = (
            f"bundle {opened.index.sequence} is good: {checked.versions} versions, "
            f"{checked.proven} checksum records proven{leaning}; signature: {signed}"
        )
        console.print(text, markup=False, highlight=False)
        write_json(
            json_file,
            {
                "sequence": opened.index.sequence,
                "id": opened.sealed.head.id,
                "signers": list(opened.signers),
                "versions": checked.versions,
                "records_proven": checked.proven,
                "records_leaning": checked.leaning,
            },
        )
