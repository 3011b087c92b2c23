"""Who fetches everything how fast: the contestants in turns, at each delay."""

from collections.abc import Iterator, Sequence

from bench import leftovers, measure, peers, upstream
from bench.dataset import Dataset
from bench.report import Row


def rows(data: Dataset, delays_ms: Sequence[int], names: Sequence[str], runs: int) -> Iterator[Row]:
    """One row for each contestant and delay."""
    size_mb = data.size_bytes() / 1e6
    taken_bytes = 0
    for delay_ms in delays_ms:
        told = f"{data.name}: {len(data.versions)} versions, {size_mb:.0f} MB, {delay_ms} ms"
        print(told, flush=True)
        leftovers.make_room(taken_bytes)
        free_bytes = leftovers.free_bytes()
        yield from _turns(data, delay_ms, names, runs)
        taken_bytes = free_bytes - leftovers.free_bytes()


def _turns(data: Dataset, delay_ms: int, names: Sequence[str], runs: int) -> Iterator[Row]:
    """Contestants take turns, so that a busy minute of the machine hits all of them."""
    measured: dict[str, list[measure.Run]] = {name: [] for name in names}
    asked: dict[str, dict[str, int]] = {}
    with upstream.serving(data.tree, delay_ms=delay_ms) as source:
        for _ in range(runs):
            for name in names:
                measured[name].append(peers.once(peers.ALL[name], data, source.url))
                asked[name] = source.stats()
                print(f"  {name}: {measured[name][-1].wall_s:.2f} s, {asked[name]}", flush=True)
    for name in names:
        middle = measure.middle(measured[name])
        yield Row(name, data.name, len(data.versions), delay_ms, middle, asked[name])
