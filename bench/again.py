"""What a run costs on a storage that is filled: nothing new, floating lines, one line more."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench import measure, peers, upstream
from bench.dataset import Dataset, files_of, stored_versions
from bench.leftovers import new_folder
from bench.peers import Command, gopack_command, write_list
from bench.programs import VERIFYING
from bench.report import Row
from bench.upstream import Upstream

EXACT = "gopack fetch again, exact lines"
FLOATING = "gopack fetch again, floating lines"
ADDED = "gopack fetch, one line added"
ADDED_CURL = "curl of what the line adds"
ADDED_ROOT = "github.com/hashicorp/vault/api"


def rows(data: Dataset, delays_ms: Sequence[int], runs: int) -> Iterator[Row]:
    """The second runs at each delay, and the line that is added."""
    for delay_ms in delays_ms:
        with upstream.serving(data.tree, delay_ms=delay_ms) as source:
            yield _again(EXACT, data, data.roots, source, delay_ms, runs)
            yield _again(FLOATING, data, data.floating, source, delay_ms, runs)
            yield from _added(data, source, delay_ms, runs)


def _again(
    name: str, data: Dataset, lines: Sequence[str], source: Upstream, delay_ms: int, runs: int
) -> Row:
    with new_folder() as folder:
        command = _command(folder, lines, folder / "storage", source)
        peers.command_run(command, folder)
        source.stats()
        measured = []
        for _ in range(runs):
            measured.append(peers.command_run(command, folder))
            asked = source.stats()
            print(f"  {name}: {measured[-1].wall_s:.2f} s, {asked}", flush=True)
        count = len(list(stored_versions(folder / "storage")))
        told = {**asked, "lines": len(lines)}
        return Row(name, data.name, count, delay_ms, measure.middle(measured), told)


def _added(data: Dataset, source: Upstream, delay_ms: int, runs: int) -> Iterator[Row]:
    """A storage of all roots but one, then all; beside it the download of what is new."""
    before = [root for root in data.roots if not root.startswith(f"{ADDED_ROOT}@")]
    ours, curls = [], []
    with new_folder() as folder:
        filled = folder / "filled"
        peers.command_run(_command(folder, before, filled, source), folder)
        had = set(stored_versions(filled))
        for number in range(runs):
            storage = folder / str(number)
            shutil.copytree(filled, storage)
            source.stats()
            ours.append(peers.command_run(_command(folder, data.roots, storage, source), folder))
            asked = source.stats()
            new = sorted(set(stored_versions(storage)) - had)
            part = folder / f"curl{number}"
            part.mkdir()
            curls.append(peers.command_run(peers.curl_of(files_of(new), source.url, part), part))
            told = f"{ours[-1].wall_s:.2f} s, curl {curls[-1].wall_s:.2f} s, {asked}"
            print(f"  {ADDED}: {len(new)} versions, {told}", flush=True)
            shutil.rmtree(storage)
    yield Row(ADDED, data.name, len(new), delay_ms, measure.middle(ours), asked)
    yield Row(ADDED_CURL, data.name, len(new), delay_ms, measure.middle(curls))


def _command(folder: Path, lines: Sequence[str], storage: Path, source: Upstream) -> Command:
    listed = write_list(folder / "goget.txt", lines)
    return gopack_command("fetch", listed, storage, source.url, VERIFYING)
