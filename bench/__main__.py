"""`python -m bench`: gopack beside the go command and curl, all in one run.

    python -m bench [--runs N] [--delays 0,20] [--big] [--refill] [PART...]
    python -m bench bundle [--runs N] [--quick|--big]   create and import, beside cp and hashing
    python -m bench pack [--runs N] [--files N]     packing a folder, beside golang.org/x/mod
    python -m bench trust [--runs N] [PART...]      verifying, checking and serving

PART is one of fetch, again, check, growth, closure and start, or a part of a contestant's name
(`go mod`, `curl`), which then fetches alone; without one everything runs.
"""

import argparse
import compileall
import sys
from collections.abc import Iterator

from bench import (
    again,
    bundle,
    checking,
    closure,
    dataset,
    fetching,
    growing,
    pack,
    peers,
    promises,
    report,
    startup,
    trust,
)
from bench.report import Row

PARTS = ("start", "closure", "fetch", "again", "check", "growth")
AGAIN_DELAYS_MS = (0, 50)
COPIES, BIG_COPIES = (4,), (4, 16)
"""Multiples of the real data set of which bundles are made for memory."""
SIZES, BIG_SIZES = (0, 1, 4), (0, 1, 4, 16)
"""Multiples of the real data set, 0 for a fifth of it."""


def main() -> None:
    compileall.compile_dir("gopack", quiet=1)  # as an installation does
    if sys.argv[1:2] == ["pack"]:
        pack.main(sys.argv[2:])
        return
    if sys.argv[1:2] == ["trust"]:
        trust.main(sys.argv[2:])
        return
    options = _options()
    if options.parts == ["bundle"]:
        bundle.main(options.runs, () if options.quick else BIG_COPIES if options.big else COPIES)
        return
    rows: list[Row] = []
    try:
        rows.extend(_rows(options))
    except KeyboardInterrupt:
        print("broken off; this was measured:")
    print(report.table(rows))
    kept = list(promises.held(rows))
    print("\n".join(str(promise) for promise in kept))
    report.save(rows, kept)


def _rows(options: argparse.Namespace) -> Iterator[Row]:
    words = set(options.parts) - set(PARTS)
    parts = set(options.parts or PARTS) - words | ({"fetch"} if words else set())
    names = [name for name in peers.ALL if not words or any(word in name for word in words)]
    if "start" in parts:
        yield from startup.rows()
    if "closure" in parts:
        yield from closure.rows(options.runs)
    if not parts - {"start", "closure"}:
        return
    base = dataset.real(refill=options.refill)
    if "fetch" in parts:
        yield from fetching.rows(base, options.delays, names, options.runs)
    if "again" in parts:
        yield from again.rows(base, AGAIN_DELAYS_MS, options.runs)
    if "check" in parts:
        yield from checking.rows(base, options.runs)
    if "growth" in parts:
        yield from growing.rows(base, BIG_SIZES if options.big else SIZES, options.runs)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", metavar="PART")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--refill", action="store_true", help="complete the data set first")
    parser.add_argument("--delays", type=_numbers, default=[0, 20, 50, 100], help="milliseconds")
    parser.add_argument("--quick", action="store_true", help="bundles of the real data set alone")
    parser.add_argument("--big", action="store_true", help="8,000 versions (9 GB; of bundles: 37)")
    return parser.parse_args()


def _numbers(text: str) -> list[int]:
    return [int(word) for word in text.split(",")]


if __name__ == "__main__":
    main()
