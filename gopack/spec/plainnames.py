"""The module zip rules for all names of a zip at once: whether there is nothing to find.

Nearly every zip keeps every rule, and a look at each of its names takes as long as to hash a small
file. A few looks at all names together tell the same of plain ones: ASCII alone, no entries of
folders, no file above the limits of go.mod and LICENSE.

Rule kept: True only where modzip.check_zip finds nothing; False says nothing.

Spec: golang.org/x/mod/zip (CheckZip), golang.org/x/mod/module (CheckFilePath).
"""

import re
from collections.abc import Sequence

from gopack.spec.module import ModuleVersion
from gopack.spec.modzip import MAX_GO_MOD_BYTES, MAX_LICENSE_BYTES, MAX_ZIP_BYTES, check_module

_ALLOWED = b"-!#$%&()+,.=@[]^_{}~ 0123456789/\nABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
"""What a file path may have of ASCII, and what stands between two elements and two names."""
_BAD_PAIRS = (b"//", b"/\n", b"./", b".\n")
"""What ends an element that is empty or has a dot at its end, and a folder's entry."""
_RESERVED = re.compile(rb"/(?:con|prn|aux|nul|(?:com|lpt)[1-9])[./\n]")
_GO_MOD = b"go.mod"


def are_plain(
    module: ModuleVersion, zip_size_bytes: int, names: Sequence[bytes], sizes: Sequence[int]
) -> bool:
    """Whether these entries, each name with its size, are plain and break no rule.

    >>> module = ModuleVersion("example.com/m", "v1.0.0")
    >>> names = [b"example.com/m@v1.0.0/go.mod", b"example.com/m@v1.0.0/a.go"]
    >>> are_plain(module, 99, names, [9, 9])
    True
    >>> are_plain(module, 99, [b"example.com/m@v1.0.0/aux.go"], [9])
    False

    Raises:
        InputError: the module's path or version is not valid, or not canonical.
    """
    check_module(module)
    return (
        bool(names)
        and _are_within_limits(zip_size_bytes, sizes)
        and _are_good_paths(f"{module}/".encode(), names)
        and _are_apart(names)
    )


def _are_within_limits(zip_size_bytes: int, sizes: Sequence[int]) -> bool:
    return (
        zip_size_bytes <= MAX_ZIP_BYTES
        and sum(sizes) <= MAX_ZIP_BYTES
        and max(sizes) <= min(MAX_GO_MOD_BYTES, MAX_LICENSE_BYTES)
    )


def _are_good_paths(prefix: bytes, names: Sequence[bytes]) -> bool:
    # Whatever stands in order between two names with this prefix has it, too.
    if not (min(names).startswith(prefix) and max(names).startswith(prefix)):
        return False
    text = b"\n".join(names) + b"\n"
    if text.count(b"\n") != len(names) or text.translate(None, _ALLOWED):
        return False
    folded = text.lower()
    if any(pair in text for pair in _BAD_PAIRS) or _RESERVED.search(folded):
        return False
    go_mods = folded.count(b"/%b\n" % _GO_MOD)
    return not go_mods or (go_mods == 1 and prefix + _GO_MOD in names)


def _are_apart(names: Sequence[bytes]) -> bool:
    """Whether no two files, folders, or one of each are the same but for letter case."""
    folders: set[bytes] = set()
    above = set(names)
    while above := {name.rpartition(b"/")[0] for name in above} - folders:
        folders |= above
    folded_folders = {folder.lower() for folder in folders}
    folded_names = {name.lower() for name in names}
    return (
        len(folded_names) == len(names)
        and len(folded_folders) == len(folders)
        and folded_names.isdisjoint(folded_folders)
    )
