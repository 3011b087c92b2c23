"""`gopack bundle create`: the storage, or what is new in it, as one file or as volumes."""

import glob
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
from click.core import ParameterSource
from rich.console import Console

from gopack.adapters import goenv
from gopack.adapters.bundlefiles import History, extras_of, read_signer
from gopack.adapters.disk import DiskStore
from gopack.adapters.diskerrors import disk_errors
from gopack.adapters.disklock import LOCK_WAIT_S
from gopack.adapters.iso import find_xorriso
from gopack.adapters.ledger import DiskLedger
from gopack.adapters.licences import licence_of
from gopack.adapters.tarbundle import TarWriter
from gopack.adapters.volumes import PART, VolumeWriter, is_numbered, refuse_others
from gopack.cli import options
from gopack.cli.bundlekit import NONE, has_image, into_isos, make_kit, write_readme
from gopack.cli.bundling import kept_databases, read_base
from gopack.cli.console import make_console
from gopack.cli.failing import ends_well
from gopack.cli.jsonreport import write_json
from gopack.cli.progress import WatchedProgress, make_progress
from gopack.cli.sumcheck import kept_proofs
from gopack.cli.units import human_bytes
from gopack.errors import InputError
from gopack.flows import bundle_create
from gopack.flows.bundle_create import Draft, Extra, Order, Origin
from gopack.flows.bundle_split import split
from gopack.plan.bundle import volumes
from gopack.plan.bundle.index import EXTRA_FOLDER, Member, Sealed
from gopack.plan.bundle.inventory import Inventory
from gopack.plan.layout import FileKind, athens_disk_key
from gopack.spec import note
from gopack.spec.module import ModuleVersion

_OF_KIT = {"image": "--image", "targets": "--wheels-for"}
_OF_NEW = {"since": "--since", "has_gopack": "--with-gopack", **_OF_KIT}
"""Options that say what a new bundle carries."""
_AS_IT_WAS = "a bundle that is made again carries what it carried: leave one of them out"
_MOST_NAMED = 10
"""Versions that a note names; `gopack bundle diff` names all."""


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
    help="Make the bundle of this sequence number again, whatever was fetched since; --sign adds "
    "signatures to it, a key in the environment does not.",
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
@click.option(
    "--with-gopack",
    "has_gopack",
    is_flag=True,
    envvar="GOPACK_WITH_GOPACK",
    show_envvar=True,
    help="Carry gopack itself: its container image, wheels for an offline pip install, the "
    "documentation. OUT.README.txt says how to begin on the sealed side.",
)
@click.option(
    "--image",
    default="gopack:local",
    show_default=True,
    envvar="GOPACK_IMAGE",
    show_envvar=True,
    metavar="NAME",
    help="With --with-gopack: the container image to carry; none for no image. With --again: what "
    "it was called, where an older gopack did not record it.",
)
@click.option(
    "--wheels-for",
    "targets",
    multiple=True,
    envvar="GOPACK_WHEELS_FOR",
    show_envvar=True,
    metavar="PYTHON[/PLATFORM]",
    help="With --with-gopack: the sealed side's Python, such as 3.12 or "
    "3.12/manylinux2014_aarch64; this one unless given, several may be, none for no wheels.",
)
@click.option(
    "--iso",
    "is_iso",
    is_flag=True,
    envvar="GOPACK_ISO",
    show_envvar=True,
    help="Write an ISO image of each volume (OUT.001.iso) instead, ready to burn; needs xorriso.",
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
    has_gopack: bool,
    image: str,
    targets: tuple[str, ...],
    is_iso: bool,
    json_file: Path | None,
) -> None:
    """Write a bundle of the storage to OUT.

    It holds the versions, the manifest, go.sum, the checksum database's records and tiles, an SBOM,
    and CONTENTS.txt for the person who approves the transfer. The storage is only read, but for
    the record of bundles in .gopack/bundles.
    """
    console = make_console()
    with ends_well(console), make_progress(console) as progress:
        _check_name(out)
        volume_bytes = volumes.parse_size(volume_size) if volume_size else None
        _check_options(again, only, volume_bytes, is_self_contained=is_self_contained)
        _check_contents(again, has_gopack=has_gopack)
        signers = [read_signer(path) for path in keys]
        xorriso = find_xorriso() if is_iso else ""
        store = DiskStore(storage)
        with store.locked(wait_s=LOCK_WAIT_S, on_wait=progress.note):
            history = History(store.own_folder)
            origin = make_origin(store, progress)
            job = _Job(history, origin, out, progress, extra_folder, image, xorriso)
            reports = []
            if again is not None:
                adding = signers if _is_given("keys") else ()
                reports.append(_tell(console, job.again(again, volume_bytes, only, adding)))
            else:
                if not signers:
                    progress.note("not signed: import needs --insecure-unsigned; --sign signs")
                with job.kit(targets, is_wanted=has_gopack):
                    made = job.create(since, signers, volume_bytes, is_chain=is_self_contained)
                    reports += [_tell(console, one) for one in made]
        write_json(json_file, {"bundles": reports} if is_self_contained else reports[0])


