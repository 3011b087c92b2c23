"""Importing a bundle: everything is checked first, then versions appear, requirements first.

Rules:
- Before the first version appears every byte of the bundle was read and every sum, record and
  proof checked; a failure up to there leaves the storage's versions and records as they were.
- Versions that are there with the same sums are passed by; those with other sums are conflicts:
  reported, and left alone. What gopack recorded and somebody changed is no conflict but damage,
  and stops the import.
- A checksum record that comes speaks of what came before it, too: a recorded version whose zip or
  go.mod it contradicts is a conflict, whether or not the bundle carries this version.
- A bundle may come before its parent when all that its versions require is here or comes with it,
  and the checksum records that it builds on are here (bundle_settle).
- A broken-off import is finished by running it again: zips that arrived are used, and versions
  that appeared are recognised.
"""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from itertools import islice
from typing import Protocol

from gopack.errors import IntegrityError, StoreError
from gopack.flows import bundle_settle
from gopack.flows.appearing import Appearing, Shelf
from gopack.flows.bundle_open import Opened, SmallFiles, parent_is_missing
from gopack.flows.bundle_settle import Settled
from gopack.flows.bundle_sumdb import Holdings
from gopack.flows.bundle_verify import (
    check_against,
    check_plain,
    check_recorded,
    check_zips,
    read_holdings,
)
from gopack.flows.progress import Progress
from gopack.plan import publishing
from gopack.plan.bundle.index import TILES_NAME, Carried, measure, sha256
from gopack.plan.manifest import UNVERIFIED, Annotations, Entry, Manifest, ZipEntry, vouched_by
from gopack.plan.query import checked_info
from gopack.plan.room import Room, on_disk
from gopack.plan.summary import required_by
from gopack.ports import (
    AliasStore,
    FetchedZip,
    FileKind,
    Ledger,
    ProofStore,
    Publication,
    State,
    Store,
    ZipFetcher,
)
from gopack.spec import gomod, note, semver
from gopack.spec.module import ModuleVersion
from gopack.spec.sumdb import Sums, check_sums
from gopack.spec.tlog import Record

_PIECE_BYTES = 1 << 20

PUBLISHED_AT_ONCE = 256
"""Versions whose small files are in memory together."""

_FORGED = "the bundle is forged or made by a broken program; nothing was imported"

FILES_PER_VERSION = 4
"""Inodes a version takes: its folder and three files."""

_EDITED = (
    "somebody changed the storage: run `gopack check`, remove this version's folder, "
    "and import again"
)


class ImportLedger(Ledger, Protocol):
    """A ledger that can be read as a whole."""

    @property
    def manifest(self) -> Manifest:
        """What is recorded."""


class ImportAliases(AliasStore, Protocol):
    """Aliases that can be read."""

    def read_alias(self, alias: ModuleVersion) -> bytes | None:
        """The info of an alias; None if there is none."""


@dataclass(frozen=True, slots=True)
class Target:
    """The storage that a bundle is imported into: the ports of this flow.

    `stored_zip` checks a zip that is there and gives its sums; `arrived_bytes` tells how much of
    one a broken-off import has brought; `proofs` is what is kept of the
    carried database, whose key is `key`; `kept` are the records of every database that is kept.
    """

    store: Store
    aliases: ImportAliases
    ledger: ImportLedger
    executor: Executor
    zips: ZipFetcher
    progress: Progress
    stored_zip: Callable[[ModuleVersion], FetchedZip]
    room: Callable[[], Room]
    arrived_bytes: Callable[[ModuleVersion], int]
    refuse_clashes: Callable[[Iterable[ModuleVersion]], None]
    proofs: ProofStore | None = None
    key: note.Verifier | None = None
    kept: Mapping[str, Mapping[ModuleVersion, Record]] = field(default_factory=dict)


class Action(Enum):
    """What import does with a version."""

    ADD = "added"
    COMPLETE = "completed"
    ADOPT = "recorded"
    THERE = "there"
    CONFLICT = "conflict"


