"""The checksum database as a static tree, for places with no way to it.

Rules:
- Every lookup carries the one newest head, so that a client sees one head only.
- The tiles are those that the go command asks for: for each record at that head, and for each
  older head that a client may have seen. A new head widens the parents of old tiles, so the plan is
  made over all records each time.
- A client that comes with an older head first asks for the tiles under that head, as narrow as
  they were then; they are cut from the wider ones.
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
from gopack.spec.tiles import Tile, widest
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


def plan_narrow_tiles(head: SignedHead, older: Iterable[SignedHead]) -> dict[Tile, Tile]:
    """The tiles under older heads, as wide as they were then, each with the one it is cut from.

    The latter are all among those of plan_tiles.

    Source: x/mod sumdb Client.mergeLatest, which checks a head that it read against itself.
    """
    cuts: dict[Tile, Tile] = {}
    for one in older:
        if one.tree.size <= head.tree.size:
            for tile in HeadProver(one).root_tiles:
                wide = widest(tile, head.tree.size)
                if wide is not None and wide != tile:
                    cuts[tile] = wide
    return cuts


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
