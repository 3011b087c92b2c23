"""The doors to the outside world, as Protocols: flows know these, adapters implement them.

Each MUST and MUST NOT here has a test in tests/contract/ that runs on every implementation and on
the fakes.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from enum import Enum
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

from gopack.errors import StoreError
from gopack.plan.layout import FileKind as FileKind  # noqa: PLC0414 - part of the port
from gopack.plan.manifest import Annotations
from gopack.plan.survey import Contents
from gopack.spec.goproxy import Request
from gopack.spec.module import ModuleVersion
from gopack.spec.sumdb import SignedHead, Sums
from gopack.spec.tiles import Tile
from gopack.spec.tlog import Record


class ZipTarget(Protocol):
    """What a zip is streamed into; every binary file is one."""

    def write(self, data: bytes, /) -> int:
        """Write the next bytes."""

    def seek(self, offset: int, /) -> int:
        """Go to a place; sources and retries go to the start only."""

    def truncate(self) -> int:
        """Cut off what follows."""


class ModuleSource(Protocol):
    """One place that answers the GOPROXY protocol: an HTTP proxy, a file tree, the go command.

    Calls MUST be safe from many threads at once. Errors MUST be UpstreamError (NotFoundError when
    the source says there is no such thing), IntegrityError or InputError, `where` set to what was
    asked for; credentials MUST NOT appear in any text.
    """

    @property
    def name(self) -> str:
        """The source as a person may see it: a URL without credentials, or `direct`."""

    def read(self, request: Request) -> bytes:
        """Answer a small request, unparsed; MUST NOT return more than MAX_ANSWER_BYTES."""

    def zip_size(self, module: ModuleVersion) -> int | None:
        """Tell the zip's size in bytes without fetching it, or None where it cannot be known.

        One that is larger than the module zip limit MUST raise IntegrityError, as in `copy_zip`.
        """

    def copy_zip(self, module: ModuleVersion, target: ZipTarget) -> int:
        """Stream the zip into `target` from its start and return its size in bytes.

        MUST NOT hold the zip in memory. After a failure `target` may hold a part of it. A body
        shorter than announced MUST raise a retryable UpstreamError (HTTP ends a longer one where
        it was announced to end, and the zip's check finds that); one larger than the module zip
        limit (500 MiB, x/mod zip.MaxZipFile) MUST raise IntegrityError.
        """


class Attempt(NamedTuple):
    """One entry of GOPROXY: a source, and what follows it in the list.

    `falls_back_on_error` is true when a `|` follows: any error moves on, not only NotFoundError.
    """

    source: ModuleSource
    falls_back_on_error: bool


class Sources(Protocol):
    """Where each module is asked for: GOPROXY, GOPRIVATE and GONOPROXY together."""

    def attempts(self, path: str) -> Sequence[Attempt]:
        """The sources to try for this module path, in order; never empty.

        Raises:
            UpstreamError: when the settings leave nothing to ask (GOPROXY=off).
        """


class State(Enum):
    """What a storage has of a version (the files of its folder decide)."""

    ABSENT = "absent"
    MOD_ONLY = "mod-only"
    COMPLETE = "complete"


class Publication(NamedTuple):
    """A version that is to appear, as `Store.publish` takes it."""

    module: ModuleVersion
    info: bytes
    mod: bytes
    zip_file: Path | None


class Store(Protocol):
    """Versions at rest, in some layout.

    A version MUST appear whole (complete, or mod-only) or not at all, at every instant, under a
    kill or a full disk. Every failure MUST be a StoreError. Safe from many threads at once.
    """

    def state(self, module: ModuleVersion) -> State:
        """What is there of this version now."""

    def versions(self) -> Iterator[tuple[ModuleVersion, State]]:
        """Every version that is there, in no particular order."""

    def open(self, module: ModuleVersion, kind: FileKind) -> BinaryIO:
        """Open one file of a version for reading; StoreError if it is not there."""

    def publish(
        self, module: ModuleVersion, *, info: bytes, mod: bytes, zip_file: Path | None
    ) -> None:
        """Make a version appear: mod-only where `zip_file` is None, complete otherwise.

        `zip_file` lies in the store's staging folder and is moved, not copied. A mod-only version
        becomes complete by the move of its zip alone. What is there already MUST stay as it is, and
        `zip_file` is deleted; if other bytes are there this MUST be an OtherFilesError, since who
        publishes knows nothing of them.
        """

    def publish_all(self, wanted: Sequence[Publication]) -> Mapping[ModuleVersion, StoreError]:
        """Make versions appear, none of which requires another; tell why some were refused.

        Each version is named once, and appears as `publish` has it appear. One that is refused
        MUST NOT keep the others from appearing. When this returns, those that appeared are on the
        disk: what requires them may follow.
        """

    def remove(self, module: ModuleVersion) -> None:
        """Make a version disappear, whole; absent ones are no error."""


class AliasStore(Protocol):
    """A store whose proxy answers for names that are no versions: branches, tags, commits.

    An alias is a module path and a query. It MUST appear whole, at every instant, and MUST NOT
    show in the list of versions. Every failure MUST be a StoreError.
    """

    def publish_alias(self, alias: ModuleVersion, info: bytes) -> None:
        """Make a name answerable with this info, in place of what it meant before."""

    def remove_alias(self, alias: ModuleVersion) -> None:
        """Make a name unanswerable; absent ones are no error."""


class ChecksumLog(Protocol):
    """One checksum database, asked over its own protocol; nothing it answers is trusted.

    Calls MUST be safe from many threads at once. Errors MUST be UpstreamError, NotFoundError where
    the database says that it does not have this; `where` set to what was asked for. Answers MUST
    NOT be checked, cached or mended here.
    """

    @property
    def name(self) -> str:
        """The database's name, as its key and the path `/sumdb/<name>/` have it."""

    def latest(self) -> bytes:
        """The newest tree head that the database offers, a signed note."""

    def lookup(self, module: ModuleVersion) -> bytes:
        """The answer to a lookup: number, record, blank line, a signed tree head."""

    def tile(self, tile: Tile) -> bytes:
        """A tile's data; MUST give a full tile's first part where only the full one is offered."""


class ProofStore(Protocol):
    """What gopack keeps of one checksum database: records, tiles, heads, evidence.

    Only what was proven is saved. Records and tiles MUST NOT change or vanish once they are
    saved. What was torn by a crash MUST read as absent. Every failure MUST be a StoreError.
    Safe from many threads at once.
    """

    def records(self) -> Mapping[ModuleVersion, Record]:
        """Every record saved so far."""

    def tile(self, tile: Tile) -> bytes | None:
        """A tile's data, from the tile itself or a full one; None where it is not there."""

    def has_tile(self, tile: Tile) -> bool:
        """Tell whether a tile is there, or a full one, without reading it."""

    def heads(self) -> Mapping[str, bytes]:
        """The signed notes of every head saved, by the place of each, smallest tree first.

        The last one is `latest`.
        """

    def save(
        self,
        *,
        records: Mapping[ModuleVersion, Record],
        tiles: Mapping[Tile, bytes],
        heads: Sequence[SignedHead],
    ) -> None:
        """Keep all of these, on the disk when this returns; what is there already is left as is.

        A record or tile that is there and is another was spoilt: it MUST be what is saved now.
        A kill in the middle MUST leave what was there before; heads MUST appear last.
        """

    def keep_evidence(self, text: str) -> str:
        """Keep the proof of a lie for a person to read, and tell where it lies."""


Arrived = Callable[[ModuleVersion], "Future[bool]"]
"""Tells when a version's zip can be read (True), or cannot be had; the future never fails."""


class FetchedZip(NamedTuple):
    """A zip that obeys the module zip rules, and its sums.

    `path` is its place in the staging folder, None when it lies in its version folder already;
    `sha256` is in hex; `h1` is its go.sum sum.
    """

    path: Path | None
    size_bytes: int
    sha256: str
    h1: str


class Incoming(Protocol):
    """Zips that lie on the storage's disk and are not stored yet."""

    def arrived_bytes(self, module: ModuleVersion) -> int:
        """Tell how many bytes of a version's zip are there, whole or in part."""

    def forget_all_but(self, wanted: Iterable[ModuleVersion]) -> None:
        """Delete what is there of other versions; raises StoreError."""


class ZipFetcher(Protocol):
    """Downloads and checks zips where there is processor time for it.

    The futures end with a GopackError where the zip could not be had or breaks the rules; nothing
    of it MUST be left then but what a later run can use.
    """

    def expect(self, count: int) -> None:
        """Hear that about so many zips are to come; told once, before all but foreseen ones."""

    @property
    def can_begin(self) -> bool:
        """Whether a zip may be begun before it is known how many are to come."""

    def fetch(self, module: ModuleVersion, *, size_bytes: int = 0) -> "Future[FetchedZip]":
        """Start to download a zip into the staging folder and check it.

        Big ones come first, small ones beside them.
        """

    def check(self, module: ModuleVersion) -> "Future[FetchedZip]":
        """Start to check the zip that the storage has."""

    def packages(self, module: ModuleVersion, wanted: frozenset[str]) -> "Future[Contents]":
        """Start to read packages of a zip that was fetched or that the storage has."""

    def discard(self, fetched: FetchedZip) -> None:
        """Delete a fetched zip that must not be used."""


class Ledger(Protocol):
    """What gopack knows of the storage: `.gopack/manifest.json` and `.gopack/go.sum`."""

    def vouches_for(self, module: ModuleVersion, *, whole: bool) -> bool:
        """Whether a version is recorded as verified: its small files, and its zip if `whole`."""

    def record(
        self,
        module: ModuleVersion,
        *,
        info: bytes,
        mod: bytes,
        fetched_zip: FetchedZip | None,
        verified: str,
    ) -> None:
        """Note what was just published, with its zip or none, and what vouches for just that.

        What was known of its files goes: nobody has looked at them now.
        """

    def sums(self, module: ModuleVersion) -> Sums | None:
        """Tell the recorded sums of a version, None of an unknown one."""

    def unverified(self) -> Mapping[ModuleVersion, Sums]:
        """Tell the recorded versions that no checksum database vouches for, and their sums."""

    def is_by_hand(self, module: ModuleVersion) -> bool:
        """Whether a person put a version in."""

    def annotate(self, notes: Annotations) -> None:
        """Note what a run has to say of versions; those not named keep what is known."""

    def forget(self, module: ModuleVersion) -> None:
        """Drop a version that was removed; an unknown one is no error."""

    def save(self) -> None:
        """Write it all down, atomically."""
