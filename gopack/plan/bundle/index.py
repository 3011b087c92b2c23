"""The head and the index of a bundle: what it holds, and what its signatures are over.

Rules:
- The head is a few lines of text, and with its signatures a signed note; it names the index by
  its SHA-256, and the index names every other file of the bundle by name, size and SHA-256. So a
  signature over the head covers everything.
- The bundle's id is the SHA-256 of its index.
- The index holds the inventory that the bundle builds on, and the versions it carries in the
  order in which they appear: requirements first.
- Files come in the order of the index; sizes are bounded before anything is read or unpacked.
"""

import bz2
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gopack.errors import GopackError, IntegrityError, StoreError
from gopack.plan import manifest as manifests
from gopack.plan.bundle import inventory as inventories
from gopack.plan.bundle.inventory import Inventory, Proofs, natural
from gopack.plan.bundle.tarball import check_name
from gopack.plan.layout import FileKind, goproxy_key, is_version_folder_name
from gopack.plan.manifest import Entry, Manifest
from gopack.spec import gosum, note
from gopack.spec import module as modules
from gopack.spec.module import ModuleVersion
from gopack.spec.modzip import MAX_ZIP_BYTES

FORMAT = 1
"""Raised when an older gopack could misread a bundle."""

HEAD_NAME = "BUNDLE"
INDEX_NAME = "index.json.bz2"
CONTENTS_NAME = "CONTENTS.txt"
SBOM_NAME = "sbom.cdx.json"
GO_SUM_NAME = "go.sum"
SUMDB_NAME = "sumdb.json.bz2"
TILES_NAME = "sumdb.tiles"
EXTRA_FOLDER = "gopack/"
MODULES_FOLDER = "modules/"

MAX_HEAD_BYTES = 64 << 10
MAX_INDEX_BYTES = 256 << 20
MAX_FRONT_BYTES = 1 << 30
_UNVOUCHED_BYTES = 256 << 10
_UNVOUCHED_RATIO = 512
"""How long an index may be that nobody vouches for: so much, and so many bytes for each packed one.

Each version has sums of its own, which do not pack. With a thousand versions that the same thousand
lines want, or that all import from the same modules, a byte stands for 110 to 270.
"""
_LIST_BYTES = 64 << 10
_ROW_BYTES = 512
"""Bytes that a list may have at all, and for each letter of what a row of it names."""
CHUNK_BYTES = 4 << 20
"""Small files are packed together until they are this many bytes."""
MAX_CHUNK_BYTES = CHUNK_BYTES + (33 << 20)  # a last version of the largest go.mod and .info

_HEAD = re.compile(
    r"gopack bundle\nformat 1\nsequence ([1-9]\d{0,8})\nparent (none|([1-9]\d{0,8}) [0-9a-f]{64})\n"
    r"index ([1-9]\d{0,11}) of ([1-9]\d{0,11}) bytes\nsha256 ([0-9a-f]{64})\n",
    re.ASCII,
)
_NO_DATABASE = {"", ".", "..", "records", "tiles", "heads", "staging", "evidence"}
"""What no part of a database's name may be: it would lie among another one's files."""
_FORMAT = re.compile(r"gopack bundle\nformat (\d{1,9})\n", re.ASCII)
_AGAIN = "the bundle is damaged or forged: carry it across again; nothing was imported"


@dataclass(frozen=True, slots=True)
class Parent:
    """The bundle before this one: its sequence number and id."""

    sequence: int
    id: str


@dataclass(frozen=True, slots=True)
class Head:
    """What the signatures are over; `packed_bytes` and `index_bytes` bound the index."""

    sequence: int
    parent: Parent | None
    packed_bytes: int
    index_bytes: int
    id: str


