"""Putting the parts together: settings, sources, storage, workers."""

import gc
import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path

from gopack.adapters import goenv
from gopack.adapters.disk import DiskStore
from gopack.adapters.disklock import LOCK_WAIT_S
from gopack.adapters.keptpackages import KeptPackages
from gopack.adapters.ledger import DiskLedger
from gopack.adapters.openfiles import affordable
from gopack.adapters.partfile import bytes_arriving
from gopack.adapters.quick import QuickReader
from gopack.adapters.remembered import RememberedMods
from gopack.adapters.slots import Slots
from gopack.adapters.sources import ProxySources
from gopack.adapters.web import Web
from gopack.adapters.zippool import AdaptiveZips
from gopack.adapters.zipwork import IncomingZips, ZipWork
from gopack.cli.console import make_console, make_output
from gopack.cli.progress import WatchedProgress, make_progress
from gopack.cli.sumcheck import kept_proofs, make_verifier
from gopack.errors import GopackError, IntegrityError, StoreError
from gopack.flows.completing import Completer, Noting
from gopack.flows.fetching import Fetcher
from gopack.flows.importing import Importer
from gopack.flows.layered import StoredFirst
from gopack.flows.mending import find_lost
from gopack.flows.planning import Planner
from gopack.flows.verify import SumVerifier
from gopack.flows.vouched import VouchedSources
from gopack.plan.closure import Level
from gopack.plan.items import Item, ModuleItem
from gopack.plan.layout import KEPT_PACKAGES
from gopack.plan.lines import level_word
from gopack.plan.manifest import LineFacts, Manifest, survey_key
from gopack.plan.query import Resolution, checked_info, is_exact
from gopack.plan.summary import Retraction
from gopack.plan.survey import prefixes
from gopack.ports import FileKind, State, ZipFetcher
from gopack.spec.goenv import GoEnv
from gopack.spec.module import ModuleVersion

__all__ = [
    "LOCK_WAIT_S",
    "Session",
    "WatchedProgress",
    "bring",
    "known_before",
    "make_console",
    "make_output",
    "make_progress",
    "read_stored",
    "reading_session",
    "session",
]


OBJECTS = 200_000
"""So many more objects a run makes before cycles are looked for: hardly any are in one, and with
Python's own 700 the look takes a tenth of a short run."""


@dataclass(frozen=True, slots=True)
class Session:
    """The parts of one run."""

    store: DiskStore
    ledger: DiskLedger
    planner: Planner
    fetcher: Fetcher
    completer: Completer


@contextmanager
def session(
    storage: Path,
    *,
    jobs: int,
    progress: WatchedProgress,
    heads: Mapping[str, bytes] | None = None,
    items: Sequence[Item] = (),
) -> Iterator[Session]:
    """Open everything a fetch needs, with the storage locked; close it at the end.

    `heads` are the tree heads to carry, by the names of their files; `items` what is to be
    fetched, where that is known: where an earlier run brought it all, no workers are started.

    Raises:
        InputError: the go command's settings are malformed or missing.
        StoreError: the storage cannot be used.
    """
    env = goenv.load()
    store = DiskStore(storage)
    with store.locked(wait_s=LOCK_WAIT_S, on_wait=progress.note):
        progress.watch(partial(bytes_arriving, store.incoming))
        ledger = DiskLedger(store.own_folder)
        answers = store.own_folder / "cache" / "answers"
        with _parts(
            env,
            store,
            ledger,
            jobs=jobs,
            progress=progress,
            heads=heads,
            answers=answers,
            expects_zips=not _are_here(store, ledger.manifest, items),
        ) as parts:
            if env.sumdb is not None:
                proofs, key = kept_proofs(env.sumdb, store.own_folder)
                if find_lost(ledger, proofs, key.name):
                    parts.fetcher.verifier.complete()
            yield parts


@contextmanager
def reading_session(storage: Path, *, jobs: int, progress: WatchedProgress) -> Iterator[Session]:
    """Open what a plan needs; nothing is written, the storage need not exist."""
    env = goenv.load()
    store = DiskStore(storage)
    with _parts(env, store, DiskLedger(store.own_folder), jobs=jobs, progress=progress) as parts:
        yield parts


