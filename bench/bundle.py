"""`python -m bench bundle`: create and import beside what moves and hashes the same files barely.

The floor is `cp -r` of the storage, `sha256sum` of its files, and the bare `h1:` of its zips in two
processes, one after the other; gopack makes a bundle, and imports it into an empty storage. The
real data set has its checksum records, which import proves; a larger one, for memory, has none.
"""

import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench import dataset, measure, peers, report
from bench.dataset import Dataset
from bench.leftovers import new_folder
from bench.measure import Run
from bench.peers import Command
from bench.programs import UNVERIFIED, VERIFYING, cache_dir
from bench.report import Promise, Row
from bench.upstream import serving

CREATE, IMPORT = "gopack bundle create", "gopack bundle import"
FLOOR = ("cp -r", "sha256sum", peers.BARE)
FLOOR_TIMES = 1.3
MEMORY_BYTES = 150_000_000


def main(runs: int, copies: Sequence[int]) -> None:
    """Measure in turns, print the table and what it says of the promises.

    `copies` are multiples of the real data set that are bundled once each, for memory.
    """
    real = dataset.real()
    rows = list(_rows(real, runs, (*FLOOR, CREATE, IMPORT)))
    for many in copies:
        rows += _rows(dataset.multiplied(real, many), 1, (CREATE, IMPORT))
    print(report.table(rows))
    print("\n".join(str(promise) for promise in _promises(rows)))


def _rows(data: Dataset, runs: int, names: Sequence[str]) -> Iterator[Row]:
    storage = _storage(data)
    versions = len(list(storage.glob("**/source.zip")))
    measured: dict[str, list[Run]] = {name: [] for name in names}
    for _ in range(runs):
        with new_folder() as folder:
            for name in names:
                run = peers.command_run(_command(name, storage, folder, data), folder)
                measured[name].append(run)
                print(f"  {data.name}: {name}: {run.wall_s:.2f} s", flush=True)
    for name, each in measured.items():
        yield Row(name, data.name, versions, 0, measure.middle(each))


def _command(name: str, storage: Path, folder: Path, data: Dataset) -> Command:
    if name == "cp -r":
        return Command(["cp", "-r", str(storage), str(folder / "copy")], {})
    if name == "sha256sum":
        return Command(["sh", "-c", f"find {storage} -type f -print0 | xargs -0 sha256sum"], {})
    here = {"PYTHONPATH": str(Path.cwd())}
    if name == peers.BARE:
        names = (str(path.relative_to(storage)) for path in sorted(storage.glob("**/source.zip")))
        listed = peers.write_list(folder / "zips.txt", names)
        return Command([sys.executable, "-m", "bench.bareh1", str(storage), str(listed)], here)
    words = [sys.executable, "-m", "gopack", "bundle", name.rpartition(" ")[2]]
    words.append(str(folder / "a.bundle"))
    into = storage if name == CREATE else folder / "sealed"
    words += ["--storage", str(into)]
    words += ["--insecure-unsigned"] if name == IMPORT else []
    return Command(words, {**_settings(data), **here})


def _settings(data: Dataset) -> dict[str, str]:
    """What is verified as it is at the sealed side: no proxy, the public database's key."""
    return {**(VERIFYING if data.name == "real" else UNVERIFIED), "GOPROXY": "off"}


def _storage(data: Dataset) -> Path:
    """Have gopack fetch the data set into a storage, once."""
    root = cache_dir() / f"bundle-{data.name.replace(' ', '-')}"
    mark = root / "complete"
    if mark.exists():
        return root / "storage"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    settings = VERIFYING if data.name == "real" else UNVERIFIED
    listed = peers.write_list(root / "goget.txt", data.roots)
    with serving(data.tree) as source:
        words = peers.gopack_command("fetch", listed, root / "storage", source.url, settings)
        peers.command_run(words, root)
    mark.touch()
    return root / "storage"


def _promises(rows: Sequence[Row]) -> Iterator[Promise]:
    walls = {row.peer: row.run.wall_s for row in rows if row.data == "real"}
    ours, floor = walls[CREATE] + walls[IMPORT], sum(walls[name] for name in FLOOR)
    yield Promise(
        "create and import at most 1.3 times cp, sha256sum and bare h1",
        f"{ours:.2f} s, {floor:.2f} s: {ours / floor:.2f} times",
        ours / floor <= FLOOR_TIMES,
    )
    for row in rows:
        if row.peer in {CREATE, IMPORT}:
            peak = row.run.peak_bytes
            text = f"at most 150 MB of anonymous memory, {row.peer}, {row.versions} versions"
            yield Promise(text, f"{peak / 1e6:.0f} MB", peak <= MEMORY_BYTES)
