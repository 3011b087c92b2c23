"""`gopack bundle import`: a bundle into the storage of the sealed side."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click

from gopack.adapters.disk import DiskStore
from gopack.adapters.diskerrors import disk_errors
from gopack.adapters.disklock import LOCK_WAIT_S
from gopack.adapters.diskwalk import refuse_link, refuse_links_below
from gopack.adapters.keyedtree import KeyedTree
from gopack.adapters.layouts import ATHENS, KEYED, refuse_other_layout
from gopack.adapters.ledger import DiskLedger
from gopack.adapters.statictree import StaticTree
from gopack.adapters.sumdb_store import SumdbStore
from gopack.adapters.zips import read_module_zip
from gopack.adapters.zipwork import IncomingZips
from gopack.cli import options
from gopack.cli.bundling import (
    bundle_source,
    carried_key,
    kept_records_of,
    make_trust,
    trust_options,
    zip_checkers,
)
from gopack.cli.console import make_console
from gopack.cli.failing import end, ends_well
from gopack.cli.jsonreport import write_json
from gopack.cli.progress import WatchedProgress, make_progress
from gopack.cli.units import human_bytes
from gopack.errors import StoreError
from gopack.flows.bundle_import import Action, Imported, Target, import_bundle
from gopack.flows.bundle_open import Opened, open_bundle
from gopack.flows.export_sumdb import export_sumdb
from gopack.plan.layout import FileKind, athens_disk_key
from gopack.ports import FetchedZip, ZipFetcher
from gopack.spec.module import ModuleVersion


@click.command("import")
@click.argument("bundle", metavar="BUNDLE", type=click.Path(path_type=Path))
@options.storage_option
@trust_options
@click.option(
    "--layout",
    "layout_name",
    type=click.Choice([ATHENS, *KEYED]),
    default=ATHENS,
    show_default=True,
    envvar="GOPACK_LAYOUT",
    show_envvar=True,
    help="How the storage is laid out: athens for Athens' disk storage; goproxy for a tree that a "
    "plain web server or GOPROXY=file:// serves, with its checksum database; athens-s3 with the "
    "keys of Athens' object storages, ready for their own sync tool.",
)
@click.option(
    "--dry-run",
    "is_dry_run",
    is_flag=True,
    help="Check everything and say what would be done, without changing the storage.",
)
@options.json_option
def command(
    bundle: Path,
    storage: Path,
    trusted: tuple[Path, ...],
    is_unsigned_fine: bool,
    layout_name: str,
    is_dry_run: bool,
    json_file: Path | None,
) -> None:
    """Bring BUNDLE (one file, or volumes: their common name) into the storage.

    Everything is checked before the first version appears; versions appear whole, requirements
    first, so an Athens may serve the storage meanwhile. Versions that Athens has from elsewhere are
    left alone, and reported where their bytes differ (exit status 5). Importing again does no harm
    and finishes what was broken off.
    """
    console = make_console()
    with ends_well(console), make_progress(console) as progress:
        trust = make_trust(trusted, is_unsigned_fine=is_unsigned_fine)
        place = _Place.of(storage, layout_name)
        with (
            bundle_source(bundle) as source,
            zip_checkers(source, place.disk.incoming) as checkers,
        ):
            opened = open_bundle(source, trust)
            run = partial(_run, opened, place, checkers.take(opened), progress)
            if is_dry_run:
                done = run(is_dry_run=True)
            else:
                with place.disk.locked(wait_s=LOCK_WAIT_S, on_wait=progress.note):
                    place.refuse_links()
                    done = run(is_dry_run=False)
                    if layout_name == "goproxy":
                        _write_sumdb(opened, place)
                    place.disk.forget_incoming()
        for line in _lines(opened, done, is_dry_run=is_dry_run):
            console.print(line, markup=False, highlight=False)
        write_json(json_file, _report(opened, done))
        if done.conflicts:
            end(StoreError.exit_status)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where versions go: the folder with gopack's own files, and the store in its layout."""

    layout: str
    disk: DiskStore
    store: DiskStore | KeyedTree
    zip_path: Callable[[ModuleVersion], Path]

    @classmethod
    def of(cls, storage: Path, layout_name: str) -> "_Place":
        """Open a storage in the layout of this name."""
        disk = DiskStore(storage)
        if layout_name == ATHENS:
            return cls(
                layout_name, disk, disk, lambda m: storage / athens_disk_key(m, FileKind.ZIP)
            )
        tree = KeyedTree(disk, KEYED[layout_name])
        return cls(layout_name, disk, tree, lambda m: tree.path(m, FileKind.ZIP))

    @property
    def sumdb(self) -> Path:
        """Where the checksum databases lie beside the modules, in the GOPROXY layout."""
        return self.disk.root / "sumdb"

    def refuse_links(self) -> None:
        """Refuse links where a GOPROXY tree's checksum database is written.

        Raises:
            StoreError: naming the link.
        """
        if isinstance(self.store, KeyedTree):
            with disk_errors("look into the storage", self.sumdb):
                refuse_link(self.sumdb)
                refuse_links_below(self.sumdb)

    def complete_lists(self, opened: Opened) -> None:
        """Write the lists that a broken-off import left behind its versions.

        What requires these versions may appear in their lists only after them.
        """
        if isinstance(self.store, KeyedTree):
            self.store.complete_lists(one.module.path for one in opened.index.versions)


