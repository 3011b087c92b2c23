"""Where everything lies in a zip file: its directory, and each entry's packed bytes.

Rules kept, as archive/zip reads a file:
- The end record is the last one in the last 65 KiB whose comment fits.
- Offsets count from where the directory would begin by the end record; bytes may come before.
- ZIP64 fields count only where the 32-bit ones are full.
Differs: where Go looks at the directory alone, an entry is refused here whose local header tells
another name, method or size, whose packed bytes run past the file's end or are shared with
another entry or the directory, or that is encrypted. Tools that trust the local headers would see
another module in such a zip.

Spec: archive/zip (reader.go, struct.go), APPNOTE.TXT 6.3.
"""

from collections.abc import Iterable, Iterator
from struct import Struct
from struct import error as BadStruct  # noqa: N812 - `error` alone says nothing
from typing import NamedTuple

from gopack.errors import IntegrityError

STORED = 0
DEFLATED = 8

_END = Struct("<4sHHHHIIH")
_END_64_LOCATOR = Struct("<4sIQI")
_END_64 = Struct("<4sQHHIIQQQQ")
_CENTRAL = Struct("<4s4xHH4xIIIHHH4xII")
"""Mark, flags, method, sum, sizes, lengths of name, extra field and comment, mode, offset."""
_LOCAL = Struct("<4s4xH4xIIIHH")
"""Mark, method, sum, sizes, lengths of name and extra field."""
_CENTRAL_BYTES = _CENTRAL.size
_LOCAL_BYTES = _LOCAL.size
_EXTRA = Struct("<HH")
_UINT64 = Struct("<Q")
_TWO_UINT32 = Struct("<II")

_END_MARK = b"PK\x05\x06"
_END_64_LOCATOR_MARK = b"PK\x06\x07"
_END_64_MARK = b"PK\x06\x06"
_CENTRAL_MARK = b"PK\x01\x02"
_LOCAL_MARK = b"PK\x03\x04"
_DESCRIPTOR_MARK = int.from_bytes(b"PK\x07\x08", "little")

_ENCRYPTED = 0x1
HAS_DESCRIPTOR = 0x8
"""The flag that says that sizes and sum follow the data."""
_FULL_16 = 0xFFFF
_FULL_32 = 0xFFFFFFFF
_MAX_INT64 = (1 << 63) - 1
_ZIP64_EXTRA = 1
MAX_ENTRIES = 500_000
"""Ten times as many as any known module has; each takes some 300 bytes. Go has no limit."""

_COPIED_BYTES = 16 << 20
_TAILS = (1 << 10, 65 << 10)  # where Go looks for the end record, first in less

Buffer = bytes | memoryview


class Entry(NamedTuple):
    """An entry of the directory; offsets are from the start of the file."""

    name: bytes
    method: int
    flags: int
    crc32: int
    packed_bytes: int
    size_bytes: int
    header_offset: int
    mode: int

    @property
    def is_folder(self) -> bool:
        """Whether the name says that this is a folder."""
        return self.name.endswith(b"/")

    @property
    def has_descriptor(self) -> bool:
        """Whether sizes and sum follow the data (and the local header may have none)."""
        return bool(self.flags & HAS_DESCRIPTOR)


class Directory(NamedTuple):
    """All entries, in order, and the bytes they were read from: from `start` up to `end`.

    `base` is where the offsets in it count from.
    """

    entries: list[Entry]
    start: int
    end: int
    base: int


class Placed(NamedTuple):
    """Where an entry's packed bytes are, or why they cannot be read."""

    entry: Entry
    start: int
    end: int
    fault: str


class _End(NamedTuple):
    """The end of the directory."""

    at: int
    records: int
    directory_bytes: int
    directory_offset: int


def read_directory(data: Buffer) -> Directory:
    """Read the directory of a zip file.

    Raises:
        IntegrityError: if this is no zip file, or its directory is damaged.

    Source: archive/zip Reader.init.
    """
    end = _find_end(data)
    base = end.at - end.directory_bytes - end.directory_offset
    if not 0 <= base + end.directory_offset < len(data):
        raise _damaged("the directory lies outside the file")
    if base > 0 and _read_entry(data, end.directory_offset, 0) is not None:
        base = 0
    start = base + end.directory_offset
    entries, at = _read_entries(data, start, base)
    if len(entries) & _FULL_16 != end.records & _FULL_16:
        raise _damaged(f"the directory has {len(entries)} entries, not {end.records}")
    return Directory(entries, start, at, base)


