"""An audit's judgement: what is wrong with a storage, as data, from what was read of it.

Rules:
- A sum is proven by a record of the checksum database that is in the log at a signed head; only
  where there is none does the manifest's word count. A manifest that contradicts a proof is wrong,
  not the file.
- Every finding names the file it is about and what `--repair` moves aside for it: the smallest part
  that leaves a whole storage (a zip alone, else the version's folder).

Spec: go.dev/ref/mod#go-sum-files; Athens pkg/storage/fs for what lies in a version folder.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from gopack.errors import GopackError, IntegrityError
from gopack.plan.layout import OWN_FOLDER, FileKind, athens_disk_folder, athens_disk_key
from gopack.plan.manifest import Entry
from gopack.plan.summary import check_names_module, parse_fault, summarize
from gopack.spec import gomod
from gopack.spec.dirhash import hash_go_mod
from gopack.spec.info import parse_info
from gopack.spec.module import ModuleVersion
from gopack.spec.sumdb import recorded_lines
from gopack.spec.tlog import Record

MANIFEST_KEY = f"{OWN_FOLDER}/manifest.json"
GO_SUM_KEY = f"{OWN_FOLDER}/go.sum"


class Weight(Enum):
    """How bad a finding is; the value is the exit status that it makes."""

    NOTE = 0
    SPOILT = 4
    BROKEN = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: the file's key (or a folder's), and what is wrong with it.

    `module` is the version it belongs to, to be fetched again after a repair; `aside` are the keys
    that a repair moves away.
    """

    where: str
    what: str
    weight: Weight
    module: ModuleVersion | None = None
    hint: str = ""
    aside: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class Proof(Enum):
    """What stands behind a version's sums."""

    LOG = "checksum database"
    MANIFEST = "manifest alone"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class ZipFacts:
    """What a zip that obeys the rules was found to be."""

    size_bytes: int
    sha256: str
    h1: str


@dataclass(frozen=True, slots=True)
class Files:
    """A version's files as read; an error is why one could not be; `zip` is None if mod-only."""

    info: bytes | GopackError
    mod: bytes | GopackError
    zip: ZipFacts | GopackError | None


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a version: its proven record, and what the manifest notes."""

    record: Record | None = None
    entry: Entry | None = None


@dataclass(slots=True)
class Report:
    """An audit's result."""

    findings: list[Finding] = field(default_factory=list)
    proofs: dict[ModuleVersion, Proof] = field(default_factory=dict)
    complete: int = 0
    zip_bytes: int = 0

    @property
    def exit_status(self) -> int:
        """The highest of the findings'."""
        return max((finding.weight.value for finding in self.findings), default=0)

    @property
    def refetch(self) -> list[ModuleVersion]:
        """The versions that a fetch must bring again once what is spoilt lies aside."""
        bad = (f.module for f in self.findings if f.module and f.weight is not Weight.NOTE)
        return sorted(set(bad))

    def count(self, proof: Proof) -> int:
        """How many versions have this behind them."""
        return sum(one is proof for one in self.proofs.values())


def judge_version(module: ModuleVersion, files: Files, known: Known) -> tuple[list[Finding], Proof]:
    """Judge the files of one version; tell what stands behind it, too."""
    findings = [
        *_judge_info(module, files.info, known),
        *_judge_mod(module, files.mod, known),
        *_judge_zip(module, files.zip, known),
    ]
    if known.record is not None:
        return findings, Proof.LOG
    if known.entry is None:
        return findings, Proof.NOTHING
    if known.entry.verified.startswith("sumdb "):
        name = known.entry.verified.removeprefix("sumdb ")
        findings.append(
            Finding(
                athens_disk_folder(module),
                f"the manifest says that {name} vouches for it, but no proof of that is here",
                Weight.BROKEN,
                module,
                _FETCH,
            )
        )
    return findings, Proof.MANIFEST


_FETCH = "run `gopack fetch` with the same list where there is a network"


def _spoilt(module: ModuleVersion, kind: FileKind, what: str) -> Finding:
    key = athens_disk_key(module, kind)
    aside = key if kind is FileKind.ZIP else athens_disk_folder(module)
    return Finding(key, what, Weight.SPOILT, module, aside=(aside,))


def _unread(module: ModuleVersion, kind: FileKind, error: GopackError) -> Finding:
    if isinstance(error, IntegrityError):
        return _spoilt(module, kind, error.what)
    key = athens_disk_key(module, kind)
    return Finding(key, error.what, Weight.BROKEN, module, error.hint)


def _judge_info(
    module: ModuleVersion, info: bytes | GopackError, known: Known
) -> Iterable[Finding]:
    if isinstance(info, GopackError):
        yield _unread(module, FileKind.INFO, info)
        return
    try:
        version = parse_info(info, where="").version
    except IntegrityError as error:
        yield _spoilt(module, FileKind.INFO, error.what)
        return
    if version != module.version:
        yield _spoilt(module, FileKind.INFO, f"it names another version: {version}")
    elif known.entry and hashlib.sha256(info).hexdigest() != known.entry.info_sha256:
        yield _spoilt(module, FileKind.INFO, "it is not the file that the manifest notes")


