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
from gopack.spec.runes import shown

MAX_NAMED = 8
"""As many files does a warning name."""


class Tree(Protocol):
    """The files that may be packed; opened from several threads."""

    def listing(self, *, new_vendor_rule: bool) -> Listing:
        """List every file, what is left out already, and what cannot be read."""

    def open(self, path: str) -> BinaryIO:
        """Open a listed file; OSError if that fails."""


class Commit(Protocol):
    """The commit that a folder in a checkout should be."""

    def differing(self, files: Sequence[SourceFile], *, go_version: str) -> Sequence[str]:
        """Tell the packed files that are not the commit's, and its files that are not packed."""


WriteZip = Callable[[Path, ModuleVersion, Sequence[SourceFile], Tree], WrittenZip]
"""Writes a new zip at a path; PackError where files cannot be read, StoreError where the disk
refuses; nothing is left there then."""


@dataclass(frozen=True, slots=True)
class PackTask:
    """What is to be packed: see pack.

    `time` is the commit's, None where no commit is known: then it is the newest file's. `how` is
    for the manifest. Where `commit` is given, what was packed is compared with it: if it differs,
    the info names no origin, and the manifest says `how_else`.
    """

    module: ModuleVersion
    go_mod: bytes | None
    tree: Tree
    how: str
    time: datetime | None = None
    origin: Origin | None = None
    commit: Commit | None = None
    how_else: str = ""


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
    other = task.commit.differing(packing.files, go_version=said) if task.commit else ()
    version = HandMade(
        module=task.module,
        info=format_info(task.module.version, time, None if other else task.origin),
        mod=mod_file(task.module.path, task.go_mod),
        zip=FetchedZip(staged, written.size_bytes, written.sha256, written.h1),
        verified=PACKED_HERE,
        how=task.how_else if other else task.how,
        notes=_of_no_commit(other),
    )
    return Packed(version, packing)


def _of_no_commit(differing: Sequence[str]) -> tuple[str, ...]:
    if not differing:
        return ()
    named = ", ".join(map(shown, differing[:MAX_NAMED]))
    more = f" and {len(differing) - MAX_NAMED} more" if len(differing) > MAX_NAMED else ""
    return (
        f"the folder is packed as it is, and differs from its commit in {named}{more}: "
        "the info names no commit (--git HEAD packs the commit)",
    )


def _whole_second(time_ns: int) -> datetime:
    return datetime.fromtimestamp(time_ns // 1_000_000_000, UTC)
