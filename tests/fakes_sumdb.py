"""A checksum database in memory, with its own key: honest, unless a test makes it lie."""

import copy
from collections.abc import Mapping, Sequence

from gopack.errors import NotFoundError, UpstreamError
from gopack.spec import base64std, note, tlog
from gopack.spec.module import ModuleVersion
from gopack.spec.sumdb import SignedHead
from gopack.spec.tiles import Tile

NAME = "sum.example.test"


def fake_h1(text: str) -> str:
    """A sum of the right form that stands for `text`."""
    return "h1:" + base64std.encode(tlog.record_hash(text.encode()))


class FakeSumDB:
    """A log that signs heads and serves lookups and tiles, as gopack.ports.ChecksumLog."""

    def __init__(self, name: str = NAME, seed: bytes = b"\x07" * 32) -> None:
        self.name = name
        self.signer = note.Signer(name, seed)
        self.texts: list[bytes] = []
        self.ids: dict[ModuleVersion, int] = {}
        self.stored: list[tlog.Hash] = []
        self.asked: list[str] = []
        self.spoilt_tiles: dict[Tile, bytes] = {}
        self.spoilt_lookups: dict[ModuleVersion, bytes] = {}
        self.lookup_head_size: int | None = None
        self.latest_size: int | None = None
        self.has_latest = True
        self.latest_note: bytes | None = None
        self.forged_head: bytes | None = None
        self.broken_tiles: set[Tile] = set()
        self.broken_lookups: set[ModuleVersion] = set()

    @property
    def verifier(self) -> note.Verifier:
        return self.signer.verifier

    def read(self, indexes: Sequence[int]) -> list[tlog.Hash]:
        return [self.stored[index] for index in indexes]

    def append(self, text: bytes) -> int:
        record_id = len(self.texts)
        self.texts.append(text)
        self.stored += tlog.stored_hashes(record_id, tlog.record_hash(text), self.read)
        return record_id

    def add(self, module: ModuleVersion, zip_sum: str = "", mod_sum: str = "") -> int:
        zip_sum = zip_sum or fake_h1(f"{module}")
        mod_sum = mod_sum or fake_h1(f"{module}/go.mod")
        lines = f"{module.path} {module.version} {zip_sum}\n"
        lines += f"{module.path} {module.version}/go.mod {mod_sum}\n"
        self.ids[module] = self.append(lines.encode())
        return self.ids[module]

    def grow(self, count: int) -> None:
        """Append records of modules that nobody asks for."""
        for _ in range(count):
            self.append(b"other.test/m v1.%d.0 h1:x\n" % len(self.texts))

    def fork(self) -> "FakeSumDB":
        """A second log with the same past and key, free to go another way."""
        other = copy.copy(self)
        for name, value in vars(self).items():
            if isinstance(value, list | dict | set):
                setattr(other, name, value.copy())  # what they hold is never changed
        return other

    def tree(self, size: int | None = None) -> tlog.Tree:
        size = len(self.texts) if size is None else size
        return tlog.Tree(size, tlog.tree_hash(size, self.read))

    def head(self, size: int | None = None) -> bytes:
        if self.forged_head is not None:
            return self.forged_head
        return note.sign_note(note.Note(tlog.format_tree(self.tree(size))), self.signer)

    def tile_data(self, tile: Tile) -> bytes:
        level, start = tile.level * tile.height, tile.number << tile.height
        indexes = (tlog.stored_hash_index(level, start + n) for n in range(tile.width))
        return b"".join(self.stored[index] for index in indexes)

    # gopack.ports.ChecksumLog

    def latest(self) -> bytes:
        self.asked.append("latest")
        if not self.has_latest:
            raise NotFoundError("not found", where="latest", status=404)
        return self.latest_note or self.head(self.latest_size)

    def lookup(self, module: ModuleVersion) -> bytes:
        self.asked.append(f"lookup/{module}")
        if module in self.broken_lookups:
            raise UpstreamError("connection reset", where=str(module), retryable=True)
        if module in self.spoilt_lookups:
            return self.spoilt_lookups[module]
        if module not in self.ids:
            raise NotFoundError("not found", where=str(module), status=404)
        record_id = self.ids[module]
        record = tlog.format_record(tlog.Record(record_id, self.texts[record_id]))
        return record + self.head(self.lookup_head_size)

    def tile(self, tile: Tile) -> bytes:
        self.asked.append(tile.path)
        if tile in self.broken_tiles:
            raise UpstreamError("connection reset", where=tile.path, retryable=True)
        if tile in self.spoilt_tiles:
            return self.spoilt_tiles[tile]
        return self.tile_data(tile)


class FakeProofStore:
    """gopack.ports.ProofStore in memory."""

    def __init__(self) -> None:
        self.kept_records: dict[ModuleVersion, tlog.Record] = {}
        self.kept_tiles: dict[Tile, bytes] = {}
        self.kept_heads: dict[int, bytes] = {}
        self.evidence: list[str] = []

    def records(self) -> Mapping[ModuleVersion, tlog.Record]:
        return dict(self.kept_records)

    def tile(self, tile: Tile) -> bytes | None:
        data = self.kept_tiles.get(tile, self.kept_tiles.get(tile.full))
        return None if data is None else data[: tile.size_bytes]

    def has_tile(self, tile: Tile) -> bool:
        return not {tile, tile.full}.isdisjoint(self.kept_tiles)

    def heads(self) -> Mapping[str, bytes]:
        return {f"heads/{size}": self.kept_heads[size] for size in sorted(self.kept_heads)}

    def save(
        self,
        *,
        records: Mapping[ModuleVersion, tlog.Record],
        tiles: Mapping[Tile, bytes],
        heads: Sequence[SignedHead],
    ) -> None:
        self.kept_records = {**self.kept_records, **records}
        self.kept_tiles |= tiles
        for head in heads:
            self.kept_heads.setdefault(head.tree.size, head.message)

    def keep_evidence(self, text: str) -> str:
        self.evidence.append(text)
        return f"evidence/{len(self.evidence)}"
