"""Tags: alike for what is alike, and worth nothing to anybody else."""

import subprocess
import sys

from gopack.adapters.tags import tagger

TAG_OF_GO = "from gopack.adapters.tags import tagger; print(tagger()(memoryview(b'go')).hex())"


def test_equal_bytes_have_one_tag_and_a_flipped_bit_another() -> None:
    data = bytearray(range(256)) * 20
    tag = tagger()
    flipped = set()
    for at in range(len(data)):
        data[at] ^= 1
        flipped.add(tag(memoryview(data)))
        data[at] ^= 1
    assert tag(memoryview(bytes(data))) == tag(memoryview(data)) not in flipped
    assert len(flipped) == len(data)
    assert len(tag(memoryview(b""))) == len(tag(memoryview(data))) == 16


def test_zeros_behind_count() -> None:
    tag = tagger()
    assert len({tag(memoryview(bytes(size))) for size in range(70)}) == 70


def test_another_process_has_another_key() -> None:
    command = [sys.executable, "-c", TAG_OF_GO]
    told = {subprocess.run(command, check=True, capture_output=True).stdout for _ in range(2)}
    assert len(told) == 2