@dataclass(frozen=True, slots=True)
class Member:
    """A file of the bundle."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Carried:
    """A version that a bundle carries; the small files' sizes say where they lie in their chunk."""

    module: ModuleVersion
    entry: Entry
    info_bytes: int
    mod_bytes: int
    licence: str = ""

    @property
    def zip_name(self) -> str:
        """The name of its zip in the bundle: safe on every disk."""
        return MODULES_FOLDER + goproxy_key(self.module, FileKind.ZIP)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Small files packed together: of how many versions, and how many bytes unpacked."""

    member: Member
    versions: int
    unpacked_bytes: int


@dataclass(frozen=True, slots=True)
class Database:
    """A checksum database whose proofs are carried, its key, and what the bundle adds of it."""

    name: str
    key: str
    proofs: Proofs
    unpacked_bytes: int


@dataclass(frozen=True, slots=True)
class Index:
    """Everything a bundle says of itself; `facts` is the manifest without its versions."""

    sequence: int
    parent: Parent | None
    builds_on: Inventory
    versions: tuple[Carried, ...]
    front: tuple[Member, ...]
    chunks: tuple[Chunk, ...]
    database: Database | None = None
    extras: tuple[Member, ...] = ()
    facts: Manifest = field(default_factory=Manifest)

    def members(self) -> Iterator[Member]:
        """Every file after the index, in the bundle's order."""
        yield from self.front
        for chunk in self.chunks:
            yield chunk.member
        yield from self.extras
        for carried in self.versions:
            if carried.entry.zip is not None:
                zip_ = carried.entry.zip
                yield Member(carried.zip_name, zip_.size_bytes, zip_.sha256)

    @property
    def go_sum(self) -> bytes:
        """The go.sum of the versions it carries."""
        manifest = Manifest({one.module: one.entry for one in self.versions})
        return gosum.format_lines(manifest.sum_lines()).encode()

    @property
    def adds(self) -> Inventory:
        """What the bundle adds to the inventory it builds on."""
        manifest = Manifest({carried.module: carried.entry for carried in self.versions})
        sumdbs = {self.database.name: self.database.proofs} if self.database else {}
        return inventories.of_manifest(manifest, sumdbs)

    @property
    def after(self) -> Inventory:
        """What a side has that had what this builds on and imported it."""
        return inventories.union(self.builds_on, self.adds)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A bundle's first two files: the signed head and the packed index, and what they say."""

    note: bytes
    head: Head
    packed_index: bytes = field(repr=False)
    index: Index = field(repr=False)


def format_head(head: Head) -> str:
    """Write the text that is signed."""
    parent = f"{head.parent.sequence} {head.parent.id}" if head.parent else "none"
    return (
        f"gopack bundle\nformat {FORMAT}\nsequence {head.sequence}\nparent {parent}\n"
        f"index {head.packed_bytes} of {head.index_bytes} bytes\nsha256 {head.id}\n"
    )


def parse_head(text: str, *, where: str) -> Head:
    """Read the text that is signed.

    Raises:
        StoreError: the bundle is of a newer format.
        IntegrityError: this is no bundle's head.
    """
    if (newer := _FORMAT.match(text)) and int(newer[1]) > FORMAT:
        raise StoreError(
            f"bundle format {newer[1]} is newer than this gopack (format {FORMAT})",
            where=where,
            hint="import it with the gopack that made it: `bundle create --with-gopack` carries it",
        )
    match = _HEAD.fullmatch(text)
    if match is None:
        raise IntegrityError("not a bundle's head", where=where, hint=_AGAIN)
    sequence, parent, parent_sequence, packed, size, digest = match.groups()
    if max(int(packed), int(size)) > MAX_INDEX_BYTES:
        raise IntegrityError(
            f"an index of {size} bytes", where=where, hint=f"{MAX_INDEX_BYTES} is the most"
        )
    before = Parent(int(parent_sequence), parent.split()[1]) if parent_sequence else None
    return Head(int(sequence), before, int(packed), int(size), digest)


def check_unvouched(head: Head, *, where: str) -> None:
    """Check that reading the index takes no memory out of proportion to the bundle.

    Raises:
        IntegrityError: it would; no index that gopack writes does.
    """
    if head.index_bytes > _UNVOUCHED_BYTES + _UNVOUCHED_RATIO * head.packed_bytes:
        raise IntegrityError(
            f"an index of {head.index_bytes} bytes, packed into {head.packed_bytes}",
            where=where,
            hint="it is not read: the bundle is forged, unless a key that you trust signed it "
            "(`gopack bundle verify --trust KEYFILE`)",
        )


