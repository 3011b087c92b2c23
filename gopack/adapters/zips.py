"""Reading a module zip on disk: every rule checked, every byte hashed, in one pass.

The file is mapped, not read, and large files in it are inflated piece by piece: memory stays at
a few MiB whatever the zip says of itself. A file is inflated one byte further than its declared
size at most, and all declared sizes together are checked first, so a bomb costs nothing.

Spec: x/mod zip.CheckZip and Unzip, sumdb/dirhash.HashZip; archive/zip (checksumReader).
"""

import hashlib
import mmap
import os
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from zlib_ng import zlib_ng

from gopack.adapters.diskerrors import disk_errors
from gopack.adapters.tags import tagger
from gopack.adapters.turns import Turns
from gopack.errors import IntegrityError
from gopack.spec.dirhash import hash1
from gopack.spec.module import ModuleVersion
from gopack.spec.modzip import Finding, ZipName, check_zip
from gopack.spec.plainnames import are_plain
from gopack.spec.runes import shown as shown_text
from gopack.spec.ziparchive import (
    DEFLATED,
    HAS_DESCRIPTOR,
    STORED,
    Directory,
    Entry,
    Placed,
    descriptor_crc32,
    place,
    read_directory,
)

MAX_FINDINGS = 10
"""How many faults an error lists; it counts the rest."""

SMALL_BYTES = 256 << 10
"""Two in three zips are smaller, and all these together a thirtieth of the bytes (measured)."""

MAX_SEEN = 1 << 15
"""How many entries' sums a process remembers, about 7 MB; all are forgotten when it is full."""

_SEEN: dict[bytes, bytes] = {}
"""The sum of what was inflated and found sound, by its packed bytes' tag, its size and CRC-32.

More than half of what modules have is in another version of them, too, packed in the same way.
"""

_PIECE_BYTES = 1 << 20
_PLAIN_BYTES = 8 << 20
_PACKED_PIECE_BYTES = 1 << 18
_RAW_DEFLATE = -15
_INFLATE_ERROR: type[Exception] = zlib_ng.error  # type: ignore[assignment] # the stub errs
_inflater, _crc32, _sha256 = zlib_ng.decompressobj, zlib_ng.crc32, hashlib.sha256
_SIZE_AND_CRC = struct.Struct("<II").pack
_EMPTY_SHA256 = hashlib.sha256().hexdigest()
_CUT_SHORT = "ends before its data do"
_NOT_DEFLATED = "cannot be inflated"


@dataclass(frozen=True, slots=True)
class ZipReceipt:
    """What a zip that keeps all the rules is.

    `sha256` is of the zip file, in hex. `file_count` and `unpacked_bytes` leave folders out.
    `go_mod` is the go.mod in its root, None if it has none (its .mod is then made up by proxies).
    """

    module: ModuleVersion
    size_bytes: int
    sha256: str
    h1: str
    file_count: int
    unpacked_bytes: int
    go_mod: bytes | None


_READING = Turns(1)
"""One zip a process is read at a time: two would only take the interpreter from each other.

Small ones go first: they take no time, and what waits for the server must not wait here, too.
"""


def read_module_zip(path: Path, module: ModuleVersion) -> ZipReceipt:
    """Check a zip file against all the rules and hash it.

    Raises:
        IntegrityError: if it is no zip, no module zip, or not this module's; up to MAX_FINDINGS
            faults are named.
        InputError: if the module's path or version is not valid or not canonical.
        StoreError: if the file cannot be read.

    """
    return check_module_zip(map_zip(path), module)


def check_module_zip(data: memoryview, module: ModuleVersion) -> ZipReceipt:
    """Check a zip that is mapped, or a part of what is; raises as read_module_zip."""
    try:
        with _READING.one(urgent=len(data) <= SMALL_BYTES):
            return _check(data, module)
    except IntegrityError as error:
        error.where = error.where or str(module)
        raise


def _check(data: memoryview, module: ModuleVersion) -> ZipReceipt:
    directory = read_directory(data)
    entries = directory.entries
    _check_rules(module, len(data), entries)
    digests, faults = _read_all(data, place(data, directory))
    _refuse(faults, "")
    return ZipReceipt(
        module=module,
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        h1=hash1(digests),
        file_count=sum(entry.name[-1:] != b"/" for entry in entries),
        unpacked_bytes=sum(entry.size_bytes for entry in entries),
        go_mod=_go_mod(data, directory, module),
    )


