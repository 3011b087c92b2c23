"""Fetching: what a plan wants and the storage lacks is downloaded, checked and made to appear.

First the small files and the sizes of the zips, then a look at the room on the disk, then the
zips, biggest first. A version appears as soon as its files are checked and its requirements are
there; what fails takes only the lines with it that need it.
"""

import time
from collections.abc import Callable, Mapping, Set
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from functools import partial

from gopack.errors import GopackError, IntegrityError, NotFoundError, UpstreamError
from gopack.flows.appearing import Appearing, Shelf
from gopack.flows.jobs import Jobs
from gopack.flows.progress import Progress
from gopack.flows.smallfiles import SmallFileReader, SmallFiles
from gopack.flows.verify import Outcome, SumVerifier, Unverified, Verified
from gopack.plan.expectedsums import mismatch
from gopack.plan.lines import Plan
from gopack.plan.manifest import UNVERIFIED, Annotations
from gopack.plan.outcome import Stored
from gopack.plan.summary import OtherModuleError
from gopack.ports import FetchedZip, Ledger, Sources, State, Store, ZipFetcher
from gopack.spec.dirhash import hash_go_mod
from gopack.spec.module import ModuleVersion
from gopack.spec.sumdb import Sums

WAVE = 32
"""Versions that are proven together: one look at the log for all of them."""

WAVE_INTERVAL_S = 0.5
"""A smaller wave is proven after this long, while nothing else is to be done."""

FILES_PER_VERSION = 4
"""Inodes a version takes: its folder and three files."""


