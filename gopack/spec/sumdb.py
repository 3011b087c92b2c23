"""The checksum database: its requests, its answers, and what they prove.

Rules:
- Below a database's URL lie `supported`, `latest`, `lookup/PATH@VERSION` and the tiles.
- A tree head is a note that the database's key signed. A head never goes backwards: of two heads
  the smaller must be a prefix of the larger, else the log is forked.
- A lookup's record is trusted when the log at a trusted head has it under its number.
- A version's sums are the `h1:` lines of its record; the first line that matches decides.

Two phases, no I/O: HeadProver.missing names the tiles that are wanted for records and older heads
at one head; after HeadProver.admit, `check_record` and `check_older` prove from them.

Spec: golang.org/x/mod/sumdb; go.dev/ref/mod#checksum-database; the go command's
modfetch checkSumDB.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gopack.errors import IntegrityError
from gopack.spec import base64std, note, tlog
from gopack.spec.module import (
    ModuleVersion,
    escape_path,
    escape_version,
    match_prefix_patterns,
    unescape_path,
    unescape_version,
)
from gopack.spec.tiles import SUMDB_HEIGHT, Tile, TileProver, hash_from_tile, parse_tile_path
from gopack.spec.tlog import Record, Tree

SUPPORTED_PATH = "supported"
LATEST_PATH = "latest"
_LOOKUP_PREFIX = "lookup/"
TOOLCHAIN_MODULE = "golang.org/toolchain"  # cmd/go modfetch useSumDB


class Sums(NamedTuple):
    """The `h1:` sums of one version; `zip` is None where only its go.mod is wanted."""

    mod: str
    zip: str | None = None


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A tree, and the note that the database signed it in; the empty tree has no note."""

    tree: Tree
    message: bytes


NO_HEAD = SignedHead(tlog.EMPTY_TREE, b"")


class Lookup(NamedTuple):
    """An answer to a lookup, parsed and not yet trusted."""

    record: Record
    head: bytes


def exemption(
    path: str, *, nosumdb: str = "", is_off: bool = False, proxies: Sequence[str] = ()
) -> str | None:
    """The setting by which a module path is not verified; None where it must be.

    Toolchains are verified whatever the settings say, unless one folder is the only proxy.
    `nosumdb` is GONOSUMDB (GOPRIVATE by default), `is_off` is GOSUMDB=off, `proxies` GOPROXY's
    entries.

    Source: cmd/go modfetch useSumDB.

    >>> exemption("corp.example/a", nosumdb="corp.example")
    'GONOSUMDB'
    """
    if path == TOOLCHAIN_MODULE and not (len(proxies) == 1 and proxies[0].startswith("file://")):
        return None
    if is_off:
        return "GOSUMDB=off"
    return "GONOSUMDB" if match_prefix_patterns(nosumdb, path) else None


def lookup_path(module: ModuleVersion) -> str:
    """The path of a version's lookup below a database's URL.

    Raises:
        InputError: the module path or version is malformed.

    >>> lookup_path(ModuleVersion("github.com/BurntSushi/toml", "v1.0.0"))
    'lookup/github.com/!burnt!sushi/toml@v1.0.0'
    """
    return f"{_LOOKUP_PREFIX}{escape_path(module.path)}@{escape_version(module.version)}"


def parse_request(path: str) -> str | ModuleVersion | Tile:
    """What a path below a database's URL asks for: `supported`, `latest`, a lookup or a tile.

    Raises:
        InputError: it is none of them.
    """
    if path in {SUPPORTED_PATH, LATEST_PATH}:
        return path
    if not path.startswith(_LOOKUP_PREFIX):
        return parse_tile_path(path)
    escaped, _, version = path.removeprefix(_LOOKUP_PREFIX).partition("@")
    return ModuleVersion(unescape_path(escaped), unescape_version(version))


def open_head(message: bytes, key: note.Verifier) -> SignedHead:
    """Read a tree head and check its signature.

    Raises:
        IntegrityError: malformed, or not signed by `key`.
    """
    opened = note.open_note(message, [key])
    return SignedHead(tlog.parse_tree(opened.text), message)


def read_head(message: bytes) -> SignedHead | None:
    """Read a tree head without a look at its signature; None if it is none."""
    text, _, _ = message.partition(b"\n\n")
    try:
        return SignedHead(tlog.parse_tree(text.decode("utf-8", "replace") + "\n"), message)
    except IntegrityError:
        return None


def parse_lookup(answer: bytes) -> Lookup:
    """Take a lookup's answer apart: its record, and the head that came with it.

    Raises:
        IntegrityError: malformed.
    """
    return Lookup(*tlog.parse_record(answer))


def format_lookup(record: Record, head: SignedHead) -> bytes:
    """A lookup's answer at a head."""
    return tlog.format_record(record) + head.message


def recorded_lines(record: Record, module: ModuleVersion) -> list[str]:
    """The go.sum lines that a record has for a version, its go.mod's among them."""
    prefixes = (f"{module.path} {module.version} ", f"{module.path} {module.version}/go.mod ")
    return [line for line in record.text.decode().split("\n") if line.startswith(prefixes)]


def check_sums(record: Record, module: ModuleVersion, sums: Sums, *, name: str) -> None:
    """Check a version's sums against its (proven) record in the database called `name`.

    Raises:
        IntegrityError: a sum differs, or the record has none for it.
    """
    _check_sum(record, module, f"{module.version}/go.mod", sums.mod, name)
    if sums.zip is not None:
        _check_sum(record, module, module.version, sums.zip, name)


def check_zip_sum(record: Record, module: ModuleVersion, zip_h1: str, *, name: str) -> None:
    """Check the sum of a version's zip alone; see check_sums."""
    _check_sum(record, module, module.version, zip_h1, name)


