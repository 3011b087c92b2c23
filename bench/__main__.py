"""`python -m bench`: gopack beside the go command and curl, all in one run.

    python -m bench [--runs N] [--delays 0,50] [--copies 1,4] [--refill] [PEER...]
    python -m bench bundle [--runs N]               create and import, beside cp and hashing
    python -m bench pack [--runs N] [--files N]     packing a folder, beside golang.org/x/mod

PEER is a part of a contestant's name (`gopack`, `go mod`, `curl`); without one all take part.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence

from bench import bundle, dataset, measure, pack, peers, report, upstream


def main() -> None:
    if sys.argv[1:2] == ["pack"]:
        pack.main(sys.argv[2:])
        return
    options = _options()
    if options.is_bundle:
        bundle.main(options.runs)
        return
    rows: list[report.Row] = []
    base = dataset.real(refill=options.refill)
    for copies in options.copies:
        data = base if copies == 1 else dataset.multiplied(base, copies)
        alone = copies > 1  # the larger sets are for gopack's growth in time and memory
        names = [n for n in options.peers if not alone or n == "gopack fetch"]
        for delay_ms in options.delays[:1] if alone else options.delays:
            rows += _rows(data, delay_ms, names, options.runs)
    print(report.table(rows))
    report.save(rows)


def _rows(
    data: dataset.Dataset, delay_ms: int, names: Sequence[str], runs: int
) -> Iterator[report.Row]:
    """Contestants take turns, so that a busy minute of the machine hits all of them."""
    size_mb = data.size_bytes() / 1e6
    print(
        f"{data.name}: {len(data.versions)} versions, {size_mb:.0f} MB, {delay_ms} ms", flush=True
    )
    measured: dict[str, list[measure.Run]] = {name: [] for name in names}
    with upstream.serving(data.tree, delay_ms=delay_ms) as source:
        for _ in range(runs):
            for name in names:
                measured[name].append(peers.once(peers.ALL[name], data, source.url))
                last = measured[name][-1]
                print(f"  {name}: {last.wall_s:.2f} s, {source.stats()}", flush=True)
    for name in names:
        yield report.Row(
            name, data.name, len(data.versions), delay_ms, measure.middle(measured[name])
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("peers", nargs="*", metavar="PEER")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--refill", action="store_true", help="complete the data set first")
    parser.add_argument("--delays", type=_numbers, default=[0, 50], help="milliseconds")
    parser.add_argument("--copies", type=_numbers, default=[1, 4], help="sizes, as multiples")
    options = parser.parse_args()
    options.is_bundle = options.peers == ["bundle"]
    options.peers = [n for n in peers.ALL if any(p in n for p in options.peers or [""])]
    return options


def _numbers(text: str) -> list[int]:
    return [int(word) for word in text.split(",")]


if __name__ == "__main__":
    main()
