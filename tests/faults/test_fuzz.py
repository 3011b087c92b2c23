"""Parsers of foreign bytes: whatever comes, a result or a GopackError, in bounded time and memory.

Hypothesis spoils right inputs; atheris, where it is installed, follows the parsers' branches.
"""

import importlib.util
import os
import re
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gopack.adapters.zips import read_module_zip
from gopack.errors import IntegrityError
from tests.examples import examples
from tests.faults.report import Tally
from tests.faults.targets import GO_FILE, MODULE, TARGETS, P
from tests.faults.world import REPOSITORY
from tests.zipmaker import Item, make_zip

FULL = os.environ.get("GOPACK_FAULTS") == "full"
EXAMPLES = 2000 if FULL else examples(60)
GUIDED_S = 60 if FULL else 1
SHARDS = 2
"""Processes that fuzz by coverage, each a part of the targets."""

CPU_S = 2.0
"""The most that any input may cost; the largest here has a few kilobytes."""

TRIES = 3
"""A virtual machine whose host is busy may count what others took, once."""

PEAK_BYTES = 64 << 20


@st.composite
def spoilt(draw: st.DrawFn, seeds: tuple[bytes, ...]) -> bytes:
    """Take a right input and change, cut, repeat or insert a few bytes; or take any bytes."""
    data = draw(st.one_of(st.sampled_from(seeds), st.binary(max_size=200)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        until = draw(st.integers(at, min(len(data), at + 30)))
        new = draw(st.one_of(st.binary(max_size=8), st.just(data[at:until] * 3)))
        data = data[:at] + new + data[until:]
    return data


def bounded(target: Callable[[bytes], None], data: bytes) -> None:
    assert any(cost_s(target, data) < CPU_S for _ in range(TRIES))


def cost_s(target: Callable[[bytes], None], data: bytes) -> float:
    started = time.process_time()
    target(data)
    return time.process_time() - started


@pytest.mark.parametrize("name", TARGETS)
def test_spoilt_input_is_read_or_refused(name: str, tally: Callable[[str], Tally]) -> None:
    target = TARGETS[name]
    counted = tally("fuzzing, spoilt inputs")

    @settings(
        max_examples=EXAMPLES,
        database=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        deadline=None,  # processor time is bounded, not what a busy machine makes of it
    )
    @given(spoilt(target.seeds))
    def fuzz(data: bytes) -> None:
        counted.counts["tried"] += 1
        bounded(target, data)
        counted.counts["survived"] += 1

    for seed in target.seeds:
        bounded(target, seed)
    try:
        fuzz()
    except BaseException:
        counted.counts["lost"] += 1
        raise


LONG = {
    "nested": b"[" * 25_000,
    "nested objects": b'{"Origin":' * 12_500,
    "blanks": b" " * 125_000,
    "lines": b"\n" * 125_000,
    "quotes": b'"' * 50_000,
    "backslashes": b"\\" * 50_000,
    "slashes": b"/" * 50_000,
    "comments": b"/*" * 25_000,
    "digits": b"9" * 50_000,
    "dots": b"v1." * 25_000,
    "brackets": b"(\n" * 25_000,
    "high": b"\xff" * 50_000,
    "commas": b"a,|" * 15_000,
    "words": b"machine " * 10_000,
}


class Memory:
    """The most memory that this process takes, beyond what it had when the measure was made.

    Linux counts the pages and forgets the peak on demand; elsewhere tracemalloc counts Python's own
    memory, which takes three times the time of what it measures.
    """

    def __init__(self) -> None:
        try:
            self.forget_peak()
        except OSError:
            tracemalloc.start()
        else:
            self._before = _resident_bytes("VmRSS")

    def forget_peak(self) -> None:
        if tracemalloc.is_tracing():
            tracemalloc.reset_peak()
        else:
            Path("/proc/self/clear_refs").write_text("5")  # proc_pid_clear_refs(5)

    def peak_bytes(self) -> int:
        if tracemalloc.is_tracing():
            return tracemalloc.get_traced_memory()[1]
        return _resident_bytes("VmHWM") - self._before

    def close(self) -> None:
        tracemalloc.stop()


def _resident_bytes(name: str) -> int:
    [kib] = re.findall(rf"^{name}:\s*(\d+) kB", Path("/proc/self/status").read_text(), re.M)
    return int(kib) * 1024


@pytest.fixture
def memory() -> Iterator[Memory]:
    measure = Memory()
    yield measure
    measure.close()


def test_memory_that_is_taken_and_given_back_is_measured(memory: Memory) -> None:
    memory.forget_peak()
    assert len(bytes(2 * PEAK_BYTES).replace(b"\0", b"1")) == 2 * PEAK_BYTES
    assert memory.peak_bytes() >= PEAK_BYTES
    memory.forget_peak()
    assert memory.peak_bytes() < PEAK_BYTES


@pytest.mark.e2e
@pytest.mark.parametrize("name", TARGETS)
def test_long_input_costs_bounded_time_and_memory(
    name: str, memory: Memory, tally: Callable[[str], Tally]
) -> None:
    target = TARGETS[name]
    counted = tally("fuzzing, long inputs")

    def cost(data: bytes) -> None:
        memory.forget_peak()
        started = time.process_time()
        target(data)
        seconds = time.process_time() - started
        assert seconds < 5 * CPU_S
        assert memory.peak_bytes() < 4 * PEAK_BYTES

    for kind, data in LONG.items():
        for seed in (b"", target.seeds[0]):
            counted.tried(lambda: cost(seed + data), f"{name}: {kind}")  # noqa: B023
    counted.nothing_is_lost()


ZEROS = bytes(50 << 20)
HOSTILE = {
    "bomb": [Item(P + b"a.go", ZEROS)] * 1,
    "many bombs": [Item(P + b"%d.go" % n, bytes(1 << 20), size=1 << 29) for n in range(9)],
    "lying bomb": [Item(P + b"a.go", bytes(1 << 20), size=10, local_size=10)],
    "overlapping": [Item(P + b"a.go", GO_FILE), Item(P + b"b.go", GO_FILE, offset=0)],
    "offset beyond": [Item(P + b"a.go", GO_FILE, offset=1 << 31)],
    "other name inside": [Item(P + b"a.go", GO_FILE, local_name=P + b"b.go")],
    "descriptor that lies": [
        Item(P + b"a.go", GO_FILE, flags=8, descriptor=b"PK\7\x08" + bytes(12))
    ],
    "no descriptor": [Item(P + b"a.go", GO_FILE, flags=8, descriptor=b"")],
    "method": [Item(P + b"a.go", GO_FILE, method=12)],
    "encrypted": [Item(P + b"a.go", GO_FILE, flags=1, packed=b"\0" * 20)],
    "latin-1 name": [Item(P + b"\xe4.go", GO_FILE)],
    "bad utf-8 name": [Item(P + b"\xff\xfe.go", GO_FILE, flags=0x800)],
    "overlong name": [Item(P + b"\xc0\xae\xc0\xae/x.go", GO_FILE, flags=0x800)],
    "backslashes": [Item(P + b"..\\..\\x.go", GO_FILE)],
    "dots": [Item(P + b"../../x.go", GO_FILE)],
    "absolute": [Item(b"/etc/passwd", GO_FILE)],
    "NUL": [Item(P + b"a.go\0.txt", GO_FILE)],
    "device": [Item(P + b"con.go", GO_FILE), Item(P + b"aux", b"")],
    "symlink": [Item(P + b"link", b"/etc/passwd", mode=0o120777), Item(P + b"LINK", b"")],
    "case": [Item(P + b"a.go", GO_FILE), Item(P + b"A.go", GO_FILE)],
    "zip64 that lies": [Item(P + b"a.go", GO_FILE, zip64=True, size=1 << 40)],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_zip_is_refused_in_bounded_time_and_memory(
    name: str, tmp_path: Path, tally: Callable[[str], Tally]
) -> None:
    path = tmp_path / "m.zip"
    path.write_bytes(make_zip(HOSTILE[name], zip64="zip64" in name))

    def refuse() -> None:
        tracemalloc.start()
        started = time.process_time()
        if name == "bomb":  # large, and what it says it is
            read_module_zip(path, MODULE)
        else:
            with pytest.raises(IntegrityError):
                read_module_zip(path, MODULE)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 16 << 20
        assert time.process_time() - started < 5 * CPU_S

    counted = tally("hostile zips")
    counted.tried(refuse, name)
    counted.nothing_is_lost()


@pytest.mark.parametrize("depth", [1, 5])
def test_zip_of_zips_is_never_opened_further(
    depth: int, tmp_path: Path, tally: Callable[[str], Tally]
) -> None:
    data = bytes(1 << 20)
    for _ in range(depth):
        data = make_zip([Item(P + b"inner.zip", data)])
    path = tmp_path / "m.zip"
    path.write_bytes(data)

    def read() -> None:
        assert read_module_zip(path, MODULE).file_count == 1

    counted = tally("hostile zips")
    counted.tried(read, f"{depth} deep")
    counted.nothing_is_lost()


@pytest.mark.e2e
@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is not installed")
@pytest.mark.parametrize("shard", range(SHARDS))
def test_guided_fuzzing_finds_nothing(
    shard: int, tmp_path: Path, tally: Callable[[str], Tally]
) -> None:
    names = list(TARGETS)[shard::SHARDS]
    ran = subprocess.run(
        [sys.executable, "-m", "tests.faults.guided", str(GUIDED_S), str(tmp_path), *names],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
        timeout=len(names) * GUIDED_S * 10 + 120,
        check=True,
    )
    ended = dict(line.split() for line in ran.stdout.splitlines())
    counted = tally("fuzzing, guided by coverage")
    for number, name in enumerate(names):
        told = (tmp_path / str(number) / "told.txt").read_text(errors="replace")
        runs = re.findall(r"^Done (\d+)", told, re.MULTILINE)
        tried = int(runs[-1]) if runs else 1
        is_lost = ended[str(number)] != "0"
        counted.counts["tried"] += tried
        counted.counts["lost"] += is_lost
        counted.counts["survived"] += tried - is_lost
        assert not is_lost, f"{name}: {told[-5000:]}"
        assert runs, name
