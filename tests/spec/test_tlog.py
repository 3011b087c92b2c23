"""The log's hashes, proofs and text forms, over trees that the tests grow."""

import hashlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gopack.errors import IntegrityError
from gopack.spec import tlog
from gopack.spec.tlog import Record, Tree
from tests.fakes_sumdb import FakeSumDB

LOG = FakeSumDB()
LOG.grow(400)
SIZES = st.integers(1, 400)


def simple_root(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    left, right = simple_root(leaves[:k]), simple_root(leaves[k:])
    return hashlib.sha256(b"\x01" + left + right).digest()


@given(st.integers(0, 400))
def test_tree_hash_of_any_size_is_rfc_6962s(size: int) -> None:
    assert LOG.tree(size).hash == simple_root(LOG.texts[:size])


@given(st.integers(0, 40), st.integers(0, 1 << 40))
def test_stored_hash_index_split_gives_level_and_number_back(level: int, n: int) -> None:
    assert tlog.split_stored_hash_index(tlog.stored_hash_index(level, n)) == (level, n)


def test_stored_hash_index_covers_every_number_once() -> None:
    split = [tlog.split_stored_hash_index(index) for index in range(2000)]
    assert [tlog.stored_hash_index(*place) for place in split] == list(range(2000))


def test_stored_hash_count_is_what_the_log_stored() -> None:
    log = FakeSumDB()
    for size in range(70):
        assert tlog.stored_hash_count(size) == len(log.stored)
        log.grow(1)


@given(SIZES, st.data())
def test_record_proof_of_any_record_passes(size: int, data: st.DataObject) -> None:
    n = data.draw(st.integers(0, size - 1))
    proof = tlog.prove_record(size, n, LOG.read)
    tlog.check_record(proof, LOG.tree(size), n, tlog.record_hash(LOG.texts[n]))


@given(SIZES, st.data())
def test_tree_proof_of_any_prefix_passes(size: int, data: st.DataObject) -> None:
    older = LOG.tree(data.draw(st.integers(1, size)))
    tlog.check_tree(tlog.prove_tree(size, older.size, LOG.read), LOG.tree(size), older)


def flip(value: bytes, bit: int) -> bytes:
    spoilt = bytearray(value)
    spoilt[bit // 8 % len(value)] ^= 1 << bit % 8
    return bytes(spoilt)


@given(SIZES, st.integers(0, 255), st.data())
def test_attack_record_proof_spoilt_in_one_bit_fails(
    size: int, bit: int, data: st.DataObject
) -> None:
    n = data.draw(st.integers(0, size - 1))
    tree, leaf = LOG.tree(size), tlog.record_hash(LOG.texts[n])
    proof = tlog.prove_record(size, n, LOG.read)
    with pytest.raises(IntegrityError):
        tlog.check_record(proof, tree, n, flip(leaf, bit))
    with pytest.raises(IntegrityError):
        tlog.check_record(proof, Tree(size, flip(tree.hash, bit)), n, leaf)
    for i, part in enumerate(proof):
        with pytest.raises(IntegrityError):
            tlog.check_record((*proof[:i], flip(part, bit), *proof[i + 1 :]), tree, n, leaf)


@given(SIZES, st.integers(0, 255), st.data())
def test_attack_tree_proof_spoilt_in_one_bit_fails(
    size: int, bit: int, data: st.DataObject
) -> None:
    older, newer = LOG.tree(data.draw(st.integers(1, size))), LOG.tree(size)
    proof = tlog.prove_tree(size, older.size, LOG.read)
    with pytest.raises(IntegrityError):
        tlog.check_tree(proof, newer, Tree(older.size, flip(older.hash, bit)))
    with pytest.raises(IntegrityError):
        tlog.check_tree(proof, Tree(size, flip(newer.hash, bit)), older)
    for i, part in enumerate(proof):
        with pytest.raises(IntegrityError):
            tlog.check_tree((*proof[:i], flip(part, bit), *proof[i + 1 :]), newer, older)


@given(SIZES, st.data())
def test_attack_truncated_or_lengthened_proof_fails(size: int, data: st.DataObject) -> None:
    n = data.draw(st.integers(0, size - 1))
    newer, older = LOG.tree(size), LOG.tree(n + 1)
    leaf = tlog.record_hash(LOG.texts[n])
    record_proof = tlog.prove_record(size, n, LOG.read)
    tree_proof = tlog.prove_tree(size, n + 1, LOG.read)
    for extra in [(*record_proof, leaf), *([record_proof[:-1]] if record_proof else [])]:
        with pytest.raises(IntegrityError):
            tlog.check_record(extra, newer, n, leaf)
    for extra in [(*tree_proof, leaf), *([tree_proof[:-1]] if tree_proof else []), tree_proof[1:]]:
        if extra != tree_proof:
            with pytest.raises(IntegrityError):
                tlog.check_tree(extra, newer, older)


def test_attack_proof_for_another_place_fails() -> None:
    proof = tlog.prove_record(300, 7, LOG.read)
    leaf = tlog.record_hash(LOG.texts[7])
    for n in (-1, 6, 8, 300):
        with pytest.raises(IntegrityError):
            tlog.check_record(proof, LOG.tree(300), n, leaf)


def test_attack_older_head_that_is_newer_or_empty_fails() -> None:
    for older in (LOG.tree(301), LOG.tree(0)):
        with pytest.raises(IntegrityError):
            tlog.check_tree((), LOG.tree(300), older)


@given(st.integers(0, (1 << 63) - 1), st.binary(min_size=32, max_size=32))
def test_tree_text_round_trips_and_ignores_later_lines(size: int, root: bytes) -> None:
    text = tlog.format_tree(Tree(size, root))
    assert tlog.parse_tree(text) == Tree(size, root)
    assert tlog.parse_tree(text + "more\nlines\n") == Tree(size, root)


ROOT = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"go.sum database tree v2\n0\n{ROOT}\n",
        f"go.sum database tree\n0\n{ROOT}",
        f"go.sum database tree\n-1\n{ROOT}\n",
        f"go.sum database tree\n01\n{ROOT}\n",
        f"go.sum database tree\n9223372036854775808\n{ROOT}\n",
        f"go.sum database tree\n{'9' * 5000}\n{ROOT}\n",
        "go.sum database tree\n0\nAAAA\n",
        "go.sum database tree\n0\n????\n",
        f"go.sum database tree\n0\n{ROOT}\n" + "x" * tlog.MAX_TREE_TEXT_BYTES,
    ],
)
def test_tree_text_malformed_is_an_error(text: str) -> None:
    with pytest.raises(IntegrityError, match="malformed tree"):
        tlog.parse_tree(text)


