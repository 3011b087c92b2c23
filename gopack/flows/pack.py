"""Packing one module: its tree becomes a zip, and the zip a version."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from gopack.flows.byhand import HandMade
from gopack.plan.packing import (
    PACKED_HERE,
    Listing,
    Packing,
    WrittenZip,
    go_version,
    mod_file,
    plan_packing,
)
from gopack.ports import FetchedZip
from gopack.spec.info import Origin, format_info
from gopack.spec.module import ModuleVersion
from gopack.spec.modzip import SourceFile, new_vendor_rule


class Tree(Protocol):
    """The files that may be packed; opened from several threads."""

    def listing(self, *, new_vendor_rule: bool) -> Listing:
        """List every file, what is left out already, and what cannot be read."""

    def open(self, path: str) -> BinaryIO:
        """Open a listed file; OSError if that fails."""


WriteZip = Callable[[Path, ModuleVersion, Sequence[SourceFile], Tree], WrittenZip]
"""Writes a new zip at a path; PackError where files cannot be read, StoreError where the disk
refuses; nothing is left there then."""


@dataclass(frozen=True, slots=True)
class PackTask:
    """What is to be packed: see pack.

    `time` is the commit's, None where no commit is known: then it is the newest file's. `how` is
    for the manifest.
    """

    module: ModuleVersion
    go_mod: bytes | None
    tree: Tree
    how: str
    time: datetime | None = None
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class Packed:
    """A packed version, its zip in its place in the staging folder, and what went into it."""

    version: HandMade
    packing: Packing


def pack(task: PackTask, staged: Path, write: WriteZip) -> Packed:
    """Pack a module's tree into a new file at `staged`; nothing is left there after a failure.

    Raises:
        PackError: with everything that is wrong with the tree.
        StoreError: the tree cannot be read, or the disk refuses.
    """
    said = go_version(task.go_mod)
    listing = task.tree.listing(new_vendor_rule=new_vendor_rule(said))
    packing = plan_packing(task.module, listing, go_version=said)
    written = write(staged, task.module, packing.files, task.tree)
    time = task.time or _whole_second(listing.newest_ns)
    version = HandMade(
        module=task.module,
        info=format_info(task.module.version, time, task.origin),
        mod=mod_file(task.module.path, task.go_mod),
        zip=FetchedZip(staged, written.size_bytes, written.sha256, written.h1),
        verified=PACKED_HERE,
        how=task.how,
    )
    return Packed(version, packing)


def _whole_second(time_ns: int) -> datetime:
    return datetime.fromtimestamp(time_ns // 1_000_000_000, UTC)
