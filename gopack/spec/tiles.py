"""Tiles of the log, and the reading of them that trusts none before it is proven.

Rules:
- A tile of height H at level L with number N holds the W hashes of tree level H*L from N * 2**H
  on; it is full when W is 2**H. Its path is `tile/H/L/NNN[.p/W]`, N in groups of three digits.
- The tiles under the tree's own hash are proven together, by that hash; every other tile is
  full, and is proven by the hash its parent tile holds of it. Each tile is hashed once.
- A hash is read from proven tiles only.

Two phases, no I/O: `TileProver.missing` says which tiles are wanted next, parents before
children; `TileProver.admit` takes them and says which are spoilt; `TileProver.read` reads.

Spec: golang.org/x/mod/sumdb/tlog, Tile and TileHashReader.
Differs: one TileProver serves any number of records at one tree, and a spoilt tile below the
tree's own fails only the hashes under it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

from gopack.errors import InputError, IntegrityError
from gopack.spec.tlog import (
    EMPTY_HASH,
    HASH_BYTES,
    Hash,
    Tree,
    fold,
    split_stored_hash_index,
    stored_hash_count,
    stored_hash_index,
    subtree_indexes,
)

SUMDB_HEIGHT = 8  # x/mod sumdb.Client: tileHeight 8 unless set
MAX_HEIGHT = 30  # x/mod tlog.ParseTilePath
DATA_LEVEL = -1  # x/mod tlog.Tile: "data" tiles hold records, not hashes
_PATH_BASE = 1000
_PATH = re.compile(
    r"tile/(?P<height>[0-9]+)/(?P<level>data|[0-9]+)/"
    r"(?P<number>(?:x[0-9]{3}/)*[0-9]{3})(?:\.p/(?P<width>[0-9]+))?",
    re.ASCII,
)
_MAX_PATH_CHARACTERS = 64  # int64 numbers need seven groups


class Tile(NamedTuple):
    """A tile's coordinates; `width` counts its hashes, 2**height when it is full."""

    height: int
    level: int
    number: int
    width: int

    @property
    def is_full(self) -> bool:
        """Whether the tile can no more grow."""
        return self.width == 1 << self.height

    @property
    def size_bytes(self) -> int:
        """How long the tile's data are."""
        return self.width * HASH_BYTES

    @property
    def full(self) -> "Tile":
        """The same tile when it is full; its data begin with this tile's."""
        return self._replace(width=1 << self.height)

    @property
    def path(self) -> str:
        """The tile's path below a database's URL.

        >>> Tile(3, 4, 1234067, 1).path
        'tile/3/4/x001/x234/067.p/1'
        """
        groups = [f"{self.number % _PATH_BASE:03d}"]
        rest = self.number // _PATH_BASE
        while rest:
            groups.append(f"x{rest % _PATH_BASE:03d}")
            rest //= _PATH_BASE
        level = "data" if self.level == DATA_LEVEL else str(self.level)
        part = "" if self.is_full else f".p/{self.width}"
        return f"tile/{self.height}/{level}/{'/'.join(reversed(groups))}{part}"


def parse_tile_path(path: str) -> Tile:
    """Read a tile's path, in its one canonical form only.

    Raises:
        InputError: it is no tile path.
    """
    match = _PATH.fullmatch(path) if len(path) <= _MAX_PATH_CHARACTERS else None
    if match is None or not 1 <= int(match["height"]) <= MAX_HEIGHT:
        raise InputError(f"malformed tile path {path!r}")
    height = int(match["height"])
    level = DATA_LEVEL if match["level"] == "data" else int(match["level"])
    number = int(match["number"].replace("x", "").replace("/", ""))
    width = int(match["width"]) if match["width"] else 1 << height
    tile = Tile(height, level, number, width)
    if not 1 <= width <= 1 << height or tile.path != path:
        raise InputError(f"malformed tile path {path!r}")
    return tile


def tile_for_index(height: int, index: int) -> Tile:
    """The narrowest tile of this height that holds, or gives by hashing, a stored hash."""
    return _locate(height, index)[0]


def _locate(height: int, index: int) -> tuple[Tile, int, int]:
    """The narrowest tile for a stored hash, and the span of its bytes that hash to it."""
    tree_level, n = split_stored_hash_index(index)
    level, depth = divmod(tree_level, height)
    number = (n << depth) >> height
    n -= (number << height) >> depth
    start, end = n << depth, (n + 1) << depth
    return Tile(height, level, number, end), start * HASH_BYTES, end * HASH_BYTES


def hash_from_tile(tile: Tile, data: bytes, index: int) -> Hash:
    """The stored hash at `index`, from the data of a tile that holds it.

    Raises:
        InputError: the tile is not one that holds it.
        IntegrityError: the data are too short for the tile.
    """
    needed, start, end = _locate(tile.height, index)
    if (tile.level, tile.number) != (needed.level, needed.number) or tile.width < needed.width:
        raise InputError(f"hash {index} is in {needed.path}, not in {tile.path}")
    if len(data) < tile.size_bytes:
        raise IntegrityError(f"{tile.path} is {len(data)} bytes, too short")
    return tile_hash(data[start:end])


def tile_hash(data: bytes) -> Hash:
    """The hash over a power of two of hashes, given joined."""
    while len(data) > HASH_BYTES:
        pairs = range(0, len(data), 2 * HASH_BYTES)
        data = b"".join([sha256(b"\x01" + data[i : i + 64]).digest() for i in pairs])
    return data


def tile_parent(tile: Tile, size: int) -> Tile | None:
    """The tile above, as wide as a tree of `size` records makes it; None if there is none."""
    return widest(tile._replace(level=tile.level + 1, number=tile.number >> tile.height), size)


