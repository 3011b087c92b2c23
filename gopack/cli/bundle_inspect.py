"""`gopack bundle inspect`: what is in a bundle."""

from pathlib import Path

import click

from gopack.cli import options
from gopack.cli.bundling import opened_bundle
from gopack.cli.console import make_console, make_output
from gopack.cli.failing import ends_well
from gopack.cli.jsonreport import write_json
from gopack.flows.bundle_open import Opened, Trust
from gopack.plan.bundle.index import CONTENTS_NAME


@click.command("inspect")
@click.argument("bundle", metavar="BUNDLE", type=click.Path(path_type=Path))
@click.option(
    "--file",
    "name",
    default=CONTENTS_NAME,
    show_default=True,
    metavar="NAME",
    help="Which file to print: CONTENTS.txt, sbom.cdx.json, go.sum or BUNDLE.",
)
@options.json_option
def command(bundle: Path, name: str, json_file: Path | None) -> None:
    """Show what is in BUNDLE, without unpacking it; nothing but the index and the file is checked.

    Signatures are listed and not checked: `bundle verify` does that.
    """
    console = make_console()
    with ends_well(console), opened_bundle(bundle, Trust(is_unsigned_fine=True)) as opened:
        if json_file is not None:
            write_json(json_file, _report(opened))
            return
        text = opened.sealed.note if name == "BUNDLE" else _front(opened, name)
        make_output().print(text.decode(errors="replace"), markup=False, highlight=False, end="")


def _front(opened: Opened, name: str) -> bytes:
    if name not in {member.name for member in opened.index.front}:
        raise click.BadParameter(f"no {name} to print in this bundle", param_hint="--file")
    return opened.read(name)


def _report(opened: Opened) -> dict[str, object]:
    index = opened.index
    proofs = index.database.proofs if index.database else None
    return {
        "sequence": index.sequence,
        "id": opened.sealed.head.id,
        "parent": index.parent and {"sequence": index.parent.sequence, "id": index.parent.id},
        "builds_on": index.builds_on.digest,
        "builds_on_versions": len(index.builds_on.versions),
        "versions": [
            {
                "module": one.module.path,
                "version": one.module.version,
                "state": "complete" if one.entry.zip else "mod-only",
                "zip_bytes": one.entry.zip.size_bytes if one.entry.zip else None,
                "sha256": one.entry.zip.sha256 if one.entry.zip else None,
                "licence": one.licence,
            }
            for one in sorted(index.versions, key=lambda one: one.module)
        ],
        "tree_head": proofs.size if proofs else None,
        "records": len(proofs.records) if proofs else 0,
        "gopack_files": [member.name for member in index.extras],
        "signature_names": _signature_names(opened.sealed.note),
    }


def _signature_names(message: bytes) -> list[str]:
    lines = message.decode("utf-8", "replace").partition("\n\n")[2].splitlines()
    words = [line.split() for line in lines if line.startswith("— ")]
    return [each[1] for each in words if len(each) > 1]