@dataclass(slots=True)
class Fetched:
    """What a run stored and what failed.

    `stored` maps each new version to what it added; `failed` each version that could not be
    had to why; `missing` the versions that requirements name and no upstream has, which fail the
    go command connected just the same; `zipless` those of which no upstream has the zip, stored
    mod-only; `unproven` why the checksum database's proofs could not be
    completed, which leaves the versions as verified as they were.
    """

    stored: dict[ModuleVersion, Stored] = field(default_factory=dict)
    failed: dict[ModuleVersion, GopackError] = field(default_factory=dict)
    missing: set[ModuleVersion] = field(default_factory=set)
    zipless: set[ModuleVersion] = field(default_factory=set)
    unproven: GopackError | None = None


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Brings a plan's versions into a store: the ports of this flow, each once."""

    sources: Sources
    store: Store
    ledger: Ledger
    zips: ZipFetcher
    executor: Executor
    progress: Progress
    check_room: Callable[[int, int], None]
    verifier: SumVerifier
    carried_heads: Mapping[str, bytes] = field(default_factory=dict)

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
        self._plan, self._wants = plan, plan.wants()
        had = self._small.keys() | self.fetched.failed.keys() | self.fetched.missing
        new = self._wants.keys() - had
        lacking = {m for m in new if not self._has(m, whole=self._wants[m])}
        self._verify_stored(new - lacking)
        self._hold_against_go_sums(new - lacking)
        if lacking:
            self._fetch_lacking(lacking)

    def finish(self) -> Fetched:
        """Let the listed roots appear, complete the proofs, and tell what happened."""
        failed = self.fetched.failed.keys()
        sound = [line.wants() for line in self._plan.lines if line.closure is not None]
        self._appearing.finish(m for wants in sound if not failed & wants.keys() for m in wants)
        self._finish_proofs()
        return self.fetched

    def _has(self, module: ModuleVersion, *, whole: bool) -> bool:
        """Whether the storage has what is wanted and the ledger vouches for it."""
        state = self._ports.store.state(module)
        enough = state is State.COMPLETE or (state is State.MOD_ONLY and not whole)
        return enough and self._ports.ledger.vouches_for(module, whole=whole)

    def _fetch_lacking(self, lacking: set[ModuleVersion]) -> None:
        self._ports.progress.phase("fetching")
        for module in lacking:
            self._ports.verifier.prefetch(module)
        self._ports.zips.expect(sum(self._wants[module] for module in lacking))
        coming = self._fetch_small(lacking)
        self._check_room(coming)
        self._appearing.plan(self._requires(), last=self._plan.roots())
        self._fetch_zips(coming)

    def _fetch_small(self, lacking: set[ModuleVersion]) -> set[ModuleVersion]:
        jobs: Jobs[ModuleVersion, SmallFiles] = Jobs(self._ports.executor)
        for module in sorted(lacking):
            known, summary = self._plan.gomods.get(module), self._plan.summary(module)
            whole = self._wants[module]
            read = partial(self._reader.read, module, whole=whole, mod=known, summary=summary)
            jobs.submit(module, read)
        coming = set()
        for module, job in jobs:
            try:
                small = self._small[module] = job.result()
            except GopackError as error:
                self._fail(module, error)
                continue
            if small.zip_error is None or self._does_without_zip(module, small.zip_error):
                coming.add(module)
        return coming

    def _does_without_zip(self, module: ModuleVersion, error: GopackError) -> bool:
        """Take a version mod-only whose zip nobody has and go does not select; else it fails.

        The go command reads its go.mod to load a graph, and fails on its zip connected, too.
        """
        is_missing = isinstance(error, UpstreamError) and not error.retryable
        if is_missing and not self._plan.is_essential(module):
            self._wants[module] = False
            self.fetched.zipless.add(module)
            return True
        self._fail(module, error)
        return False

    def _requires(self) -> dict[ModuleVersion, set[ModuleVersion]]:
        """Tell what must appear before each version: its requirements, a root's whole closure.

        What failed already is among them, so that nothing appears that requires it.
        """
        coming = self._small.keys() - self.fetched.stored.keys() | self.fetched.failed.keys()
        edges = {m: set(files.requires) & coming for m, files in self._small.items()}
        for root, needed in self._plan.roots().items():
            if root in edges:
                edges[root] |= (needed & coming) - {root}
        return edges | {m: set() for m in self.fetched.failed}

    def _check_room(self, coming: Set[ModuleVersion]) -> None:
        sizes = [self._small[module].zip_bytes or 0 for module in coming]
        self._ports.check_room(sum(sizes), FILES_PER_VERSION * len(sizes))
        self._ports.progress.planned(len(sizes), sum(sizes))

    # The zips

    def _fetch_zips(self, coming: Set[ModuleVersion]) -> None:
        """Start every zip, biggest first; publish what needs none; then publish as they come."""
        jobs: Jobs[ModuleVersion, FetchedZip] = Jobs(self._ports.executor)
        by_size = sorted(coming, key=lambda m: (-(self._small[m].zip_bytes or 0), m))
        for module in by_size:
            if self._wants[module]:
                jobs.watch(module, self._start_zip(module))
        for module in by_size:
            if not self._wants[module]:
                self._take(module, None)
        for module, job in jobs:
            try:
                self._take(module, job.result())
            except GopackError as error:
                if self._does_without_zip(module, error):
                    self._take(module, None)
            if len(self._checked) >= WAVE or (jobs.is_idle and self._is_wave_due()):
                self._verify_wave()
        self._verify_wave()
        self._appearing.settle()

    def _start_zip(self, module: ModuleVersion) -> Future[FetchedZip]:
        if self._ports.store.state(module) is State.COMPLETE:
            return self._ports.zips.check(module)
        return self._ports.zips.fetch(module)

    def _take(self, module: ModuleVersion, fetched_zip: FetchedZip | None) -> None:
        """Take a version whose files are here and obey the rules: its sums come next."""
        mod_h1 = hash_go_mod(self._small[module].mod)
        self._checked[module] = Sums(mod_h1, fetched_zip.h1 if fetched_zip else None)
        if fetched_zip is not None:
            self._zips[module] = fetched_zip
        self._ports.progress.fetched(module, fetched_zip.size_bytes if fetched_zip else 0)

    def _is_wave_due(self) -> bool:
        return time.monotonic() - self._last_wave > WAVE_INTERVAL_S

    def _verify_wave(self) -> None:
        """Verify what was taken, and publish what passes and may appear."""
        self._last_wave = time.monotonic()
        wave, self._checked = self._checked, {}
        for module, outcome in self._prove(wave).items():
            match outcome:
                case Verified():
                    self._verified[module] = self._seal()
                case Unverified(reason):
                    self._verified[module] = f"{UNVERIFIED}: {reason}"
                case error:
                    self._refuse(module, error)
                    continue
            self._appearing.verified(module)

    def _verify_stored(self, stored: Set[ModuleVersion]) -> None:
        """Verify what an earlier run could not or was told not to."""
        verifier, ledger = self._ports.verifier, self._ports.ledger
        wave = {m: sums for m, sums in ledger.unverified().items() if m in stored}
        due = {m: sums for m, sums in wave.items() if verifier.exemption(m.path) is None}
        verified = {}
        for module, outcome in self._prove(due).items():
            if isinstance(outcome, Verified):
                verified[module] = self._seal()
            elif not isinstance(outcome, Unverified):
                self._fail(module, outcome)
        ledger.annotate(Annotations(verified=verified))

    def _hold_against_go_sums(self, stored: Set[ModuleVersion]) -> None:
        """Compare what an earlier run stored with the go.sum files that this one was given."""
        for module, expected in self._plan.expected_sums().items():
            sums = self._ports.ledger.sums(module) if module in stored else None
            if sums and (error := mismatch(expected, sums)):
                self._fail(module, error)

    def _finish_proofs(self) -> None:
        """Complete the proofs at the newest head, so that they can be carried."""
        try:
            self._ports.verifier.finish(self._ports.carried_heads)
        except GopackError as error:
            self.fetched.unproven = error

    def _seal(self) -> str:
        return f"sumdb {self._ports.verifier.name}"

    def _prove(self, wave: Mapping[ModuleVersion, Sums]) -> Mapping[ModuleVersion, Outcome]:
        """Tell of each version what the list's go.sum files say, else the checksum database."""
        expected = self._plan.expected_sums()
        refused = {m: error for m in wave if (error := mismatch(expected.get(m, ()), wave[m]))}
        rest = {module: sums for module, sums in wave.items() if module not in refused}
        return {**(self._ports.verifier.prove(rest) if rest else {}), **refused}

    def _refuse(self, module: ModuleVersion, error: GopackError) -> None:
        """Let nothing of a version into the storage that the checksum database speaks against."""
        self._fail(module, error)
        fetched_zip = self._zips.pop(module, None)
        if isinstance(error, IntegrityError) and fetched_zip and fetched_zip.path:
            self._ports.zips.discard(fetched_zip)

    # Appearing

    def _store(self, module: ModuleVersion) -> None:
        small, fetched_zip = self._small[module], self._zips.get(module)
        path = fetched_zip.path if fetched_zip else None
        self._ports.store.publish(module, info=small.info, mod=small.mod, zip_file=path)

    def _note_stored(self, module: ModuleVersion) -> None:
        small, fetched_zip = self._small[module], self._zips.get(module)
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
            self._small.pop(module, None)
        else:
            self.fetched.failed[module] = error
