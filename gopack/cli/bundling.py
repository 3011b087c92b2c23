"""Putting the parts of bundles together: options, keys, and where things lie."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from gopack.adapters import goenv
from gopack.adapters.arena import give_big_buffers_back, share_one_arena
from gopack.adapters.bundlefiles import History, read_bytes, read_verifiers
from gopack.adapters.bundlezips import BundledZip, BundleWork
from gopack.adapters.diskerrors import disk_errors
from gopack.adapters.sumdb_store import SumdbStore
from gopack.adapters.tarbundle import TarBundle
from gopack.adapters.zippool import AdaptiveZips
from gopack.errors import IntegrityError
from gopack.flows.bundle_open import Opened, Trust, open_bundle
from gopack.plan import manifest as manifests
from gopack.plan.bundle import inventory as inventories
from gopack.plan.bundle.index import Parent
from gopack.plan.bundle.inventory import Inventory, Proofs
from gopack.spec import base64std, note, tlog
from gopack.spec.known_keys import KNOWN_KEYS
from gopack.spec.module import ModuleVersion
from gopack.spec.tlog import Record

F = TypeVar("F", bound=Callable[..., Any])

MANY_BYTES = 16 << 20
"""A bundle of this size is checked by several processes."""

MAX_DIGITS = 9
"""A bundle's sequence number has no more."""


def trust_options(function: F) -> F:
    """--trust KEYFILE and --insecure-unsigned."""
    trusted = click.option(
        "--trust",
        "trusted",
        multiple=True,
        type=click.Path(path_type=Path, dir_okay=False),
        envvar="GOPACK_TRUST",
        show_envvar=True,
        metavar="KEYFILE",
        help="A file of public keys, one of which must have signed the bundle.",
    )
    unsigned = click.option(
        "--insecure-unsigned",
        "is_unsigned_fine",
        is_flag=True,
        envvar="GOPACK_INSECURE_UNSIGNED",
        show_envvar=True,
        help="Accept a bundle whoever signed it, or nobody: the medium is trusted instead.",
    )
    return trusted(unsigned(function))


def make_trust(trusted: Sequence[Path], *, is_unsigned_fine: bool) -> Trust:
    """Read the keys that are trusted.

    Raises:
        InputError, StoreError: a file has none, or cannot be read.
    """
    keys = {str(key): key for path in trusted for key in read_verifiers(path)}
    return Trust(tuple(keys.values()), is_unsigned_fine)


@contextmanager
def bundle_source(path: Path) -> Iterator[TarBundle]:
    """Find a bundle, or the volumes of one, and close it at the end."""
    source = TarBundle(path)
    try:
        yield source
    finally:
        source.close()


@contextmanager
def opened_bundle(path: Path, trust: Trust) -> Iterator[Opened]:
    """Open a bundle, or the volumes of one, and close it at the end."""
    with bundle_source(path) as source:
        yield open_bundle(source, trust)


@dataclass(frozen=True, slots=True)
class ZipCheckers:
    """What checks the zips of a bundle, on every core."""

    pool: AdaptiveZips
    _zips: dict[ModuleVersion, BundledZip]

    def take(self, opened: Opened) -> AdaptiveZips:
        """Take up a bundle."""
        source = opened.source
        assert isinstance(source, TarBundle)
        for one in opened.index.versions:
            if one.entry.zip is not None:
                regions = source.regions(*opened.places[one.zip_name])
                self._zips[one.module] = BundledZip(regions, one.entry.zip.sha256)
        return self.pool


@contextmanager
def zip_checkers(source: TarBundle, incoming: Path) -> Iterator[ZipCheckers]:
    """Start what will check zips, before a bundle is in memory and the progress has a thread.

    Processes are started for a big bundle, which is one of many zips, or of zips that take long.
    They and this one, which started them, keep little memory that they do not use.
    """
    share_one_arena()
    give_big_buffers_back()
    zips: dict[ModuleVersion, BundledZip] = {}
    cores = os.cpu_count() or 1
    pool = AdaptiveZips(BundleWork(incoming, zips), jobs=2 * cores, cores=cores)
    try:
        if source.volumes.size_bytes >= MANY_BYTES:
            pool.start_ahead()
        yield ZipCheckers(pool, zips)
    finally:
        pool.close()


