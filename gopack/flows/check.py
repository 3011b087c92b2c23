"""`gopack check`: an offline audit of a storage, every file of it.

The zips are checked in the background, biggest modules first, while the checksum database's proofs
and the small files are; then each version is judged by what is proven of it. Nothing is written.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, as_completed
from dataclasses import dataclass
from typing import Protocol

from gopack.errors import GopackError, IntegrityError
from gopack.flows.check_sumdb import KeptProofs, SumdbAudit
from gopack.plan.checking import (
    GO_SUM_KEY,
    MANIFEST_KEY,
    Files,
    Finding,
    Known,
    Proof,
    Report,
    Weight,
    ZipFacts,
    judge_manifest,
    judge_version,
)
from gopack.plan.inventory import Folder, Inventory, take_inventory
from gopack.plan.layout import OWN_FOLDER, FileKind, athens_disk_key
from gopack.plan.manifest import Manifest, NotAManifestError, loads
from gopack.ports import FetchedZip, ZipFetcher
from gopack.spec import gosum, note
from gopack.spec.goproxy import MAX_ANSWER_BYTES
from gopack.spec.info import parse_info
from gopack.spec.module import ModuleVersion
from gopack.spec.tlog import Record


class AuditedStorage(Protocol):
    """A storage as an audit reads it; failures are StoreErrors."""

    def folders(self) -> Sequence[Folder]:
        """Every folder but gopack's own."""

    def read(self, key: str) -> bytes:
        """A file's bytes."""

    def size_bytes(self, key: str) -> int:
        """A file's size."""

    def has(self, key: str) -> bool:
        """Whether there is such a file or folder."""

    def scraps(self) -> Sequence[str]:
        """The keys of what interrupted runs left in gopack's own folder."""

    def databases(self) -> Mapping[str, KeptProofs]:
        """What is kept of each checksum database, by its name."""


