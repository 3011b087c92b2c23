"""Audit what is kept of a checksum database: every file of it, against the newest signed head.

What comes out proven is all that an audit of versions rests on. Nothing is asked of a network.

Spec: golang.org/x/mod/sumdb Client (checkTrees, checkRecord).
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from gopack.errors import GopackError, IntegrityError
from gopack.plan.checking import Finding, Weight
from gopack.plan.sumtree import plan_tiles
from gopack.spec import note
from gopack.spec.module import ModuleVersion
from gopack.spec.sumdb import HeadProver, SignedHead, newest, open_head, recorded_lines
from gopack.spec.tiles import Tile, tile_parent, widest
from gopack.spec.tlog import Record

_FETCH = "run `gopack fetch` with the same list where there is a network: it completes the proofs"


class KeptProofs(Protocol):
    """What is kept of one database, file by file; keys are relative to the storage's root."""

    @property
    def key(self) -> str:
        """The database's folder."""

    @property
    def records_key(self) -> str:
        """The file with the records."""

    def records(self) -> Mapping[ModuleVersion, Record]:
        """Every record; StoreError if the file is damaged."""

    def heads(self) -> Mapping[str, bytes]:
        """Every head, by its key."""

    def tiles(self) -> Mapping[Tile, str]:
        """Every tile's key."""

    def read(self, key: str) -> bytes:
        """A file's bytes."""


class SumdbAudit:
    """One database's audit: `run` it, then take `proven` and `findings`."""

    def __init__(self, kept: KeptProofs, verifier: note.Verifier | None) -> None:
        self._kept = kept
        self._verifier = verifier
        self.findings: list[Finding] = []
        self.proven: dict[ModuleVersion, Record] = {}

    def run(self) -> None:
        """Check heads, tiles and records, in this order: each rests on the one before."""
        if self._verifier is None:
            self._add(
                self._kept.key,
                "cannot be proven: its key is not known",
                Weight.BROKEN,
                hint="set GOSUMDB to name+hash+key, as the clients have it",
            )
            return
        heads = self._heads(self._verifier)
        if not heads:
            self._add(self._kept.key, "no signed tree head is kept", Weight.BROKEN, hint=_FETCH)
            return
        try:
            head = newest(heads)
        except IntegrityError as error:
            self._add(self._kept.key, error.what, Weight.SPOILT, hint=error.hint)
            return
        records = self._records(head)
        prover = HeadProver(head)
        if self._admit(prover, plan_tiles(head, records.values(), heads)):
            self._prove_heads(prover, heads)
            self._prove_records(prover, records)
            self._compare_older_tiles(prover)

    def _add(
        self, where: str, what: str, weight: Weight, *, hint: str = "", aside: bool = False
    ) -> None:
        away = (where,) if aside else ()
        self.findings.append(Finding(where, what, weight, hint=hint, aside=away))

    def _spoilt(self, where: str, what: str) -> None:
        self._add(where, what, Weight.SPOILT, hint=_FETCH, aside=True)

    def _heads(self, verifier: note.Verifier) -> list[SignedHead]:
        heads = []
        for key, message in self._kept.heads().items():
            try:
                head = open_head(message, verifier)
            except IntegrityError as error:
                self._spoilt(key, error.what)
                continue
            if key.rpartition("/")[2] != str(head.tree.size):
                self._spoilt(key, f"it is the head of {head.tree.size} records")
            heads.append(head)
        return heads

    def _records(self, head: SignedHead) -> Mapping[ModuleVersion, Record]:
        try:
            kept = self._kept.records()
        except GopackError as error:
            if isinstance(error.__cause__, OSError):  # it cannot be read
                raise
            self._spoilt(self._kept.records_key, error.what)
            return {}
        inside = {m: r for m, r in kept.items() if 0 <= r.id < head.tree.size}
        for module in sorted(kept.keys() - inside.keys()):
            what = f"the record of {module} is beyond the newest head: a run was broken off there"
            self._add(self._kept.records_key, what, Weight.NOTE)
        return inside

    def _admit(self, prover: HeadProver, wanted: Sequence[Tile]) -> bool:
        """Prove the tiles that are there; false if not even the head's own can be."""
        keys = self._kept.tiles()
        data: dict[Tile, bytes] = {}
        for tile in wanted:
            key = keys.get(tile, keys.get(tile.full))
            if key is None:
                self._add(f"{self._kept.key}: {tile.path}", "missing", Weight.BROKEN, hint=_FETCH)
                continue
            data[tile] = self._kept.read(key)
            if tile not in keys:
                data[tile] = data[tile][: tile.size_bytes]
        if not all(tile in data for tile in prover.root_tiles):
            return False
        try:
            rejected = prover.admit(data)
        except IntegrityError as error:
            for tile in prover.root_tiles:
                self._spoilt(keys.get(tile, keys.get(tile.full, "")), error.what)
            return False
        for tile in rejected:
            # Below a tile that is spoilt itself nothing can be told.
            if tile_parent(tile, prover.head.tree.size) in prover.proven:
                self._spoilt(keys.get(tile, keys.get(tile.full, "")), "the log has not these bytes")
        return True

    def _prove_heads(self, prover: HeadProver, heads: Sequence[SignedHead]) -> None:
        for head in heads:
            try:
                prover.check_older(head)
            except IntegrityError as error:
                if error.evidence:
                    self._add(self._kept.key, error.what, Weight.SPOILT, hint=error.hint)

    def _prove_records(self, prover: HeadProver, records: Mapping[ModuleVersion, Record]) -> None:
        for module, record in records.items():
            if not recorded_lines(record, module):
                self._spoilt(self._kept.records_key, f"what is kept for {module} is not its record")
                continue
            try:
                prover.check_record(record)
            except IntegrityError as error:
                if error.evidence:  # else a tile is spoilt or missing, which was told
                    self._spoilt(self._kept.records_key, f"{module}: {error.what}")
            else:
                self.proven[module] = record

    def _compare_older_tiles(self, prover: HeadProver) -> None:
        """Check tiles of former heads, too, as the start of what they have grown to."""
        for tile, key in self._kept.tiles().items():
            grown = widest(tile, prover.head.tree.size)
            proven = prover.proven.get(grown) if grown is not None else None
            if proven is None or tile in prover.proven:
                continue
            if self._kept.read(key) != proven[: tile.size_bytes]:
                self._spoilt(key, "the log has not these bytes")