def dumps(index: Index) -> bytes:
    """Write an index as JSON: the same index gives the same bytes."""
    return (
        json.dumps(_index_json(index), separators=(",", ":"), ensure_ascii=False) + "\n"
    ).encode("utf-8", "backslashreplace")  # as the manifest has it


def pack(data: bytes) -> bytes:
    """Compress; bzip2's output depends on no version or machine."""
    return bz2.compress(data, 9)


def unpack(data: bytes, size_bytes: int, *, where: str) -> bytes:
    """Decompress what must be exactly so many bytes, and never more of it.

    Raises:
        IntegrityError: it is not.
    """
    decompressor = bz2.BZ2Decompressor()
    try:
        unpacked = decompressor.decompress(data, size_bytes + 1)
    except (OSError, EOFError) as error:
        raise IntegrityError(
            f"cannot be decompressed ({error})", where=where, hint=_AGAIN
        ) from error
    if len(unpacked) != size_bytes or not decompressor.eof or decompressor.unused_data:
        raise IntegrityError(
            "does not decompress to the size that the bundle says",
            where=where,
            expected=f"{size_bytes} bytes",
            got="another size",
            hint=_AGAIN,
        )
    return unpacked


def loads(head: Head, packed: bytes, *, where: str) -> Index:
    """Unpack and read the index that the head names.

    Raises:
        IntegrityError: it is another one, or malformed.
    """
    data = unpack(packed, head.index_bytes, where=where)
    digest = hashlib.sha256(data).hexdigest()
    if digest != head.id:
        raise IntegrityError(
            "the index is not the one that the head names",
            where=where,
            expected=head.id,
            got=digest,
            hint=_AGAIN,
        )
    try:
        index = parse(data, where=where)
    except (
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        RecursionError,
        GopackError,
    ) as error:
        raise IntegrityError(f"malformed index: {error}", where=where, hint=_AGAIN) from error
    if (index.sequence, index.parent) != (head.sequence, head.parent):
        raise IntegrityError("head and index disagree", where=where, hint=_AGAIN)
    return index


def parse(data: bytes, *, where: str) -> Index:
    """Read an index as it was unpacked.

    Raises:
        GopackError, ValueError, TypeError, LookupError, AttributeError: it is malformed.
    """
    return _index(json.loads(data, object_hook=_carried_or_raw), where)


def _index_json(index: Index) -> dict[str, Any]:
    database = index.database
    return {
        "format": FORMAT,
        "sequence": index.sequence,
        "parent": [index.parent.sequence, index.parent.id] if index.parent else None,
        "builds_on": json.loads(inventories.dumps(index.builds_on)),
        "front": [_member_json(member) for member in index.front],
        "chunks": [
            [*_member_json(chunk.member), chunk.versions, chunk.unpacked_bytes]
            for chunk in index.chunks
        ],
        "extras": [_member_json(member) for member in index.extras],
        "sumdb": database
        and {
            "name": database.name,
            "key": database.key,
            "records": sorted(database.proofs.records),
            "heads": sorted(database.proofs.heads),
            "latest": database.proofs.latest,
            "bytes": database.unpacked_bytes,
        },
        "facts": json.loads(manifests.dumps(index.facts)),
        "versions": [_carried_json(carried) for carried in index.versions],
    }


def _member_json(member: Member) -> list[Any]:
    return [member.name, member.size_bytes, member.sha256]


def _carried_json(carried: Carried) -> dict[str, Any]:
    return {
        "module": str(carried.module),
        **manifests.entry_json(carried.entry),
        "info_bytes": carried.info_bytes,
        "mod_bytes": carried.mod_bytes,
        "licence": carried.licence,
    }


def _index(raw: Mapping[str, Any], where: str) -> Index:
    parent = raw["parent"]
    index = Index(
        sequence=natural(raw["sequence"]),
        parent=Parent(natural(parent[0]), str(parent[1])) if parent else None,
        builds_on=inventories.loads(json.dumps(raw["builds_on"]).encode(), where=where),
        versions=_versions(raw["versions"]),
        front=tuple(_member(item, MAX_FRONT_BYTES) for item in raw["front"]),
        chunks=tuple(_chunk(item) for item in raw["chunks"]),
        database=_database(raw["sumdb"]),
        extras=tuple(_extra(item) for item in raw["extras"]),
        facts=manifests.loads(json.dumps(raw["facts"]).encode(), where=where),
    )
    _check_front(index)
    return index


