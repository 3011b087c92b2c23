"""Zip files written byte by byte, so that each field can lie."""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

FULL_32 = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Item:
    """One entry; what is None is what it should be. `local_*` are for the entry's own header."""

    name: bytes
    content: bytes = b""
    stored: bool = False
    method: int | None = None
    flags: int = 0
    crc32: int | None = None
    size: int | None = None
    packed: bytes | None = None
    mode: int = 0o100644
    zip64: bool = False
    descriptor: bytes | None = None
    local_name: bytes | None = None
    local_method: int | None = None
    local_size: int | None = None
    offset: int | None = None

    def deflated(self) -> bytes:
        if self.packed is not None:
            return self.packed
        if self.stored:
            return self.content
        packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        return packer.compress(self.content) + packer.flush()


def local(item: Item) -> bytes:
    """The entry's own header, its data, and what follows them."""
    data = item.deflated()
    crc, size = _sums(item)
    name = item.name if item.local_name is None else item.local_name
    method = _method(item) if item.local_method is None else item.local_method
    has_descriptor = bool(item.flags & 8)
    shown = (0, 0, 0) if has_descriptor else (crc, len(data), item.local_size or size)
    extra = b""
    if item.zip64:
        extra = struct.pack("<HHQQ", 1, 16, shown[2], shown[1])
        shown = (shown[0], FULL_32, FULL_32)
    head = struct.pack(
        "<4sHHHHHIIIHH", b"PK\3\4", 20, item.flags, method, 0, 0, *shown, len(name), len(extra)
    )
    after = b""
    if has_descriptor:
        right = b"PK\7\x08" + struct.pack("<III", crc, len(data), size)
        after = right if item.descriptor is None else item.descriptor
    return head + name + extra + data + after


def central(item: Item, offset: int) -> bytes:
    """The directory's entry."""
    crc, size = _sums(item)
    packed = len(item.deflated())
    offset = offset if item.offset is None else item.offset
    extra = b""
    if item.zip64:
        extra = struct.pack("<HHQQQ", 1, 24, size, packed, offset)
        size = packed = offset = FULL_32
    return (
        struct.pack(
            "<4sHHHHHHIII", b"PK\1\2", 20, 20, item.flags, _method(item), 0, 0, crc, packed, size
        )
        + struct.pack("<HHHHHII", len(item.name), len(extra), 0, 0, 0, item.mode << 16, offset)
        + item.name
        + extra
    )


def make_zip(
    items: Sequence[Item],
    *,
    before: bytes = b"",
    comment: bytes = b"",
    zip64: bool = False,
    missing_bytes: int = 0,
) -> bytes:
    """A zip of these entries, offsets counted from after `before`.

    The end record tells the directory's size too small by `missing_bytes`.
    """
    body = b""
    directory = b""
    for item in items:
        directory += central(item, len(body))
        body += local(item)
    count, size, offset = len(items), max(0, len(directory) - missing_bytes), len(body)
    end = b""
    if zip64:
        at = len(before) + len(body) + len(directory)
        end = struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, offset)
        end += struct.pack("<4sIQI", b"PK\6\7", 0, at, 1)
        count, size, offset = 0xFFFF, FULL_32, FULL_32
    end += struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, count, count, size, offset, len(comment))
    return before + body + directory + end + comment


def _sums(item: Item) -> tuple[int, int]:
    crc = zlib.crc32(item.content) if item.crc32 is None else item.crc32
    return crc, len(item.content) if item.size is None else item.size


def _method(item: Item) -> int:
    if item.method is not None:
        return item.method
    return 0 if item.stored else 8
