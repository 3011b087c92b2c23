"""Creating a bundle: what the other side lacks, in one deterministic stream.

Rules:
- Only what the ledger vouches for is carried; the bytes on the disk must be the recorded ones, or
  nothing is written.
- Versions come requirements first, so that import can publish as it reads.
- The same storage, base and keys give the same bytes; so one volume can be made again from what
  is recorded of the bundle (`again`), whatever was fetched since.
- Memory holds the index and the packed small files, never a zip.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from gopack.errors import GopackError, InputError, StoreError
from gopack.flows import bundle_sumdb
from gopack.flows.bundle_sumdb import Holdings
from gopack.flows.keptheads import REPAIR
from gopack.plan import publishing
from gopack.plan.bundle import contents, sbom, tarball
from gopack.plan.bundle import index as indexes
from gopack.plan.bundle.index import (
    CHUNK_BYTES,
    CONTENTS_NAME,
    GO_SUM_NAME,
    HEAD_NAME,
    INDEX_NAME,
    SBOM_NAME,
    SUMDB_NAME,
    TILES_NAME,
    Carried,
    Chunk,
    Database,
    Head,
    Index,
    Member,
    Parent,
    Sealed,
)
from gopack.plan.bundle.inventory import Inventory, Proofs
from gopack.plan.manifest import Entry, Manifest
from gopack.plan.summary import required_by
from gopack.ports import FileKind, ProofStore, Store
from gopack.spec import note
from gopack.spec.module import ModuleVersion

_PIECE_BYTES = 1 << 20
_EDITED = "somebody edited the storage: run gopack check, and fetch again"


class Output(Protocol):
    """Where a bundle goes."""

    def add(self, member: Member, pieces: Iterable[bytes | memoryview]) -> None:
        """Write a file, which MUST be checked to be what the member says."""


@dataclass(frozen=True, slots=True)
class Extra:
    """A file of gopack itself that is carried along."""

    member: Member
    path: Path


@dataclass(frozen=True, slots=True)
class Origin:
    """The storage that a bundle is made of: the ports of this flow."""

    store: Store
    manifest: Manifest
    proofs: ProofStore | None
    key: note.Verifier | None
    licence: Callable[[ModuleVersion], str] = field(default=lambda _module: "")


@dataclass(frozen=True, slots=True)
class Order:
    """What bundle is wanted.

    Args:
        sequence: its number.
        parent: the bundle it follows, if it does.
        base: what the other side has.
        only: the versions to choose from; all if None.
        extras: files of gopack itself.
    """

    sequence: int
    parent: Parent | None = None
    base: Inventory = field(default_factory=Inventory)
    only: frozenset[ModuleVersion] | None = None
    extras: tuple[Extra, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A bundle that is ready to be signed and written."""

    origin: Origin
    index: Index
    holdings: Holdings | None
    extras: Mapping[str, Path] = field(default_factory=dict)

    def seal(self, signers: Sequence[note.Signer]) -> Sealed:
        """Sign it; without signers it is an unsigned bundle."""
        data = indexes.dumps(self.index)
        packed = indexes.pack(data)
        head = Head(
            self.index.sequence,
            self.index.parent,
            len(packed),
            len(data),
            indexes.sha256(data),
        )
        text = indexes.format_head(head)
        message = note.sign_note(note.Note(text), *signers) if signers else (text + "\n").encode()
        return Sealed(message, head, packed, self.index)

    @property
    def sumdb(self) -> bytes | None:
        """The file with the checksum records and the tiles' names, if there is one.

        It is recorded with the index. Which tiles were needed depends on the records that were
        kept then, and of those that the other side had the index does not tell which.
        """
        return _front_file(SUMDB_NAME, self.index, self.holdings) if self.holdings else None

    def write(
        self, sealed: Sealed, output: Output, tell: Callable[[Member], None] = lambda _member: None
    ) -> None:
        """Write it all.

        Raises:
            StoreError: the storage or the output fails, or the storage is not what it was.
        """
        for name, data in ((HEAD_NAME, sealed.note), (INDEX_NAME, sealed.packed_index)):
            output.add(Member(name, len(data), indexes.sha256(data)), [data])
        for member in self.index.front:
            output.add(member, self._front(member.name))
        first = 0
        for chunk in self.index.chunks:
            output.add(chunk.member, self._chunk(first, chunk.versions))
            first += chunk.versions
        for member in self.index.extras:
            output.add(member, _file_pieces(self.extras[member.name]))
        for carried in self.index.versions:
            if carried.entry.zip is not None:
                zip_ = carried.entry.zip
                member = Member(carried.zip_name, zip_.size_bytes, zip_.sha256)
                output.add(member, self._zip(carried.module))
                tell(member)

    def _front(self, name: str) -> Iterator[bytes]:
        if name == TILES_NAME:
            yield from self._tiles()
        else:
            yield _front_file(name, self.index, self.holdings)

    def _tiles(self) -> Iterator[bytes]:
        assert self.holdings is not None
        yield from _tiles(self.origin, self.holdings)

    def _chunk(self, first: int, count: int) -> Iterator[bytes]:
        versions = self.index.versions[first : first + count]
        texts = (text for c in versions for text in read_small(self.origin, c.module, c.entry))
        yield indexes.pack(b"".join(texts))

    def _zip(self, module: ModuleVersion) -> Iterator[bytes]:
        with self.origin.store.open(module, FileKind.ZIP) as file:
            while piece := file.read(_PIECE_BYTES):
                yield piece