def _check_rules(module: ModuleVersion, size_bytes: int, entries: Sequence[Entry]) -> None:
    names = [entry.name for entry in entries]
    sizes = [entry.size_bytes for entry in entries]
    if not are_plain(module, size_bytes, names, sizes):
        checked = check_zip(module, size_bytes, map(ZipName, map(_text, names), sizes))
        _refuse(checked.invalid, checked.size_error)


def _read_all(
    data: memoryview, placed: Iterable[Placed]
) -> tuple[list[tuple[bytes, str]], list[Finding]]:
    """Hash every entry's content, in hex; tell what cannot be read."""
    digests: list[tuple[bytes, str]] = []
    faults: list[Finding] = []
    tag = tagger()
    for each in placed:
        name = each.entry.name
        try:
            digests.append((name, _plain_sha256(data, each, tag) or _Content(data, each).sha256()))
        except _FaultError as error:
            faults.append(Finding(_text(name), str(error)))
    return digests, faults


def _go_mod(data: memoryview, directory: Directory, module: ModuleVersion) -> bytes | None:
    """Read the go.mod in the root, which was read before."""
    name = f"{module}/go.mod".encode()
    found = [entry for entry in directory.entries if entry.name == name]
    if not found:
        return None
    (placed,) = place(data, directory._replace(entries=found))
    return b"".join(_Content(data, placed).pieces())


def _refuse(faults: Sequence[Finding], size_error: str) -> None:
    """Raise all faults at once, if there are any, the first MAX_FINDINGS by name."""
    shown = [shown_text(str(fault)) for fault in faults[:MAX_FINDINGS]]
    if size_error:
        shown.insert(0, size_error)
    if len(faults) > MAX_FINDINGS:
        shown.append(f"and {len(faults) - MAX_FINDINGS} more")
    if shown:
        raise IntegrityError(
            f"the zip is refused: {'; '.join(shown)}",
            hint="nothing of this version is stored; tell the module's author or the upstream",
        )


def _plain_sha256(data: memoryview, placed: Placed, tag: Callable[[memoryview], bytes]) -> str:
    """Hash the content of an ordinary entry, in hex; '' of any other, and of one with a fault.

    Nearly all entries are small, deflated and sound, and nearly all the time is spent on them.
    """
    (name, method, flags, crc32, _, size, _, _), start, end, fault = placed
    if fault or method != DEFLATED or name[-1:] == b"/":
        return ""
    if not 0 < size <= _PLAIN_BYTES or end - start > _PLAIN_BYTES:
        return ""
    if flags & HAS_DESCRIPTOR and descriptor_crc32(data, end) != crc32:
        return ""
    packed = data[start:end]
    seen = tag(packed) + _SIZE_AND_CRC(size, crc32)
    if found := _SEEN.get(seen):
        return found.hex()
    inflater = _inflater(_RAW_DEFLATE)
    try:
        content = inflater.decompress(packed, size + 1)
    except _INFLATE_ERROR:
        return ""
    if not inflater.eof or len(content) != size or _crc32(content) != crc32:
        return ""
    if len(_SEEN) >= MAX_SEEN:
        _SEEN.clear()
    found = _SEEN[seen] = _sha256(content).digest()
    return found.hex()


class _FaultError(Exception):
    """Why one entry cannot be read; never leaves this module."""


