"""The tamper-evident log under the checksum database: hashes, proofs, and its text forms.

Rules:
- A record's hash is SHA-256 of 0x00 and the record; an inner node's, of 0x01 and its children's.
- Every hash of a complete subtree has a number, its stored index, in the order of completion.
- A record proof lists the hashes beside the path from the record to the root; a tree proof shows
  that an older tree is a prefix of a newer one.
- A tree is written as three lines, `go.sum database tree`, its size and its hash; a record as its
  number, its text and a blank line.

Tiles are in gopack.spec.tiles.

Spec: golang.org/x/mod/sumdb/tlog; RFC 6962 section 2.1.
Differs: hashes are `bytes` of 32; trees of no record are proven only as the empty hash.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from gopack.errors import IntegrityError
from gopack.spec import base64std

Hash = bytes
HASH_BYTES = 32
EMPTY_HASH: Hash = hashlib.sha256(b"").digest()  # RFC 6962 section 2.1

HashReader = Callable[[Sequence[int]], list[Hash]]
"""Gives the hashes at these stored indexes, in order."""

Proof = tuple[Hash, ...]

MAX_TREE_TEXT_BYTES = 1_000_000  # x/mod tlog.ParseTree
_MAX_INT = (1 << 63) - 1  # sizes and record numbers are int64 in x/mod
_TREE_PREFIX = "go.sum database tree\n"
_RECORD_ID = re.compile(rb"([+-]?)0*([0-9]{1,19})")
_TREE_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_NOT_IN_RECORD = re.compile(r"[\x00-\x09\x0b-\x1f]|\n\n")


class Tree(NamedTuple):
    """A log at one moment: how many records, and the hash over all of them."""

    size: int
    hash: Hash


EMPTY_TREE = Tree(0, EMPTY_HASH)


class Record(NamedTuple):
    """A record's number in the log and its text, which ends in a newline."""

    id: int
    text: bytes


def record_hash(text: bytes) -> Hash:
    """The leaf hash of a record (RFC 6962 section 2.1)."""
    return hashlib.sha256(b"\x00" + text).digest()


