"""Checking all of a bundle without unpacking it: every byte, sum and proof."""

from collections.abc import Collection, Mapping
from concurrent.futures import Future
from dataclasses import dataclass

from gopack.errors import GopackError, IntegrityError
from gopack.flows import bundle_sumdb
from gopack.flows.bundle_open import Opened
from gopack.flows.bundle_sumdb import Holdings, MissingTileError
from gopack.flows.progress import Progress
from gopack.plan.bundle import contents, sbom
from gopack.plan.bundle import index as indexes
from gopack.plan.bundle.index import (
    CONTENTS_NAME,
    GO_SUM_NAME,
    SBOM_NAME,
    SUMDB_NAME,
    TILES_NAME,
    Carried,
    Member,
)
from gopack.plan.manifest import vouched_by
from gopack.ports import FetchedZip, ZipFetcher
from gopack.spec import note
from gopack.spec.module import ModuleVersion
from gopack.spec.sumdb import Sums, check_sums
from gopack.spec.tiles import Tile
from gopack.spec.tlog import Record

_FORGED = "the bundle is forged or made by a broken program; nothing was imported"


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found good: versions, proven records, and those that need what is there already."""

    versions: int
    proven: int
    leaning: int


def verify(
    opened: Opened, zips: ZipFetcher, progress: Progress, key: note.Verifier | None
) -> Checked:
    """Check everything that can be checked without the storage it is for.

    `key` is the checksum database's; None where none is carried.

    Raises:
        IntegrityError: something is not what it must be.
    """
    check_plain(opened)
    for _ in opened.small_files():
        pass
    holdings = read_holdings(opened, key) if key is not None else None
    proven = 0
    if holdings is not None:
        check_recorded(opened, holdings.records)
        proven = _proven(opened, holdings)
    else:
        check_recorded(opened, None)
    check_zips(opened, zips, progress)
    known = len(holdings.records) if holdings else 0
    return Checked(len(opened.index.versions), proven, known - proven)


def check_plain(opened: Opened) -> None:
    """Check the files that are neither small files of versions nor zips.

    Raises:
        IntegrityError: one is damaged, or does not list what the bundle carries.
    """
    for member in (*opened.index.front, *opened.index.extras):
        for _ in opened.source.pieces(*opened.places[member.name]):
            pass
    versions, where = opened.index.versions, opened.where
    contents.check(opened.read(CONTENTS_NAME), versions, opened.index.extras, where=where)
    sbom.check(opened.read(SBOM_NAME), versions, where=where)
    if opened.read(GO_SUM_NAME) != opened.index.go_sum:
        raise IntegrityError("its go.sum is not the index's", where=where, hint=_FORGED)


def check_zips(
    opened: Opened,
    zips: ZipFetcher,
    progress: Progress,
    wanted: Collection[ModuleVersion] = (),
) -> Mapping[ModuleVersion, FetchedZip]:
    """Check every zip; bring those `wanted` to the storage's disk, and give them.

    Raises:
        IntegrityError: one is not what the index says; damaged volumes are named. What was
            brought is deleted then.
        StoreError: the bundle or the disk fails.
    """
    whole = [one for one in opened.index.versions if one.entry.zip is not None]
    progress.planned(len(whole), sum(one.entry.zip.size_bytes for one in whole if one.entry.zip))
    zips.expect(len(whole))
    jobs: list[tuple[Carried, Future[FetchedZip]]] = []
    for one in whole:
        start = zips.fetch if one.module in wanted else zips.check
        jobs.append((one, start(one.module)))
    brought: dict[ModuleVersion, FetchedZip] = {}
    failure: GopackError | None = None
    for one, job in jobs:
        try:
            fetched = job.result()
            if fetched.path is not None:
                brought[one.module] = fetched
            _check_zip(opened, one, fetched)
            if fetched.path is not None and one.entry.zip is not None:  # the same sums, held once
                held = one.entry.zip
                brought[one.module] = fetched._replace(sha256=held.sha256, h1=held.h1)
            progress.fetched(one.module, fetched.size_bytes)
        except GopackError as error:
            failure = failure or _explained(opened, one, error)
    if failure is not None:
        for fetched in brought.values():
            zips.discard(fetched)
        raise failure
    return brought


def _check_zip(opened: Opened, one: Carried, fetched: FetchedZip) -> None:
    assert one.entry.zip is not None
    at, member = opened.places[one.zip_name]
    opened.source.check_shell(at, member)
    if (fetched.sha256, fetched.size_bytes) != (member.sha256, member.size_bytes):
        raise opened.source.damage(at, member)
    if fetched.h1 != one.entry.zip.h1:
        raise IntegrityError(
            "the zip's sum is not the one that the index says",
            where=str(one.module),
            expected=one.entry.zip.h1,
            got=fetched.h1,
            hint=_FORGED,
        )


def _explained(opened: Opened, one: Carried, error: GopackError) -> GopackError:
    """Tell a damaged medium from a zip that broke the rules before it was carried."""
    if not isinstance(error, IntegrityError):
        return error
    at, member = opened.places[one.zip_name]
    try:
        for _ in opened.source.pieces(at, member):
            pass
    except GopackError as damage:
        return damage
    return error


def read_holdings(opened: Opened, key: note.Verifier) -> Holdings | None:
    """Read what is carried of the checksum database; not proven yet.

    Raises:
        IntegrityError: malformed, or not what the index says.
    """
    database = opened.index.database
    if database is None:
        return None
    data = indexes.unpack(opened.read(SUMDB_NAME), database.unpacked_bytes, where=opened.where)
    holdings = bundle_sumdb.loads(data, key, where=opened.where)
    if TILES_NAME not in opened.places:
        raise IntegrityError(f"has no {TILES_NAME}", where=opened.where, hint=_FORGED)
    tiles = opened.places[TILES_NAME][1]
    if not holdings.heads or holdings.tiles_bytes != tiles.size_bytes:
        raise IntegrityError("the tiles lie about their size", where=opened.where, hint=_FORGED)
    if holdings.proofs != database.proofs:
        raise IntegrityError(
            "the checksum records are not those that the index names",
            where=opened.where,
            hint=_FORGED,
        )
    return holdings


class CarriedTiles:
    """Reads carried tiles, a narrow one out of a full one if need be; nothing is trusted."""

    def __init__(self, opened: Opened, holdings: Holdings) -> None:
        self._opened = opened
        self._place: tuple[int, Member] = opened.places[TILES_NAME]
        self._at: dict[Tile, int] = {}
        at = 0
        for tile in holdings.tiles:
            self._at[tile] = at
            at += tile.size_bytes

    def __contains__(self, tile: Tile) -> bool:
        return tile in self._at

    def read(self, tile: Tile) -> bytes | None:
        """Give a tile's data; None if it is not carried."""
        at = self._at.get(tile, self._at.get(tile.full))
        if at is None:
            return None
        return self._opened.source.read_part(*self._place, at, tile.size_bytes)