class _Content:
    """The content of one entry, checked while it is read as archive/zip checks it."""

    def __init__(self, data: memoryview, placed: Placed) -> None:
        self._data = data
        self._placed = placed
        self._entry = placed.entry
        if placed.fault:
            raise _FaultError(placed.fault)
        if self._entry.is_folder and self._entry.size_bytes:
            raise _FaultError("is a folder with content")

    def sha256(self) -> str:
        """Hash the content, in hex."""
        entry = self._entry
        if entry.is_folder:
            return _EMPTY_SHA256
        if max(entry.size_bytes, entry.packed_bytes) <= _PIECE_BYTES:
            content = self._at_once()
            self._check(len(content), _crc32(content))
            return hashlib.sha256(content).hexdigest()
        digest = hashlib.sha256()
        for piece in self.pieces():
            digest.update(piece)
        return digest.hexdigest()

    def pieces(self) -> Iterator[bytes | memoryview]:
        """Give the content in pieces of 1 MiB at most; faults may show at the end only."""
        size = crc32 = 0
        for piece in self._unchecked_pieces():
            size += len(piece)
            if size > self._entry.size_bytes:
                break
            crc32 = _crc32(piece, crc32)
            yield piece
        self._check(size, crc32)

    def head(self, limit: int) -> bytes:
        """Give the first bytes, unchecked; of a longer file about `limit`, maybe fewer.

        No more is taken in then than gives about as much: the inflater would copy the rest.
        """
        packed = self._data[self._placed.start : self._placed.end]
        if limit < self._entry.size_bytes:
            packed = packed[: limit // 2]
        if self._entry.method == STORED:
            return bytes(packed[:limit])
        try:
            head: bytes = self._inflater().decompress(packed, limit)
        except _INFLATE_ERROR as error:
            raise _FaultError(_NOT_DEFLATED) from error
        return head

    def _at_once(self) -> bytes | memoryview:
        packed = self._data[self._placed.start : self._placed.end]
        if self._entry.method == STORED:
            return packed
        inflater = self._inflater()
        try:
            content: bytes = inflater.decompress(packed, self._entry.size_bytes + 1)
        except _INFLATE_ERROR as error:
            raise _FaultError(_NOT_DEFLATED) from error
        if not inflater.eof and len(content) <= self._entry.size_bytes:
            raise _FaultError(_CUT_SHORT)
        return content

    def _unchecked_pieces(self) -> Iterator[bytes | memoryview]:
        start, end = self._placed.start, self._placed.end
        inflater = None if self._entry.method == STORED else self._inflater()
        for at in range(start, end, _PACKED_PIECE_BYTES):
            packed = self._data[at : min(at + _PACKED_PIECE_BYTES, end)]
            if inflater is None:
                yield packed
                continue
            yield from _inflated(inflater, packed)
            if inflater.eof:
                return
        if inflater is not None:
            raise _FaultError(_CUT_SHORT)

    def _inflater(self) -> "zlib_ng._Decompress":
        if self._entry.method != DEFLATED:
            raise _FaultError(f"is packed with method {self._entry.method}, not deflate")
        return _inflater(_RAW_DEFLATE)

    def _check(self, size_bytes: int, crc32: int) -> None:
        """Compare size and sum; a sum of 0 without a descriptor counts as not given, as in Go."""
        entry = self._entry
        if size_bytes != entry.size_bytes:
            more = "more" if size_bytes > entry.size_bytes else "fewer"
            raise _FaultError(f"has {more} bytes than the {entry.size_bytes} that it declares")
        if entry.has_descriptor:
            if descriptor_crc32(self._data, self._placed.end) != entry.crc32:
                raise _FaultError("has another sum behind its data than in the directory")
            if crc32 != entry.crc32:
                raise _FaultError("does not have the CRC-32 that it declares")
        elif entry.crc32 not in {0, crc32}:
            raise _FaultError("does not have the CRC-32 that it declares")


def _inflated(inflater: "zlib_ng._Decompress", packed: memoryview) -> Iterator[bytes]:
    rest: bytes | memoryview = packed
    try:
        while True:
            piece: bytes = inflater.decompress(rest, _PIECE_BYTES)
            yield piece
            rest = inflater.unconsumed_tail
            # A full piece may have more behind it though all the input is taken in.
            if inflater.eof or (not rest and len(piece) < _PIECE_BYTES):
                return
    except _INFLATE_ERROR as error:
        raise _FaultError(_NOT_DEFLATED) from error


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def read_head(data: memoryview, placed: Placed, limit: int) -> bytes:
    """Read the first bytes of an entry of a checked zip, at most `limit`; none if it is damaged."""
    try:
        return _Content(data, placed).head(limit)
    except _FaultError:
        return b""


def map_zip(path: Path) -> memoryview:
    """Map a file; it is unmapped when the last view of it is gone.

    Raises:
        StoreError: it cannot be read.
    """
    with disk_errors("read the zip", path), path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            return memoryview(b"")
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
