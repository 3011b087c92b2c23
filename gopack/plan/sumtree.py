"""The checksum database as a static tree, for places with no way to it.

Rules:
- Every lookup carries the one newest head, so that a client sees one head only.
- The tiles are those that the go command asks for: for each record at that head, and for each
  older head that a client may have seen. A new head widens the parents of old tiles, so the plan is
  made over all records each time.
- `latest` comes last: a tree being written is of use only once everything it names is there.

Spec: golang.org/x/mod/sumdb Client (Lookup, checkTrees, checkRecord).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from gopack.spec.module import ModuleVersion
from gopack.spec.sumdb import (
    LATEST_PATH,
    SUPPORTED_PATH,
    HeadProver,
    SignedHead,
    format_lookup,
    lookup_path,
)
from gopack.spec.tiles import Tile
from gopack.spec.tlog import Record


def plan_tiles(
    head: SignedHead, records: Iterable[Record], older: Iterable[SignedHead]
) -> list[Tile]:
    """The tiles that a client needs to verify these records at `head`, coming from any of `older`.

    Heads newer than `head` are left out: no tile of a smaller tree can satisfy their clients.

    Raises:
        IntegrityError: a record is beyond the head.
    """
    trees = [one.tree for one in older if one.tree.size <= head.tree.size]
    return HeadProver(head).missing((record.id for record in records), trees)


def compose(
    head: SignedHead,
    records: Mapping[ModuleVersion, Record],
    tiles: Sequence[Tile],
    read_tile: Callable[[Tile], bytes],
) -> Iterator[tuple[str, bytes]]:
    """The files of the tree below `/sumdb/<name>/`: path and content, `latest` last.

    Raises:
        InputError: a module path or version is malformed.
        Whatever `read_tile` raises.
    """
    for tile in tiles:
        yield tile.path, read_tile(tile)
    for module, record in sorted(records.items()):
        yield lookup_path(module), format_lookup(record, head)
    yield SUPPORTED_PATH, b""
    yield LATEST_PATH, head.message