def carried_key(opened: Opened) -> note.Verifier | None:
    """Decide whether to believe the key of the carried checksum database.

    Raises:
        IntegrityError: nobody vouches for it, or this machine's settings say another one.
        InputError: these settings are malformed.
    """
    database = opened.index.database
    if database is None:
        return None
    key = note.parse_verifier(database.key)
    local = goenv.find_sumdb()  # a sealed host without Go has no settings, and needs none
    if local is not None and local.name == database.name:
        known = note.parse_verifier(local.key)
        if known != key:
            raise IntegrityError(
                "the bundle has another key for the checksum database than this machine",
                where=opened.where,
                expected=str(known),
                got=str(key),
                hint="do not import it until it is known why; GOSUMDB sets this machine's key",
            )
        return key
    if _is_known(key):
        return key
    if _has_known_key(key.name):
        raise IntegrityError(
            f"the bundle has another key for {key.name} than the one that gopack knows",
            where=opened.where,
            got=str(key),
            hint="do not import it, whoever signed it, and ask who made it where the key is from",
        )
    if opened.signers:
        return key
    raise IntegrityError(
        f"nobody vouches for the key of the checksum database {database.name}",
        where=opened.where,
        hint=f'give --trust, or set GOSUMDB="{key}" if that is the right key',
    )


def _is_known(key: note.Verifier) -> bool:
    public = base64std.encode(bytes([note.ALG_ED25519]) + key.public_key)
    return KNOWN_KEYS.get(f"{key.key_hash:08x}") == public


def _has_known_key(name: str) -> bool:
    """Tell whether a key of the database of this name is known: only the true name fits one."""
    known = ((int(number, 16), base64std.decode(key)) for number, key in KNOWN_KEYS.items())
    return any(key is not None and note.key_hash(name, key) == number for number, key in known)


def kept_proofs_of(own_folder: Path) -> dict[str, Proofs]:
    """Take the inventory of what is kept of every checksum database."""
    found = {}
    for name, store in kept_databases(own_folder):
        notes = list(store.heads().values())
        sizes = [
            tlog.parse_tree(message.split(b"\n\n")[0].decode(errors="replace") + "\n").size
            for message in notes
        ]
        found[name] = Proofs(
            frozenset(record.id for record in store.records().values()),
            frozenset(sizes),
            notes[-1].decode(errors="replace") if notes else "",
        )
    return found


def kept_records_of(own_folder: Path) -> dict[str, Mapping[ModuleVersion, Record]]:
    """Read the records of every checksum database that is kept."""
    return {name: store.records() for name, store in kept_databases(own_folder)}


def kept_databases(own_folder: Path) -> Iterator[tuple[str, SumdbStore]]:
    """Tell every checksum database whose proofs a storage keeps, by name."""
    folder = own_folder / "sumdb"
    for heads in sorted(folder.glob("**/heads")):
        name = heads.parent.relative_to(folder).as_posix()
        yield name, SumdbStore.of(own_folder, name)


def read_base(text: str, history: History) -> tuple[Inventory, Parent | None]:
    """Read what --since names: a sequence number, a bundle, a manifest or a state.

    Raises:
        InputError: there is no such thing.
        GopackError: it cannot be read.
    """
    if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS:
        sealed = history.load(int(text))
        return sealed.index.after, Parent(sealed.head.sequence, sealed.head.id)
    path = Path(text)
    if _begins_json(path):
        return _read_holdings(path), None
    with opened_bundle(path, Trust(is_unsigned_fine=True)) as opened:
        head = opened.sealed.head
        return opened.index.after, Parent(head.sequence, head.id)


def _begins_json(path: Path) -> bool:
    with disk_errors("read", path):
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(1) == b"{"


def _read_holdings(path: Path) -> Inventory:
    data = read_bytes(path)
    if data.startswith(b'{"kind"'):
        return inventories.loads(data, where=str(path))
    return inventories.of_manifest(manifests.loads(data, where=str(path)))


def read_inventory(text: str) -> Inventory:
    """Read what a bundle, a manifest, a state or a storage's folder has.

    Raises:
        GopackError: it cannot be read.
    """
    path = Path(text)
    own = path / ".gopack"
    with disk_errors("read", path):
        is_storage = path.is_dir()
    if is_storage:
        manifest = manifests.loads(read_bytes(own / "manifest.json"), where=text)
        return inventories.of_manifest(manifest, kept_proofs_of(own))
    if _begins_json(path):
        return _read_holdings(path)
    with opened_bundle(path, Trust(is_unsigned_fine=True)) as opened:
        return opened.index.after