@given(st.integers(0, (1 << 63) - 1), st.lists(st.text("ab é", min_size=1), min_size=1))
def test_record_round_trips_and_gives_the_rest(record_id: int, lines: list[str]) -> None:
    record = Record(record_id, ("\n".join(lines) + "\n").encode())
    assert tlog.parse_record(tlog.format_record(record) + b"rest\n\n") == (record, b"rest\n\n")


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"1",
        b"x\ntext\n\n",
        b"1_0\ntext\n\n",
        b" 1\ntext\n\n",
        b"9223372036854775808\ntext\n\n",
        b"9" * 5000 + b"\ntext\n\n",
        b"1\ntext\n",
        b"1\nte\txt\n\n",
        b"1\nte\xffxt\n\n",
    ],
)
def test_record_malformed_is_an_error(message: bytes) -> None:
    with pytest.raises(IntegrityError, match="malformed record"):
        tlog.parse_record(message)


@pytest.mark.parametrize("text", [b"", b"no newline", b"a\n\nb\n", b"\n\n", b"a\r\n", b"\xff\n"])
def test_record_text_malformed_is_not_written(text: bytes) -> None:
    with pytest.raises(IntegrityError, match="malformed record"):
        tlog.format_record(Record(1, text))


def test_record_number_is_read_as_go_reads_it() -> None:
    numbers = [b"+7", b"007", b"-7", b"0" * 5000 + b"7"]
    ids = [tlog.parse_record(number + b"\na\n\n")[0].id for number in numbers]
    assert ids == [7, 7, -7, 7]


def test_subtree_indexes_are_largest_first() -> None:
    levels = [tlog.split_stored_hash_index(i)[0] for i in tlog.subtree_indexes(0, 391)]
    assert all(a > b for a, b in pairwise(levels))
