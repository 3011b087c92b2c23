"""What is kept of a checksum database on the disk: ports.ProofStore below `.gopack/sumdb/<name>/`.

Layout:
    records        every record, appended: `path version`, then the record as lookups carry it
    tiles/         one file a tile, its path with `-` for `/`: 8-0-x071-x909-756.p-12
    heads/         one file a head, the signed note, called by the number of its records
    evidence/      what shows a lie, for people

Rules:
- A tile, head or evidence file appears by a rename of a file that is on the disk already; they
  are made in `staging/`. Records are appended, and a torn end is cut off by the next save.
- Tiles come first, then records, then heads, each on the disk before the next.
- Nothing is changed or deleted but a tile whose bytes were spoilt on the disk. A record that was
  is followed by a sound one: of several records of a version the last one counts.
- Reading makes nothing, so a read-only medium serves; it follows no symbolic link.
"""

import hashlib
import itertools
import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from gopack.adapters.beneath import open_file
from gopack.adapters.diskerrors import disk_errors
from gopack.adapters.files import FILE_MODE, Files
from gopack.errors import InputError, IntegrityError, StoreError
from gopack.spec import tlog
from gopack.spec.module import ModuleVersion
from gopack.spec.sumdb import SignedHead
from gopack.spec.tiles import Tile
from gopack.spec.tlog import Record


class SumdbStore:
    """The proofs of one database, below `folder`; `of` names the folder by the database."""

    def __init__(self, folder: Path, *, files: Files | None = None) -> None:
        self.folder = folder
        self._files = files or Files()
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._records: dict[ModuleVersion, Record] | None = None
        self._records_end = 0
        self._is_swept = False

    @classmethod
    def of(cls, own_folder: Path, name: str, *, files: Files | None = None) -> "SumdbStore":
        """The store of the database called `name` in a storage's `.gopack` folder.

        Raises:
            InputError: the name could not be a host with a path.
        """
        if any(part in {"", ".", ".."} for part in name.split("/")) or "\\" in name:
            raise InputError(f"invalid checksum database name: {name}")
        return cls(own_folder / "sumdb" / name, files=files)

    # Reading

    def records(self) -> Mapping[ModuleVersion, Record]:
        """Every record kept; see ProofStore."""
        with self._lock:
            return dict(self._load_records())

    def _load_records(self) -> dict[ModuleVersion, Record]:
        if self._records is None:
            data = self._read(self.folder / "records") or b""
            self._records, self._records_end = _parse_records(data, self.folder / "records")
        return self._records

    def tile(self, tile: Tile) -> bytes | None:
        """A tile's data, cut from the full one if need be; see ProofStore."""
        for kept in dict.fromkeys((tile, tile.full)):
            data = self._read(self._tile_path(kept))
            if data is not None and len(data) == kept.size_bytes:
                return data[: tile.size_bytes]
        return None

    def has_tile(self, tile: Tile) -> bool:
        """Tell whether a tile is there, without reading it."""
        for kept in dict.fromkeys((tile, tile.full)):
            try:
                # A fetch with nothing new asks this a thousand times: no path objects.
                if os.stat(f"{self.folder}/tiles/{_name(kept)}").st_size == kept.size_bytes:  # noqa: PTH116
                    return True
            except OSError:
                continue
        return False

    def heads(self) -> Mapping[str, bytes]:
        """The notes of every head, by its file, smallest tree first; see ProofStore."""
        folder = self.folder / "heads"
        with disk_errors("read the tree heads", folder):
            try:
                names = [entry.name for entry in os.scandir(folder)]
            except FileNotFoundError:
                return {}
        sizes = sorted(int(name) for name in names if name.isascii() and name.isdigit())
        notes = {str(folder / str(size)): self._read(folder / str(size)) for size in sizes}
        return {place: note for place, note in notes.items() if note}

    def _read(self, path: Path) -> bytes | None:
        with disk_errors("read", path):
            try:
                descriptor = open_file(self.folder, str(path.relative_to(self.folder)))
            except FileNotFoundError:
                return None
            with os.fdopen(descriptor, "rb") as file:
                return file.read()

    def _tile_path(self, tile: Tile) -> Path:
        return self.folder / "tiles" / _name(tile)

    # Writing

    def save(
        self,
        *,
        records: Mapping[ModuleVersion, Record],
        tiles: Mapping[Tile, bytes],
        heads: Sequence[SignedHead],
    ) -> None:
        """Keep these, in this order: tiles, records, heads; see ProofStore."""
        with self._lock, disk_errors("keep the checksum database's proofs", self.folder):
            self._sweep()
            self._write_all((self._tile_path(tile), data) for tile, data in tiles.items())
            self._append(records)
            folder = self.folder / "heads"
            fresh = ((folder / str(head.tree.size), head.message) for head in heads)
            self._write_all((path, note) for path, note in fresh if not path.exists())

    def keep_evidence(self, text: str) -> str:
        """Keep a text under the hash of it; see ProofStore."""
        data = text.encode()
        name = f"{hashlib.sha256(data).hexdigest()[:16]}.txt"
        path = self.folder / "evidence" / name
        with self._lock, disk_errors("keep the evidence", path):
            self._write_all([(path, data)])
        return str(path)

    def _sweep(self) -> None:
        """Delete, once, what a killed run left half written."""
        if not self._is_swept:
            for scrap in (self.folder / "staging").glob("*.part"):
                self._files.unlink(scrap)
            self._is_swept = True

    def _write_all(self, wanted: Iterable[tuple[Path, bytes]]) -> None:
        """Have each file appear with these bytes, all on the disk when this returns."""
        fresh = [(path, data) for path, data in wanted if not _has(path, data)]
        if not fresh:
            return
        for folder in {self.folder / "staging", *(path.parent for path, _ in fresh)}:
            self._make_folder(folder)
        disk = self._files.open_disk(self.folder)
        try:
            staged = [(self._stage(data), path) for path, data in fresh]
            self._files.sync_all(disk, [part for part, _ in staged])
        finally:
            os.close(disk)
        for part, path in staged:
            self._files.rename(part, path)
        for folder in {path.parent for path, _ in fresh}:
            self._files.sync_folder(folder)

    def _stage(self, data: bytes) -> Path:
        part = self.folder / "staging" / f"{os.getpid()}-{next(self._numbers)}.part"
        self._files.write(part, data)
        self._files.dress(part)
        return part

    def _make_folder(self, folder: Path) -> None:
        if folder.is_dir():
            return
        self._make_folder(folder.parent)
        try:
            self._files.make_folder(folder)
        except FileExistsError:
            return  # another process was quicker
        self._files.sync_folder(folder.parent)

    def _append(self, records: Mapping[ModuleVersion, Record]) -> None:
        kept = self._load_records()
        fresh = {module: record for module, record in records.items() if kept.get(module) != record}
        if not fresh:
            return
        self._make_folder(self.folder)
        path = self.folder / "records"
        is_new = not path.exists()
        text = b"".join(_format_record(module, record) for module, record in fresh.items())
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, FILE_MODE)
        with os.fdopen(descriptor, "r+b") as file:
            os.fchmod(descriptor, FILE_MODE)
            file.truncate(self._records_end)
            file.seek(self._records_end)
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        if is_new:
            self._files.sync_folder(self.folder)
        self._records_end += len(text)
        kept.update(fresh)