@dataclass(frozen=True, slots=True)
class Checker:
    """The parts of an audit.

    `key_of` gives the key of a checksum database; `progress` hears how many versions, and bytes
    of zips, of how many are done.
    """

    storage: AuditedStorage
    zips: ZipFetcher
    key_of: Callable[[str], note.Verifier | None]
    progress: Callable[[int, int, int, int], None]

    def check(self) -> Report:
        """Audit the storage.

        Raises:
            StoreError: it cannot be read at all.
        """
        found = take_inventory(self.storage.folders())
        report = Report(list(found.findings))
        jobs = self._start_zips(found, report)
        manifest = self._manifest(report)
        records = self._proven_records(report)
        self._check_aliases(found, report)
        noted = {} if manifest is None else manifest.versions
        if manifest is not None:
            seen = {m: entry for m, entry in noted.items() if not found.may_hold(m)}
            report.findings += judge_manifest(found.versions, seen)
        small = {m: self._small(m) for m in found.versions}
        judged: dict[ModuleVersion, list[Finding]] = {}
        done_bytes = 0
        for done, (module, zip_) in enumerate(_as_they_come(found.versions, jobs), 1):
            files = Files(*small[module], zip_)
            known = Known(records.get(module), noted.get(module))
            judged[module], report.proofs[module] = judge_version(module, files, known)
            if isinstance(zip_, ZipFacts):
                done_bytes += zip_.size_bytes
            self.progress(done, len(found.versions), done_bytes, report.zip_bytes)
        for _, findings in sorted(judged.items()):
            report.findings += findings
        self._say_what_stands_behind(report)
        return report

    def _start_zips(
        self, found: Inventory, report: Report
    ) -> dict[ModuleVersion, Future[FetchedZip]]:
        """Start to check every zip, the biggest modules first."""
        sizes = {
            module: self.storage.size_bytes(athens_disk_key(module, FileKind.ZIP))
            for module, has_zip in found.versions.items()
            if has_zip
        }
        report.complete, report.zip_bytes = len(sizes), sum(sizes.values())
        self.zips.expect(len(sizes))
        return {module: self.zips.check(module) for module in _biggest_modules_first(sizes)}

    def _small(self, module: ModuleVersion) -> tuple[bytes | GopackError, bytes | GopackError]:
        info, mod = (
            self._read(athens_disk_key(module, kind)) for kind in (FileKind.INFO, FileKind.MOD)
        )
        return info, mod

    def _read(self, key: str) -> bytes | GopackError:
        """Read a file of a version, which no server gives or takes if it is huge."""
        size = self.storage.size_bytes(key)
        if size > MAX_ANSWER_BYTES:
            return IntegrityError(f"it has {size} bytes, {MAX_ANSWER_BYTES} are allowed", where=key)
        try:
            return self.storage.read(key)
        except GopackError as error:
            return error

    def _manifest(self, report: Report) -> Manifest | None:
        if not self.storage.has(OWN_FOLDER):
            report.findings.append(
                Finding(
                    OWN_FOLDER,
                    "missing: the manifest and the checksum database were left behind, so only "
                    "the form of the files can be checked",
                    Weight.BROKEN,
                    hint="copy the storage whole: `cp -a ROOT/. TARGET/` (`cp ROOT/*` leaves "
                    "dot folders behind); or `gopack fetch` with the same list rebuilds it",
                )
            )
            return None
        report.findings += [
            Finding(
                key,
                "left by an interrupted run; the next fetch or import that ends well clears it",
                Weight.NOTE,
            )
            for key in self.storage.scraps()
        ]
        if not self.storage.has(MANIFEST_KEY):
            report.findings.append(
                Finding(
                    MANIFEST_KEY,
                    "missing: what the checksum database does not prove cannot be told",
                    Weight.BROKEN,
                    hint="run `gopack fetch` with the same list: it checks and notes what is here",
                )
            )
            return None
        data = self._read(MANIFEST_KEY)
        try:
            if isinstance(data, GopackError):
                raise data
            manifest = loads(data, where=MANIFEST_KEY)
        except GopackError as error:
            spoilt = isinstance(error, NotAManifestError)
            weight, aside = (Weight.SPOILT, (MANIFEST_KEY,)) if spoilt else (Weight.BROKEN, ())
            report.findings.append(
                Finding(MANIFEST_KEY, error.what, weight, None, error.hint, aside)
            )
            return None
        self._check_go_sum(manifest, report)
        return manifest

    def _check_go_sum(self, manifest: Manifest, report: Report) -> None:
        expected = gosum.format_lines(manifest.sum_lines()).encode()
        if not self.storage.has(GO_SUM_KEY):
            if expected:
                report.findings.append(Finding(GO_SUM_KEY, "missing", Weight.BROKEN))
        elif self.storage.read(GO_SUM_KEY) != expected:
            report.findings.append(
                Finding(
                    GO_SUM_KEY,
                    "its sums are not those of the manifest",
                    Weight.SPOILT,
                    aside=(GO_SUM_KEY,),
                )
            )

    def _proven_records(self, report: Report) -> Mapping[ModuleVersion, Record]:
        proven: dict[ModuleVersion, Record] = {}
        for name, kept in self.storage.databases().items():
            audit = SumdbAudit(kept, self.key_of(name))
            try:
                audit.run()
            except GopackError as error:  # a file of it cannot be read
                report.findings.append(
                    Finding(error.where or kept.key, error.what, Weight.BROKEN, None, error.hint)
                )
            report.findings += audit.findings
            proven |= audit.proven
        return proven

    def _check_aliases(self, found: Inventory, report: Report) -> None:
        for key in found.aliases:
            info = self._read(key)
            try:
                if isinstance(info, GopackError):
                    raise info
                version = parse_info(info, where=key).version
            except IntegrityError as error:
                folder = key.rpartition("/")[0]
                report.findings.append(Finding(key, error.what, Weight.SPOILT, None, "", (folder,)))
                continue
            path = key.rsplit("/", 2)[0]
            if ModuleVersion(path, version) not in found.versions:
                what = f"it stands for {version}, which is not here"
                report.findings.append(Finding(key, what, Weight.BROKEN))

    def _say_what_stands_behind(self, report: Report) -> None:
        bare = report.count(Proof.NOTHING)
        if bare:
            report.findings.append(
                Finding(
                    "storage",
                    f"{bare} versions have neither a proof nor a sum in the manifest: only their "
                    "form was checked",
                    Weight.NOTE,
                )
            )


def _biggest_modules_first(sizes: Mapping[ModuleVersion, int]) -> list[ModuleVersion]:
    """Order versions by the sizes of their zips, one of each module first.

    So whoever reads them has all modules to choose from when it begins.
    """
    totals: dict[str, int] = {}
    firsts: dict[str, ModuleVersion] = {}
    for module, size in sizes.items():
        totals[module.path] = totals.get(module.path, 0) + size
        first = firsts.setdefault(module.path, module)
        if size > sizes[first]:
            firsts[module.path] = module

    def rank(module: ModuleVersion) -> tuple[bool, int, int, ModuleVersion]:
        is_first = firsts[module.path] == module
        return not is_first, -totals[module.path], -sizes[module], module

    return sorted(sizes, key=rank)


def _as_they_come(
    modules: Iterable[ModuleVersion], jobs: Mapping[ModuleVersion, Future[FetchedZip]]
) -> Iterator[tuple[ModuleVersion, ZipFacts | GopackError | None]]:
    """Give every version, first those without a zip, then those whose zip was read."""
    yield from ((module, None) for module in modules if module not in jobs)
    module_of = {future: module for module, future in jobs.items()}
    for future in as_completed(module_of):
        try:
            found = future.result()
        except GopackError as error:
            yield module_of[future], error
        else:
            yield module_of[future], ZipFacts(found.size_bytes, found.sha256, found.h1)
