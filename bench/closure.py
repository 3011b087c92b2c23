"""`python -m bench closure`: what resolving closures costs, beside `go mod graph`.

The 18 modules of design section 1, pinned: those of roots.txt and docker/docker, which has no
go.mod. gopack resolves each line alone and all together; the go command reads the graph of one main
module that requires them all, pruned beside `graph` and (a main module that says go 1.16) unpruned
beside `closed`. Nothing is verified, no zip is asked for; every run starts with nothing.

The go.mod files, about 5,900, are fetched once, at most FILL_JOBS at a time.
"""

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import measure, peers, upstream
from bench.dataset import read_lines, this_proxy
from bench.leftovers import new_folder
from bench.peers import Command
from bench.programs import HERE, UNVERIFIED, cache_dir
from bench.report import Row
from bench.upstream import Upstream

GRAPH, CLOSED = "gopack, graph closure", "gopack, closed closure"
GO_PRUNED, GO_FULL = "go mod graph", "go mod graph, go 1.16"
BESIDE = {GRAPH: GO_PRUNED, CLOSED: GO_FULL}
DATA = "18 modules"
WITHOUT_GO_MOD = "github.com/docker/docker@v28.5.2+incompatible"
FILL_JOBS = 8
JOBS = 16
"""gopack's own default."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """A name in the table, and how to make its command in a new folder."""

    name: str
    level: str = ""
    go_line: str = ""

    def command(self, folder: Path, url: str, *, jobs: int = JOBS) -> Command:
        if self.level:
            listed = peers.write_list(folder / "goget.txt", roots())
            words = [sys.executable, "-m", "bench.resolve", str(listed), self.level, str(jobs)]
            root = os.getcwd()  # noqa: PTH109
            return Command(words, {**UNVERIFIED, "GOPROXY": url, "PYTHONPATH": root})
        lines = "".join(f"require {root.replace('@', ' ')}\n" for root in roots())
        text = f"module bench.test/main\n\ngo {self.go_line}\n\n{lines}"
        (folder / "go.mod").write_text(text)
        env = peers.go_settings(folder, url, UNVERIFIED)
        return Command(["go", "mod", "graph"], {**env, "GOFLAGS": "-modcacherw -mod=mod"})


CONTESTANTS = (
    Contestant(GRAPH, level="graph"),
    Contestant(GO_PRUNED, go_line="1.26.0"),
    Contestant(CLOSED, level="closed"),
    Contestant(GO_FULL, go_line="1.16"),
)


def roots() -> tuple[str, ...]:
    """The 18 lines, `module@version`."""
    return (*read_lines(HERE / "roots.txt"), WITHOUT_GO_MOD)


def rows(runs: int) -> Iterator[Row]:
    """The contestants in turns, all of them in each round."""
    tree = _filled()
    measured: dict[str, list[measure.Run]] = {one.name: [] for one in CONTESTANTS}
    counts: dict[str, int] = {}
    asked: dict[str, dict[str, int]] = {}
    with upstream.serving(tree) as source:
        for _ in range(runs):
            for one in CONTESTANTS:
                run, counts[one.name] = _once(one, source)
                measured[one.name].append(run)
                asked[one.name] = source.stats()
                told = f"{run.wall_s:.2f} s, {counts[one.name]} versions, {asked[one.name]}"
                print(f"  {one.name}: {told}", flush=True)
    for name, each in measured.items():
        yield Row(name, DATA, counts[name], 0, measure.middle(each), asked[name])


def _once(one: Contestant, source: Upstream, *, jobs: int = JOBS) -> tuple[measure.Run, int]:
    """Run one in a new folder; what was measured, and how many versions its graph has."""
    with new_folder() as folder:
        run = peers.command_run(one.command(folder, source.url, jobs=jobs), folder)
        said = (folder / "output.log").read_text()
    if one.level:
        return run, int(json.loads(said.splitlines()[-1])["go_mods"])
    known = {word for line in said.splitlines() for word in line.split() if "@" in word}
    return run, len(known)


def _filled() -> Path:
    """A GOPROXY tree with all that the contestants ask for, made once."""
    tree, mark = cache_dir() / "closure" / "tree", cache_dir() / "closure" / "roots.txt"
    if read_lines(mark) == roots():
        return tree
    print("filling the data set of go.mod files: some minutes the first time", flush=True)
    tree.mkdir(parents=True, exist_ok=True)
    with upstream.serving(tree, fill_from=this_proxy()) as source:
        for one in reversed(
            CONTESTANTS
        ):  # gopack's `closed` before go, which asks for more at once
            if one.level:
                _once(one, source, jobs=FILL_JOBS)
        for one in CONTESTANTS:
            _once(one, source)
    mark.write_text("\n".join(roots()) + "\n")
    return tree
