"""Finding the versions in a GOPROXY file tree, or in the go command's module cache."""

import os
from collections.abc import Iterator
from pathlib import Path

from gopack.adapters.diskerrors import disk_errors
from gopack.plan.layout import FileKind, goproxy_key, parse_goproxy_key
from gopack.spec.module import ModuleVersion

ZIP_HASH = ".ziphash"
"""Beside a zip in the module cache: its `h1:` sum, as the go command computed it."""


def download_cache(folder: Path) -> Path:
    """Give the proxy tree in a module cache: `cache/download` in it, or the folder itself."""
    inside = folder / "cache" / "download"
    return inside if inside.is_dir() else folder


def versions_in(root: Path) -> dict[ModuleVersion, set[FileKind]]:
    """Find every version below a tree's root, and which of its files are there.

    Raises:
        StoreError: a folder cannot be read.
    """
    found: dict[ModuleVersion, set[FileKind]] = {}
    for key in _keys(root):
        stored = parse_goproxy_key(key)
        if stored is not None:
            found.setdefault(stored.module, set()).add(stored.kind)
    return found


def _keys(root: Path) -> Iterator[str]:
    with disk_errors("read the module tree", root):
        for folder, folders, files in os.walk(root, onerror=_raise):
            folders.sort()
            if os.path.basename(folder) != "@v":  # noqa: PTH119 - one of very many
                continue
            relative = os.path.relpath(folder, root).replace(os.sep, "/")
            for name in sorted(files):
                yield f"{relative}/{name}"


def zip_hash(root: Path, module: ModuleVersion) -> str:
    """Read the sum that a module cache has of a zip; empty if it has none."""
    path = root / goproxy_key(module, FileKind.ZIP)
    beside = path.with_suffix(ZIP_HASH)
    with disk_errors("read the module cache", beside):
        return beside.read_text().strip() if beside.is_file() else ""


def _raise(error: OSError) -> None:
    raise error
