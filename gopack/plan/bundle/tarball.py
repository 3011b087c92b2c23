"""The tar form of a bundle: pax, every header the same for the same name and size.

Rules:
- Only plain files: no links, devices, folders or sparse files, and no names that leave the folder
  they are unpacked in.
- Times are the epoch, owner 0, mode 0644: the bytes depend on names and contents alone.
- After the last file come two blocks of zeros, and nothing more.

Spec: POSIX pax interchange format (pax, section EXTENDED DESCRIPTION).
"""

import tarfile

from gopack.errors import IntegrityError

BLOCK = 512
END = bytes(2 * BLOCK)
MODE = 0o644
MAX_NAME_BYTES = 4096
_NAME_BYTES = 100
_MAX_USTAR_SIZE = (8 << 30) - 1
_KINDS = {
    tarfile.LNKTYPE: "a hard link",
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.CHRTYPE: "a character device",
    tarfile.BLKTYPE: "a block device",
    tarfile.DIRTYPE: "a folder",
    tarfile.FIFOTYPE: "a named pipe",
    tarfile.GNUTYPE_SPARSE: "a sparse file",
}


def header(name: str, size_bytes: int) -> bytes:
    """Give all the header blocks of a file.

    >>> len(header("modules/a.b/@v/v1.0.0.zip", 5)), len(header("a/" * 200 + "b", 5))
    (512, 1536)
    """
    raw = name.encode("utf-8", "surrogateescape")
    records = b""
    if len(raw) > _NAME_BYTES:
        records += _record(b"path", raw)
    if size_bytes > _MAX_USTAR_SIZE:
        records += _record(b"size", b"%d" % size_bytes)
    if not records:
        return _block(raw, size_bytes, b"0")
    pax = _block(b"././@PaxHeader", len(records), b"x")
    shown = size_bytes if size_bytes <= _MAX_USTAR_SIZE else 0
    return pax + records + padding(len(records)) + _block(raw[:_NAME_BYTES], shown, b"0")


def _record(key: bytes, value: bytes) -> bytes:
    """Give a pax record, whose length counts itself."""
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    length = rest + len(str(length))
    return b"%d %b=%b\n" % (length, key, value)


def _block(name: bytes, size_bytes: int, kind: bytes) -> bytes:
    start = name.ljust(_NAME_BYTES, b"\0") + b"%07o\0" % MODE + b"0000000\0" * 2
    start += b"%011o\0" % size_bytes + b"00000000000\0"
    end = kind + bytes(100) + b"ustar\x0000" + bytes(64) + b"0000000\0" * 2 + bytes(155 + 12)
    checksum = sum(start) + sum(b" " * 8) + sum(end)
    return start + b"%06o\0 " % checksum + end


def padding(size_bytes: int) -> bytes:
    """Give the zeros that follow a file's bytes."""
    return bytes(-size_bytes % BLOCK)


def span(name: str, size_bytes: int) -> int:
    """Count the bytes that a file takes in the archive."""
    return len(header(name, size_bytes)) + size_bytes + len(padding(size_bytes))


def pax_bytes(block: bytes, *, where: str) -> int | None:
    """Tell how many bytes of pax records follow this header block; None if it is a file's own.

    Raises:
        IntegrityError: the block is no header.
    """
    info = _parse(block, where)
    return info.size if info.type == tarfile.XHDTYPE else None


def check_file(block: bytes, *, where: str) -> tuple[str, int]:
    """Read a file's own header block; give its name and size, as far as the block holds them.

    Raises:
        IntegrityError: it is no header, or not a plain file's.
    """
    info = _parse(block, where)
    if info.type not in {tarfile.REGTYPE, tarfile.AREGTYPE}:
        kind = _KINDS.get(info.type, f"of type {info.type!r}")
        raise _refusal(f"{info.name!r} is {kind}, and a bundle holds plain files only", where)
    check_name(info.name, where=where)
    return info.name, info.size


def check_name(name: str, *, where: str) -> None:
    """Check that a name stays below the folder it is unpacked in.

    Raises:
        IntegrityError: it does not.
    """
    elements = name.split("/")
    is_odd = "\\" in name or len(name) > MAX_NAME_BYTES
    is_odd = is_odd or any(ord(c) < 32 or 0xD800 <= ord(c) < 0xE000 for c in name)
    if is_odd or not all(elements) or {".", ".."} & set(elements):
        raise _refusal(f"the name {name!r} leaves the folder it is unpacked in", where)


def _parse(block: bytes, where: str) -> tarfile.TarInfo:
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError as error:
        raise _refusal(f"no tar header where one must be ({error})", where) from error


def _refusal(what: str, where: str) -> IntegrityError:
    return IntegrityError(
        what,
        where=where,
        hint="the bundle is damaged or forged: carry it across again; nothing was imported",
    )
