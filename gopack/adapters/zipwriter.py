"""Writing a module zip: the same bytes on every machine, quickly, in little memory.

Rules kept:
- Names are `path@version/` and the file's path, in the order given; no folders, no times, no modes.
- Small files are compressed whole, on a few threads (the compressor lets go of the interpreter);
  large ones stream. What does not shrink is stored as it is.
- Only so much is under way at once, so memory does not grow with the tree.
- A file that cannot be read, or is not as large as it was, is a finding; all are found before the
  zip is refused.

Spec: PKWARE APPNOTE 4.3, 4.4.4 (bit 11: UTF-8 names); golang.org/x/mod/zip (Create).
"""

import hashlib
import os
import struct
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

from zlib_ng import zlib_ng

from gopack.adapters.diskerrors import disk_errors
from gopack.plan.packing import PackError, WrittenZip
from gopack.spec.dirhash import hash1
from gopack.spec.module import ModuleVersion
from gopack.spec.modzip import MAX_ZIP_BYTES, Finding, SourceFile

LEVEL = 5
"""Smaller than what the go command itself packs, and quicker than its next level by a third."""

_RAW_DEFLATE = -15
_STORED, _DEFLATED = 0, 8
_UTF8_NAME = 0x800
_DOS_DATE = 0x21  # 1980-01-01, the first day that the format knows
_NEEDS = 20  # version 2.0: deflate and folders
_LOCAL = struct.Struct("<IHHHHHIIIHH")
_CENTRAL = struct.Struct("<IHHHHHHIIIHHHHHII")
_END = struct.Struct("<IHHHHIIH")
_END_64 = struct.Struct("<IQHHIIQQQQ")
_END_64_PLACE = struct.Struct("<IIQI")
_MAX_ENTRIES_32 = 0xFFFF

_WHOLE_BYTES = 1 << 20
"""Files up to this size are compressed at once."""
_PIECE_BYTES = 1 << 20
_BATCH_BYTES = 1 << 20
_BATCH_FILES = 64
_THREADS = min(4, os.cpu_count() or 1)
_BATCHES_UNDER_WAY = 2 * _THREADS


class Contents(Protocol):
    """Where the files' bytes come from; asked from several threads."""

    def open(self, path: str) -> BinaryIO:
        """Open a file for reading from its start; OSError if that fails."""


class _Packed(NamedTuple):
    """A file on its way into the zip, or why it cannot go there."""

    path: str
    method: int
    crc32: int
    size_bytes: int
    sha256: str
    data: bytes
    fault: str = ""


class _Placed(NamedTuple):
    """What the directory at the zip's end says of an entry."""

    name: bytes
    method: int
    crc32: int
    packed_bytes: int
    size_bytes: int
    offset: int


def create_module_zip(
    path: Path, module: ModuleVersion, files: Sequence[SourceFile], contents: Contents
) -> WrittenZip:
    """Write a new zip file, onto the disk; nothing is left of it after a failure.

    Raises:
        PackError: files cannot be read; all of them are named.
        StoreError: the disk refuses, or the zip is larger than a module zip may be.
    """
    try:
        with disk_errors("write the zip", path), path.open("x+b") as target:
            written = write_module_zip(target, module, files, contents)
            os.fsync(target.fileno())
        _refuse(module, written)
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise
    return written


def _refuse(module: ModuleVersion, written: WrittenZip) -> None:
    too_large = ""
    if written.size_bytes > MAX_ZIP_BYTES:
        too_large = f"the zip has {written.size_bytes} bytes, {MAX_ZIP_BYTES} are allowed"
    if written.findings or too_large:
        raise PackError(module, written.findings, too_large)


def write_module_zip(
    target: BinaryIO, module: ModuleVersion, files: Sequence[SourceFile], contents: Contents
) -> WrittenZip:
    """Write the files into `target`, a new and empty file, and tell the zip's sums.

    Where findings come back, what was written is no zip. The caller has checked the files'
    names and sizes (spec.modzip.check_files): all together have at most 500 MiB, so no field of
    the format but the number of entries can overflow.

    Raises:
        OSError: `target` refuses.
    """
    writing = _Writing(target, f"{module}/")
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="pack") as threads:
        for batch in _in_order(threads, _batches(files), contents):
            for packed in batch:
                writing.add(packed)
            if len(batch) == 1 and batch[0].method < 0:
                writing.stream(batch[0], contents)
    if writing.findings:
        return WrittenZip(0, "", "", tuple(writing.findings))
    return writing.finish()


