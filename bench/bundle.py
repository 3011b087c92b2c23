"""`python -m bench bundle`: create and import beside what moves and hashes the same files barely.

The floor is `cp -r` of the storage, `sha256sum` of its files, and the bare `h1:` of its zips in two
processes, one after the other; gopack makes a bundle, and imports it into an empty storage.
"""

import base64
import hashlib
import mmap
import multiprocessing
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from isal import isal_zlib

from bench import dataset, measure, report
from bench.measure import Run
from bench.peers import new_folder
from bench.programs import cache_dir
from gopack.adapters.disk import DiskStore
from gopack.adapters.ledger import DiskLedger
from gopack.adapters.zips import read_module_zip
from gopack.plan.layout import goproxy_key
from gopack.ports import FetchedZip, FileKind
from gopack.spec.module import ModuleVersion
from gopack.spec.ziparchive import place, read_directory

PROCESSES = 2
UNVERIFIED = {"GOSUMDB": "off", "GOPROXY": "off", "GOENV": "off"}


def main(runs: int) -> None:
    """Measure in turns, print the table."""
    storage = _storage(dataset.real())
    versions = len(list(storage.glob("**/source.zip")))
    measured: dict[str, list[Run]] = {}
    for _ in range(runs):
        with new_folder() as folder:
            for name, words in _contestants(storage, folder).items():
                run = measure.run(words, env=_env(), cwd=folder, log=folder / "log")
                measured.setdefault(name, []).append(run)
                print(f"  {name}: {run.wall_s:.2f} s", flush=True)
    middles = {name: measure.middle(each) for name, each in measured.items()}
    rows = [report.Row(name, "real", versions, 0, run) for name, run in middles.items()]
    print(report.table(rows))
    ours = sum(run.wall_s for name, run in middles.items() if name.startswith("gopack"))
    floor = sum(run.wall_s for name, run in middles.items() if not name.startswith("gopack"))
    print(f"create and import: {ours:.2f} s, {ours / floor:.2f} times the floor of {floor:.2f} s")


def _env() -> dict[str, str]:
    return {**UNVERIFIED, "PYTHONPATH": os.getcwd()}  # noqa: PTH109


def _contestants(storage: Path, folder: Path) -> dict[str, Sequence[str]]:
    gopack = [sys.executable, "-m", "gopack", "bundle"]
    bundle, target = str(folder / "a.bundle"), str(folder / "sealed")
    return {
        "cp -r": ["cp", "-r", str(storage), str(folder / "copy")],
        "sha256sum": ["sh", "-c", f"find {storage} -type f -print0 | xargs -0 sha256sum"],
        "bare h1": [sys.executable, "-m", "bench.bundle", str(storage)],
        "gopack bundle create": [*gopack, "create", bundle, "--storage", str(storage)],
        "gopack bundle import": [
            *(*gopack, "import", bundle, "--storage", target),
            "--insecure-unsigned",
        ],
    }


def _storage(data: dataset.Dataset) -> Path:
    """Lay the data set out as a storage, once, as gopack would have fetched it."""
    root = cache_dir() / "bundle-storage"
    if (root / ".gopack" / "manifest.json").exists():
        return root
    shutil.rmtree(root, ignore_errors=True)
    store, ledger = DiskStore(root), DiskLedger(root / ".gopack")
    with store.locked():
        for item in data.versions:
            path, _, version = item.partition("@")
            module = ModuleVersion(path, version)
            info, mod, zip_ = (data.tree / goproxy_key(module, kind) for kind in FileKind)
            staged = store.staged_path()
            shutil.copyfile(zip_, staged)
            receipt = read_module_zip(staged, module)
            fetched = FetchedZip(staged, receipt.size_bytes, receipt.sha256, receipt.h1)
            texts = info.read_bytes(), mod.read_bytes()
            store.publish(module, info=texts[0], mod=texts[1], zip_file=staged)
            ledger.record(module, info=texts[0], mod=texts[1], fetched_zip=fetched)
        ledger.save()
    return root


def bare_h1(path: Path) -> str:
    """The `h1:` sum of a zip, nothing checked."""
    with path.open("rb") as file:
        data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    lines = []
    for placed in place(data, read_directory(data)):
        packed = data[placed.start : placed.end]
        stored = placed.entry.method == 0
        content = packed if stored else isal_zlib.decompress(packed, wbits=-15)
        digest = hashlib.sha256(content).hexdigest()
        lines.append((placed.entry.name, b"%b  %b\n" % (digest.encode(), placed.entry.name)))
    summary = hashlib.sha256(b"".join(line for _, line in sorted(lines))).digest()
    return "h1:" + base64.b64encode(summary).decode()


if __name__ == "__main__":
    zips = sorted(Path(sys.argv[1]).glob("**/source.zip"))
    with multiprocessing.Pool(PROCESSES) as pool:
        pool.map(bare_h1, zips, chunksize=8)
