"""Verify versions against the checksum database, while they are fetched.

Call order:

1. `prefetch(module)` as soon as a version is known, long before its zip is there: the lookup, and
   then the tiles that will prove it, are fetched in threads of their own.
2. `prove({module: sums, ...})` once for each wave of versions that is to be published, when their
   go.mod (and zip) sums are known. It returns an outcome for each. Only versions whose outcome
   is Verified or Unverified may be published, and only after `prove` has returned. Their records,
   tiles and the head are kept beside the work; a run that is killed before they are on the disk
   has its versions verified again by the next. A version may be proven again with more sums.
3. `finish(carried)` after the last wave (where any version was verified, or heads are to be
   carried): it proves every head that was seen consistent with the newest one, and completes the
   kept tiles, so that a static tree for every record at that head can be composed offline. When
   it returns, all that was proven is on the disk.
4. `close()`, always; it waits for what is being kept.

`vouch(module, sum)` verifies a go.mod that is only looked at, at any time, `vouch_zip` a zip.

Rules:
- A record counts only when it is in the log at a signed head that is consistent with the last
  head kept; a head never goes backwards. Tiles are proven before they are trusted or kept.
- A lie is an IntegrityError with its evidence kept; once the log is forked nothing passes.
- A spoilt tile or record on the disk is asked for again once; one from the network is not. A spoilt
  head stops everything: it is what the log may not take back.
- What failed for a moment, and was told, is asked for again by the next wave that needs it.
- What was saved by an earlier run is not asked for again. It is proven again where a version rests
  on it that is verified now, where a newer head needs more, and where a record is not what its
  kept tile says; `gopack check` proves all.

Spec: golang.org/x/mod/sumdb Client; the go command's modfetch/sumdb.go.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Self

from gopack.errors import GopackError, IntegrityError, NotFoundError, StoreError, UpstreamError
from gopack.flows.keeping import ProofKeeper
from gopack.flows.keptheads import open_heads
from gopack.flows.tilefetch import TileFetch, is_momentary
from gopack.ports import ChecksumLog, ProofStore
from gopack.spec import note
from gopack.spec.module import ModuleVersion
from gopack.spec.sumdb import (
    NO_HEAD,
    HeadProver,
    SignedHead,
    Sums,
    check_sums,
    check_zip_sum,
    fork_error,
    holds,
    newest,
    open_head,
    parse_lookup,
    recorded_lines,
)
from gopack.spec.tiles import Tile
from gopack.spec.tlog import Record, Tree

DEFAULT_JOBS = 16


@dataclass(frozen=True, slots=True)
class Verified:
    """The version's sums are those of its record, which is proven to be in the log."""

    record: Record


@dataclass(frozen=True, slots=True)
class Unverified:
    """The settings say not to verify this version; `reason` names the setting."""

    reason: str


Outcome = Verified | Unverified | GopackError
"""An error is IntegrityError (a lie), or UpstreamError (not known, or not reachable)."""


Check = Callable[..., None]
"""Checks a record: takes it, the version, and the database as `name`; see spec.sumdb."""


@dataclass(frozen=True, slots=True)
class Database:
    """A checksum database: where it is asked, what is kept of it, the key that it signs with."""

    log: ChecksumLog
    store: ProofStore
    key: note.Verifier