def _run(
    opened: Opened,
    place: _Place,
    zips: ZipFetcher,
    progress: WatchedProgress,
    *,
    is_dry_run: bool,
) -> Imported:
    key = carried_key(opened)
    database = opened.index.database
    own_folder = place.disk.own_folder
    ledger = DiskLedger(own_folder)
    refuse_other_layout(place.disk.root, place.layout, ledger.manifest.versions)
    if not is_dry_run:
        place.complete_lists(opened)
    with ThreadPoolExecutor(1, thread_name_prefix="publish") as executor:
        target = Target(
            store=place.store,
            aliases=place.store,
            ledger=ledger,
            executor=executor,
            zips=zips,
            progress=progress,
            stored_zip=partial(_stored_zip, place),
            room=place.disk.room,
            arrived_bytes=IncomingZips(place.disk.incoming).arrived_bytes,
            refuse_clashes=place.store.refuse_clashes,
            proofs=SumdbStore.of(own_folder, database.name) if database else None,
            key=key,
            kept=kept_records_of(own_folder),
        )
        return import_bundle(opened, target, is_dry_run=is_dry_run)


def _stored_zip(place: _Place, module: ModuleVersion) -> FetchedZip:
    receipt = read_module_zip(place.zip_path(module), module)
    return FetchedZip(None, receipt.size_bytes, receipt.sha256, receipt.h1)


def _write_sumdb(opened: Opened, place: _Place) -> None:
    """Put the checksum database's static tree beside the modules, where the go command asks."""
    key = carried_key(opened)
    if key is not None:
        tree = StaticTree(place.sumdb / key.name)
        store = SumdbStore.of(place.disk.own_folder, key.name)
        export_sumdb(store, key, tree.write, tree.write_last)


def _lines(opened: Opened, done: Imported, *, is_dry_run: bool) -> list[str]:
    would = "would be " if is_dry_run else ""
    counts = ", ".join(
        f"{done.count(action)} {would if action is Action.ADD else ''}{action.value}"
        for action in Action
        if done.count(action) or action is Action.ADD
    )
    lines = [f"bundle {opened.index.sequence}: {counts}; {human_bytes(done.added_bytes)} of zips"]
    lines += [f"conflict: {one.module}: {one.what}; left as it is" for one in done.conflicts]
    if done.head_size:
        lines.append(f"the checksum database's tree head is at {done.head_size} records")
    return lines


def _report(opened: Opened, done: Imported) -> dict[str, object]:
    return {
        "sequence": opened.index.sequence,
        "id": opened.sealed.head.id,
        "signers": list(opened.signers),
        "versions": {str(module): action.value for module, action in sorted(done.actions.items())},
        "conflicts": [{"module": str(one.module), "what": one.what} for one in done.conflicts],
        "tree_head": done.head_size,
        "bytes_added": done.added_bytes,
    }