def _check_sum(record: Record, module: ModuleVersion, version: str, got: str, name: str) -> None:
    what = "go.mod" if version.endswith("/go.mod") else "zip"
    prefix = f"{module.path} {version} "
    for line in recorded_lines(record, module):
        if line == prefix + got:
            return
        if line.startswith(prefix + "h1:"):
            raise IntegrityError(
                f"{what} is not what the checksum database recorded",
                where=str(module),
                expected=line.removeprefix(prefix),
                got=got,
                hint=f"the bits may have been replaced on the upstream; nothing of this version "
                f"is stored; {name} keeps the first ones it saw",
                evidence=record.text.decode(),
            )
    raise IntegrityError(
        f"the checksum database's record has no sum of the {what}",
        where=str(module),
        hint=f"the answer of {name} is not for this version; report it",
        evidence=record.text.decode(),
    )


class HeadProver:
    """What one signed head proves, from tiles admitted so far."""

    def __init__(self, head: SignedHead, *, height: int = SUMDB_HEIGHT) -> None:
        self.head = head
        self._tiles = TileProver(head.tree, height=height)

    @property
    def root_tiles(self) -> tuple[Tile, ...]:
        """The tiles that only prove together, by the head itself."""
        return self._tiles.root_tiles

    @property
    def proven(self) -> Mapping[Tile, bytes]:
        """Every tile proven so far, with its data."""
        return self._tiles.proven

    def covers(self, record_id: int) -> bool:
        """Whether the tree is large enough to have this record."""
        return 0 <= record_id < self.head.tree.size

    def needed(self, record_ids: Iterable[int], older: Iterable[Tree] = ()) -> list[Tile]:
        """The tiles, parents first, that prove these records and older trees.

        Raises:
            IntegrityError: a record or tree is beyond this head.
        """
        return self._tiles.needed(self._indexes(record_ids, older))

    def missing(self, record_ids: Iterable[int], older: Iterable[Tree] = ()) -> list[Tile]:
        """Those of the needed tiles that are still to be admitted.

        Raises:
            IntegrityError: a record or tree is beyond this head.
        """
        return self._tiles.missing(self._indexes(record_ids, older))

    def _indexes(self, record_ids: Iterable[int], older: Iterable[Tree]) -> dict[int, None]:
        indexes = [tlog.stored_hash_index(0, record_id) for record_id in record_ids]
        for tree in older:
            indexes += tlog.subtree_indexes(0, tree.size)
        return dict.fromkeys(indexes)

    def chain(self, record_id: int) -> list[Tile]:
        """The tiles that a record's proof rests on, parents first."""
        return self._tiles.chain(tlog.stored_hash_index(0, record_id))

    def admit(self, tiles: Mapping[Tile, bytes]) -> list[Tile]:
        """Prove tiles by this head and keep the good ones; give the spoilt ones.

        Raises:
            IntegrityError: the root tiles do not hash to the head.
        """
        return self._tiles.admit(tiles)

    def check_record(self, record: Record) -> None:
        """Check that the log has exactly this record under its number.

        Raises:
            IntegrityError: it has not, or the tiles that would show it are not admitted.
        """
        leaf = self._tiles.read([tlog.stored_hash_index(0, record.id)])[0]
        if leaf != tlog.record_hash(record.text):
            raise IntegrityError(
                f"record {record.id} is not in the log at its signed head",
                hint="the answer is forged or spoilt; do not trust its source",
                evidence=_quote(tlog.format_record(record), self.head.message),
            )

    def check_older(self, older: SignedHead) -> None:
        """Check that `older` is a prefix of this head's tree.

        Raises:
            IntegrityError: the log is forked (with both notes and a proof as evidence), or the
                tiles that would show it are not admitted.
        """
        size = older.tree.size
        here = tlog.tree_hash(size, self._tiles.read)
        if here == older.tree.hash:
            return
        parts = tlog.prove_tree(self.head.tree.size, size, self._tiles.read) if size else ()
        proof = "\n".join(base64std.encode(part) for part in (here, *parts))
        raise fork_error(older, self.head, proof=proof)


def holds(tile: Tile, data: bytes, record: Record) -> bool:
    """Whether the last tile of a record's chain, with these data, has it under its number.

    Raises:
        InputError: it is another tile.
    """
    if len(data) != tile.size_bytes:
        return False
    leaf = hash_from_tile(tile, data, tlog.stored_hash_index(0, record.id))
    return leaf == tlog.record_hash(record.text)


def fork_error(older: SignedHead, newer: SignedHead, *, proof: str = "") -> IntegrityError:
    """The error for two signed heads that do not fit together, its evidence both notes."""
    evidence = _quote(older.message, newer.message)
    if proof:
        evidence += f"\nThe newer tree at {older.tree.size} records, and its proof:\n\n{proof}\n"
    return IntegrityError(
        f"the checksum database is forked: its signed heads of {older.tree.size} and "
        f"{newer.tree.size} records do not fit together",
        hint="trust neither; keep the evidence and report it to those who run the database",
        evidence=evidence,
    )


def _quote(*messages: bytes) -> str:
    return "\n".join(message.decode(errors="replace") for message in messages)


def newest(heads: Iterable[SignedHead]) -> SignedHead:
    """The head with the most records; the empty one where there is none.

    Raises:
        IntegrityError: two heads of one size have different hashes (a fork).
    """
    best = NO_HEAD
    by_size: dict[int, SignedHead] = {}
    for head in heads:
        same = by_size.setdefault(head.tree.size, head)
        if same.tree != head.tree:
            raise fork_error(same, head)
        if head.tree.size > best.tree.size:
            best = head
    return best