def _read_entries(data: Buffer, start: int, base: int) -> tuple[list[Entry], int]:
    """Read the directory's entries, from an offset as far as they go, and tell where that is."""
    # Bytes are faster to take apart than a view; a view is not copied as a whole.
    skipped = start if len(data) - start <= _COPIED_BYTES else 0
    if skipped:
        data = bytes(data[start:])
    entries = []
    at = start - skipped
    while (found := _read_entry(data, at, base)) is not None:
        entry, at = found
        entries.append(entry)
        if len(entries) > MAX_ENTRIES:
            raise _damaged(f"the directory has more than {MAX_ENTRIES} entries")
    return entries, at + skipped


def record_offsets(data: Buffer, directory: Directory) -> Iterator[int]:
    """Tell where the record of each of the directory's entries is; see `entry_at`."""
    at = directory.start
    while at < directory.end:
        yield at
        name_n, extra_n, comment_n = _CENTRAL.unpack_from(data, at)[6:9]
        at += _CENTRAL_BYTES + name_n + extra_n + comment_n


def entry_at(data: Buffer, directory: Directory, at: int) -> Entry:
    """Read an entry anew, by the offset of its record: that is smaller to keep."""
    found = _read_entry(data, at, directory.base)
    assert found is not None  # it was read before
    return found[0]


def place(data: Buffer, directory: Directory) -> list[Placed]:
    """Find the packed bytes of each entry, in the directory's order, with what is wrong."""
    placed = [_placed(data, entry) for entry in directory.entries]
    return placed if _lie_in_order(placed, directory.start) else _apart(placed, directory)


def _lie_in_order(placed: Iterable[Placed], end: int) -> bool:
    """Whether each begins behind the one before, as in nearly all zips, and all before an end."""
    at = 0
    for entry, _start, end_of_it, fault in placed:
        if fault or entry.header_offset < at:
            return False
        at = end_of_it
    return at <= end


def _apart(placed: list[Placed], directory: Directory) -> list[Placed]:
    """Find those that share bytes with another, or with the directory."""
    spans = [(p.entry.header_offset, p.end, index) for index, p in enumerate(placed) if not p.fault]
    spans.append((directory.start, directory.end, -1))
    spans.sort()
    end_before, before = 0, -1
    for start, end, index in spans:
        if start < end_before:
            for each in {index, before} - {-1}:
                placed[each] = placed[each]._replace(fault="shares its bytes with another entry")
        if end > end_before:
            end_before, before = end, index
    return placed


def descriptor_crc32(data: Buffer, at: int) -> int | None:
    """Give the sum in the data descriptor at an offset, its mark being optional; None at the end.

    Source: archive/zip readDataDescriptor.
    """
    # Two sizes follow the sum; Go reads 12 bytes in all and takes the sizes from the directory.
    if at + 12 > len(data):
        return None
    first, second = _TWO_UINT32.unpack_from(data, at)
    if first != _DESCRIPTOR_MARK:
        return int(first)
    return int(second) if at + 16 <= len(data) else None


def _find_end(data: Buffer) -> _End:
    at = _find_end_mark(data)
    _, _, _, _, records, size, offset, _ = _END.unpack_from(data, at)
    end = _End(at, records, size, offset)
    # Go compares the size with 16 bits here; kept, so that both take the same file for a zip.
    if _FULL_16 in (records, size) or offset == _FULL_32:
        end = _find_end_64(data, end)
    if end.directory_bytes > _MAX_INT64 or end.directory_offset > _MAX_INT64:
        raise _damaged("the directory lies outside the file")
    return end


def _find_end_mark(data: Buffer) -> int:
    for length in _TAILS:
        tail = bytes(data[max(0, len(data) - length) :])
        found = tail.rfind(_END_MARK, 0, max(0, len(tail) - _END.size + len(_END_MARK)))
        if found < 0:
            continue
        comment_bytes = _END.unpack_from(tail, found)[-1]
        if found + _END.size + comment_bytes <= len(tail):
            return len(data) - len(tail) + found
    raise _damaged("it has no end record")


