"""`python -m bench.bareh1 FOLDER LIST`: the `h1:` sums of zips, and nothing else, in two processes.

The floor for what verifies: each zip that LIST names below FOLDER is mapped into memory, its files
are inflated (isal) and hashed (hashlib), biggest zips first. Nothing is checked on the way.

Spec: golang.org/x/mod/sumdb/dirhash Hash1.
"""

import base64
import hashlib
import mmap
import multiprocessing
import struct
import sys
from pathlib import Path

from isal import isal_zlib

PROCESSES = 2
END = struct.Struct("<4s4H2LH")
ENTRY = struct.Struct("<4s6H3L5H2L")
LOCAL = struct.Struct("<26x2H")


def main(folder: str, listed: str) -> None:
    """Print one line a zip: its sum and its name."""
    paths = [f"{folder}/{name}" for name in Path(listed).read_text().split()]
    paths.sort(key=lambda path: -Path(path).stat().st_size)
    with multiprocessing.Pool(PROCESSES) as pool:
        for line in pool.imap_unordered(h1_line, paths):
            print(line)


def h1_line(path: str) -> str:
    """The line for one zip; it runs in a process of the pool."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:  # noqa: PTH123
        return f"h1:{base64.b64encode(_h1(data)).decode()} {path}"


def _h1(data: mmap.mmap) -> bytes:
    """Hash the sorted lines of the files' hashes; ZIP64 is unknown to this floor."""
    end = data.rfind(b"PK\5\6")
    count, at = (END.unpack_from(data, end)[n] for n in (4, 6))
    view = memoryview(data)
    lines = []
    for _ in range(count):
        entry = ENTRY.unpack_from(data, at)
        method, packed, size, name_size = entry[4], *entry[8:11]
        name = data[at + 46 : at + 46 + name_size]
        at += 46 + name_size + entry[11] + entry[12]
        start = entry[16] + 30 + sum(LOCAL.unpack_from(data, entry[16]))
        body = view[start : start + packed]
        content = isal_zlib.decompress(body, -15, size or 1) if method else body
        lines.append((name, hashlib.sha256(content).hexdigest()))
        body.release()
        if not method:
            content.release()  # type: ignore[union-attr]
    view.release()
    lines.sort()
    text = b"".join(b"%s  %s\n" % (digest.encode(), name) for name, digest in lines)
    return hashlib.sha256(text).digest()


if __name__ == "__main__":
    main(*sys.argv[1:])