def add_signatures(sealed: Sealed, signers: Sequence[note.Signer]) -> Sealed:
    """Sign a bundle that was made before with more keys: what they sign is the same, its id, too.

    One that has signed already changes nothing: it would sign the same way again. The signatures
    are in the first file; were it to take more room, all behind it would move, and no volume that
    was carried could be made again.

    Raises:
        InputError: there is no room for them.
    """
    text = indexes.format_head(sealed.head)
    lines = note.sign_note(note.Note(text), *signers).removeprefix(f"{text}\n".encode())
    had = sealed.note.splitlines(keepends=True)
    fresh = [line for line in lines.splitlines(keepends=True) if line not in had]
    signed = replace(sealed, note=sealed.note + b"".join(fresh))
    if total_bytes(signed) != total_bytes(sealed):
        raise InputError(
            f"bundle {sealed.head.sequence} has no room for another signature: all behind it would "
            "move, and its volumes could not be made again",
            hint="make a new bundle, and sign it with all keys at once: --sign may be given "
            "several times",
        )
    return signed


def draft(origin: Origin, order: Order) -> Draft:
    """Work out a bundle: what it carries, in which order, and what its files are.

    Raises:
        StoreError: the storage lacks what its manifest says, or is edited.
        IntegrityError: the kept proofs of the checksum database do not prove.
    """
    entries = {
        module: entry
        for module, entry in origin.manifest.versions.items()
        if order.base.lacks(module, whole=entry.zip is not None)
        and (order.only is None or module in order.only)
    }
    versions = _carried(origin, entries)
    holdings = _holdings(origin, order.base)
    index = Index(
        sequence=order.sequence,
        parent=order.parent,
        builds_on=order.base,
        versions=tuple(versions),
        front=(),
        chunks=tuple(_chunks(origin, versions)),
        database=_database(holdings) if holdings else None,
        extras=tuple(extra.member for extra in order.extras),
        facts=replace(origin.manifest, versions={}),
    )
    index = replace(index, front=tuple(_front_members(origin, index, holdings)))
    return Draft(origin, index, holdings, {e.member.name: e.path for e in order.extras})


def again(
    origin: Origin, index: Index, extras: Sequence[Extra] = (), *, sumdb: bytes | None = None
) -> Draft:
    """Make the draft of a bundle that was made before, from what is recorded of it.

    Args:
        origin: the storage.
        index: the bundle's index.
        extras: what was carried along.
        sumdb: Draft.sumdb; None where an older gopack did not record it.

    Raises:
        StoreError: the storage no longer keeps what it carried.
        IntegrityError: `sumdb` is spoilt.
        InputError: a file that was carried along is not given.
    """
    holdings = _had(origin, index, index.database, sumdb) if index.database else None
    given = {extra.member for extra in extras}
    for member in index.extras:
        if member not in given:
            raise InputError(
                "the bundle carried this file, and it is not given or changed",
                where=member.name,
                hint="give the same --with DIR as then",
            )
    return Draft(origin, index, holdings, {e.member.name: e.path for e in extras})


def _had(origin: Origin, index: Index, database: Database, sumdb: bytes | None) -> Holdings:
    """Tell what a bundle carried of the checksum database."""
    holdings = None
    if origin.proofs is not None and origin.key is not None and origin.key.name == database.name:
        if sumdb is not None:
            data = indexes.unpack(sumdb, database.unpacked_bytes, where=SUMDB_NAME)
            return bundle_sumdb.loads(data, origin.key, where=SUMDB_NAME)
        had = index.after.sumdbs[database.name]
        all_ = bundle_sumdb.kept(origin.proofs, origin.key, only=had)
        base = index.builds_on.sumdbs.get(database.name, Proofs())
        holdings = all_ and bundle_sumdb.lacking(all_, base)
    if holdings is None:
        raise StoreError(
            "the proofs that the bundle carried are not kept any more",
            hint="make a new bundle with --since",
        )
    return holdings


