"""Reading a module zip on disk: every rule checked, every byte hashed, in one pass.

The file is mapped, not read, and large files in it are inflated piece by piece: memory stays at
a few MiB whatever the zip says of itself. A file is inflated one byte further than its declared
size at most, and all declared sizes together are checked first, so a bomb costs nothing.

Spec: x/mod zip.CheckZip and Unzip, sumdb/dirhash.HashZip; archive/zip (checksumReader).
"""

import hashlib
import mmap
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import deflate
from isal import isal_zlib

from gopack.adapters.diskerrors import disk_errors
from gopack.errors import IntegrityError
from gopack.spec.dirhash import hash1
from gopack.spec.module import ModuleVersion
from gopack.spec.modzip import Finding, ZipName, check_zip
from gopack.spec.runes import shown as shown_text
from gopack.spec.ziparchive import (
    DEFLATED,
    HAS_DESCRIPTOR,
    STORED,
    Directory,
    Placed,
    descriptor_crc32,
    place,
    read_directory,
)

MAX_FINDINGS = 10
"""How many faults an error lists; it counts the rest."""

_PIECE_BYTES = 1 << 20
_PLAIN_BYTES = 8 << 20
_PACKED_PIECE_BYTES = 1 << 18
_RAW_DEFLATE = -15
_INFLATE_ERROR: type[Exception] = isal_zlib.error  # type: ignore[assignment] # the stub errs
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


_READING = threading.Lock()
"""One zip a process is read at a time: two would only take the interpreter from each other."""


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
        with _READING:
            return _check(data, module)
    except IntegrityError as error:
        error.where = error.where or str(module)
        raise


def _check(data: memoryview, module: ModuleVersion) -> ZipReceipt:
    directory = read_directory(data)
    _check_rules(module, len(data), directory)
    go_mod_name = f"{module}/go.mod".encode()
    go_mod = None
    digests: list[tuple[bytes, str]] = []
    faults: list[Finding] = []
    for placed in place(data, directory):
        name = placed.entry.name
        try:
            digests.append((name, _plain_sha256(data, placed) or _Content(data, placed).sha256()))
            if name == go_mod_name:
                go_mod = b"".join(_Content(data, placed).pieces())
        except _FaultError as error:
            faults.append(Finding(_text(name), str(error)))
    _refuse(faults, "")
    return ZipReceipt(
        module=module,
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        h1=hash1(digests),
        file_count=sum(not entry.is_folder for entry in directory.entries),
        unpacked_bytes=sum(entry.size_bytes for entry in directory.entries),
        go_mod=go_mod,
    )


def _check_rules(module: ModuleVersion, size_bytes: int, directory: Directory) -> None:
    names = (ZipName(_text(entry.name), entry.size_bytes) for entry in directory.entries)
    checked = check_zip(module, size_bytes, names)
    _refuse(checked.invalid, checked.size_error)


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


def _plain_sha256(data: memoryview, placed: Placed) -> str:
    """Hash the content of an ordinary entry, in hex; '' of any other, and of one with a fault.

    Nearly all entries are small, deflated and sound, and nearly all the time is spent on them.
    """
    entry, start, end, fault = placed
    size = entry.size_bytes
    if fault or entry.method != DEFLATED or not 0 < size <= _PLAIN_BYTES:
        return ""
    try:
        content = deflate.deflate_decompress(data[start:end], size)
    except deflate.DeflateError:
        return ""
    if len(content) != size or deflate.crc32(content) != entry.crc32:
        return ""
    if entry.flags & HAS_DESCRIPTOR and descriptor_crc32(data, end) != entry.crc32:
        return ""
    if entry.name.endswith(b"/"):
        return ""
    return hashlib.sha256(content).hexdigest()


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
            self._check(len(content), isal_zlib.crc32(content))
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
            crc32 = isal_zlib.crc32(piece, crc32)
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

    def _inflater(self) -> "isal_zlib.Decompress":
        if self._entry.method != DEFLATED:
            raise _FaultError(f"is packed with method {self._entry.method}, not deflate")
        return isal_zlib.decompressobj(_RAW_DEFLATE)

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


def _inflated(inflater: "isal_zlib.Decompress", packed: memoryview) -> Iterator[bytes]:
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
