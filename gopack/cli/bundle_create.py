"""`gopack bundle create`: the storage, or what is new in it, as one file or as volumes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click

from gopack.adapters.bundlefiles import History, extras_of, read_signer
from gopack.adapters.disk import DiskStore
from gopack.adapters.ledger import DiskLedger
from gopack.adapters.licences import licence_of
from gopack.adapters.tarbundle import TarWriter
from gopack.adapters.volumes import VolumeWriter
from gopack.cli import options
from gopack.cli.bundling import local_sumdb, read_base
from gopack.cli.failing import ends_well
from gopack.cli.reports import write_json
from gopack.cli.sumcheck import kept_proofs
from gopack.cli.units import human_bytes
from gopack.cli.wiring import LOCK_WAIT_S, WatchedProgress, make_console, make_progress
from gopack.errors import InputError
from gopack.flows import bundle_create
from gopack.flows.bundle_create import Draft, Extra, Order, Origin
from gopack.flows.bundle_split import split
from gopack.plan.bundle import volumes
from gopack.plan.bundle.index import Member, Sealed
from gopack.plan.bundle.inventory import Inventory
from gopack.plan.layout import FileKind, athens_disk_key
from gopack.spec import note
from gopack.spec.module import ModuleVersion


@click.command("create")
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path, dir_okay=False))
@options.storage_option
@click.option(
    "--since",
    envvar="GOPACK_SINCE",
    show_envvar=True,
    metavar="BUNDLE|MANIFEST|STATE|SEQ",
    help="Carry only what the other side lacks that has what this names: an earlier bundle or its "
    "sequence number, the other side's manifest.json, or what `bundle state` wrote there.",
)
@click.option(
    "--sign",
    "keys",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="GOPACK_SIGN",
    show_envvar=True,
    metavar="KEY",
    help="Sign with this key (`gopack key new`); several may sign.",
)
@click.option(
    "--volume-size",
    "volume_size",
    envvar="GOPACK_VOLUME_SIZE",
    show_envvar=True,
    metavar="SIZE",
    help="Split into OUT.001, OUT.002, ... of at most SIZE: 4GiB-1, 700MB, cd, dvd, bd25, fat32.",
)
@click.option(
    "--again",
    type=click.IntRange(1),
    metavar="SEQ",
    help="Make the bundle of this sequence number again, whatever was fetched since.",
)
@click.option(
    "--only",
    multiple=True,
    type=click.IntRange(1, volumes.MAX_VOLUMES),
    metavar="N",
    help="With --again and --volume-size: write only this volume; may be given several times.",
)
@click.option(
    "--self-contained",
    "is_self_contained",
    is_flag=True,
    help="With --volume-size: bundles OUT-001, OUT-002, ... that each fit and are imported one by "
    "one, in this order.",
)
@click.option(
    "--with",
    "extra_folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    envvar="GOPACK_WITH",
    show_envvar=True,
    metavar="DIR",
    help="Carry the files of DIR along, below gopack/: gopack's own image and wheels, for example. "
    "They are signed and checked with the rest, and tar takes them out.",
)
@options.json_option
def command(
    out: Path,
    storage: Path,
    since: str | None,
    keys: tuple[Path, ...],
    volume_size: str | None,
    again: int | None,
    only: tuple[int, ...],
    is_self_contained: bool,
    extra_folder: Path | None,
    json_file: Path | None,
) -> None:
    """Write a bundle of the storage to OUT.

    It holds the versions, the manifest, go.sum, the checksum database's records and tiles, an SBOM,
    and CONTENTS.txt for the person who approves the transfer. The storage is only read, but for
    the record of bundles in .gopack/bundles.
    """
    console = make_console()
    with ends_well(console), make_progress(console) as progress:
        volume_bytes = volumes.parse_size(volume_size) if volume_size else None
        _check_options(since, again, only, volume_bytes, is_self_contained=is_self_contained)
        signers = [read_signer(path) for path in keys]
        store = DiskStore(storage)
        with store.locked(wait_s=LOCK_WAIT_S, on_wait=progress.note):
            found = extras_of(extra_folder) if extra_folder else {}
            extras = tuple(Extra(member, path) for path, member in found.items())
            origin = make_origin(store, progress)
            job = _Job(History(store.own_folder), origin, out, progress, extras)
            if again is not None:
                done = [job.again(again, volume_bytes, only)]
            else:
                if not signers:
                    progress.note("not signed: import needs --insecure-unsigned; --sign signs")
                done = job.create(since, signers, volume_bytes, is_chain=is_self_contained)
        for sealed, files in done:
            for line in _lines(sealed, files):
                console.print(line, markup=False, highlight=False)
        reports = [_report(sealed, files) for sealed, files in done]
        write_json(json_file, {"bundles": reports} if is_self_contained else reports[0])


_Done = tuple[Sealed, list[Path]]


@dataclass(frozen=True, slots=True)
class _Job:
    """What the making of bundles needs."""

    history: History
    origin: Origin
    out: Path
    progress: WatchedProgress
    extras: tuple[Extra, ...] = ()

    def again(self, sequence: int, volume_bytes: int | None, only: tuple[int, ...]) -> _Done:
        """Make a recorded bundle again."""
        sealed = self.history.load(sequence)
        draft = bundle_create.again(self.origin, sealed.index, self.extras)
        return sealed, _write(draft, sealed, self.out, volume_bytes, only, self.progress)

    def create(
        self,
        since: str | None,
        signers: Sequence[note.Signer],
        volume_bytes: int | None,
        *,
        is_chain: bool,
    ) -> list[_Done]:
        """Make a new bundle, or a chain of them."""
        base, parent = read_base(since, self.history) if since else (Inventory(), None)
        self.progress.phase("reading the storage")
        order = Order(self.history.last() + 1, parent, base, extras=self.extras)
        if is_chain and volume_bytes is not None:
            chain = split(self.origin, order, volume_bytes, signers)
            return [
                self._record(draft, sealed, self.out.with_name(f"{self.out.name}-{n:03d}"), None)
                for n, (draft, sealed) in enumerate(chain, 1)
            ]
        draft = bundle_create.draft(self.origin, order)
        return [self._record(draft, draft.seal(signers), self.out, volume_bytes)]

    def _record(self, draft: Draft, sealed: Sealed, out: Path, volume_bytes: int | None) -> _Done:
        """Write a bundle and keep its record; a bundle that cannot be written leaves none."""
        self.history.save(sealed)
        try:
            return sealed, _write(draft, sealed, out, volume_bytes, (), self.progress)
        except BaseException:
            self.history.forget(sealed.head.sequence)
            raise


def _check_options(
    since: str | None,
    again: int | None,
    only: tuple[int, ...],
    volume_bytes: int | None,
    *,
    is_self_contained: bool,
) -> None:
    if is_self_contained and (again is not None or volume_bytes is None):
        raise InputError(
            "--self-contained without --volume-size, or with --again",
            hint="say how large a volume may be; each of the chain is made again by its own number",
        )
    if again is not None and since:
        raise InputError("--again and --since", hint="give one of them")
    if only and (again is None or volume_bytes is None):
        raise InputError(
            "--only without --again and --volume-size",
            hint="say which bundle it is a volume of (--again SEQ), and how it was split",
        )


def make_origin(store: DiskStore, progress: WatchedProgress) -> Origin:
    """Put together what a bundle is made of."""
    ledger = DiskLedger(store.own_folder)
    if not ledger.manifest.versions:
        raise InputError(
            "nothing in this storage that gopack recorded",
            where=str(store.root),
            hint="fetch into it first, or copy it with its .gopack folder (cp -a ROOT/. TARGET/)",
        )
    proofs, key = None, None
    sumdb = local_sumdb()
    if sumdb is not None:
        proofs, key = kept_proofs(sumdb, store.own_folder)
    if proofs is None or not proofs.heads():
        progress.note("no checksum database is kept here: the bundle carries no proofs")
    return Origin(store, ledger.manifest, proofs, key, partial(_licence, store))


def _licence(store: DiskStore, module: ModuleVersion) -> str:
    return licence_of(store.root / athens_disk_key(module, FileKind.ZIP), module)


def _write(
    draft: Draft,
    sealed: Sealed,
    out: Path,
    volume_bytes: int | None,
    only: tuple[int, ...],
    progress: WatchedProgress,
) -> list[Path]:
    """Write the files; nothing is left of them after a failure."""
    if not only and (out.exists() or list(out.parent.glob(f"{out.name}.[0-9][0-9][0-9]"))):
        raise InputError("is there already", where=str(out), hint="give another name")
    total = bundle_create.total_bytes(sealed)
    parts = volumes.slices(total, volume_bytes) if volume_bytes else []
    if only and max(only) > len(parts):
        raise InputError(f"there are {len(parts)} volumes", where=f"--only {max(only)}")
    writer = TarWriter(VolumeWriter(out, bundle=sealed.head.id, parts=parts, only=only))
    progress.phase("writing the bundle")
    zips = [one for one in sealed.index.versions if one.entry.zip is not None]
    progress.planned(len(zips), sum(one.entry.zip.size_bytes for one in zips if one.entry.zip))

    def tell(member: Member) -> None:
        progress.fetched(ModuleVersion("", member.name), member.size_bytes)

    try:
        draft.write(sealed, writer, tell)
        return writer.finish()
    except BaseException:
        writer.discard()
        raise


def _lines(sealed: Sealed, files: list[Path]) -> list[str]:
    index = sealed.index
    size = sum(file.stat().st_size for file in files)
    after = f", after bundle {index.parent.sequence}" if index.parent else ""
    proofs = index.database.proofs if index.database else None
    lines = [f"bundle {index.sequence} ({sealed.head.id}){after}"]
    lines.append(f"{len(index.versions)} versions, {human_bytes(size)} in {len(files)} files")
    if proofs is not None:
        lines.append(f"{len(proofs.records)} checksum records at the tree head of {proofs.size}")
    return lines


def _report(sealed: Sealed, files: list[Path]) -> dict[str, object]:
    index = sealed.index
    return {
        "sequence": index.sequence,
        "id": sealed.head.id,
        "parent": index.parent.id if index.parent else None,
        "versions": [str(one.module) for one in index.versions],
        "files": [str(file) for file in files],
        "bytes": sum(file.stat().st_size for file in files),
    }