_COMING = frozenset({Action.ADD, Action.COMPLETE})
"""Files of these versions are written."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A version, or a name of one, that is there with other bytes, and what differs."""

    module: ModuleVersion
    what: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, or would do."""

    actions: Mapping[ModuleVersion, Action]
    conflicts: tuple[Conflict, ...]
    head_size: int
    added_bytes: int

    def count(self, action: Action) -> int:
        """How many versions had this done to them."""
        return sum(one is action for one in self.actions.values())


@dataclass(slots=True)
class _Survey:
    """What the look at the storage found."""

    actions: dict[ModuleVersion, Action] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)
    adopted: dict[ModuleVersion, FetchedZip | None] = field(default_factory=dict)
    missing: set[ModuleVersion] = field(default_factory=set)


def import_bundle(opened: Opened, target: Target, *, is_dry_run: bool = False) -> Imported:
    """Import a bundle, or say what importing it would do.

    Raises:
        IntegrityError: the bundle is not what it must be; the storage is as it was.
        StoreError: its parent is missing, the storage was edited, or the disk refuses.
    """
    run = _Import(opened, target)
    target.progress.phase("checking the bundle")
    run.look()
    brought = run.check(is_dry_run=is_dry_run)
    if not is_dry_run:
        target.progress.phase("importing")
        run.publish(brought)
    return run.result()


class _Import:
    """One import's state."""

    def __init__(self, opened: Opened, target: Target) -> None:
        self._opened = opened
        self._target = target
        self._recorded = target.ledger.manifest.versions
        self._survey = _Survey()
        self._holdings: Holdings | None = None
        self._settled: Settled | None = None
        self._requires: dict[ModuleVersion, list[ModuleVersion]] = {}
        self._aliases: dict[ModuleVersion, str] = {}

    # Checking

    def look(self) -> None:
        """Check the small files, and compare each version with what is there."""
        known = {one.module: one.module for one in self._opened.index.versions}
        for small in self._opened.small_files():
            module = small.carried.module
            self._survey.actions[module] = self._action(small)
            required = required_by(module, small.mod)
            self._requires[module] = [known.setdefault(each, each) for each in required]
            self._survey.missing.update(self._missing(module))
        gomod.forget_requirements()
        self._survey.missing -= self._survey.actions.keys()
        if self._survey.missing:
            raise self._parent_is_missing()
        self._check_order()

    def _check_order(self) -> None:
        """Check that versions come after those they require, as far as cycles allow.

        Raises:
            IntegrityError: one would appear before what it requires.
        """
        order = publishing.in_order(self._requires)
        rank = {module: number for number, module in enumerate(order)}
        there: set[ModuleVersion] = set()
        for one in self._opened.index.versions:
            module = one.module
            for required in self._requires[module]:
                if rank.get(required, rank[module]) < rank[module] and required not in there:
                    raise IntegrityError(
                        f"comes before {required}, which it requires",
                        where=str(module),
                        hint=_FORGED,
                    )
            there.add(module)

    def check(self, *, is_dry_run: bool) -> Mapping[ModuleVersion, FetchedZip]:
        """Check all the rest, and bring the zips that are needed to the storage's disk."""
        target = self._target
        check_plain(self._opened)
        self._check_kept()
        self._settle()
        if not is_dry_run:
            target.room().check(*self._needed_room())
            # It is found out by writing.
            target.refuse_clashes(one.module for one in self._opened.index.versions)
        needed = {one.module for one in self._opened.index.versions if self._needs_zip(one)}
        wanted = set() if is_dry_run else needed
        return check_zips(self._opened, target.zips, target.progress, wanted)

    def _needed_room(self) -> tuple[int, int]:
        """Tell how many bytes and files are to come: those of versions, and the proofs."""
        index = self._opened.index
        coming = [one for one in index.versions if self._survey.actions[one.module] in _COMING]
        sizes = [size for one in coming for size in (one.info_bytes, one.mod_bytes)]
        for one in coming:
            if one.entry.zip:
                size = one.entry.zip.size_bytes
                sizes.append(max(0, size - self._target.arrived_bytes(one.module)))
        if index.database is not None:
            sizes += [index.database.unpacked_bytes, self._opened.places[TILES_NAME][1].size_bytes]
        return sum(map(on_disk, sizes)), FILES_PER_VERSION * len(coming)

    def _action(self, small: SmallFiles) -> Action:
        one = small.carried
        state = self._target.store.state(one.module)
        recorded = self._recorded.get(one.module)
        if state is State.ABSENT:
            return Action.ADD
        info, mod = self._read(one.module, FileKind.INFO), self._read(one.module, FileKind.MOD)
        if recorded is not None:
            self._refuse_edited(one, recorded, state, info, mod)
        if mod != small.mod:
            return self._conflict(one.module, "its go.mod differs")
        try:
            checked_info(*one.module, info)
        except IntegrityError as error:
            return self._conflict(one.module, f"its .info is none: {error.what}")
        if one.entry.zip is None:
            is_more = state is State.COMPLETE  # from elsewhere, with a zip that nobody vouches for
            return Action.THERE if recorded or is_more else self._adopt(one.module, None)
        if state is State.MOD_ONLY:
            return Action.COMPLETE
        if recorded is not None and recorded.zip is not None:
            if recorded.zip.h1 != one.entry.zip.h1:
                return self._conflict(one.module, "its zip has another sum")
            return Action.THERE
        try:
            stored = self._target.stored_zip(one.module)
        except IntegrityError as error:
            return self._conflict(one.module, f"its zip is none: {error.what}")
        if stored.h1 != one.entry.zip.h1:
            return self._conflict(one.module, "its zip has another sum")
        return self._adopt(one.module, stored)

    def _adopt(self, module: ModuleVersion, stored: FetchedZip | None) -> Action:
        self._survey.adopted[module] = stored
        return Action.ADOPT

    def _conflict(self, module: ModuleVersion, what: str) -> Action:
        self._survey.conflicts.append(Conflict(module, what))
        return Action.CONFLICT

    def _refuse_edited(
        self, one: Carried, recorded: Entry, state: State, info: bytes, mod: bytes
    ) -> None:
        """Compare what is there with what gopack recorded when it put it there."""
        what = ""
        if (sha256(info), sha256(mod)) != (recorded.info_sha256, recorded.mod_sha256):
            what = "its .info or go.mod is not the recorded one"
        elif state is State.COMPLETE and not self._has_zip(one, recorded.zip):
            what = "its zip is not the recorded one"
        if what:
            raise StoreError(what, where=str(one.module), hint=_EDITED)

    def _has_zip(self, one: Carried, recorded: ZipEntry | None) -> bool:
        """Tell whether a stored zip is the recorded one, if one is recorded.

        Its size tells, and all its bytes where the bundle carries the zip: a bundle seldom carries
        what is there, and then as much is read of the bundle.
        """
        if recorded is None:
            return True
        with self._target.store.open(one.module, FileKind.ZIP) as file:
            if one.entry.zip is None:
                return file.seek(0, 2) == recorded.size_bytes
            found = measure(iter(partial(file.read, _PIECE_BYTES), b""))
            return found == (recorded.size_bytes, recorded.sha256)

    def _missing(self, module: ModuleVersion) -> Iterable[ModuleVersion]:
        """Tell the requirements that the bundle takes to be here and that are not."""
        base = self._opened.index.builds_on
        for required in self._requires[module]:
            held = base.versions.get(required)
            if held is None:
                continue
            state = self._target.store.state(required)
            if state is State.ABSENT or (held.is_complete and state is not State.COMPLETE):
                yield required

    def _parent_is_missing(self) -> StoreError:
        missing = sorted(self._survey.missing)
        what = f"{len(missing)} versions that its own require are not here, such as {missing[0]}"
        return parent_is_missing(self._opened, what)

    def _check_kept(self) -> None:
        """Hold every version against the records that are here, whatever the bundle says of it."""
        for name, records in self._target.kept.items():
            for one in self._opened.index.versions:
                if one.module in records:
                    check_against(one, records[one.module], name)

    def _settle(self) -> None:
        target = self._target
        if self._opened.index.database is None or target.key is None or target.proofs is None:
            check_recorded(self._opened, None)
            return
        self._holdings = read_holdings(self._opened, target.key)
        assert self._holdings is not None
        self._settled = bundle_settle.settle(self._opened, self._holdings, target.proofs)
        check_recorded(self._opened, self._settled.records)
        self._hold_recorded(self._settled.records, target.key.name)

    def _hold_recorded(self, records: Mapping[ModuleVersion, Record], name: str) -> None:
        """Hold what was recorded before against the records that come; see the rules above."""
        actions = self._survey.actions
        for module, recorded in self._recorded.items():
            action = actions.get(module)
            if module not in records or action in {*_COMING, Action.CONFLICT}:
                continue
            sums = Sums(recorded.mod_h1, recorded.zip.h1 if recorded.zip else None)
            try:
                check_sums(records[module], module, sums, name=name)
            except IntegrityError as error:
                conflict = self._conflict(module, f"{error.what} ({name})")
                if action is not None:
                    actions[module] = conflict

    def _needs_zip(self, one: Carried) -> bool:
        return one.entry.zip is not None and self._survey.actions[one.module] in _COMING

    def _read(self, module: ModuleVersion, kind: FileKind) -> bytes:
        with self._target.store.open(module, kind) as file:
            return file.read()

    # Publishing

    def publish(self, brought: Mapping[ModuleVersion, FetchedZip]) -> None:
        """Keep the proofs, then let versions appear; the ledger is written at the end."""
        target = self._target
        if self._settled and self._holdings and target.proofs:
            bundle_settle.keep(self._settled, self._opened, self._holdings, target.proofs)
        try:
            smalls = self._opened.small_files()
            while batch := list(islice(smalls, PUBLISHED_AT_ONCE)):
                self._look_again(batch, brought)
                self._publish_batch({one.carried.module: one for one in batch}, brought)
            self._publish_aliases()
        finally:
            target.ledger.annotate(self._annotations())
            target.ledger.save()

    def _look_again(
        self, smalls: Iterable[SmallFiles], brought: Mapping[ModuleVersion, FetchedZip]
    ) -> None:
        """Compare what somebody else put there since the look: checking takes its time."""
        was = {Action.ADD: State.ABSENT, Action.COMPLETE: State.MOD_ONLY}
        for small in smalls:
            module = small.carried.module
            known = was.get(self._survey.actions[module])
            if known is None or self._target.store.state(module) is known:
                continue
            self._survey.actions[module] = self._action(small)
            if module in brought and not self._needs_zip(small.carried):
                self._target.zips.discard(brought[module])

    def _publish_batch(
        self,
        smalls: Mapping[ModuleVersion, SmallFiles],
        brought: Mapping[ModuleVersion, FetchedZip],
    ) -> None:
        """Let versions appear, several at once, each after those of them that it requires.

        Raises:
            StoreError: the storage refused one; those above it have not appeared.
        """
        refused: list[StoreError] = []
        shelf = Shelf(
            store=lambda modules: self._store([smalls[m] for m in modules], brought),
            stored=lambda module: self._record(smalls[module], brought.get(module)),
            refused=lambda _module, error: refused.append(error),
        )
        appearing = Appearing(shelf, self._target.executor)
        appearing.plan({module: self._requires[module] for module in smalls}, last=())
        for module in smalls:
            appearing.verified(module)
        appearing.finish(())
        if refused:
            raise refused[0]

    def _store(
        self, smalls: Iterable[SmallFiles], brought: Mapping[ModuleVersion, FetchedZip]
    ) -> Mapping[ModuleVersion, StoreError]:
        wanted = []
        for small in smalls:
            module = small.carried.module
            if self._survey.actions[module] in _COMING:
                path = brought[module].path if module in brought else None
                wanted.append(Publication(module, small.info, small.mod, path))
        return self._target.store.publish_all(wanted)

    def _record(self, small: SmallFiles, fetched: FetchedZip | None) -> None:
        module, info = small.carried.module, small.info
        action = self._survey.actions[module]
        if action in {Action.THERE, Action.CONFLICT}:
            return
        if action is Action.ADOPT:
            fetched = self._survey.adopted[module]
        if action is not Action.ADD:
            info = self._read(module, FileKind.INFO)
        self._target.ledger.record(
            module,
            info=info,
            mod=small.mod,
            fetched_zip=fetched,
            verified=self._verified(small.carried),
        )

    def _publish_aliases(self) -> None:
        """Have the names of branches, tags and commits mean what they meant on the other side.

        A name never goes back to a lower version, and one that is there from elsewhere stays.
        """
        here = self._target.ledger.manifest
        for alias, version in sorted(self._opened.index.facts.aliases.items()):
            module = ModuleVersion(alias.path, version)
            known = here.aliases.get(alias)
            is_older = known is not None and semver.compare(known, version) >= 0
            if is_older or module not in here.versions:
                continue
            info = self._read(module, FileKind.INFO)
            there = self._target.aliases.read_alias(alias)
            if known is None and there not in {None, info}:
                self._conflict(alias, "this name means something else here")
                continue
            self._target.aliases.publish_alias(alias, info)
            self._aliases[alias] = version

    def _verified(self, one: Carried) -> str:
        """Say what vouches for a version here: a claim without its record is none."""
        if one.entry.verified.startswith(UNVERIFIED):
            return one.entry.verified
        database = self._opened.index.database
        if database and self._settled is not None and one.module in self._settled.records:
            return vouched_by(database.name)
        return f"{UNVERIFIED}: carried without its checksum record"

    def _annotations(self) -> Annotations:
        here = self._target.ledger.manifest
        done = [
            one
            for one in self._opened.index.versions
            if one.module in here.versions
            and self._survey.actions[one.module] is not Action.CONFLICT
        ]
        why = {one.module: {*here.versions[one.module].why, *one.entry.why} for one in done}
        proven = {
            one.module: self._verified(one)
            for one in done
            if here.versions[one.module].verified.startswith(UNVERIFIED)
        }
        facts = self._opened.index.facts
        return Annotations(
            why=why,
            verified=proven,
            listed={m: f for m, f in facts.listed.items() if m not in here.listed},
            surveys={key: f for key, f in facts.surveys.items() if key not in here.surveys},
            modules={path: f for path, f in facts.modules.items() if path not in here.modules},
            aliases=self._aliases,
        )

    def result(self) -> Imported:
        """Tell what was done."""
        added = (one for one in self._opened.index.versions if self._needs_zip(one))
        return Imported(
            self._survey.actions,
            tuple(self._survey.conflicts),
            self._settled.head.tree.size if self._settled else 0,
            sum(one.entry.zip.size_bytes for one in added if one.entry.zip),
        )
