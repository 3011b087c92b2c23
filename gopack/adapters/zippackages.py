"""Reading the packages of a module out of its zip: what they are, and what they import.

Only the heads of Go files are inflated: a prefix first, the whole file where that is too short.
What they import of the standard library is left out: nobody looks for it.
The zip was checked before; what cannot be read now counts as a file that go cannot parse.
"""

import threading
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from gopack.adapters.zips import map_zip, read_head
from gopack.plan.survey import ALL, Contents
from gopack.spec.imports import SourceFile, read_source
from gopack.spec.module import ModuleVersion
from gopack.spec.packages import import_path_of, list_packages, needs_module, source_names
from gopack.spec.ziparchive import (
    Directory,
    Placed,
    entry_at,
    place,
    read_directory,
    record_offsets,
)

HEAD_BYTES = 4 << 10
"""Imports end before this in 99 of 100 files (measured); the others are read whole."""

_TELLING = (b".go", b"/go.mod")
"""The ends of the names that packages and other modules' folders are told by."""

REMEMBERED = 12
"""Directories that a process keeps, since a survey comes back to the same zip several times."""


_READING = threading.Lock()
"""One zip a process is looked into at a time: what there is in a big one takes some MB."""


@dataclass(frozen=True, slots=True)
class _Index:
    """Where the records of a zip's Go files are, by package; its directory without entries."""

    data: memoryview
    directory: Directory
    by_package: Mapping[str, Sequence[int]]


def read_packages(path: Path, module: ModuleVersion, wanted: frozenset[str]) -> Contents:
    """Read packages of a checked module zip by import path; `survey.ALL` reads every one.

    Raises:
        IntegrityError: it is no zip.
        StoreError: it cannot be read.
    """
    with _READING:
        return _read(_index(path, module), module, wanted)


def _read(index: _Index, module: ModuleVersion, wanted: frozenset[str]) -> Contents:
    data, groups = index.data, index.by_package
    offsets = [at for p, group in groups.items() if wanted == ALL or p in wanted for at in group]
    entries = [entry_at(data, index.directory, at) for at in offsets]
    chosen = index.directory._replace(entries=entries)
    skipped = len(f"{module}/".encode())
    sources = {
        _text(placed.entry.name[skipped:]): _read_source(data, placed)
        for placed in place(data, chosen)
    }
    return Contents(frozenset(groups), list_packages(module.path, sources, keep=needs_module))


@lru_cache(maxsize=REMEMBERED)
def _index(path: Path, module: ModuleVersion) -> _Index:
    data = map_zip(path)
    directory = read_directory(data)
    skipped = len(f"{module}/".encode())
    offsets = {
        _text(entry.name[skipped:]): at
        for entry, at in zip(directory.entries, record_offsets(data, directory), strict=True)
        if entry.name.endswith(_TELLING)
    }
    by_package: dict[str, array[int]] = {}
    for name in source_names(offsets):
        found = by_package.setdefault(import_path_of(module.path, name), array("Q"))
        found.append(offsets[name])
    return _Index(data, directory._replace(entries=[]), by_package)


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def _read_source(data: memoryview, placed: Placed) -> SourceFile:
    size = placed.entry.size_bytes
    source = read_source(read_head(data, placed, HEAD_BYTES), whole=size <= HEAD_BYTES)
    if source is None:
        source = read_source(read_head(data, placed, size))
    assert source is not None  # a whole file is always enough
    return source
