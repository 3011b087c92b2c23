"""What gopack promises of its speed, each held against the rows of one run."""

from collections.abc import Iterator, Sequence

from bench import again, closure, growing, peers, startup
from bench.report import Promise, Row

GO_TIMES = 8.0
FLOOR_TIMES = 1.3
MEMORY_BYTES = 300_000_000
AGAIN_S = 0.5
ADDED_S = 1.0
GROWTH_TIMES = 1.25
"""16 times the versions in 20 times the time."""
HELP_S = 0.15
CLOSURE_S = {closure.GRAPH: 2.0, closure.CLOSED: 8.0}
CLOSURE_BYTES = 200_000_000


class Rows:
    """The rows, by what they are."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.all = rows

    def of(self, peer: str) -> Iterator[Row]:
        return (row for row in self.all if row.peer == peer)

    def wall_s(self, peer: str, delay_ms: int) -> float | None:
        found = [row.run.wall_s for row in self.of(peer) if row.delay_ms == delay_ms]
        return found[0] if found else None


def held(rows: Sequence[Row]) -> Iterator[Promise]:
    """Every promise for which there are rows."""
    known = Rows(rows)
    yield from _against_go(known)
    yield from _against_floor(known)
    yield from _memory(known)
    yield from _again(known)
    yield from _added(known)
    yield from _growth(known)
    yield from _closure(known)
    for row in known.of(startup.HELP):
        told = f"{row.run.wall_s * 1000:.0f} ms"
        yield Promise("gopack --help in 150 ms", told, row.run.wall_s <= HELP_S)


def _against_go(known: Rows) -> Iterator[Promise]:
    for row in known.of(peers.GOPACK):
        go_s = known.wall_s(peers.GO, row.delay_ms)
        if go_s is not None:
            times = go_s / row.run.wall_s
            told = f"{row.run.wall_s:.2f} s, go {go_s:.2f} s: {times:.1f} times as fast"
            text = f"8 times as fast as go mod download, both verifying, {row.delay_ms} ms"
            yield Promise(text, told, times >= GO_TIMES)


def _against_floor(known: Rows) -> Iterator[Promise]:
    for row in known.of(peers.GOPACK):
        curl_s = known.wall_s(peers.CURL, row.delay_ms)
        h1_s = known.wall_s(peers.BARE, row.delay_ms)
        if curl_s is not None and h1_s is not None:
            times = row.run.wall_s / (curl_s + h1_s)
            told = f"{row.run.wall_s:.2f} s, {curl_s:.2f} + {h1_s:.2f} s: {times:.2f} times"
            text = f"at most 1.3 times curl plus bare h1, {row.delay_ms} ms"
            yield Promise(text, told, times <= FLOOR_TIMES)


def _memory(known: Rows) -> Iterator[Promise]:
    for peer in (peers.GOPACK, growing.GROWTH):
        for row in known.of(peer):
            text = f"at most 300 MB of anonymous memory, {peer}, {row.versions} versions"
            told = f"{row.run.peak_bytes / 1e6:.0f} MB"
            yield Promise(f"{text}, {row.delay_ms} ms", told, row.run.peak_bytes <= MEMORY_BYTES)


def _again(known: Rows) -> Iterator[Promise]:
    for row in known.of(again.EXACT):
        count = row.asked["requests"]
        is_kept = row.run.wall_s <= AGAIN_S and count == 0
        told = f"{row.run.wall_s:.2f} s, {count} requests"
        yield Promise(
            f"exact lines, nothing new: 0.5 s, no request, {row.delay_ms} ms", told, is_kept
        )
    for row in known.of(again.FLOATING):
        asked, lines = row.asked, row.asked["lines"]
        is_kept = asked["requests"] == asked["conditional"] == asked["not_modified"] == lines
        told = f"{asked['requests']} requests, {asked['not_modified']} not modified"
        yield Promise(
            f"{lines} floating lines: one conditional request each, {row.delay_ms} ms",
            f"{told}, {row.run.wall_s:.2f} s",
            is_kept,
        )


def _added(known: Rows) -> Iterator[Promise]:
    for row in known.of(again.ADDED):
        curl_s = known.wall_s(again.ADDED_CURL, row.delay_ms) or 0.0
        is_kept = row.run.wall_s <= curl_s + ADDED_S and row.asked["zips"] == row.versions
        told = f"{row.run.wall_s:.2f} s, its download {curl_s:.2f} s, {row.asked['zips']} zips"
        text = (
            f"a line that adds {row.versions} versions: those alone, 1 s more than their download"
        )
        yield Promise(f"{text}, {row.delay_ms} ms", told, is_kept)


def _growth(known: Rows) -> Iterator[Promise]:
    sizes = list(known.of(growing.GROWTH))
    base = next((row for row in sizes if row.data == "real"), None)
    for row in sizes:
        if base is None or row.versions <= base.versions:
            continue
        versions, times = row.versions / base.versions, row.run.wall_s / base.run.wall_s
        text = f"linear growth: {versions:.0f} times the versions in {versions * GROWTH_TIMES:.0f}"
        told = f"{row.run.wall_s:.1f} s, {base.run.wall_s:.1f} s: {times:.1f} times"
        yield Promise(f"{text} times the time", told, times <= versions * GROWTH_TIMES)


def _closure(known: Rows) -> Iterator[Promise]:
    for peer, limit_s in CLOSURE_S.items():
        for row in known.of(peer):
            beside = closure.BESIDE[peer]
            go_s = known.wall_s(beside, row.delay_ms)
            told = f"{row.run.wall_s:.2f} s" + (f", {beside} {go_s:.2f} s" if go_s else "")
            text = f"{peer} of {row.data}, {row.versions} go.mod files: {limit_s:.0f} s at most"
            yield Promise(text, told, row.run.wall_s <= limit_s)
            told = f"{row.run.peak_bytes / 1e6:.0f} MB"
            text = f"{peer}: at most 200 MB of anonymous memory"
            yield Promise(text, told, row.run.peak_bytes <= CLOSURE_BYTES)
