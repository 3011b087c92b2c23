"""Connected and sealed sides for the tests of bundles: real storages, a log with its own key."""

import os
import random
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from click.testing import CliRunner, Result

from gopack.adapters.disk import DiskStore
from gopack.adapters.ledger import DiskLedger
from gopack.adapters.sumdb_store import SumdbStore
from gopack.adapters.zips import read_module_zip
from gopack.cli.main import main
from gopack.flows.verify import Database, SumVerifier, Verified
from gopack.plan.manifest import Annotations, LineFacts
from gopack.ports import FetchedZip
from gopack.spec.dirhash import hash_go_mod
from gopack.spec.module import ModuleVersion
from gopack.spec.sumdb import Sums
from tests.fakes_sumdb import FakeSumDB
from tests.upstream import make_info, make_zip

REPOSITORY = Path(__file__).parents[1]
LICENCE = b"Permission is hereby granted, free of charge, to any person obtaining a copy of it"


def module(text: str) -> ModuleVersion:
    path, _, version = text.partition("@")
    return ModuleVersion(path, version)


@dataclass
class Side:
    """A storage and the settings under which gopack runs beside it."""

    root: Path
    log: FakeSumDB
    env: dict[str, str] = field(default_factory=dict)

    def run(self, *words: str | Path) -> Result:
        """Run `gopack WORDS` in this process, on this storage."""
        env = {
            "GOPROXY": "off",
            "GOENV": "off",
            "GOSUMDB": str(self.log.verifier),
            "GOPACK_STORAGE": str(self.root),
            **self.env,
        }
        return CliRunner().invoke(main, [str(word) for word in words], env=env)

    def done(self, *words: str | Path) -> str:
        """Run it and expect it to succeed."""
        result = self.run(*words)
        assert result.exit_code == 0, result.output
        return result.output

    def start(self, *words: str | Path) -> subprocess.Popen[bytes]:
        """Start it as a process of its own."""
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY), "HOME": str(self.root)}
        env |= {"GOPROXY": "off", "GOENV": "off", "GOSUMDB": str(self.log.verifier)}
        env |= {"GOPACK_STORAGE": str(self.root), **self.env}
        command = [sys.executable, "-m", "gopack", *map(str, words)]
        return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def put(
        self,
        name: str,
        *,
        requires: Iterable[str] = (),
        is_whole: bool = True,
        noise: int = 0,
        size_bytes: int = 20_000,
        is_recorded: bool = True,
        heads: Iterable[bytes] = (),
    ) -> None:
        """Put a version into the storage as a fetch would, its record in the log.

        With another `noise` it has other contents under the same name; `heads` are carried as by
        `fetch --head`.
        """
        one = module(name)
        lines = "".join(f"require {required.replace('@', ' ')}\n" for required in requires)
        mod = f"module {one.path}\n\ngo 1.17\n\n{lines}".encode()
        info = make_info(one.version)
        store, ledger = DiskStore(self.root), DiskLedger(self.root / ".gopack")
        with store.locked():
            path = store.staged_path()
            files = {
                "go.mod": mod,
                "LICENSE": LICENCE,
                "data.bin": _noise(f"{name} {noise}", size_bytes),
            }
            path.write_bytes(make_zip(one.path, one.version, files))
            receipt = read_module_zip(path, one)
            fetched = FetchedZip(path, receipt.size_bytes, receipt.sha256, receipt.h1)
            if one not in self.log.ids:
                self.log.grow(300)
                self.log.add(one, fetched.h1, hash_go_mod(mod))
            store.publish(one, info=info, mod=mod, zip_file=path if is_whole else None)
            if is_recorded:
                self._prove(one, Sums(hash_go_mod(mod), fetched.h1 if is_whole else None), heads)
                ledger.record(
                    one,
                    info=info,
                    mod=mod,
                    fetched_zip=fetched if is_whole else None,
                    verified=f"sumdb {self.log.name}",
                )
                ledger.annotate(Annotations(why={one: [name]}, listed={one: LineFacts()}))
                ledger.save()

    def name_alias(self, alias: str, version: str) -> None:
        """Have a branch's name mean a stored version, as `fetch --aliases` does."""
        named = module(alias)
        ledger, store = DiskLedger(self.root / ".gopack"), DiskStore(self.root)
        with store.locked():
            info = self.versions()[f"{named.path}/{version}/{version}.info"]
            store.publish_alias(named, info)
            ledger.annotate(Annotations(aliases={named: version}))
            ledger.save()

    def _prove(self, one: ModuleVersion, sums: Sums, heads: Iterable[bytes]) -> None:
        store = SumdbStore.of(self.root / ".gopack", self.log.name)
        database = Database(self.log, store, self.log.verifier)
        with SumVerifier(database, exempt=lambda _path: None) as verifier:
            [outcome] = verifier.prove({one: sums}).values()
            assert isinstance(outcome, Verified), outcome
            verifier.finish({str(number): head for number, head in enumerate(heads)})

    def versions(self) -> dict[str, bytes]:
        """Every file of every version, by its path below the root."""
        return files_below(self.root)


def _noise(seed: str, size_bytes: int) -> bytes:
    """Bytes that do not compress, the same for the same seed."""
    return random.Random(seed).randbytes(size_bytes)


def files_below(root: Path) -> dict[str, bytes]:
    """Every file but gopack's own, by its path."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_file() and not name.startswith(".gopack/"):
            found[name] = path.read_bytes()
    return found


def own_files(root: Path) -> dict[str, bytes]:
    """What gopack keeps of a storage: manifest, sums, proofs."""
    found = {}
    for path in sorted((root / ".gopack").rglob("*")):
        name = path.relative_to(root / ".gopack").as_posix()
        if path.is_file() and name.split("/")[0] in {"manifest.json", "go.sum", "sumdb"}:
            found[name] = path.read_bytes()
    return found