def _has(path: Path, data: bytes) -> bool:
    try:
        return path.read_bytes() == data
    except FileNotFoundError:
        return False


def _format_record(module: ModuleVersion, record: Record) -> bytes:
    return f"{module.path} {module.version}\n".encode() + tlog.format_record(record)


def _parse_records(data: bytes, path: Path) -> tuple[dict[ModuleVersion, Record], int]:
    """Read the records file; give the records and where the last whole one ends.

    Raises:
        StoreError: it is damaged elsewhere than at its end.
    """
    records: dict[ModuleVersion, Record] = {}
    end = 0
    while end < len(data):
        stop = data.find(b"\n\n", end) + 2
        whole = data[end:stop]
        if stop < 2 or b"\0" in whole:
            break  # a kill or power cut in the last append
        try:
            first, _, rest = whole.partition(b"\n")
            module_path, _, version = first.decode().partition(" ")
            records[ModuleVersion(module_path, version)] = tlog.parse_record(rest)[0]
        except (IntegrityError, UnicodeDecodeError) as error:
            raise StoreError(
                "the kept records of the checksum database are damaged",
                where=str(path),
                hint="run `gopack check --repair`, which moves this file aside, then `gopack "
                "fetch` with the same list: it is made anew",
            ) from error
        end = stop
    return records, end


def _name(tile: Tile) -> str:
    return tile.path.removeprefix("tile/").replace("/", "-")