def node_hash(left: Hash, right: Hash) -> Hash:
    """The hash of an inner node (RFC 6962 section 2.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def stored_hash_index(level: int, n: int) -> int:
    """The place of the `n`th hash of `level` in the order in which hashes become complete.

    >>> [stored_hash_index(0, n) for n in range(5)], stored_hash_index(2, 0)
    ([0, 1, 3, 4, 7], 6)
    """
    last = ((n + 1) << level) - 1  # the last record below that hash
    return 2 * last - last.bit_count() + level


def split_stored_hash_index(index: int) -> tuple[int, int]:
    """The level and number of a stored hash: the inverse of stored_hash_index."""
    n = index // 2
    start = stored_hash_index(0, n)
    while True:
        added = 1 + ((n + 1) & -(n + 1)).bit_length() - 1  # record n, and the subtrees it ends
        if start + added > index:
            return index - start, n >> (index - start)
        start += added
        n += 1


def stored_hash_count(size: int) -> int:
    """How many hashes a log of `size` records has stored."""
    return stored_hash_index(0, size)


def stored_hashes(n: int, leaf: Hash, read: HashReader) -> list[Hash]:
    """The hashes to store, from stored_hash_index(0, n) on, when record `n` is appended.

    Source: x/mod tlog.StoredHashesForRecordHash.
    """
    completed = ((n + 1) & -(n + 1)).bit_length() - 1
    hashes = [leaf]
    for left in read([stored_hash_index(i, (n >> i) - 1) for i in range(completed)]):
        hashes.append(node_hash(left, hashes[-1]))
    return hashes


def subtree_indexes(low: int, high: int) -> list[int]:
    """The stored indexes whose hashes together cover the records from `low` up to `high`.

    Largest first; `low` must be a multiple of the largest power of two not above high - low.
    """
    indexes: list[int] = []
    while low < high:
        level = (high - low).bit_length() - 1
        indexes.append(stored_hash_index(level, low >> level))
        low += 1 << level
    return indexes


def fold(hashes: Sequence[Hash]) -> Hash:
    """The hash over subtrees that are given largest first."""
    result = hashes[-1]
    for left in reversed(hashes[:-1]):
        result = node_hash(left, result)
    return result


def tree_hash(size: int, read: HashReader) -> Hash:
    """The hash of the tree of the first `size` records."""
    if size == 0:
        return EMPTY_HASH
    return fold(read(subtree_indexes(0, size)))


def prove_record(size: int, n: int, read: HashReader) -> Proof:
    """The proof that the tree of `size` records has record `n`; 0 <= n < size."""
    return _assemble([list(part) for part in _record_parts(0, size, n)], read)


def prove_tree(size: int, older_size: int, read: HashReader) -> Proof:
    """The proof that the tree of `size` begins with that of `older_size`; 1 <= older <= size."""
    return _assemble([list(part) for part in _tree_parts(0, size, older_size)], read)


def _assemble(parts: list[list[int]], read: HashReader) -> Proof:
    """Turn the index groups of a proof into its hashes, with one read."""
    hashes = iter(read([index for part in parts for index in part]))
    return tuple(fold([next(hashes) for _ in part]) for part in parts)


def _split(low: int, high: int) -> int:
    """Where a tree of these records is divided: after the largest power of two below its size."""
    return low + (1 << ((high - low - 1).bit_length() - 1))


def _record_parts(low: int, high: int, n: int) -> Iterator[list[int]]:
    if low + 1 == high:
        return
    middle = _split(low, high)
    if n < middle:
        yield from _record_parts(low, middle, n)
        yield subtree_indexes(middle, high)
    else:
        yield from _record_parts(middle, high, n)
        yield subtree_indexes(low, middle)


def _tree_parts(low: int, high: int, n: int) -> Iterator[list[int]]:
    if n == high:
        if low > 0:
            yield subtree_indexes(low, high)
        return
    middle = _split(low, high)
    if n <= middle:
        yield from _tree_parts(low, middle, n)
        yield subtree_indexes(middle, high)
    else:
        yield from _tree_parts(middle, high, n)
        yield subtree_indexes(low, middle)


def check_record(proof: Proof, tree: Tree, n: int, leaf: Hash) -> None:
    """Check that `tree` has the hash `leaf` as record `n`.

    Raises:
        IntegrityError: the proof does not show it.
    """
    if not 0 <= n < tree.size or _run_record(proof, 0, tree.size, n, leaf) != tree.hash:
        raise _failed(f"record {n}", tree)


def _run_record(proof: Proof, low: int, high: int, n: int, leaf: Hash) -> Hash | None:
    if low + 1 == high or not proof:
        return leaf if low + 1 == high and not proof else None
    middle = _split(low, high)
    left_side = n < middle
    inner = (low, middle) if left_side else (middle, high)
    result = _run_record(proof[:-1], *inner, n, leaf)
    if result is None:
        return None
    return node_hash(result, proof[-1]) if left_side else node_hash(proof[-1], result)


def check_tree(proof: Proof, newer: Tree, older: Tree) -> None:
    """Check that `newer` begins with `older`.

    Raises:
        IntegrityError: the proof does not show it.
    """
    if 1 <= older.size <= newer.size:
        result = _run_tree(proof, 0, newer.size, older)
        if result == (older.hash, newer.hash):
            return
    raise _failed(f"tree of {older.size} records", newer)


def _run_tree(proof: Proof, low: int, high: int, older: Tree) -> tuple[Hash, Hash] | None:
    """What the proof makes of the old and of the new tree between `low` and `high`."""
    if older.size == high:
        if low == 0:
            return None if proof else (older.hash, older.hash)
        return (proof[0], proof[0]) if len(proof) == 1 else None
    if not proof:
        return None
    middle = _split(low, high)
    beside = proof[-1]
    if older.size <= middle:
        result = _run_tree(proof[:-1], low, middle, older)
        return result and (result[0], node_hash(result[1], beside))
    result = _run_tree(proof[:-1], middle, high, older)
    return result and (node_hash(beside, result[0]), node_hash(beside, result[1]))


def _failed(what: str, tree: Tree) -> IntegrityError:
    return IntegrityError(
        f"{what} is not proven to be in the tree of {tree.size} records",
        hint="do not trust this log until it is known why",
    )


def format_tree(tree: Tree) -> str:
    """The text of a tree that a log signs."""
    return f"{_TREE_PREFIX}{tree.size}\n{base64std.encode(tree.hash)}\n"


def parse_tree(text: str) -> Tree:
    """Read a tree's text; lines after the third are ignored, as x/mod does.

    Raises:
        IntegrityError: it is no tree.
    """
    lines = text.split("\n", 3)
    if (
        not text.startswith(_TREE_PREFIX)
        or len(lines) < 4
        or len(text.encode()) > MAX_TREE_TEXT_BYTES
        or not _TREE_SIZE.fullmatch(lines[1])
        or int(lines[1]) > _MAX_INT
    ):
        raise IntegrityError("malformed tree note")
    tree_root = base64std.decode(lines[2])
    if tree_root is None or len(tree_root) != HASH_BYTES:
        raise IntegrityError("malformed tree note: bad hash")
    return Tree(int(lines[1]), tree_root)


def format_record(record: Record) -> bytes:
    """A record as lookups carry it: number, text, blank line.

    Raises:
        IntegrityError: the text is no record text.
    """
    _check_record_text(record.text)
    return b"%d\n%s\n" % record


def parse_record(message: bytes) -> tuple[Record, bytes]:
    """Read the record at the start of `message`, and give what follows its blank line too.

    Raises:
        IntegrityError: there is no well-formed record.
    """
    number, newline, rest = message.partition(b"\n")
    text, blank, rest = rest.partition(b"\n\n")
    match = _RECORD_ID.fullmatch(number)
    if not newline or not blank or not match:
        raise IntegrityError("malformed record data")
    record = Record(int(match[1] + match[2]), text + b"\n")
    if not -_MAX_INT - 1 <= record.id <= _MAX_INT:
        raise IntegrityError("malformed record data: number out of range")
    _check_record_text(record.text)
    return record, rest


def _check_record_text(text: bytes) -> None:
    try:
        decoded = text.decode()
    except UnicodeDecodeError as error:
        raise IntegrityError("malformed record data: not UTF-8") from error
    if not decoded.endswith("\n") or _NOT_IN_RECORD.search(decoded):
        raise IntegrityError("malformed record data")