def check_recorded(opened: Opened, records: Mapping[ModuleVersion, Record] | None) -> None:
    """Check the versions against their records, and that those said to be verified have one.

    Raises:
        IntegrityError: a sum differs; or a record is missing, if it cannot be there already.
    """
    database = opened.index.database
    for one in opened.index.versions:
        record = records.get(one.module) if records is not None else None
        if record is not None and database is not None:
            check_against(one, record, database.name)
        elif database is None or one.entry.verified != vouched_by(database.name):
            continue  # nothing here could show what it claims, and import does not believe it
        elif not opened.index.builds_on.sumdbs and records is not None:
            raise IntegrityError(
                "is said to be verified, and its checksum record is not carried",
                where=str(one.module),
                hint=_FORGED,
            )


def check_against(one: Carried, record: Record, name: str) -> None:
    """Check a version against a record of the checksum database of this name, whatever it claims.

    Raises:
        IntegrityError: a sum differs.
    """
    sums = Sums(one.entry.mod_h1, one.entry.zip.h1 if one.entry.zip else None)
    check_sums(record, one.module, sums, name=name)


def _proven(opened: Opened, holdings: Holdings) -> int:
    """Prove what the carried tiles can prove; the rest leans on what the other side has."""
    tiles = CarriedTiles(opened, holdings)
    try:
        for _ in bundle_sumdb.prove(holdings.head, holdings.records, holdings.heads, tiles.read):
            pass
    except MissingTileError:
        if not opened.index.builds_on.sumdbs:
            raise
        return 0
    return len(holdings.records)
