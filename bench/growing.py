"""How time and memory grow with the number of versions."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bench import dataset, leftovers, measure, peers, upstream
from bench.dataset import Dataset, stored_versions
from bench.leftovers import new_folder
from bench.peers import Job
from bench.programs import UNVERIFIED
from bench.report import Row

GROWTH = "gopack fetch, growth"
FEW = ("github.com/gin-gonic/gin", "github.com/spf13/cobra", "go.uber.org/zap", "gorm.io/gorm")
"""Roots that bring about a hundred versions."""


def rows(base: Dataset, sizes: Sequence[int], runs: int) -> Iterator[Row]:
    """Sizes are multiples of the base; 0 is the few. Nothing is verified: see bench.dataset."""
    for copies in sizes:
        data = (
            few(base) if copies == 0 else base if copies == 1 else dataset.multiplied(base, copies)
        )
        leftovers.make_room(runs * data.size_bytes())
        measured = []
        with upstream.serving(data.tree) as source:
            for _ in range(runs):
                with new_folder() as folder:
                    command = peers.gopack("fetch", Job(data, source.url, folder), UNVERIFIED)
                    measured.append(peers.command_run(command, folder))
                    versions = len(list(stored_versions(folder / "storage")))
                    asked = source.stats()
                print(f"  {GROWTH}: {versions} versions, {measured[-1].wall_s:.2f} s", flush=True)
        yield Row(GROWTH, data.name, versions, 0, measure.middle(measured), asked)


def few(base: Dataset) -> Dataset:
    roots = tuple(root for root in base.roots if root.partition("@")[0] in FEW)
    return replace(base, name="few", roots=roots, versions=(), refused=())
