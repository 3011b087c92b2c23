"""`gopack check` of a storage beside `go mod verify` of a module cache with the same modules.

The go command verifies one version of each module, those that a main module selects; so the figures
are to be compared by size.
"""

from collections.abc import Iterator
from pathlib import Path

from bench import measure, peers, upstream
from bench.dataset import Dataset, stored_versions
from bench.leftovers import new_folder
from bench.peers import Command, Job
from bench.programs import VERIFYING, go
from bench.report import Row

CHECK = "gopack check"
VERIFY = "go mod verify"


def rows(data: Dataset, runs: int) -> Iterator[Row]:
    """Both in turns, each on what was fetched once."""
    with new_folder() as folder, upstream.serving(data.tree) as source:
        job = Job(data, source.url, folder)
        fetch = peers.gopack("fetch", job, VERIFYING)
        peers.command_run(fetch, folder)
        storage = str(folder / "storage")
        ours = Command([*fetch.words[:3], "check", "--storage", storage], fetch.env)
        theirs = _cached(job)
        measured: dict[str, list[measure.Run]] = {CHECK: [], VERIFY: []}
        for _ in range(runs):
            for name, command, place in ((CHECK, ours, folder), (VERIFY, *theirs)):
                measured[name].append(peers.command_run(command, place))
                print(f"  {name}: {measured[name][-1].wall_s:.2f} s", flush=True)
        zips = list((folder / "modcache").glob("cache/download/**/*.zip"))
        versions = len(list(stored_versions(folder / "storage")))
        yield _row(CHECK, data, versions, measured, data.size_bytes())
        yield _row(VERIFY, data, len(zips), measured, sum(zip_.stat().st_size for zip_ in zips))


def _row(
    name: str, data: Dataset, versions: int, measured: dict[str, list[measure.Run]], size: int
) -> Row:
    return Row(name, data.name, versions, 0, measure.middle(measured[name]), {"bytes": size})


def _cached(job: Job) -> tuple[Command, Path]:
    """A main module with all roots, its build list in a module cache."""
    place = job.folder / "main"
    place.mkdir()
    lines = "".join(f"require {root.replace('@', ' ')}\n" for root in job.data.roots)
    (place / "go.mod").write_text(f"module example.com/main\n\ngo 1.26.0\n\n{lines}")
    env = peers.go_settings(job.folder, job.url, VERIFYING)
    env["GOFLAGS"] = "-modcacherw -mod=mod"
    go(["mod", "download", "all"], cwd=place, env=env)
    return Command(["go", "mod", "verify"], env), place