@contextmanager
def _parts(
    env: GoEnv,
    store: DiskStore,
    ledger: DiskLedger,
    *,
    jobs: int,
    progress: WatchedProgress,
    heads: Mapping[str, bytes] | None = None,
    answers: Path | None = None,
    expects_zips: bool = False,
) -> Iterator[Session]:
    gc.set_threshold(OBJECTS)
    stop = threading.Event()
    jobs = affordable(jobs)
    slots = Slots(jobs)
    web = Web(env, slots=slots)
    quick = QuickReader(web)
    direct_cache: Path | None = store.own_folder / "cache" / "direct"
    if answers is None and not os.access(store.own_folder / "cache" / "direct", os.W_OK):
        direct_cache = None  # nothing is written where it is only read
    upstream = ProxySources(
        env, web=web, quick=quick, stop=stop, direct_cache=direct_cache, answers=answers
    )
    stored = partial(read_stored, store, ledger)
    gomods: dict[ModuleVersion, bytes] = {}
    infos: dict[ModuleVersion, bytes] = {}
    asked_once = StoredFirst(upstream, partial(_read_before, gomods, infos))
    sources = StoredFirst(asked_once, stored)
    verifier = make_verifier(env, store.own_folder, quick, stop=stop, jobs=jobs)
    vouched = VouchedSources(asked_once, verifier)
    asked = StoredFirst(vouched, stored)
    mods = RememberedMods(answers.with_name("mods"), verifier.voucher) if answers else None
    noted = vouched.noted()
    noting = Noting(StoredFirst(noted, stored), noted.is_sound, noted.check_read)
    executor = ThreadPoolExecutor(jobs, thread_name_prefix="ask")
    work = ZipWork(
        partial(ProxySources, env, direct_cache=direct_cache, slots=slots),
        store.incoming,
        store.root,
    )
    zips = AdaptiveZips(work, jobs=jobs, cores=os.cpu_count() or 1)
    if expects_zips:
        import_module("gopack.adapters.plainhttp")  # so that workers are born with it
        zips.start_ahead()
    planner = Planner(
        asked,
        executor,
        partial(_known_or_prepared, store, ledger, zips),
        progress,
        gomods,
        infos,
        hints=StoredFirst(vouched, stored, mods=mods),
        graph_sources=sources,
        stored=lambda module: stored(module, FileKind.MOD),
    )
    fetcher = Fetcher(
        sources=sources,
        store=store,
        ledger=ledger,
        zips=zips,
        executor=executor,
        progress=progress,
        room=store.room,
        incoming=IncomingZips(store.incoming),
        jobs=jobs,
        verifier=verifier,
        carried_heads=heads or {},
    )
    packages = KeptPackages(store.own_folder / KEPT_PACKAGES, ledger.zip_h1)
    importer = Importer(
        asked,
        executor,
        zips.packages,
        partial(bring, zips, verifier),
        memory=packages if answers is not None else None,
    )
    completer = Completer(
        planner, importer, ledger.manifest, progress, lies=vouched.lies, noting=noting
    )
    try:
        yield Session(store, ledger, planner, fetcher, completer)
    finally:
        stop.set()
        executor.shutdown(wait=False, cancel_futures=True)
        zips.close()
        packages.close()
        upstream.close()
        verifier.close()
        web.close()
        slots.close()


def bring(
    zips: ZipFetcher, verifier: SumVerifier, modules: Iterable[ModuleVersion]
) -> dict[ModuleVersion, GopackError]:
    """Fetch zips only to look into them; tell which could not be had, or are not what they must be.

    What the checksum database does not tell is left to who stores the version.
    """
    started = {module: zips.fetch(module) for module in modules}
    for module in started:
        verifier.prefetch(module)
    failed: dict[ModuleVersion, GopackError] = {}
    for module, job in started.items():
        try:
            fetched = job.result()
        except GopackError as error:
            failed[module] = error
            continue
        outcome = verifier.vouch_zip(module, fetched.h1)
        if isinstance(outcome, IntegrityError):
            failed[module] = outcome
            zips.discard(fetched)
    return failed


def _known_or_prepared(
    store: DiskStore, ledger: DiskLedger, zips: AdaptiveZips, item: ModuleItem
) -> Resolution | None:
    """Tell what is known of an item; where that is nothing, zips will come."""
    known = known_before(store, ledger, item)
    if known is None:
        zips.prepare()
    return known


def _read_before(
    gomods: Mapping[ModuleVersion, bytes],
    infos: Mapping[ModuleVersion, bytes],
    module: ModuleVersion,
    kind: FileKind,
) -> bytes | None:
    """Give what this run has read, as it came; who takes it from here checks it."""
    return (gomods if kind is FileKind.MOD else infos).get(module)


def read_stored(
    store: DiskStore, ledger: DiskLedger, module: ModuleVersion, kind: FileKind
) -> bytes | None:
    """Read a small file of a stored version if it is what the ledger recorded."""
    try:
        with store.open(module, kind) as file:
            data = file.read()
    except StoreError:
        return None
    return data if ledger.is_as_recorded(module, kind, data) else None


def known_before(store: DiskStore, ledger: DiskLedger, item: ModuleItem) -> Resolution | None:
    """Tell what an exact version resolved to in an earlier run, from the storage alone."""
    module = _listed_before(ledger.manifest, item)
    if module is None or not is_exact(*module) or store.state(module) is not State.COMPLETE:
        return None
    info = read_stored(store, ledger, module, FileKind.INFO)
    if info is None:
        return None
    return _resolution(module, info, ledger.manifest.listed[module])


def _listed_before(known: Manifest, item: ModuleItem) -> ModuleVersion | None:
    """Find the listed version that an item names: its module's, or that of a package in it."""
    for path in prefixes(item.path):
        module = ModuleVersion(path, item.query)
        if module in known.listed and (path == item.path or _is_surveyed(known, module, item.path)):
            return module
    return None


def _is_surveyed(known: Manifest, module: ModuleVersion, package: str) -> bool:
    """Tell whether a package of a version was surveyed, at whichever level."""
    keys = (survey_key([module], [package, *level_word(level)]) for level in Level)
    return any(key in known.surveys for key in keys)


def _are_here(store: DiskStore, known: Manifest, items: Sequence[Item]) -> bool:
    """Whether an earlier run brought all of a list: then there is most likely nothing to fetch.

    Listed versions appear after all that they need.
    """
    found = [
        _listed_before(known, item) if isinstance(item, ModuleItem) else None for item in items
    ]
    return bool(found) and all(
        module and is_exact(*module) and store.state(module) is State.COMPLETE for module in found
    )


def _resolution(module: ModuleVersion, info: bytes, facts: LineFacts) -> Resolution:
    path, _, version = facts.carrier.rpartition("@")
    return Resolution(
        module,
        checked_info(module.path, module.version, info),
        info,
        retraction=(
            None
            if facts.retracted is None
            else Retraction(module.version, module.version, facts.retracted)
        ),
        deprecated=facts.deprecated,
        carrier=ModuleVersion(path, version) if path else None,
    )