class SumVerifier:
    """Verifies versions against one checksum database; safe from many threads at once.

    Args:
        database: None under GOSUMDB=off.
        exempt: for a module path, the setting that says not to verify it, or None
            (spec.sumdb.exemption).
        jobs: how many requests run at once.

    """

    def __init__(
        self,
        database: Database | None,
        *,
        exempt: Callable[[str], str | None],
        jobs: int = DEFAULT_JOBS,
    ) -> None:
        self._database = database
        self._exempt = exempt
        self._pool = ThreadPoolExecutor(jobs, thread_name_prefix="sumdb")
        self._lock = threading.RLock()
        self._proving = threading.Lock()
        self._lookups: dict[ModuleVersion, Future[Record]] = {}  # what has not come, or failed
        self._records: dict[ModuleVersion, Record] = {}
        self._start: Future[None] | None = None
        self._offering = threading.Lock()
        self._offered: Future[None] | None = None
        self._kept: dict[ModuleVersion, Record] = {}
        self._heads: dict[bytes, SignedHead] = {}
        self._trusted = NO_HEAD
        self._next = HeadProver(NO_HEAD)  # where tiles are fetched for, as soon as records come
        self._prover = self._next  # where a wave is proven; changes between waves only
        self._saved_tiles: set[Tile] = set()
        self._there: set[Tile] = set()
        self._forked: IntegrityError | None = None
        self._fetch: TileFetch | None = None
        self._keeper: ProofKeeper | None = None
        if database:
            self._keeper = ProofKeeper(database.store)
            self._fetch = TileFetch(database.log, database.store, self._pool)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Drop what is still waiting to be fetched; does not wait for what is under way."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._keeper is not None:
            self._keeper.close()

    @property
    def name(self) -> str:
        """The database's name; empty under GOSUMDB=off."""
        return self._database.log.name if self._database else ""

    def exemption(self, path: str) -> str | None:
        """Tell the setting that says not to verify a module, None if it is to be verified."""
        return self._exempt(path)

    def voucher(self, path: str) -> str:
        """Tell who vouches for a module: the database's name, or the setting that says nobody."""
        return self._exempt(path) or self.name

    def prefetch(self, module: ModuleVersion) -> None:
        """Start to fetch a version's record and its proof; does not wait, never fails."""
        if self._database is None or self._exempt(module.path) is not None:
            return
        self._asked(module)

    def _asked(self, module: ModuleVersion) -> Record | Future[Record]:
        """Give a version's record; where it is not known it is asked for, unless it is already."""
        start = self._started()
        with self._lock:
            known = self._records.get(module) or self._lookups.get(module)
            if known is None:
                known = self._lookups[module] = self._pool.submit(self._look_up, module, start)
            return known

    def complete(self) -> None:
        """Have `finish` prove what is kept, and fetch what it lacks, even if nothing is new."""
        if self._database is not None:
            self._started()

    def _started(self) -> Future[None]:
        with self._lock:
            if self._start is None:
                self._start = self._pool.submit(self._begin)
            return self._start

    @property
    def _db(self) -> Database:
        assert self._database is not None  # what calls this looked first
        return self._database

    @property
    def _proofs(self) -> ProofKeeper:
        assert self._keeper is not None
        return self._keeper

    @property
    def _tiles(self) -> TileFetch:
        assert self._fetch is not None
        return self._fetch

    def _begin(self) -> None:
        """Take up what is kept, and work at its newest head."""
        try:
            heads = open_heads(self._db.store, self._db.key)
        except IntegrityError as error:
            # The disk's fault: no upstream is refused for it, and what came of one is kept.
            raise StoreError(
                error.what,
                where=error.where,
                expected=error.expected,
                got=error.got,
                hint=error.hint,
            ) from error
        with self._lock:
            self._heads.update((head.message, head) for head in heads)
        with self._evidence_kept():
            kept = newest(heads)
        # A kill between records and head leaves records that no kept head proves: ask anew.
        records = self._db.store.records().items()
        self._kept = {m: record for m, record in records if record.id < kept.tree.size}
        with self._lock:
            self._trusted = kept
            self._next = HeadProver(kept)

    def _offer(self) -> None:
        """Work at the head that the log offers, if it is newer than the one kept; once a run."""
        with self._offering:
            if self._offered is None:
                self._offered = Future()
                try:
                    self._take_offer()
                except Exception as error:  # noqa: BLE001 - whoever waits must see it
                    self._offered.set_exception(error)
                else:
                    self._offered.set_result(None)
        self._offered.result()

    def _take_offer(self) -> None:
        try:
            head = self._open(self._db.log.latest())
        except UpstreamError:
            return  # the go command does without it: lookups carry heads too
        with self._lock, self._evidence_kept():
            if newest([self._next.head, head]) != self._next.head:
                self._next = HeadProver(head)
                self._tiles.start(self._next.missing([], [self._trusted.tree]))

    def _open(self, message: bytes) -> SignedHead:
        with self._lock:
            head = self._heads.get(message)
        if head is None:
            head = open_head(message, self._db.key)
            with self._lock:
                self._heads[message] = head
        return head

    def _look_up(self, module: ModuleVersion, start: Future[None]) -> Record:
        start.result()  # submitted before this, so it runs or has run: no thread waits in vain
        record = self._kept.get(module)
        if record is None:
            self._offer()
            record = self._ask_record(module)
        with self._lock:
            covered = self._next.covers(record.id)
            wanted = self._next.missing([record.id]) if covered else []
            self._records[module] = record
            del self._lookups[module]  # a future is big, and there are thousands
        self._tiles.start(wanted)
        return record

    def _ask_record(self, module: ModuleVersion) -> Record:
        try:
            answer = parse_lookup(self._ask(module))
            head = self._open(answer.head)
        except IntegrityError as error:
            error.where = error.where or str(module)
            raise
        if not 0 <= answer.record.id < head.tree.size:
            raise IntegrityError(
                f"record {answer.record.id} is beyond the tree it came with",
                where=str(module),
                hint="the answer is forged or spoilt; do not trust its source",
            )
        return answer.record

    def _ask(self, module: ModuleVersion) -> bytes:
        try:
            return self._db.log.lookup(module)
        except NotFoundError as error:
            raise UpstreamError(
                f"not known to the checksum database {self._db.log.name}",
                where=str(module),
                url=error.url,
                status=error.status,
                hint=f"if this module is private, name it in GONOSUMDB: GONOSUMDB={module.path}",
            ) from error

    def prove(self, versions: Mapping[ModuleVersion, Sums]) -> dict[ModuleVersion, Outcome]:
        """Verify a wave of versions; see the module's text for what may be done after it."""
        with self._proving:
            outcomes: dict[ModuleVersion, Outcome] = {}
            for module in versions:
                self.prefetch(module)
            found: dict[ModuleVersion, Record] = {}
            for module in versions:
                looked = self._looked(module)
                if isinstance(looked, Record):
                    found[module] = looked
                else:
                    outcomes[module] = looked
            if not found:
                return outcomes
            checks = {m: partial(check_sums, sums=versions[m]) for m in found}
            outcomes |= self._judge_all(found, checks)
            proven = {m: o.record for m, o in outcomes.items() if isinstance(o, Verified)}
            if proven:
                self._save(proven)
            return outcomes

    def vouch(self, module: ModuleVersion, mod_h1: str) -> Outcome:
        """Verify a go.mod that is only looked at; nothing of it is kept, but tiles and head."""
        return self._vouch(module, partial(check_sums, sums=Sums(mod_h1)))

    def vouch_zip(self, module: ModuleVersion, zip_h1: str) -> Outcome:
        """Verify a zip that is only looked at; nothing of it is kept, but tiles and head."""
        return self._vouch(module, partial(check_zip_sum, zip_h1=zip_h1))

    def _vouch(self, module: ModuleVersion, check: Check) -> Outcome:
        looked = self._looked(module)
        if not isinstance(looked, Record):
            return looked
        # Before it is this one's turn: others need not wait for what it needs, come or not.
        for error in self._tiles.wait(self._coming_for(looked)).values():
            return error
        with self._proving:
            return self._judge_all({module: looked}, {module: check})[module]

    def _coming_for(self, record: Record) -> Sequence[Tile]:
        """The tiles that will prove a record, as far as it is known by which head."""
        with self._lock:
            if not self._next.covers(record.id):
                return []
            return self._next.missing([record.id], [self._trusted.tree])

    def _looked(self, module: ModuleVersion) -> Record | Unverified | GopackError:
        reason = self._exempt(module.path)
        if reason is not None:
            return Unverified(reason)
        if self._database is None:
            return UpstreamError(
                "the checksum database is needed for this, but it is disabled by GOSUMDB=off",
                where=str(module),
                hint="set GOSUMDB to a checksum database; toolchains are verified always",
            )
        asked = self._asked(module)
        if isinstance(asked, Record):
            return asked
        try:
            return asked.result()
        except GopackError as error:
            with self._lock:
                if is_momentary(error) and self._lookups.get(module) is asked:
                    del self._lookups[module]
            return error

    def _advance(self, record_ids: Iterable[int], at_least: int = 0) -> None:
        """Move to the head offered, or to the newest seen if that does not cover what is asked."""
        if self._forked:
            raise self._forked
        self._started().result()
        needed = max([at_least, *(record_id + 1 for record_id in record_ids)])
        with self._lock, self._evidence_kept():
            if self._next.head.tree.size < needed:
                self._next = HeadProver(newest(self._heads.values()))
            self._prover = self._next

    def _gather(self, records: Iterable[Record], older: Sequence[Tree]) -> dict[Tile, GopackError]:
        """Admit the tiles for records and older trees; give those that failed."""
        prover = self._prover
        with self._lock:
            wanted = prover.missing([record.id for record in records], [self._trusted.tree, *older])
        with self._evidence_kept():
            try:
                return self._tiles.admit(prover, wanted, self._lock)
            except IntegrityError as error:
                if NO_HEAD.tree != self._trusted.tree != prover.head.tree:
                    error.evidence = fork_error(self._trusted, prover.head).evidence
                raise

    def _settle(self, failures: Mapping[Tile, GopackError]) -> None:
        """Trust the present head, if it is consistent with the one trusted so far.

        A tile that did not come shows neither that it is nor that it is not: its error is raised.
        """
        if self._prover.head == self._trusted:
            return
        for tile in self._prover.needed([], [self._trusted.tree]):
            if tile in failures:
                raise failures[tile]
        with self._evidence_kept():
            self._prover.check_older(self._trusted)

    @contextmanager
    def _evidence_kept(self) -> Iterator[None]:
        """Keep the evidence of a misbehaving log on its way up; nothing passes after it."""
        try:
            yield
        except IntegrityError as error:
            if error.evidence:
                path = self._db.store.keep_evidence(f"{error}\n\n{error.evidence}")
                error.hint = f"{error.hint}; the evidence is kept in {path}"
                self._forked = error
            raise

    def _judge_all(
        self, found: Mapping[ModuleVersion, Record], checks: Mapping[ModuleVersion, Check]
    ) -> dict[ModuleVersion, Outcome]:
        """Tell of each version whether its record is in the log, and passes its check."""
        outcomes: dict[ModuleVersion, Outcome] = {}
        records = dict(found)
        try:
            failures = self._stand_on(records.values())
            for module, asked in self._ask_again(records).items():
                if isinstance(asked, Record):
                    records[module] = asked
                else:
                    outcomes[module] = asked
                    del records[module]
            if records != found:
                failures = self._stand_on(records.values())
        except GopackError as error:
            return dict.fromkeys(found, error)
        for module, record in records.items():
            check = partial(checks[module], record, module, name=self.name)
            outcomes[module] = self._judge(record, check, failures)
        return outcomes

    def _stand_on(self, records: Collection[Record]) -> dict[Tile, GopackError]:
        """Trust a head that has these records, and have what proves them; give what failed."""
        self._advance(record.id for record in records)
        failures = self._gather(records, [])
        self._settle(failures)
        return failures

    def _ask_again(
        self, found: Mapping[ModuleVersion, Record]
    ) -> dict[ModuleVersion, Record | GopackError]:
        """Ask for the records that an earlier run proved and that do not prove: the disk's fault.

        Nothing is taken back by that: what the log says now must be in it just the same.
        """
        asked: dict[ModuleVersion, Record | GopackError] = {}
        for module, record in found.items():
            if record != self._kept.get(module) or not self._is_spoilt(module, record):
                continue
            try:
                asked[module] = again = self._ask_record(module)
            except GopackError as error:
                asked[module] = error
            else:
                with self._lock:
                    self._records[module] = again
        return asked

    def _is_spoilt(self, module: ModuleVersion, record: Record) -> bool:
        """Whether a record is not in the log, or another version's; false if it cannot be told."""
        try:
            self._prover.check_record(record)
        except IntegrityError as error:
            return bool(error.evidence)  # else a tile is missing
        return not recorded_lines(record, module)

    def _judge(
        self, record: Record, check: Callable[[], None], failures: Mapping[Tile, GopackError]
    ) -> Outcome:
        try:
            for tile in self._prover.chain(record.id):
                if tile in failures:
                    raise failures[tile]
            self._prover.check_record(record)
            check()
        except GopackError as error:
            return error
        return Verified(record)

    def _save(self, records: Mapping[ModuleVersion, Record]) -> None:
        """Keep what is proven, and from now on trust the head that proves it."""
        fresh = {m: r for m, r in records.items() if self._kept.get(m) != r}
        needed = self._prover.needed([r.id for r in records.values()], [self._trusted.tree])
        self._keep(fresh, needed)
        self._kept |= fresh

    def _keep(self, fresh: Mapping[ModuleVersion, Record], needed: Iterable[Tile]) -> None:
        head, proven = self._prover.head, self._prover.proven
        tiles = {t: proven[t] for t in needed if t in proven and t not in self._saved_tiles}
        heads = [head] if head != self._trusted else []
        if tiles or fresh or heads:
            self._proofs.keep(fresh, tiles, heads)
        self._saved_tiles |= set(tiles)
        self._trusted = head

    def finish(self, carried: Mapping[str, bytes] | None = None) -> SignedHead:
        """Prove every head seen and carried, and complete the kept tiles at the newest one.

        `carried` are the `latest` files of sealed clients, by file name. Gives the head that all
        records kept are proven at.

        Raises:
            IntegrityError: a head is not signed by the database's key, or does not fit the others.
            UpstreamError: a tile is not reachable.
            StoreError: what was proven cannot be kept.
        """
        with self._proving:
            if self._database is None or (self._start is None and not carried):
                return self._trusted
            self._started().result()
            wanted = [self._open_carried(name, data) for name, data in (carried or {}).items()]
            if wanted:
                self._offer()
            with self._lock:
                seen = list(self._heads.values())
            self._advance((), max((head.tree.size for head in seen), default=0))
            older = [head for head in seen if head != self._prover.head]
            self._prove_kept(older)
            trees = [head.tree for head in [self._trusted, *older]]
            self._keep({}, self._prover.needed([r.id for r in self._kept.values()], trees))
            if wanted:
                self._proofs.keep({}, {}, wanted)
            self._proofs.settle()
            return self._trusted

    def _open_carried(self, name: str, message: bytes) -> SignedHead:
        try:
            return self._open(message)
        except IntegrityError as error:
            error.where = name
            raise

    def _prove_kept(self, older: Sequence[SignedHead]) -> None:
        """Prove the older heads, and those of the kept records that are not clearly proven.

        The others were proven at one of those heads, and lie in the same tiles at this one.
        """
        records = {m: r for m, r in self._kept.items() if not self._is_plainly_kept(r)}
        for error in self._gather(records.values(), [head.tree for head in older]).values():
            raise error
        for head in older:
            with self._evidence_kept():
                self._prover.check_older(head)
        again: dict[ModuleVersion, Record] = {}
        for module, asked in self._ask_again(records).items():
            if not isinstance(asked, Record):
                raise asked
            again[module] = asked
        for error in self._gather(again.values(), []).values():
            raise error
        for record in (records | again).values():
            self._prover.check_record(record)
        if again:
            self._save(again)

    def _is_plainly_kept(self, record: Record) -> bool:
        """Whether all tiles of a record are proven or kept, and the last of them holds it."""
        store, prover = self._db.store, self._prover
        *above, leaf = prover.chain(record.id)
        data = prover.proven.get(leaf) or store.tile(leaf)
        if data is None or not holds(leaf, data, record):
            return False
        return all(tile in prover.proven or self._has(tile) for tile in above)

    def _has(self, tile: Tile) -> bool:
        """Whether a tile is kept; looked at once a run."""
        if tile not in self._there and self._db.store.has_tile(tile):
            self._there.add(tile)
        return tile in self._there
