"""Opening a bundle: signature, index, and where everything lies; nothing is believed before.

Rules:
- The format is looked at first, so that a newer bundle says so whoever signed it.
- A bundle without a signature by a trusted key is refused, unless the person says otherwise.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gopack.errors import IntegrityError, StoreError
from gopack.plan.bundle import index as indexes
from gopack.plan.bundle.index import Carried, Chunk, Head, Index, Member, Sealed
from gopack.plan.query import checked_info
from gopack.spec import note
from gopack.spec.dirhash import hash_go_mod


class Source(Protocol):
    """A bundle's bytes. Every failure MUST be a GopackError."""

    path: Path

    def read_note(self) -> bytes:
        """The signed head."""

    def read_index(self, head: Head) -> bytes:
        """The packed index."""

    def layout(self, sealed: Sealed) -> Mapping[str, tuple[int, Member]]:
        """Where each file begins."""

    def check_end(self, sealed: Sealed) -> None:
        """Check that the bundle ends where it must."""

    def check_shell(self, at: int, member: Member) -> None:
        """Check what surrounds a file's bytes."""

    def pieces(self, at: int, member: Member) -> Iterator[bytes]:
        """A file, its last piece only if all of it is what the index says."""

    def read_part(self, at: int, member: Member, offset: int, size_bytes: int) -> bytes:
        """Some bytes of a file, unchecked."""

    def damage(self, at: int, member: Member) -> IntegrityError:
        """The error for a file that is not what the index says."""


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose signatures count; with `is_unsigned_fine` nobody's need be there."""

    keys: Sequence[note.Verifier] = ()
    is_unsigned_fine: bool = False


@dataclass(frozen=True, slots=True)
class SmallFiles:
    """A version's small files, checked against the index."""

    carried: Carried
    info: bytes
    mod: bytes


@dataclass(frozen=True, slots=True)
class Opened:
    """A bundle whose index is believed; `signers` are the trusted ones that signed."""

    source: Source
    sealed: Sealed
    places: Mapping[str, tuple[int, Member]]
    signers: tuple[str, ...]

    @property
    def index(self) -> Index:
        """What it says of itself."""
        return self.sealed.index

    @property
    def where(self) -> str:
        """The bundle as a person named it."""
        return str(self.source.path)

    def read(self, name: str) -> bytes:
        """Read a file whole, checked; only for files that are not big.

        Raises:
            IntegrityError: it is damaged, or the bundle has none of this name.
        """
        if name not in self.places:
            raise IntegrityError(f"has no {name}", where=self.where, hint=_FORGED)
        return b"".join(self.source.pieces(*self.places[name]))

    def small_files(self) -> Iterator[SmallFiles]:
        """Every version's small files, in the order in which they may appear.

        Raises:
            IntegrityError: they are not what the index says.
        """
        first = 0
        for chunk in self.index.chunks:
            yield from self._of_chunk(chunk, self.index.versions[first : first + chunk.versions])
            first += chunk.versions
        if first != len(self.index.versions):
            raise IntegrityError(
                "the index has versions without files", where=self.where, hint=_FORGED
            )

    def _of_chunk(self, chunk: Chunk, versions: Sequence[Carried]) -> Iterator[SmallFiles]:
        name = chunk.member.name
        data = indexes.unpack(self.read(name), chunk.unpacked_bytes, where=f"{self.where}: {name}")
        at = 0
        for carried in versions:
            middle = at + carried.info_bytes
            end = middle + carried.mod_bytes
            yield _checked(carried, data[at:middle], data[middle:end])
            at = end
        if at != len(data):
            raise IntegrityError(f"{name} lies about its size", where=self.where, hint=_FORGED)


_FORGED = "the bundle is forged or made by a broken program; nothing was imported"


def open_bundle(source: Source, trust: Trust) -> Opened:
    """Open a bundle.

    Raises:
        IntegrityError: it is not signed by a trusted key, or not whole so far.
        StoreError: it is of a newer format, or cannot be read.
        InputError: two of the trusted keys are ambiguous.
    """
    message = source.read_note()
    text = message.split(b"\n\n", 1)[0].decode("utf-8", "replace") + "\n"
    head = indexes.parse_head(text, where=str(source.path))
    signers = _check_signatures(message, trust, str(source.path))
    if not signers:
        indexes.check_unvouched(head, where=str(source.path))
    packed = source.read_index(head)
    index = indexes.loads(head, packed, where=str(source.path))
    sealed = Sealed(message, head, packed, index)
    places = source.layout(sealed)
    if len(places) != sum(1 for _ in index.members()):
        raise IntegrityError("two files have one name", where=str(source.path), hint=_FORGED)
    source.check_end(sealed)
    return Opened(source, sealed, places, signers)


def parent_is_missing(opened: Opened, what: str) -> StoreError:
    """Make the error for a bundle that came before the one that it builds on."""
    parent = opened.index.parent
    named = f"bundle {parent.sequence} ({parent.id})" if parent else "what it builds on"
    return StoreError(
        f"this bundle needs {named} first: {what}",
        where=opened.where,
        hint=f"import {named}, then this one; or make it anew with --since the state of this "
        "side (`gopack bundle state`)",
    )


def _check_signatures(message: bytes, trust: Trust, where: str) -> tuple[str, ...]:
    if trust.is_unsigned_fine:
        return ()
    if message.endswith(b"\n\n"):
        raise IntegrityError(
            "the bundle is not signed",
            where=where,
            hint="have it made with --sign KEY; --insecure-unsigned trusts the medium instead",
        )
    if not trust.keys:
        raise IntegrityError(
            "no key is given to check the bundle's signature with",
            where=where,
            hint="give --trust KEYFILE (the .pub file of the signer), or --insecure-unsigned",
        )
    try:
        opened = note.open_note(message, trust.keys)
    except IntegrityError as error:
        error.where = where
        error.hint = "ask who made the bundle which key signed it, and give that one to --trust"
        raise
    return tuple(signature.name for signature in opened.signatures)


def _checked(carried: Carried, info: bytes, mod: bytes) -> SmallFiles:
    entry = carried.entry
    for what, got, expected in (
        (".info", indexes.sha256(info), entry.info_sha256),
        ("go.mod", indexes.sha256(mod), entry.mod_sha256),
        ("go.mod's sum", hash_go_mod(mod), entry.mod_h1),
    ):
        if got != expected:
            raise IntegrityError(
                f"the {what} is not what the index says",
                where=str(carried.module),
                expected=expected,
                got=got,
                hint=_FORGED,
            )
    try:
        checked_info(carried.module.path, carried.module.version, info)
    except IntegrityError as error:
        error.hint = _FORGED
        raise
    return SmallFiles(carried, info, mod)
