"""The licence files in a module zip: found in its directory by name, without reading the rest."""

import contextlib
import mmap
import os
import re
import struct
import zlib
from pathlib import Path

from gopack.adapters.diskerrors import disk_errors
from gopack.plan.bundle import licence
from gopack.spec.module import ModuleVersion

MAX_FILES = 4
MAX_TEXT_BYTES = 256 << 10
_END = b"PK\5\6"
_ENTRY = b"PK\1\2"
_NAME_AT = 46  # bytes of a directory entry before its name; APPNOTE 4.3.12
_LOCAL_BYTES = 30  # APPNOTE 4.3.7
_RAW_DEFLATE = -15
_IN_ROOT = re.compile(b"/" + licence.NAME.pattern)


def licence_of(path: Path, module: ModuleVersion) -> str:
    """Name the licences in a zip's root; empty if none is there or recognised.

    Raises:
        StoreError: the file cannot be read.
    """
    with disk_errors("read the zip", path), path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            return ""
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            found: dict[str, None] = {}
            with contextlib.suppress(struct.error, zlib.error, ValueError):  # a help, no check
                for text in _texts(data, module):
                    found.update(dict.fromkeys(licence.identify(text).split(" AND ")))
            return " AND ".join(name for name in found if name)


def _texts(data: mmap.mmap, module: ModuleVersion) -> list[bytes]:
    end = data.rfind(_END)
    size, start = struct.unpack_from("<II", data, end + 12)
    directory = data[start : start + size] if start + size <= len(data) else b""
    root = f"{module}/".encode()
    texts: list[bytes] = []
    for match in _IN_ROOT.finditer(directory):
        start = match.start() + 1 - len(root)
        at = start - _NAME_AT
        if at < 0 or directory[at : at + 4] != _ENTRY or len(texts) == MAX_FILES:
            continue
        if directory[start : match.start() + 1] != root:
            continue
        name_bytes = struct.unpack_from("<H", directory, at + 28)[0]
        name = directory[match.start() + 1 : start + name_bytes]
        if licence.NAME.fullmatch(name):
            texts.append(_content(data, directory, at))
    return texts


def _content(data: mmap.mmap, directory: bytes, at: int) -> bytes:
    method, packed_bytes = struct.unpack_from("<H8xI", directory, at + 10)
    local = struct.unpack_from("<I", directory, at + 42)[0]
    name_bytes, extra_bytes = struct.unpack_from("<HH", data, local + 26)
    start = local + _LOCAL_BYTES + name_bytes + extra_bytes
    packed = data[start : start + min(packed_bytes, MAX_TEXT_BYTES)]
    if method == 0:
        return packed
    return zlib.decompressobj(_RAW_DEFLATE).decompress(packed, MAX_TEXT_BYTES)