def _find_end_64(data: Buffer, end: _End) -> _End:
    """Read the ZIP64 end record, if there is one; the plain one stands otherwise."""
    locator = end.at - _END_64_LOCATOR.size
    if locator < 0:
        return end
    mark, disk, at, disks = _END_64_LOCATOR.unpack_from(data, locator)
    if mark != _END_64_LOCATOR_MARK or disk != 0 or disks != 1 or at > _MAX_INT64:
        return end
    if at + _END_64.size > len(data) or data[at : at + 4] != _END_64_MARK:
        raise _damaged("its ZIP64 end record is not where it should be")
    fields = _END_64.unpack_from(data, at)
    return _End(at, fields[7], fields[8], fields[9])


def _read_entry(data: Buffer, at: int, base: int) -> tuple[Entry, int] | None:
    """Read the directory's entry at an offset and where the next is; None if there is none."""
    try:
        fields = _CENTRAL.unpack_from(data, at)
    except BadStruct:
        return None
    mark, flags, method, crc32, packed, size, name_n, extra_n, comment_n, mode, offset = fields
    name_at = at + _CENTRAL_BYTES
    extra_at = name_at + name_n
    following = extra_at + extra_n + comment_n
    if mark != _CENTRAL_MARK or following > len(data):
        return None
    if _FULL_32 in (packed, size, offset):
        wide = _wide_fields(bytes(data[extra_at : extra_at + extra_n]), size, packed, offset)
        if wide is None:
            return None
        size, packed, offset = wide
    name = bytes(data[name_at:extra_at])
    entry = Entry(name, method, flags, crc32, packed, size, base + offset, mode >> 16)
    return entry, following


def _wide_fields(extra: bytes, *narrow: int) -> tuple[int, int, int] | None:
    """Take the full ones of size, packed size and offset from the ZIP64 extra field.

    None if the field is too short, or a packed size or offset is still full.
    """
    fields = list(narrow)
    needed = [index for index, field in enumerate(fields) if field == _FULL_32]
    at = 0
    while len(extra) - at >= _EXTRA.size:
        tag, length = _EXTRA.unpack_from(extra, at)
        at += _EXTRA.size
        if length > len(extra) - at:
            break
        if tag == _ZIP64_EXTRA:
            block = extra[at : at + length]
            if len(block) < 8 * len(needed):
                return None
            for position, index in enumerate(needed):
                fields[index] = _UINT64.unpack_from(block, 8 * position)[0]
            needed = []
        at += length
    # A size of just 2^32-1 bytes is possible; the other two cannot be.
    return None if set(needed) - {0} else (fields[0], fields[1], fields[2])


def _placed(data: Buffer, entry: Entry) -> Placed:
    name, method, flags, crc32, packed_bytes, size_bytes, at, _ = entry
    name_at = at + _LOCAL_BYTES
    if not _LOCAL_BYTES <= name_at <= len(data):
        return Placed(entry, 0, 0, "its header lies outside the file")
    mark, method_, crc32_, packed_, size_, name_n, extra_n = _LOCAL.unpack_from(data, at)
    start = name_at + name_n + extra_n
    end = start + packed_bytes
    if mark != _LOCAL_MARK:
        return Placed(entry, 0, 0, "there is no header where the directory says")
    if end > len(data):
        return Placed(entry, 0, 0, "its data end outside the file")
    if flags & _ENCRYPTED:
        return Placed(entry, 0, 0, "is encrypted")
    if name_n != len(name) or bytes(data[name_at : name_at + name_n]) != name:
        return Placed(entry, 0, 0, "has another name in its own header")
    if method_ != method:
        return Placed(entry, 0, 0, "has another method in its own header")
    # A descriptor behind the data tells sum and sizes then; a full field stands for a ZIP64 one.
    if not (flags & HAS_DESCRIPTOR or entry.is_folder) and not (
        crc32_ == crc32 and packed_ in (packed_bytes, _FULL_32) and size_ in (size_bytes, _FULL_32)
    ):
        return Placed(entry, 0, 0, "has another sum or size in its own header")
    return Placed(entry, start, end, "")


def _damaged(what: str) -> IntegrityError:
    return IntegrityError(
        f"this is no readable zip file: {what}",
        hint="fetch it again; if that does not help, the upstream's copy is damaged",
    )
