"""Which folder of a storage is what, by names alone: versions, aliases, and what is out of place.

Rules:
- A version's folder has a canonical version's name, `go.mod` and `<name>.info`, and perhaps
  `source.zip`; nothing else may lie in it, since Athens counts its files.
- An alias folder, of a branch or commit name, has `<name>.info` alone.
- A folder with a version's name that has neither is a leftover, unless it only holds folders.
- What is neither file nor folder (a link, a pipe, a device) belongs nowhere: a copy may lose it.
- A stray `.info` anywhere shows up in Athens' catalog; other stray files harm nobody.
- What is in a folder that cannot be read nobody knows. Beside the modules there may be one that is
  the system's (`lost+found`, at the root of a disk): no module's path begins with its name.

Spec: Athens pkg/storage/fs.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from gopack.errors import GopackError, InputError
from gopack.plan.checking import Finding, Weight
from gopack.plan.layout import (
    DISK_GO_MOD,
    DISK_ZIP,
    FileKind,
    athens_disk_folder,
    athens_disk_name,
    case_clashes,
    is_version_folder_name,
)
from gopack.spec.module import ModuleVersion, check, check_path


class Folder(NamedTuple):
    """One folder: its key below the root (empty for the root), and the names in it.

    `others` are links, whatever they lead to, pipes, devices and the like. `fault` is why the
    folder cannot be read.
    """

    key: str
    files: frozenset[str]
    folders: frozenset[str]
    others: frozenset[str] = frozenset()
    fault: GopackError | None = None


@dataclass(slots=True)
class Inventory:
    """What a storage consists of; `versions` tells which have a zip.

    `unread` are the keys of folders of which nobody knows what is in them.
    """

    versions: dict[ModuleVersion, bool] = field(default_factory=dict)
    aliases: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def may_hold(self, module: ModuleVersion) -> bool:
        """Tell whether a version may be in a folder that cannot be read."""
        folder = f"{athens_disk_folder(module)}/"
        return any(folder.startswith(f"{key}/") for key in self.unread)


def take_inventory(folders: Iterable[Folder]) -> Inventory:
    """Sort out all folders of a storage but gopack's own."""
    found = Inventory()
    for folder in folders:
        if folder.fault is not None:
            _take_unread(found, folder.key, folder.fault)
            continue
        path, _, name = folder.key.rpartition("/")
        found.findings += _out_of_place(folder)
        if path and is_version_folder_name(name):
            _take_version(found, ModuleVersion(path, name), folder)
        elif path and f"{name}.info" in folder.files:
            found.aliases.append(f"{folder.key}/{name}.info")
            _stray(found, folder, folder.files - {f"{name}.info"})
        else:
            _stray(found, folder, folder.files)
    found.findings += [_clash(one, other) for one, other in case_clashes(found.versions)]
    return found


def _take_unread(found: Inventory, key: str, fault: GopackError) -> None:
    try:
        check_path(key.partition("/")[0])
    except InputError:
        what = f"{fault.what}; it is no module's, and was passed by"
        found.findings.append(Finding(key, what, Weight.NOTE))
    else:
        found.unread.append(key)
        found.findings.append(Finding(key, fault.what, Weight.BROKEN, hint=fault.hint))


def _take_version(found: Inventory, module: ModuleVersion, folder: Folder) -> None:
    missing = sorted({DISK_GO_MOD, f"{module.version}.info"} - folder.files)
    if missing:
        if folder.files or not folder.folders:
            what = f"no whole version: {' and '.join(missing)} missing"
            found.findings.append(
                Finding(folder.key, what, Weight.BROKEN, module, aside=(folder.key,))
            )
        return
    found.versions[module] = DISK_ZIP in folder.files
    try:
        check(*module)
    except InputError as error:
        found.findings.append(Finding(folder.key, error.what, Weight.BROKEN, aside=(folder.key,)))
    known = {athens_disk_name(module.version, kind) for kind in FileKind}
    for name in sorted((folder.files - known) | folder.folders):
        key = f"{folder.key}/{name}"
        what = "stray: Athens counts the files of a version's folder"
        found.findings.append(Finding(key, what, Weight.BROKEN, aside=(key,)))


def _out_of_place(folder: Folder) -> Iterable[Finding]:
    for name in sorted(folder.others):
        key = f"{folder.key}/{name}" if folder.key else name
        yield Finding(
            key,
            "is a link, a pipe or a device: nobody looks behind it here, and a copy may lose it",
            Weight.BROKEN,
            hint="put the file or folder itself there",
            aside=(key,),
        )


def _stray(found: Inventory, folder: Folder, names: Iterable[str]) -> None:
    for name in sorted(names):
        key = f"{folder.key}/{name}" if folder.key else name
        if name.endswith(".info"):
            what = "stray: it shows up in Athens' catalog"
            found.findings.append(Finding(key, what, Weight.BROKEN, aside=(key,)))
        else:
            found.findings.append(Finding(key, "stray: no file of a version", Weight.NOTE))


def _clash(one: str, other: str) -> Finding:
    return Finding(
        one,
        f"would be one with {other} on a disk that ignores case",
        Weight.NOTE,
        hint="carry the storage as a tar file, or on a disk that tells upper from lower case",
    )
