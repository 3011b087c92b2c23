"""Fetching: what a plan wants and the storage lacks is downloaded, checked and made to appear.

First the sizes of the zips and a look at the room on the disk, then the zips, biggest first, small
ones and small files beside them; where there is room in plenty the zips do not wait for all the
sizes. A version appears as soon as its files are checked and its requirements are there; what fails
takes only the lines with it that need it.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from gopack.errors import (
    GopackError,
    IntegrityError,
    NotFoundError,
    OtherFilesError,
    StoreError,
    UpstreamError,
)
from gopack.flows.appearing import Appearing, Shelf
from gopack.flows.arrivals import Arrivals
from gopack.flows.foreseeing import FILES_PER_VERSION, PLENTY, Foresight
from gopack.flows.jobs import Jobs, in_background
from gopack.flows.progress import Progress
from gopack.flows.smallfiles import SmallFileReader, SmallFiles
from gopack.flows.sumcheck import SumChecker
from gopack.flows.verify import SumVerifier, Unverified, Verified
from gopack.plan.lines import Plan
from gopack.plan.manifest import UNVERIFIED
from gopack.plan.outcome import Stored
from gopack.plan.room import Room
from gopack.plan.summary import OtherModuleError
from gopack.ports import (
    FetchedZip,
    Incoming,
    Ledger,
    Publication,
    Sources,
    State,
    Store,
    ZipFetcher,
)
from gopack.spec.dirhash import hash_go_mod
from gopack.spec.module import ModuleVersion
from gopack.spec.sumdb import Sums

WAVE = 32
"""Versions that are proven together: one look at the log for all of them."""

WAVE_INTERVAL_S = 0.5
"""A smaller wave is proven after this long, while nothing else is to be done."""

ABANDON_S = 0.5
"""How long a run that is broken off waits for what is just appearing."""

SIZES_OF_JOBS = 3
"""One in so many requests may be for a size while the graphs are read: these need the others."""

_ZIP, _SMALL = "zip", "small files"


@dataclass(slots=True)
class Fetched:
    """What a run stored and what failed.

    `stored` maps each new version to what it added; `failed` each version that could not be
    had to why; `missing` the versions that requirements name and no upstream has, which fail the
    go command connected just the same; `zipless` those whose zip cannot be had, with why, stored
    mod-only; `unproven` why the checksum database's proofs could not be
    completed, which leaves the versions as verified as they were.
    """

    stored: dict[ModuleVersion, Stored] = field(default_factory=dict)
    failed: dict[ModuleVersion, GopackError] = field(default_factory=dict)
    missing: set[ModuleVersion] = field(default_factory=set)
    zipless: dict[ModuleVersion, GopackError] = field(default_factory=dict)
    unproven: GopackError | None = None


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Brings a plan's versions into a store: the ports of this flow, each once.

    `jobs` is how many requests the executor makes at once; `verifies_by_hand` whether the checksum
    database is asked for what a person put in, too.
    """

    sources: Sources
    store: Store
    ledger: Ledger
    zips: ZipFetcher
    executor: Executor
    progress: Progress
    room: Callable[[], Room]
    verifier: SumVerifier
    incoming: Incoming
    jobs: int
    carried_heads: Mapping[str, bytes] = field(default_factory=dict)
    verifies_by_hand: bool = True

    def fetch(self, plan: Plan) -> Fetched:
        """Fetch what is missing; tell what happened, version by version.

        Raises:
            StoreError: the storage has too little room.
        """
        run = self.begin()
        run.bring(plan)
        return run.finish()

    def begin(self) -> "FetchRun":
        """Begin a run in several rounds: `bring` each plan, then `finish`."""
        return FetchRun(self)