def widest(tile: Tile, size: int) -> Tile | None:
    """The tile at these coordinates, as wide as a tree of `size` records makes it."""
    count = size >> (tile.level * tile.height)  # hashes at the tile's level
    width = min(1 << tile.height, count - (tile.number << tile.height))
    return tile._replace(width=width) if width > 0 else None


def new_tiles(height: int, older_size: int, newer_size: int) -> list[Tile]:
    """The tiles that a log must publish when it grows (x/mod tlog.NewTiles)."""
    tiles: list[Tile] = []
    level = 0
    while newer_size >> (height * level):
        old, new = older_size >> (height * level), newer_size >> (height * level)
        if old != new:
            for number in range(old >> height, ((new - 1) >> height) + 1):
                width = min(1 << height, new - (number << height))
                tiles.append(Tile(height, level, number, width))
        level += 1
    return tiles


class TileProver:
    """The proven tiles of one tree; it starts with none and grows by `admit`.

    Raises:
        IntegrityError: a tree of no record whose hash is not the empty hash.
    """

    def __init__(self, tree: Tree, *, height: int = SUMDB_HEIGHT) -> None:
        self.tree = tree
        if tree.size == 0 and tree.hash != EMPTY_HASH:
            raise self._unsupported()
        self._height = height
        self._data: dict[Tile, bytes] = {}
        self._root_indexes = subtree_indexes(0, tree.size)
        roots = (self._tile(index) for index in self._root_indexes)
        self.root_tiles: tuple[Tile, ...] = tuple(dict.fromkeys(roots))
        """The tiles that are proven by the tree's hash, together."""

    @property
    def proven(self) -> Mapping[Tile, bytes]:
        """Every tile proven so far, with its data; safe to keep."""
        return self._data

    def _tile(self, index: int) -> Tile:
        if not 0 <= index < stored_hash_count(self.tree.size):
            raise IntegrityError(f"hash {index} is not in the tree of {self.tree.size} records")
        tile = widest(tile_for_index(self._height, index), self.tree.size)
        assert tile is not None  # the tree has that hash
        return tile

    def chain(self, index: int) -> list[Tile]:
        """The tiles that prove and hold a stored hash, parents before children.

        Raises:
            IntegrityError: the tree has no such hash.
        """
        tile: Tile | None = self._tile(index)
        below: list[Tile] = []
        while tile is not None and tile not in self.root_tiles:
            below.append(tile)
            tile = tile_parent(tile, self.tree.size)
        return [*self.root_tiles, *reversed(below)]

    def needed(self, indexes: Iterable[int]) -> list[Tile]:
        """The tiles that prove and hold these hashes, the tree's own among them, parents first.

        Raises:
            IntegrityError: the tree has no such hash.
        """
        wanted: dict[Tile, None] = dict.fromkeys(self.root_tiles)
        for index in indexes:
            wanted.update(dict.fromkeys(self.chain(index)))
        return list(wanted)

    def missing(self, indexes: Iterable[int]) -> list[Tile]:
        """The tiles still to be admitted before these hashes can be read, parents first.

        Raises:
            IntegrityError: the tree has no such hash.
        """
        return [tile for tile in self.needed(indexes) if tile not in self._data]

    def admit(self, tiles: Mapping[Tile, bytes]) -> list[Tile]:
        """Prove tiles and keep those that pass; give those that are spoilt or have no proof.

        A tile whose parent is neither proven nor among `tiles` has no proof. The order of `tiles`
        does not matter. Data longer or shorter than the tile's width are spoilt.

        Raises:
            IntegrityError: the tree's own tiles do not hash to the tree's hash; none is kept.
        """
        fresh = {tile: data for tile, data in tiles.items() if tile not in self._data}
        if not all(tile in self._data for tile in self.root_tiles):
            self._admit_roots(fresh)
        rejected: list[Tile] = []
        for tile in sorted(fresh, key=lambda tile: -tile.level):
            if tile in self._data:
                continue
            if self._is_proven_by_parent(tile, fresh[tile]):
                self._data[tile] = fresh[tile]
            else:
                rejected.append(tile)
        return rejected

    def _admit_roots(self, tiles: Mapping[Tile, bytes]) -> None:
        if any(len(tiles.get(tile, b"")) != tile.size_bytes for tile in self.root_tiles):
            raise self._unsupported()
        hashes = []
        for index in self._root_indexes:
            tile = self._tile(index)
            hashes.append(hash_from_tile(tile, tiles[tile], index))
        if fold(hashes) != self.tree.hash:
            raise self._unsupported()
        self._data.update((tile, tiles[tile]) for tile in self.root_tiles)

    def _unsupported(self) -> IntegrityError:
        return IntegrityError(
            f"the tiles do not hash to the signed tree head of {self.tree.size} records",
            hint="one of them is spoilt or the log is forked; try again later, and report it",
        )

    def _is_proven_by_parent(self, tile: Tile, data: bytes) -> bool:
        parent = tile_parent(tile, self.tree.size)
        if parent is None or not tile.is_full or len(data) != tile.size_bytes:
            return False
        above = self._data.get(parent)
        if above is None:
            return False
        index = stored_hash_index(parent.level * parent.height, tile.number)
        return hash_from_tile(parent, above, index) == tile_hash(data)

    def read(self, indexes: Sequence[int]) -> list[Hash]:
        """The stored hashes at these indexes, from proven tiles; a tlog.HashReader.

        Raises:
            IntegrityError: no proven tile holds one of them.
        """
        hashes = []
        for index in indexes:
            tile = self._tile(index)
            data = self._data.get(tile)
            if data is None:
                raise IntegrityError(f"{tile.path} is not proven to be in the tree")
            hashes.append(hash_from_tile(tile, data, index))
        return hashes