def _batches(files: Iterable[SourceFile]) -> Iterator[list[SourceFile]]:
    """Group small files, so that a thread has something to do; large ones go alone."""
    batch: list[SourceFile] = []
    size = 0
    for file in files:
        if file.size_bytes > _WHOLE_BYTES:
            if batch:
                yield batch
            yield [file]
            batch, size = [], 0
            continue
        batch.append(file)
        size += file.size_bytes
        if size >= _BATCH_BYTES or len(batch) >= _BATCH_FILES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _in_order(
    threads: ThreadPoolExecutor, batches: Iterator[list[SourceFile]], contents: Contents
) -> Iterator[list[_Packed]]:
    """Give the batches back in order, with a bounded number under way."""
    under_way: deque[Future[list[_Packed]]] = deque(
        threads.submit(_pack_batch, batch, contents)
        for batch in islice(batches, _BATCHES_UNDER_WAY)
    )
    while under_way:
        yield under_way.popleft().result()
        for batch in islice(batches, 1):
            under_way.append(threads.submit(_pack_batch, batch, contents))


def _pack_batch(batch: Sequence[SourceFile], contents: Contents) -> list[_Packed]:
    return [_pack(file, contents) for file in batch]


def _pack(file: SourceFile, contents: Contents) -> _Packed:
    path, size, _ = file
    if size > _WHOLE_BYTES:
        return _Packed(path, -1, 0, size, "", b"")  # streamed when its turn comes
    try:
        with contents.open(path) as source:
            data = _read(source, size + 1)
    except OSError as error:
        return _Packed(path, 0, 0, 0, "", b"", _unreadable(error))
    if len(data) != size:
        return _Packed(path, 0, 0, 0, "", b"", _changed(size))
    packed = zlib_ng.compress(data, LEVEL, _RAW_DEFLATE)
    is_smaller = len(packed) < size
    return _Packed(
        path,
        _DEFLATED if is_smaller else _STORED,
        zlib_ng.crc32(data),
        size,
        hashlib.sha256(data).hexdigest(),
        packed if is_smaller else data,
    )


def _read(source: BinaryIO, limit: int) -> bytes:
    """Read up to `limit` bytes; an unbuffered file may give less than it has at once."""
    data = source.read(limit)
    while len(data) < limit and (more := source.read(limit - len(data))):
        data += more
    return data


class _UnreadableError(Exception):
    """A file cannot be read, with why."""


def _source_pieces(contents: Contents, path: str) -> Iterator[bytes]:
    """Read a file piece by piece.

    Raises:
        _UnreadableError: that is not possible; what goes wrong elsewhere is told as it is.
    """
    try:
        with contents.open(path) as source:
            while piece := _read(source, _PIECE_BYTES):
                yield piece
    except OSError as error:
        raise _UnreadableError(_unreadable(error)) from error