def _judge_mod(module: ModuleVersion, mod: bytes | GopackError, known: Known) -> Iterable[Finding]:
    if isinstance(mod, GopackError):
        yield _unread(module, FileKind.MOD, mod)
        return
    noted = known.entry.mod_h1 if known.entry else None
    finding = _judge_sum(module, FileKind.MOD, hash_go_mod(mod), noted, known.record)
    if finding is not None:
        yield finding
    elif known.entry and hashlib.sha256(mod).hexdigest() != known.entry.mod_sha256:
        yield _wrong_manifest(f"it notes another SHA-256 for the go.mod of {module} than its sum's")
    if finding is not None and finding.where != MANIFEST_KEY:
        return
    try:
        check_names_module(module, summarize(module, mod))
    except IntegrityError as error:
        if (fault := parse_fault(mod)) and gomod.module_path(mod) == module.path:
            key = athens_disk_key(module, FileKind.MOD)
            what = f"cannot be parsed, go builds nothing with this version: {fault}"
            yield Finding(key, what, Weight.NOTE, module)
            return
        yield _judge_name(module, error, known)


def _judge_name(module: ModuleVersion, error: IntegrityError, known: Known) -> Finding:
    """Judge a go.mod that is as recorded and does not name its module: that is how it was made.

    It may be a fork that stands in for the module it names, or one that go tries and passes over.
    """
    got = f" ({error.got})" if error.got else ""
    what = f"{error.what}{got}"
    if known.record is None and known.entry is None:
        return _spoilt(module, FileKind.MOD, what)
    key = athens_disk_key(module, FileKind.MOD)
    return Finding(key, f"{what}: no go.mod can require it as it is", Weight.NOTE, module)


def _judge_zip(
    module: ModuleVersion, found: ZipFacts | GopackError | None, known: Known
) -> Iterable[Finding]:
    noted = known.entry.zip if known.entry else None
    if found is None:
        if noted is not None:
            key = athens_disk_key(module, FileKind.ZIP)
            yield Finding(key, "missing: the manifest notes it", Weight.BROKEN, module, _FETCH)
        return
    if isinstance(found, GopackError):
        yield _unread(module, FileKind.ZIP, found)
        return
    finding = _judge_sum(module, FileKind.ZIP, found.h1, noted.h1 if noted else None, known.record)
    if finding is not None:
        yield finding
    elif noted is not None and (found.size_bytes, found.sha256) != (noted.size_bytes, noted.sha256):
        # Its content is right, so a byte between the entries changed, or it was packed anew.
        yield _spoilt(
            module, FileKind.ZIP, "its content is right, but it is not the file the manifest notes"
        )
    elif known.entry is not None and noted is None:
        key = athens_disk_key(module, FileKind.ZIP)
        what = "the manifest notes this version without a zip"
        yield Finding(key, what, Weight.BROKEN, module, _FETCH, (key,))


def _judge_sum(
    module: ModuleVersion, kind: FileKind, got: str, noted: str | None, record: Record | None
) -> Finding | None:
    recorded = _recorded(module, kind, record)
    if recorded is None:
        if noted is None or got == noted:
            return None
        return _spoilt(module, kind, f"its sum is {got}, the manifest notes {noted}")
    if got != recorded:
        return _spoilt(module, kind, f"its sum is {got}, the checksum database recorded {recorded}")
    if noted is None or noted == recorded:
        return None
    return _wrong_manifest(
        f"it notes {noted} for the {kind.value} of {module}, which is proven to be {recorded}"
    )


def _wrong_manifest(what: str) -> Finding:
    return Finding(MANIFEST_KEY, what, Weight.SPOILT, hint=_FETCH, aside=(MANIFEST_KEY,))


def _recorded(module: ModuleVersion, kind: FileKind, record: Record | None) -> str | None:
    """Give the first `h1:` sum that a proven record has for a file."""
    if record is None:
        return None
    wanted = module.version + ("/go.mod" if kind is FileKind.MOD else "")
    prefix = f"{module.path} {wanted} "
    sums = (line.removeprefix(prefix) for line in recorded_lines(record, module))
    return next((one for one in sums if one.startswith("h1:")), None)


def judge_manifest(
    versions: Iterable[ModuleVersion], noted: Mapping[ModuleVersion, Entry]
) -> Sequence[Finding]:
    """Compare which versions are there with which the manifest notes."""
    here = set(versions)
    missing = [
        Finding(
            athens_disk_folder(module),
            "missing: the manifest notes this version",
            Weight.BROKEN,
            module,
            _FETCH,
        )
        for module in sorted(noted.keys() - here)
    ]
    strange = [
        Finding(
            athens_disk_folder(module),
            "the manifest does not note this version: somebody else put it here",
            Weight.BROKEN,
            hint="list it and run `gopack fetch`, which checks and notes it; or remove its folder",
        )
        for module in sorted(here - noted.keys())
    ]
    return [*missing, *strange]