class FetchRun:
    """One run's state: what is under way, what is verified, what has appeared."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._ports = fetcher
        self._plan = Plan(())
        self._wants: dict[ModuleVersion, bool] = {}
        self._reader = SmallFileReader(fetcher.sources, fetcher.store)
        self._small: dict[ModuleVersion, SmallFiles] = {}
        self._checked: dict[ModuleVersion, Sums] = {}
        self._verified: dict[ModuleVersion, str] = {}
        self._zips: dict[ModuleVersion, FetchedZip] = {}
        self._sizes: dict[ModuleVersion, int] = {}
        self._zip_errors: dict[ModuleVersion, GopackError] = {}
        self._sums = SumChecker(fetcher.verifier, fetcher.ledger, fetcher.verifies_by_hand)
        self._arrivals = Arrivals()
        self._jobs: Jobs[tuple[str, ModuleVersion], Any] = Jobs(fetcher.executor)
        self._begun: set[ModuleVersion] = set()
        self._found: dict[ModuleVersion, bool] = {}
        self._lacked: set[ModuleVersion] = set()
        self._foresight = Foresight(
            self._reader,
            fetcher.store,
            fetcher.zips,
            fetcher.verifier,
            fetcher.executor,
            fetcher.room,
            sizes_at_once=max(1, fetcher.jobs // SIZES_OF_JOBS),
        )
        self._under_way: Future[None] = Future()
        self._under_way.set_result(None)
        shelf = Shelf(self._store, self._note_stored, self._fail)
        self._appearing = Appearing(shelf, fetcher.executor)
        self.fetched = Fetched()
        self._started = self._last_wave = time.monotonic()

    def bring(self, plan: Plan) -> None:
        """Fetch and verify what a plan wants; all but its roots appears.

        A later plan of the same run wants more of the same.

        Raises:
            StoreError: the storage has too little room.
        """
        self.start(plan)
        self.wait()

    def foresee(self, modules: Iterable[ModuleVersion]) -> None:
        """Begin what the plan will want, while it is still made; see Foresight.

        Raises:
            StoreError: the storage cannot be used.
        """
        self._foresight.see(modules)

    @property
    def can_expect(self) -> bool:
        """Whether `expect` does anything: only where workers wait for zips."""
        return self._ports.zips.can_begin

    def expect(self, modules: Iterable[ModuleVersion]) -> None:
        """Begin versions that a later plan will most likely want whole; what none does is deleted.

        May be called beside `arrived`, from another thread.

        Raises:
            StoreError: the storage cannot be used.
        """
        self._foresight.expect(modules)

    def start(self, plan: Plan) -> None:
        """Begin to bring a plan, in a thread of its own.

        Until `wait` has returned, only `arrived`, `expect` and `abandon` may be called.

        Raises:
            StoreError: the storage has too little room.
        """
        grown = self._turn_to(plan)
        self._foresight.keep(self._wants)
        had = self._small.keys() | self._given_up()
        new = self._wants.keys() - had
        lacking = {m for m in new if not self._has(m, whole=self._wants[m])} | grown
        self._lacked |= lacking
        self._found.update((m, self._wants[m]) for m in new - lacking)
        self._jobs = Jobs(self._ports.executor)
        with_zip = {module for module in lacking if self._wants[module]}
        without = {m for m, whole in self._wants.items() if not whole}
        self._arrivals = Arrivals(with_zip, without | self._given_up())
        self._begun = set()
        if lacking:
            self._ports.progress.phase("fetching")
            self._ports.zips.expect(len(with_zip))
            self._measure(lacking, with_zip)
            self._begin_zips(lacking)
        self._under_way = in_background(partial(self._bring, lacking, new - lacking))

    def wait(self) -> None:
        """Wait until what was started is here.

        Raises:
            StoreError: the storage cannot be used.
        """
        self._under_way.result()

    def abandon(self) -> None:
        """End what is under way, where a run is broken off; what appears is noted."""
        self._appearing.stop()
        self._jobs.abort()
        wait([self._under_way], timeout=ABANDON_S)
        if self._under_way.done():
            self._appearing.take_last(ABANDON_S)

    def arrived(self, module: ModuleVersion) -> "Future[bool]":
        """Tell when a version's zip can be read, or cannot be had; see ports.Arrived."""
        if module in self._wants:
            return self._arrivals.of(module)
        is_here: Future[bool] = Future()
        is_here.set_result(self._ports.store.state(module) is State.COMPLETE)
        return is_here

    def has_recorded(self, module: ModuleVersion) -> bool:
        """Tell whether a version's zip, as it was read here, is the one that is recorded.

        It was there before, or this run stored it; what came and was refused, or never appeared,
        is not, though an earlier run may have recorded another.
        """
        return module not in self._lacked or module in self.fetched.stored

    def _turn_to(self, plan: Plan) -> set[ModuleVersion]:
        """Take up another plan; give what was fetched without a zip and is wanted with it now."""
        before, self._wants = self._wants, plan.wants()
        self._plan = plan
        self._wants.update(dict.fromkeys(self.fetched.zipless.keys() & self._wants.keys(), False))
        grown = {m for m in self._small if self._wants.get(m) and not before.get(m)}
        for module in grown:
            self._appearing.withdraw(module)
        return grown

    def finish(self) -> Fetched:
        """Let the listed roots appear, complete the proofs, and tell what happened."""
        self._foresight.end()
        failed = self.fetched.failed.keys()
        sound = [line.wants() for line in self._plan.lines if line.closure is not None]
        self._appearing.finish(m for wants in sound if not failed & wants.keys() for m in wants)
        self._finish_proofs()
        return self.fetched

    def _has(self, module: ModuleVersion, *, whole: bool) -> bool:
        """Whether the storage has what is wanted and the ledger vouches for it; looked at once."""
        found = self._found.get(module)
        if found is not None and found >= whole:
            return True
        state = self._ports.store.state(module)
        enough = state is State.COMPLETE or (state is State.MOD_ONLY and not whole)
        return enough and self._ports.ledger.vouches_for(module, whole=whole)

    def _measure(self, lacking: Set[ModuleVersion], with_zip: Set[ModuleVersion]) -> None:
        """Ask for the sizes of the zips, and compare them all with the room on the disk.

        Where there is room in plenty, zips start as soon as their size is known.
        """
        room = self._ports.room()
        jobs: Jobs[ModuleVersion, int | None] = Jobs(self._ports.executor)
        for module in sorted(with_zip):
            if self._ports.store.state(module) is not State.COMPLETE:
                jobs.watch(module, self._foresight.size(module))
        self._foresight.hurry()
        total_bytes, files = 0, FILES_PER_VERSION * len(lacking)
        for module, job in jobs:
            try:
                self._sizes[module] = job.result() or 0
            except GopackError as error:
                if not _leaves_open(error):
                    self._zip_errors[module] = error
                    continue
                self._sizes[module] = 0
            total_bytes += self._sizes[module]
            if room.has(PLENTY * total_bytes, PLENTY * files):
                self._begin_zip(module)
        if not room.has(total_bytes, files):
            room, total_bytes = self._make_room(total_bytes)
        room.check(total_bytes, files)
        self._ports.progress.planned(len(lacking), total_bytes)

    def _make_room(self, total_bytes: int) -> tuple[Room, int]:
        """Delete what came for nothing; tell the room then, and what has not come yet."""
        incoming = self._ports.incoming
        self._foresight.end()
        incoming.forget_all_but(self._wants)
        room = self._ports.room()
        came = sum(min(incoming.arrived_bytes(m), size) for m, size in self._sizes.items())
        return room, total_bytes - came

    def _bring(self, lacking: Set[ModuleVersion], stored: Set[ModuleVersion]) -> None:
        try:
            self._read_lacking(lacking)
            for module, error in self._sums.stored_faults(stored, self._plan):
                self._fail(module, error)
            self._take_lacking(lacking)
        finally:
            self._arrivals.end()

    def _begin_zips(self, lacking: Set[ModuleVersion]) -> None:
        """Begin every zip that is not under way, biggest first."""
        for module in sorted(lacking, key=lambda m: (-self._sizes.get(m, 0), m)):
            if self._wants[module] and module not in self._zip_errors:
                self._begin_zip(module)

    def _read_lacking(self, lacking: Set[ModuleVersion]) -> None:
        """Start to read all small files; take those that the order hangs on."""
        for module in sorted(lacking):
            self._ports.verifier.prefetch(module)
        self._read_unknown({m for m in lacking if self._plan.summary(m) is None})
        self._appearing.plan(self._requires(lacking), last=self._plan.roots())
        for module in sorted(lacking - self._small.keys() - self._given_up()):
            self._jobs.submit((_SMALL, module), self._small_job(module))

    def _take_lacking(self, lacking: Set[ModuleVersion]) -> None:
        """Take what comes as it comes."""
        for module in sorted(lacking & self._small.keys()):
            self._take_if_here(module)
        for (kind, module), job in self._jobs:
            self._note(kind, module, job)
            if len(self._checked) >= WAVE or (self._jobs.is_idle and self._is_wave_due()):
                self._verify_wave()
        self._verify_wave()
        self._appearing.settle()

    def _given_up(self) -> Set[ModuleVersion]:
        return self.fetched.failed.keys() | self.fetched.missing

    def _small_job(self, module: ModuleVersion) -> Callable[[], SmallFiles]:
        known, summary = self._plan.gomods.get(module), self._plan.summary(module)
        info = self._foresight.info(module)
        return partial(self._reader.read, module, info=info, mod=known, summary=summary)

    def _read_unknown(self, modules: Set[ModuleVersion]) -> None:
        """Read the small files of versions whose requirements no graph has told."""
        jobs: Jobs[ModuleVersion, SmallFiles] = Jobs(self._ports.executor)
        for module in sorted(modules):
            jobs.submit(module, self._small_job(module))
        for module, job in jobs:
            try:
                self._small[module] = job.result()
            except GopackError as error:
                self._fail(module, error)

    def _note(
        self, kind: str, module: ModuleVersion, job: "Future[SmallFiles | FetchedZip]"
    ) -> None:
        """Note what came of a job; take the version if that was the last of its files."""
        try:
            result = job.result()
        except GopackError as error:
            if kind is _SMALL:
                self._fail(module, error)
                return
            self._zip_errors[module] = error
        else:
            if isinstance(result, SmallFiles):
                self._small[module] = result
            else:
                self._zips[module] = result
        self._take_if_here(module)

    def _take_if_here(self, module: ModuleVersion) -> None:
        """Take a version of which all is here that will come: its sums come next."""
        small, fetched_zip = self._small.get(module), self._zips.get(module)
        if small is None or module in self.fetched.failed:
            return
        if self._wants[module] and fetched_zip is None:
            error = self._zip_errors.get(module)
            if error is None or not self._does_without_zip(module, error):
                return
        self._checked[module] = Sums(
            hash_go_mod(small.mod), fetched_zip.h1 if fetched_zip else None
        )
        self._ports.progress.fetched(module, fetched_zip.size_bytes if fetched_zip else 0)

    def _does_without_zip(self, module: ModuleVersion, error: GopackError) -> bool:
        """Take a version mod-only whose zip cannot be had and go does not select; else it fails.

        The go command reads its go.mod to load a graph, and fails on its zip connected, too.
        """
        is_missing = isinstance(error, UpstreamError) and not error.retryable
        if is_missing and not self._plan.is_essential(module):
            self._wants[module] = False
            self.fetched.zipless[module] = error
            return True
        self._fail(module, error)
        return False

    def _requires(self, lacking: Set[ModuleVersion]) -> dict[ModuleVersion, set[ModuleVersion]]:
        """Tell what must appear before each version: its requirements, a root's whole closure.

        What failed already is among them, so that nothing appears that requires it.
        """
        failed = self.fetched.failed.keys()
        coming = (self._small.keys() | lacking) - self._appearing.done - self.fetched.missing
        coming |= failed
        edges = {m: set(self._required_by(m)) & coming for m in coming - failed}
        for root, needed in self._plan.roots().items():
            if root in edges:
                edges[root] |= (needed & coming) - {root}
        return edges | {m: set() for m in failed}

    def _required_by(self, module: ModuleVersion) -> Iterable[ModuleVersion]:
        small, summary = self._small.get(module), self._plan.summary(module)
        if small is not None:
            return small.requires
        return summary.require if summary is not None else ()

    def _begin_zip(self, module: ModuleVersion) -> None:
        """Start to bring a zip, or to check the one that is stored, unless that is done already."""
        if module in self._begun:
            return
        self._begun.add(module)
        zips = self._ports.zips
        if self._ports.store.state(module) is State.COMPLETE:
            job = zips.check(module)
        else:
            foreseen = self._foresight.take(module)
            job = foreseen or zips.fetch(module, size_bytes=self._sizes.get(module, 0))
        # Who waits for it is told at once: the order of what else comes is not theirs to wait for.
        job.add_done_callback(partial(self._arrivals.come_of, module))
        self._jobs.watch((_ZIP, module), job)

    def _is_wave_due(self) -> bool:
        return time.monotonic() - self._last_wave > WAVE_INTERVAL_S

    def _verify_wave(self) -> None:
        """Verify what was taken, and publish what passes and may appear."""
        self._last_wave = time.monotonic()
        wave, self._checked = self._checked, {}
        for module, outcome in self._sums.prove(wave, self._plan).items():
            match outcome:
                case Verified():
                    self._verified[module] = self._sums.seal
                case Unverified(reason):
                    self._verified[module] = f"{UNVERIFIED}: {reason}"
                case error:
                    self._refuse(module, error)
                    continue
            self._appearing.verified(module)

    def _finish_proofs(self) -> None:
        """Complete the proofs at the newest head, so that they can be carried."""
        try:
            self._ports.verifier.finish(self._ports.carried_heads)
        except GopackError as error:
            self.fetched.unproven = error

    def _refuse(self, module: ModuleVersion, error: GopackError) -> None:
        """Let nothing of a version into the storage that the checksum database speaks against."""
        self._fail(module, error)
        fetched_zip = self._zips.pop(module, None)
        if isinstance(error, IntegrityError) and fetched_zip and fetched_zip.path:
            self._ports.zips.discard(fetched_zip)

    # Appearing

    def _store(self, modules: Sequence[ModuleVersion]) -> Mapping[ModuleVersion, StoreError]:
        wanted = [self._publication(module) for module in modules]
        refused = self._ports.store.publish_all(wanted)
        return {
            module: error
            for module, error in refused.items()
            if not (isinstance(error, OtherFilesError) and self._takes_over(module))
        }

    def _takes_over(self, module: ModuleVersion) -> bool:
        """Look at what somebody else stored meanwhile; take it if it has the sums that passed.

        An Athens that stores into the same folder packs and dates as its own go command does.
        """
        small, fetched_zip = self._small[module], self._zips.get(module)
        try:
            info = self._reader.stored_info(module, small.mod)
            stored_zip = self._ports.zips.check(module).result() if fetched_zip else None
        except GopackError:
            return False
        if fetched_zip and stored_zip:
            if fetched_zip.h1 != stored_zip.h1:
                return False
            self._zips[module] = stored_zip
        self._small[module] = replace(small, info=info)
        return True

    def _publication(self, module: ModuleVersion) -> Publication:
        small, fetched_zip = self._small[module], self._zips.get(module)
        path = fetched_zip.path if fetched_zip else None
        return Publication(module, small.info, small.mod, path)

    def _note_stored(self, module: ModuleVersion) -> None:
        small, fetched_zip = self._small[module], self._zips.pop(module, None)
        self._ports.ledger.record(
            module,
            info=small.info,
            mod=small.mod,
            fetched_zip=fetched_zip,
            verified=self._verified[module],
        )
        size = fetched_zip.size_bytes if fetched_zip else 0
        self.fetched.stored[module] = Stored(
            size + len(small.info) + len(small.mod), time.monotonic() - self._started
        )

    def _fail(self, module: ModuleVersion, error: GopackError) -> None:
        """Note a version that could not be had; what nobody has or must have is no failure."""
        is_nowhere = isinstance(error, NotFoundError | OtherModuleError)
        if is_nowhere and not self._plan.is_essential(module):
            self.fetched.missing.add(module)
            self.fetched.zipless.pop(module, None)
            self._small.pop(module, None)
            self._appearing.given_up(module)
        else:
            self.fetched.failed[module] = error


def _leaves_open(error: GopackError) -> bool:
    """Whether a zip may come whose size was not told: some servers refuse to send a part of one."""
    if isinstance(error, NotFoundError) or not isinstance(error, UpstreamError):
        return False
    return not error.retryable