def _check_front(index: Index) -> None:
    """Bound the files that are read whole by what they could have to say."""
    lists = _LIST_BYTES
    for one in index.versions:
        lists += _ROW_BYTES * (
            2 + len(str(one.module)) + len(one.licence.encode("utf-8", "replace"))
        )
    lists += sum(_ROW_BYTES * (2 + len(extra.name)) for extra in index.extras)
    most = dict.fromkeys((CONTENTS_NAME, SBOM_NAME, GO_SUM_NAME), lists)
    most[SUMDB_NAME] = MAX_INDEX_BYTES
    for member in index.front:
        if member.size_bytes > most.get(member.name, member.size_bytes):
            raise ValueError(f"{member.name} has {member.size_bytes} bytes")


def _carried_or_raw(raw: dict[str, Any]) -> Carried | dict[str, Any]:
    """Read a version as soon as it is parsed: its dictionary takes more than what it says."""
    return _carried(raw) if "mod_bytes" in raw else raw


def _versions(raw: list[Any]) -> tuple[Carried, ...]:
    carried = tuple(raw)
    if not all(isinstance(one, Carried) for one in carried):
        raise ValueError("a version is none")
    if len({one.module for one in carried}) != len(carried):
        raise ValueError("a version is named twice")
    return carried


def _carried(raw: Mapping[str, Any]) -> Carried:
    path, _, version = str(raw["module"]).rpartition("@")
    modules.check(path, version)
    if not is_version_folder_name(version):
        raise ValueError(f"{path}@{version} is not a canonical version")
    entry = manifests.parse_entry(raw)
    if entry.zip is not None and not 0 < entry.zip.size_bytes <= MAX_ZIP_BYTES:
        raise ValueError(f"{path}@{version} has a zip of {entry.zip.size_bytes} bytes")
    return Carried(
        ModuleVersion(path, version),
        entry,
        natural(raw["info_bytes"]),
        natural(raw["mod_bytes"]),
        str(raw["licence"]),
    )


def _member(raw: list[Any], most: int) -> Member:
    name, size, sha256 = raw
    check_name(str(name), where="index")
    if natural(size) > most:
        raise ValueError(f"{name} has {size} bytes, {most} is the most")
    return Member(str(name), size, str(sha256))


def _extra(raw: list[Any]) -> Member:
    member = _member(raw, 1 << 40)
    if not member.name.startswith(EXTRA_FOLDER):
        raise ValueError(f"{member.name} lies outside {EXTRA_FOLDER}")
    return member


def _chunk(raw: list[Any]) -> Chunk:
    member = _member(raw[:3], MAX_CHUNK_BYTES)
    if natural(raw[4]) > MAX_CHUNK_BYTES:
        raise ValueError(f"{member.name} unpacks to {raw[4]} bytes")
    return Chunk(member, natural(raw[3]), raw[4])


def _database(raw: Mapping[str, Any] | None) -> Database | None:
    if raw is None:
        return None
    if natural(raw["bytes"]) > MAX_INDEX_BYTES:
        raise ValueError(f"the checksum records unpack to {raw['bytes']} bytes")
    name = str(raw["name"])
    if note.parse_verifier(str(raw["key"])).name != name:
        raise ValueError(f"the key is not that of {name}")
    if _NO_DATABASE & set(name.split("/")) or "\\" in name or not name.isprintable():
        raise ValueError(f"{name} is no checksum database")
    records = frozenset(natural(number) for number in raw["records"])
    heads = frozenset(natural(size) for size in raw["heads"])
    proofs = Proofs(records, heads, str(raw["latest"]))
    return Database(name, str(raw["key"]), proofs, raw["bytes"])


def sha256(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def measure(pieces: Iterable[bytes]) -> tuple[int, str]:
    """Count and hash bytes as they come."""
    digest, size = hashlib.sha256(), 0
    for piece in pieces:
        digest.update(piece)
        size += len(piece)
    return size, digest.hexdigest()