class _Writing:
    """The zip as far as it is written."""

    def __init__(self, target: BinaryIO, prefix: str) -> None:
        self._target = target
        self._prefix = prefix
        self._at = 0
        self._placed: list[_Placed] = []
        self._digests: list[tuple[bytes, str]] = []
        self.findings: list[Finding] = []

    def add(self, packed: _Packed) -> None:
        """Add a compressed file; nothing is written any more once something is wrong."""
        if packed.fault:
            self.findings.append(Finding(packed.path, packed.fault))
        if self.findings or packed.method < 0:
            return
        name = (self._prefix + packed.path).encode()
        placed = _Placed(
            name, packed.method, packed.crc32, len(packed.data), packed.size_bytes, self._at
        )
        header = _local_header(placed)
        self._target.write(header)
        self._target.write(packed.data)
        self._done(placed, packed.sha256, len(header) + len(packed.data))

    def stream(self, packed: _Packed, contents: Contents) -> None:
        """Add a large file piece by piece; its header is mended when its sums are known."""
        name = (self._prefix + packed.path).encode()
        header = _local_header(_Placed(name, _DEFLATED, 0, 0, 0, self._at))
        if not self.findings:
            self._target.write(header)
        try:
            placed, sha256 = self._pieces(packed, contents, name)
        except _UnreadableError as error:
            self.findings.append(Finding(packed.path, str(error)))
            return
        if placed.size_bytes != packed.size_bytes:
            self.findings.append(Finding(packed.path, _changed(packed.size_bytes)))
        if self.findings:
            return
        self._target.seek(self._at)
        self._target.write(_local_header(placed))
        self._target.seek(0, os.SEEK_END)
        self._done(placed, sha256, len(header) + placed.packed_bytes)

    def _pieces(self, packed: _Packed, contents: Contents, name: bytes) -> tuple[_Placed, str]:
        compressor = zlib_ng.compressobj(LEVEL, _DEFLATED, _RAW_DEFLATE)
        digest = hashlib.sha256()
        crc32 = size = packed_bytes = 0
        for piece in _source_pieces(contents, packed.path):
            size += len(piece)
            digest.update(piece)
            crc32 = zlib_ng.crc32(piece, crc32)
            packed_bytes += self._write(compressor.compress(piece))
            if size > packed.size_bytes:
                break
        packed_bytes += self._write(compressor.flush())
        return _Placed(name, _DEFLATED, crc32, packed_bytes, size, self._at), digest.hexdigest()

    def _write(self, data: bytes) -> int:
        if not self.findings:
            self._target.write(data)
        return len(data)

    def _done(self, placed: _Placed, sha256: str, written: int) -> None:
        self._placed.append(placed)
        self._digests.append((placed.name, sha256))
        self._at += written

    def finish(self) -> WrittenZip:
        """Write the directory, and tell what the zip is."""
        start = self._at
        for placed in self._placed:
            self._at += self._target.write(_central_header(placed))
        end = _end(len(self._placed), start, self._at - start)
        self._at += self._target.write(end)
        self._target.flush()
        return WrittenZip(self._at, _sha256(self._target), hash1(self._digests), ())


def _local_header(placed: _Placed) -> bytes:
    fixed = _LOCAL.pack(
        0x04034B50, _NEEDS, _flags(placed.name), placed.method, 0, _DOS_DATE,
        placed.crc32, placed.packed_bytes, placed.size_bytes, len(placed.name), 0,
    )  # fmt: skip
    return fixed + placed.name


def _central_header(placed: _Placed) -> bytes:
    fixed = _CENTRAL.pack(
        0x02014B50, _NEEDS, _NEEDS, _flags(placed.name), placed.method, 0, _DOS_DATE,
        placed.crc32, placed.packed_bytes, placed.size_bytes, len(placed.name), 0, 0, 0, 0, 0,
        placed.offset,
    )  # fmt: skip
    return fixed + placed.name


def _end(count: int, start: int, size: int) -> bytes:
    if count < _MAX_ENTRIES_32:
        return _END.pack(0x06054B50, 0, 0, count, count, size, start, 0)
    wide = _END_64.pack(0x06064B50, _END_64.size - 12, 45, 45, 0, 0, count, count, size, start)
    place = _END_64_PLACE.pack(0x07064B50, 0, start + size, 1)
    return wide + place + _END.pack(
        0x06054B50, 0, 0, _MAX_ENTRIES_32, _MAX_ENTRIES_32, 0xFFFFFFFF, 0xFFFFFFFF, 0
    )  # fmt: skip


def _flags(name: bytes) -> int:
    return 0 if name.isascii() else _UTF8_NAME


def _sha256(target: BinaryIO) -> str:
    target.seek(0)
    digest = hashlib.sha256()
    while piece := target.read(_PIECE_BYTES):
        digest.update(piece)
    return digest.hexdigest()


def _unreadable(error: OSError) -> str:
    return f"cannot be read: {os.strerror(error.errno or 0)}"


def _changed(size_bytes: int) -> str:
    return f"changed while it was packed: it had {size_bytes} bytes"
