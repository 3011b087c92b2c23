"""The layouts of a storage by name, and which of them lies there.

A storage has one layout: of versions in two of them each server shows a part. Nothing records
which, since what lies there tells: a recorded version's files, and in a GOPROXY tree the lists,
without which its keys are those of Athens' object storages wherever no letter is a capital.
"""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from gopack.adapters.diskerrors import disk_errors
from gopack.adapters.keyedtree import ATHENS_S3, GOPROXY, Layout
from gopack.errors import InputError
from gopack.plan.layout import FileKind, athens_disk_key
from gopack.spec.module import ModuleVersion, escape_path

ATHENS = "athens"
"""Athens' disk layout, which is a DiskStore's."""
KEYED: Mapping[str, Layout] = {"goproxy": GOPROXY, "athens-s3": ATHENS_S3}
"""Layouts of one file a key, by name."""


def refuse_other_layout(root: Path, name: str, recorded: Collection[ModuleVersion]) -> None:
    """Refuse a layout in which none of the recorded versions lies, if they lie in another one.

    Raises:
        InputError: naming that one.
        StoreError: the disk cannot be read.
    """
    with disk_errors("look into the storage", root):
        if _lies_in(root, name, recorded):
            return
        found = [other for other in (ATHENS, *KEYED) if _lies_in(root, other, recorded)]
    if found:
        raise InputError(
            f"the versions here lie in the layout {found[0]}, not {name}",
            where=str(root),
            hint=f"give --layout {found[0]}, or another --storage: each layout has its own",
        )


def _lies_in(root: Path, name: str, recorded: Collection[ModuleVersion]) -> bool:
    if name == ATHENS:
        return _has_some(root, athens_disk_key, recorded)
    layout = KEYED[name]
    has_lists = any((root / escape_path(one.path) / "@v/list").is_file() for one in recorded)
    return has_lists is layout.has_lists and _has_some(root, layout.key, recorded)


def _has_some(
    root: Path,
    key: Callable[[ModuleVersion, FileKind], str],
    recorded: Collection[ModuleVersion],
) -> bool:
    return any((root / key(one, FileKind.MOD)).is_file() for one in recorded)
