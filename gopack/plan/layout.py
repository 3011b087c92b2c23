"""Layouts: where each file of a version lies, as keys relative to a root, and back.

A key is a `/`-separated relative path. Each layout is a pair of pure functions, so that a layout
times a store costs N + M files and not N x M. The inverse gives None for a key that is no file of
a version; it never guesses.

Spec: Athens pkg/storage/fs (disk) and pkg/config.PackageVersionedName (S3, MinIO, GCS);
go.dev/ref/mod#goproxy-protocol (the escaped tree).
"""

import re
from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

from gopack.errors import InputError
from gopack.spec.module import (
    ModuleVersion,
    escape_path,
    escape_version,
    unescape_path,
    unescape_version,
)

OWN_FOLDER = ".gopack"
"""gopack's own files lie here, below the root. No module path has an element that starts with a
dot (x/mod module.CheckPath), so it can hide no module."""
ASIDE = "aside"
"""The folder in there where repairs put what is spoilt or belongs nowhere."""
STAGING = "staging"
"""The folder in there where versions are put together before they appear."""
KEPT_PACKAGES = "cache/packages.sqlite"
"""The file in there that keeps what packages of stored zips import."""

DISK_GO_MOD = "go.mod"
DISK_ZIP = "source.zip"

_VERSION_FOLDER = re.compile(
    r"v(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)){2}(?:-[0-9A-Za-z.-]+)?(?:\+incompatible)?", re.ASCII
)


class FileKind(Enum):
    """The three files of a version; the value is its extension in the GOPROXY protocol."""

    INFO = "info"
    MOD = "mod"
    ZIP = "zip"


class StoredFile(NamedTuple):
    """What a key stands for: one file of one version."""

    module: ModuleVersion
    kind: FileKind


def is_version_folder_name(name: str) -> bool:
    """Tell whether a folder may hold a version: its name has a canonical version's shape.

    >>> is_version_folder_name("v2.0.0+incompatible"), is_version_folder_name("v2")
    (True, False)
    """
    return _VERSION_FOLDER.fullmatch(name) is not None


def athens_disk_folder(module: ModuleVersion) -> str:
    """Give the folder of a version in Athens' disk storage: the real letter case, not escaped.

    >>> athens_disk_folder(ModuleVersion("github.com/BurntSushi/toml", "v1.3.2"))
    'github.com/BurntSushi/toml/v1.3.2'
    """
    return f"{module.path}/{module.version}"


def athens_disk_name(version: str, kind: FileKind) -> str:
    """Give the name of one file in a version's folder of Athens' disk storage."""
    if kind is FileKind.INFO:
        return f"{version}.info"
    return DISK_GO_MOD if kind is FileKind.MOD else DISK_ZIP


def athens_disk_key(module: ModuleVersion, kind: FileKind) -> str:
    """Give the key of one file in Athens' disk storage.

    >>> athens_disk_key(ModuleVersion("rsc.io/quote", "v1.5.2"), FileKind.INFO)
    'rsc.io/quote/v1.5.2/v1.5.2.info'
    """
    return f"{athens_disk_folder(module)}/{athens_disk_name(module.version, kind)}"


def parse_athens_disk_key(key: str) -> StoredFile | None:
    """Tell which file of which version a key of Athens' disk storage is; None if it is none."""
    folder, _, name = key.rpartition("/")
    path, _, version = folder.rpartition("/")
    if not _is_module_key(path) or not is_version_folder_name(version):
        return None
    for kind in FileKind:
        if name == athens_disk_name(version, kind):
            return StoredFile(ModuleVersion(path, version), kind)
    return None


def athens_s3_key(module: ModuleVersion, kind: FileKind) -> str:
    """Give the key of one file in Athens' object storages: unescaped, below `@v`.

    >>> athens_s3_key(ModuleVersion("github.com/BurntSushi/toml", "v1.3.2"), FileKind.ZIP)
    'github.com/BurntSushi/toml/@v/v1.3.2.zip'
    """
    return f"{module.path}/@v/{module.version}.{kind.value}"


def parse_athens_s3_key(key: str) -> StoredFile | None:
    """Tell which file of which version a key of Athens' object storages is; None if none."""
    path, _, name = key.rpartition("/@v/")
    version, _, extension = name.rpartition(".")
    if not _is_module_key(path) or not is_version_folder_name(version):
        return None
    for kind in FileKind:
        if extension == kind.value:
            return StoredFile(ModuleVersion(path, version), kind)
    return None


def goproxy_key(module: ModuleVersion, kind: FileKind) -> str:
    """Give the key of one file in a GOPROXY file tree: both path and version escaped.

    >>> goproxy_key(ModuleVersion("github.com/BurntSushi/toml", "v1.3.2"), FileKind.MOD)
    'github.com/!burnt!sushi/toml/@v/v1.3.2.mod'

    Raises:
        InputError: the path or version is not valid, so that it has no escaped form.

    """
    path, version = escape_path(module.path), escape_version(module.version)
    return f"{path}/@v/{version}.{kind.value}"


def parse_goproxy_key(key: str) -> StoredFile | None:
    """Tell which file of which version a key of a GOPROXY file tree is; None if none."""
    path, _, name = key.rpartition("/@v/")
    version, _, extension = name.rpartition(".")
    try:
        module = ModuleVersion(unescape_path(path), unescape_version(version))
    except InputError:
        return None
    for kind in FileKind:
        if extension == kind.value and is_version_folder_name(module.version):
            return StoredFile(module, kind)
    return None


def case_clashes(modules: Iterable[ModuleVersion]) -> list[tuple[str, str]]:
    """List the pairs of paths that would be one file on a case-insensitive disk.

    Every folder on the way counts: `a.b/Foo/x` and `a.b/foo/y` clash at `a.b/Foo`, since the disk
    would keep only one of the two spellings. The pairs are sorted, each once.

    >>> one, two = ModuleVersion("a.b/Foo", "v1.0.0"), ModuleVersion("a.b/foo", "v1.0.0")
    >>> case_clashes([one, two])
    [('a.b/Foo', 'a.b/foo')]
    """
    spelled: dict[str, str] = {}
    clashes: set[tuple[str, str]] = set()
    for module in modules:
        elements = athens_disk_folder(module).split("/")
        for end in range(1, len(elements) + 1):
            prefix = "/".join(elements[:end])
            first = spelled.setdefault(prefix.casefold(), prefix)
            if first != prefix:
                low, high = sorted((first, prefix))
                clashes.add((low, high))
                break
    return sorted(clashes)


def _is_module_key(path: str) -> bool:
    """Refuse what is certainly no module path: empty, absolute, or with a dot-led element."""
    return bool(path) and all(e and not e.startswith(".") for e in path.split("/"))