_Done = tuple[Sealed, list[Path]]


def _extras(*folders: Path | None) -> tuple[Extra, ...]:
    """Take the files of the kit and of --with along, in one order.

    Raises:
        InputError: two of them have one name.
    """
    there = [folder for folder in folders if folder is not None and folder.is_dir()]
    found = [(member, path) for one in there for path, member in extras_of(one).items()]
    names = [member.name for member, _ in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError("is in --with and in --with-gopack", where=twice[0], hint="rename it")
    return tuple(Extra(member, path) for member, path in sorted(found, key=lambda x: x[0].name))


@dataclass(frozen=True, slots=True)
class _Job:
    """What the making of bundles needs."""

    history: History
    origin: Origin
    out: Path
    progress: WatchedProgress
    extra_folder: Path | None
    image: str
    xorriso: str

    def again(
        self,
        sequence: int,
        volume_bytes: int | None,
        only: tuple[int, ...],
        signers: Sequence[note.Signer],
    ) -> _Done:
        """Make a recorded bundle again, with these signatures, too.

        An older gopack recorded no image's name: --image gives it for the page.
        """
        recorded = self.history.load(sequence)
        if _is_given("image") and (self.history.image(sequence) or not has_image(recorded)):
            raise InputError("--again and --image", hint=_AS_IT_WAS)
        sealed = bundle_create.add_signatures(recorded, signers)
        if only and sealed != recorded:
            raise InputError(
                f"bundle {sequence} is not signed with this key, and --only is given",
                hint="leave --sign out; or --only: the signature is in the first volume",
            )
        if only:
            refuse_others(self.out, sealed.head.id)
        else:
            _refuse_taken(self.out)
        extras = _extras(self.history.kit(sequence), self.extra_folder)
        sumdb = self.history.sumdb(sequence)
        draft = bundle_create.again(self.origin, sealed.index, extras, sumdb=sumdb)
        record = partial(self.history.save, sealed, sumdb) if sealed != recorded else _nothing
        files = _write(
            draft, sealed, self.out, volume_bytes, self.progress, only=only, record=record
        )
        return sealed, self._with_images(sealed, self.out, files)

    @contextmanager
    def kit(self, targets: Sequence[str], *, is_wanted: bool) -> Iterator[None]:
        """Have the next bundle carry gopack itself; a bundle that is not made leaves no kit."""
        sequence = self.history.last() + 1
        self.history.forget(sequence)  # what a killed run left
        if is_wanted:
            folder = self.history.kit(sequence)
            make_kit(folder, image=self.image, targets=targets, progress=self.progress)
            if self.image != NONE:
                self.history.name_image(sequence, self.image)
        try:
            yield
        except BaseException:
            if self.history.last() < sequence:
                self.history.forget(sequence)
            raise

    def create(
        self,
        since: str | None,
        signers: Sequence[note.Signer],
        volume_bytes: int | None,
        *,
        is_chain: bool,
    ) -> Iterator[_Done]:
        """Make a new bundle, or a chain of them, and give each when it is there."""
        base, parent = read_base(since, self.history) if since else (Inventory(), None)
        if differing := base.differing(self.origin.manifest):
            self.progress.note(_differ_text(differing))
        self.progress.phase("reading the storage")
        sequence = self.history.last() + 1
        extras = _extras(self.history.kit(sequence), self.extra_folder)
        order = Order(sequence, parent, base, extras=extras)
        if is_chain and volume_bytes is not None:
            chain = split(self.origin, order, volume_bytes, signers)
            outs = [
                self.out.with_name(f"{self.out.name}-{n:03d}") for n in range(1, 1 + len(chain))
            ]
            for out in outs:
                _refuse_taken(out)
            for (draft, sealed), out in zip(chain, outs, strict=True):
                yield self._record(draft, sealed, out, None)
        else:
            _refuse_taken(self.out)
            draft = bundle_create.draft(self.origin, order)
            yield self._record(draft, draft.seal(signers), self.out, volume_bytes)

    def _record(self, draft: Draft, sealed: Sealed, out: Path, volume_bytes: int | None) -> _Done:
        """Write a bundle and keep its record; a bundle that cannot be written leaves none.

        The record comes before the files have their names: one that is there may be carried,
        whatever becomes of the others, the page and the images; its number is never another's.
        """
        record = partial(self.history.save, sealed, draft.sumdb)
        try:
            files = _write(draft, sealed, out, volume_bytes, self.progress, record=record)
        except BaseException:
            if not _is_taken(out):
                self.history.forget(sealed.head.sequence)
            raise
        return sealed, self._with_images(sealed, out, files)

    def _with_images(self, sealed: Sealed, out: Path, files: list[Path]) -> list[Path]:
        """Write the page beside the files, and images of them if wanted."""
        if any(member.name.startswith(f"{EXTRA_FOLDER}docs/") for member in sealed.index.extras):
            image = self.history.image(sealed.head.sequence) or self.image
            files.append(write_readme(sealed, out, files, image=image))
        if not self.xorriso:
            return files
        self.progress.phase("making images")
        return into_isos(self.xorriso, sealed, files)


def _check_name(out: Path) -> None:
    if not out.name:
        raise InputError(
            "no name for the bundle", hint="say where it goes: gopack bundle create OUT"
        )
    if is_numbered(out):
        raise InputError(
            "this is a volume's name", where=out.name, hint="leave out the number at its end"
        )
    if any(ord(c) < 32 or 0xD800 <= ord(c) < 0xE000 for c in out.name):
        raise InputError(
            "a name that no checksum file can hold",
            where=repr(out.name),
            hint="give one that is UTF-8 and has no control characters",
        )


def _differ_text(differing: Sequence[ModuleVersion]) -> str:
    named = ", ".join(map(str, differing[:_MOST_NAMED]))
    more = f" and {len(differing) - _MOST_NAMED} more" if len(differing) > _MOST_NAMED else ""
    return (
        f"not carried, since the other side has them with other bytes: {named}{more}; tag new "
        "versions of them; or remove these there, and carry everything (no --since)"
    )


def _is_given(parameter: str) -> bool:
    """Whether an option is on the command line; the environment speaks for every run."""
    source = click.get_current_context().get_parameter_source(parameter)
    return source is ParameterSource.COMMANDLINE


def _check_contents(again: int | None, *, has_gopack: bool) -> None:
    """Refuse options that would be without effect.

    Raises:
        InputError: naming the first.
    """
    for parameter, option in _OF_NEW.items():
        if not _is_given(parameter):
            continue
        if again is None and parameter in _OF_KIT and not has_gopack:
            raise InputError(f"{option} without --with-gopack", hint="give both, or neither")
        if again is not None and parameter != "image":  # the record says: _Job.again
            raise InputError(f"--again and {option}", hint=_AS_IT_WAS)


def _check_options(
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
    sumdb = goenv.find_sumdb()
    if sumdb is not None:
        proofs, key = kept_proofs(sumdb, store.own_folder)
    kept = {name for name, one in kept_databases(store.own_folder) if one.heads()}
    if left := sorted(kept - {sumdb.name if sumdb else ""}):
        why = f"names {sumdb.name}" if sumdb else "is off, or not set"
        progress.note(
            f"GOSUMDB {why}: the bundle carries no proofs of {', '.join(left)}, though they are "
            "kept here; set GOSUMDB to what it was while fetching to carry them"
        )
    elif not kept:
        progress.note("no checksum database is kept here: the bundle carries no proofs")
    return Origin(store, ledger.manifest, proofs, key, partial(_licence, store))


def _licence(store: DiskStore, module: ModuleVersion) -> str:
    return licence_of(store.root / athens_disk_key(module, FileKind.ZIP), module)


def _refuse_taken(out: Path) -> None:
    """Refuse a name that a bundle, a volume or an image has already.

    Raises:
        InputError: it has.
    """
    if _is_taken(out):
        raise InputError("is there already", where=str(out), hint="give another name")


def _is_taken(out: Path) -> bool:
    taken = [out, out.with_name(f"{out.name}.iso")]
    taken += out.parent.glob(f"{glob.escape(out.name)}.[0-9][0-9][0-9]*")
    with disk_errors("write the bundle", out):
        return any(path.exists() for path in taken if path.suffix != PART)


def _nothing() -> None:
    """There is nothing to record."""


def _write(
    draft: Draft,
    sealed: Sealed,
    out: Path,
    volume_bytes: int | None,
    progress: WatchedProgress,
    *,
    only: tuple[int, ...] = (),
    record: Callable[[], None] = _nothing,
) -> list[Path]:
    """Write the files; nothing is left of them after a failure.

    Args:
        draft: the bundle.
        sealed: the same, signed.
        out: its name.
        volume_bytes: the most that a volume may have; None for one file.
        progress: is told what is written.
        only: the numbers of the volumes to write; all if empty.
        record: is called when all is on the disk, before it has its name.
    """
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
        writer.end()
        record()
        return writer.appear()
    except BaseException:
        writer.discard()
        raise


def _tell(console: Console, done: _Done) -> dict[str, object]:
    """Print what was made, and give it as JSON has it."""
    for line in _lines(*done):
        console.print(line, markup=False, highlight=False)
    return _report(*done)


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