def _carried(origin: Origin, entries: Mapping[ModuleVersion, Entry]) -> list[Carried]:
    """Look at every version's files; give them requirements first."""
    found: dict[ModuleVersion, Carried] = {}
    requires: dict[ModuleVersion, list[ModuleVersion]] = {}
    for module, entry in sorted(entries.items()):
        info, mod = read_small(origin, module, entry)
        licence = ""
        if entry.zip is not None:
            _check_zip_size(origin, module, entry.zip.size_bytes)
            licence = origin.licence(module)
        found[module] = Carried(module, entry, len(info), len(mod), licence)
        requires[module] = required_by(module, mod)
    return [found[module] for module in publishing.in_order(requires)]


def read_small(origin: Origin, module: ModuleVersion, entry: Entry) -> tuple[bytes, bytes]:
    """Read a version's .info and go.mod, which must be the recorded ones.

    Raises:
        StoreError: they are not.
    """
    texts = []
    for kind, recorded in ((FileKind.INFO, entry.info_sha256), (FileKind.MOD, entry.mod_sha256)):
        with origin.store.open(module, kind) as file:
            text = file.read()
        if indexes.sha256(text) != recorded:
            raise StoreError(
                f"the stored .{kind.value} is not the one that was recorded",
                where=str(module),
                expected=recorded,
                got=indexes.sha256(text),
                hint=_EDITED,
            )
        texts.append(text)
    return texts[0], texts[1]


def _check_zip_size(origin: Origin, module: ModuleVersion, size_bytes: int) -> None:
    with origin.store.open(module, FileKind.ZIP) as file:
        got = file.seek(0, 2)
    if got != size_bytes:
        raise StoreError(
            "the stored zip is not the one that was recorded",
            where=str(module),
            expected=f"{size_bytes} bytes",
            got=f"{got} bytes",
            hint=_EDITED,
        )


def _chunks(origin: Origin, versions: Sequence[Carried]) -> Iterator[Chunk]:
    texts: list[bytes] = []
    size = count = number = 0
    for position, carried in enumerate(versions, 1):
        texts += read_small(origin, carried.module, carried.entry)
        size += carried.info_bytes + carried.mod_bytes
        count += 1
        if size >= CHUNK_BYTES or position == len(versions):
            number += 1
            packed = indexes.pack(b"".join(texts))
            member = Member(f"small/{number:03d}.bz2", len(packed), indexes.sha256(packed))
            yield Chunk(member, count, size)
            texts, size, count = [], 0, 0


def _holdings(origin: Origin, base: Inventory) -> Holdings | None:
    """Prove what is kept of the checksum database, and take what the other side lacks."""
    if origin.proofs is None or origin.key is None:
        return None
    all_ = bundle_sumdb.kept(origin.proofs, origin.key)
    if all_ is None:
        return None
    try:
        for _ in bundle_sumdb.prove(all_.head, all_.records, all_.heads, origin.proofs.tile):
            pass
    except GopackError as error:
        error.hint = REPAIR
        raise
    return bundle_sumdb.lacking(all_, base.sumdbs.get(origin.key.name, Proofs()))


def _database(holdings: Holdings) -> Database:
    data = bundle_sumdb.dumps(holdings)
    return Database(holdings.key.name, str(holdings.key), holdings.proofs, len(data))


def _front_members(origin: Origin, index: Index, holdings: Holdings | None) -> Iterator[Member]:
    names = [CONTENTS_NAME, SBOM_NAME, GO_SUM_NAME]
    if holdings is not None:
        names.append(SUMDB_NAME)
    for name in names:
        data = _front_file(name, index, holdings)
        yield Member(name, len(data), indexes.sha256(data))
    if holdings is not None:
        yield Member(TILES_NAME, *indexes.measure(_tiles(origin, holdings)))


def _front_file(name: str, index: Index, holdings: Holdings | None) -> bytes:
    if name == CONTENTS_NAME:
        return contents.render(
            index.versions, sequence=index.sequence, parent=index.parent, extras=index.extras
        )
    if name == SBOM_NAME:
        return sbom.render(index.versions)
    if name == GO_SUM_NAME:
        return index.go_sum
    assert holdings is not None
    return indexes.pack(bundle_sumdb.dumps(holdings))


def _tiles(origin: Origin, holdings: Holdings) -> Iterator[bytes]:
    assert origin.proofs is not None
    for tile in holdings.tiles:
        data = origin.proofs.tile(tile)
        if data is None:
            raise StoreError("a tile is missing", where=tile.path, hint=_EDITED)
        yield data


def _file_pieces(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE_BYTES):
                yield piece
    except OSError as error:
        raise StoreError(f"cannot be read: {error.strerror}", where=str(path)) from error


def total_bytes(sealed: Sealed) -> int:
    """Tell how long the bundle will be."""
    head = tarball.span(HEAD_NAME, len(sealed.note))
    front = tarball.span(INDEX_NAME, len(sealed.packed_index))
    rest = sum(tarball.span(m.name, m.size_bytes) for m in sealed.index.members())
    return head + front + rest + len(tarball.END)
