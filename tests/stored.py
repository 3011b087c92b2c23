"""A small storage as `gopack fetch` leaves it: versions, manifest, go.sum, proofs."""

from dataclasses import dataclass
from pathlib import Path

from gopack.adapters.ledger import DiskLedger
from gopack.adapters.zips import read_module_zip
from gopack.plan.layout import OWN_FOLDER
from gopack.ports import FetchedZip
from gopack.spec.dirhash import hash_go_mod
from gopack.spec.module import ModuleVersion
from gopack.spec.sumdb import Sums
from tests.fakes_sumdb import FakeSumDB
from tests.sumdb_laying import lay_sumdb
from tests.upstream import make_info, make_zip

A, B, C = (ModuleVersion(f"example.com/{name}", "v1.0.0") for name in ("Big", "b", "private"))
MOD_ONLY = ModuleVersion("example.com/b", "v1.1.0")


@dataclass(frozen=True, slots=True)
class Stored:
    """The storage's root, and the database that vouches for all but C."""

    root: Path
    log: FakeSumDB


def store(root: Path) -> Stored:
    """A and B are complete and proven, C is complete and known to the manifest alone."""
    log = FakeSumDB()
    (root / OWN_FOLDER).mkdir(parents=True)
    ledger = DiskLedger(root / OWN_FOLDER)
    sums: dict[ModuleVersion, Sums] = {}
    for module in (A, B, C, MOD_ONLY):
        folder = root / module.path / module.version
        folder.mkdir(parents=True)
        info, mod = make_info(module.version), f"module {module.path}\n\ngo 1.21\n".encode()
        (folder / f"{module.version}.info").write_bytes(info)
        (folder / "go.mod").write_bytes(mod)
        fetched = None
        if module != MOD_ONLY:
            files = {"go.mod": mod, "a.go": b"package a\n" * 50}
            (folder / "source.zip").write_bytes(make_zip(*module, files))
            receipt = read_module_zip(folder / "source.zip", module)
            fetched = FetchedZip(None, receipt.size_bytes, receipt.sha256, receipt.h1)
        verified = "unverified: GONOSUMDB" if module == C else f"sumdb {log.name}"
        ledger.record(module, info=info, mod=mod, fetched_zip=fetched, verified=verified)
        sums[module] = Sums(hash_go_mod(mod), fetched.h1 if fetched else "h1:of-a-zip-elsewhere")
    ledger.save()
    for wave in ([A], [B, MOD_ONLY]):  # two runs, so that there is an older head
        lay_sumdb(root, log, wave, sums)
    return Stored(root, log)
