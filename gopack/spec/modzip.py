"""The rules that module zips obey: names, letter case, places of go.mod, sizes.

Rules kept:
- Every name starts with `path@version/`; what follows is a clean, relative, valid file path.
- No two names are equal but for letter case, none twice, none both file and folder.
- go.mod lies in the root or nowhere, and is written in small letters.
- The zip, and all files together unpacked, are 500 MiB at most; go.mod and LICENSE 16 MiB each.
- On packing, nested modules, vendored packages, links and irregular files are left out.
File modes and times in a zip mean nothing: the go command unpacks a link as a text file.

Spec: golang.org/x/mod/zip (package comment, CheckFiles, CheckZip).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from gopack.errors import InputError
from gopack.spec import gover
from gopack.spec.fold import folded
from gopack.spec.module import ModuleVersion, canonical_version, check, check_file_path

MAX_ZIP_BYTES = 500 << 20
"""x/mod zip.MaxZipFile: the zip itself, and everything in it unpacked."""
MAX_GO_MOD_BYTES = 16 << 20
"""x/mod zip.MaxGoMod."""
MAX_LICENSE_BYTES = 16 << 20
"""x/mod zip.MaxLICENSE."""

_VENDOR_RULE_CHANGED = "1.24"
"""The go version in go.mod from which vendored packages are told as x/mod does since Go 1.24."""


class FileKind(Enum):
    """What a file on disk is; only FILE is packed."""

    FILE = "file"
    FOLDER = "folder"
    SYMLINK = "symlink"
    OTHER = "other"


class SourceFile(NamedTuple):
    """A file that may be packed: its path below the module's root, with slashes."""

    path: str
    size_bytes: int
    kind: FileKind = FileKind.FILE


class ZipName(NamedTuple):
    """An entry of a zip, as far as the rules look at it."""

    name: str
    size_bytes: int


class Finding(NamedTuple):
    """A file and why it is left out or refused."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@dataclass(frozen=True, slots=True)
class CheckedFiles:
    """What the rules say of a set of files, in the order they came in.

    Source: x/mod zip.CheckedFiles. `size_error` is empty where the sizes are within the limits.
    """

    valid: Sequence[str] = ()
    omitted: Sequence[Finding] = ()
    invalid: Sequence[Finding] = ()
    size_error: str = ""

    @property
    def is_ok(self) -> bool:
        """Whether the files may be, or are, a module zip."""
        return not self.size_error and not self.invalid


def check_files(files: Sequence[SourceFile], *, go_version: str = "") -> CheckedFiles:
    """Sort the files below a module's root into those a zip takes, leaves out, and must not have.

    Every path lands in one of the three. `go_version` is what the root's go.mod says behind `go`,
    empty if nothing.

    >>> checked = check_files([SourceFile("a.go", 9), SourceFile("vendor/b/b.go", 9)])
    >>> checked.valid, [str(finding) for finding in checked.omitted]
    (['a.go'], ['vendor/b/b.go: is in a vendor folder'])

    Source: x/mod zip.CheckFiles.
    """
    nested = _nested_modules(files)
    is_new_rule = new_vendor_rule(go_version)
    collisions, sizes = _Collisions(), _Sizes()
    valid: list[str] = []
    omitted: dict[str, str] = {}
    invalid: dict[str, str] = {}
    for file in files:
        path = file.path
        why = "" if _is_clean(path) else "is not a clean path"
        why = why or ("is not a relative path" if path.startswith("/") else "")
        left_out = "" if why else _left_out(path, nested, is_new_rule=is_new_rule)
        if not why and not left_out:
            why = _packed_name_fault(file, collisions)
        if not why and not left_out:
            left_out = _KIND_REASONS.get(file.kind, "")
        if not why and not left_out:
            why = sizes.fault(path, file.size_bytes)
            if not why:
                valid.append(path)
        if path not in omitted and path not in invalid:
            if left_out:
                omitted[path] = left_out
            elif why:
                invalid[path] = why
    return CheckedFiles(valid, _findings(omitted), _findings(invalid), sizes.error)


def check_zip(
    module: ModuleVersion, zip_size_bytes: int, entries: Iterable[ZipName]
) -> CheckedFiles:
    """Check the entries of a zip that is to be this module's; nothing is unpacked for it.

    Names that are not UTF-8 come in with `surrogateescape` and are refused.

    Raises:
        InputError: the module's path or version is not valid, or not canonical.

    Source: x/mod zip.CheckZip.
    """
    check_module(module)
    if zip_size_bytes > MAX_ZIP_BYTES:
        return CheckedFiles(
            size_error=f"the zip has {zip_size_bytes} bytes, {MAX_ZIP_BYTES} are allowed"
        )
    prefix = f"{module}/"
    names, sizes = _Names(), _Sizes()
    valid: list[str] = []
    invalid: list[Finding] = []
    for entry_name, size_bytes in entries:
        if not entry_name.startswith(prefix):
            invalid.append(Finding(entry_name, f"does not start with {prefix}"))
            continue
        name = entry_name[len(prefix) :]
        if not name:
            continue
        is_folder = name[-1] == "/"
        name = name[:-1] if is_folder else name
        why = names.fault(name, is_folder=is_folder)
        if not why and not is_folder:
            why = _go_mod_fault(name) or sizes.fault(name, size_bytes)
            if not why:
                valid.append(entry_name)
        if why:
            invalid.append(Finding(entry_name, why))
    return CheckedFiles(valid, (), invalid, sizes.error)


_KIND_REASONS = {
    FileKind.FOLDER: "is not a regular file",
    FileKind.SYMLINK: "is a symbolic link",
    FileKind.OTHER: "is not a regular file",
}


class _Collisions:
    """The names so far, by what a case-insensitive disk makes of them."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[str, bool]] = {}
        self._good_folders = {""}

    def fault(self, path: str, *, is_folder: bool) -> str:
        """Say why this path cannot be beside those before it; empty if it can."""
        why = self._fault_of_one(path, is_folder=is_folder)
        walked = []
        folder = path.rpartition("/")[0]
        while not why and folder not in self._good_folders:
            why = self._fault_of_one(folder, is_folder=True)
            walked.append(folder)
            folder = folder.rpartition("/")[0]
        if not why:
            self._good_folders.update(walked)
        return why

    def _fault_of_one(self, path: str, *, is_folder: bool) -> str:
        key = folded(path)
        other = self._seen.get(key)
        if other is None:
            self._seen[key] = (path, is_folder)
            return ""
        if other[0] != path:
            return f"differs from {other[0]} in letter case alone"
        if other[1] is not is_folder:
            return f"{path} is a file and a folder at once"
        return "" if is_folder else "is there more than once"


class _Names(_Collisions):
    """The names so far, each valid on its own too; nearly all lie in a folder that is known."""

    def fault(self, path: str, *, is_folder: bool) -> str:
        """Say why this path is no valid name, or cannot be beside those before it."""
        folder, slash, base = path.rpartition("/")
        # A path is good exactly if its elements are: where the folder is, the last one is left.
        if folder in self._good_folders and bool(slash) is bool(folder):
            return _name_fault(base) or self._fault_of_one(path, is_folder=is_folder)
        return _name_fault(path) or super().fault(path, is_folder=is_folder)


class _Sizes:
    """Counts bytes up to the limits."""

    def __init__(self) -> None:
        self._left = MAX_ZIP_BYTES
        self.error = ""

    def fault(self, path: str, size_bytes: int) -> str:
        """Count a file; say why it is too large on its own account, empty if it is not."""
        if 0 <= size_bytes <= self._left:
            self._left -= size_bytes
        else:
            self.error = f"the files have more than {MAX_ZIP_BYTES} bytes unpacked"
        if path == "go.mod" and size_bytes > MAX_GO_MOD_BYTES:
            return f"has {size_bytes} bytes, {MAX_GO_MOD_BYTES} are allowed"
        if path == "LICENSE" and size_bytes > MAX_LICENSE_BYTES:
            return f"has {size_bytes} bytes, {MAX_LICENSE_BYTES} are allowed"
        return ""


def check_module(module: ModuleVersion) -> None:
    """Check that a zip can be this module's at all.

    Raises:
        InputError: the path or the version is not valid, or the version not canonical.
    """
    if canonical_version(module.version) != module.version or not module.version:
        raise InputError("the version is not canonical", where=str(module))
    check(module.path, module.version)


def _findings(reasons: dict[str, str]) -> list[Finding]:
    return [Finding(path, reason) for path, reason in reasons.items()]


def _nested_modules(files: Iterable[SourceFile]) -> set[str]:
    """The folders, with a slash behind, that hold a go.mod in any letter case; not the root."""
    found = set()
    for file in files:
        folder, slash, base = file.path.rpartition("/")
        if folded(base) == "go.mod" and file.kind is FileKind.FILE:
            found.add(folder + slash)
    return found - {""}


def _left_out(path: str, nested: set[str], *, is_new_rule: bool) -> str:
    if is_vendored(path, new_rule=is_new_rule):
        return "is in a vendor folder"
    end = len(path)
    while (end := path.rfind("/", 0, end)) >= 0:
        if path[: end + 1] in nested:
            return f"is in another module, {path[:end]}"
    return "is made by hg archive" if path == ".hg_archival.txt" else ""


def new_vendor_rule(go_version: str) -> bool:
    """Whether a go.mod that says this behind `go` tells vendored packages as Go 1.24 does.

    >>> new_vendor_rule("1.24rc1"), new_vendor_rule("1.23.4"), new_vendor_rule("")
    (True, False, False)
    """
    return gover.compare(gover.lang(go_version), _VENDOR_RULE_CHANGED) >= 0


def is_vendored(path: str, *, new_rule: bool) -> bool:
    """Whether x/mod takes this file for a vendored package's; `new_rule` as new_vendor_rule tells.

    The old rule counts from the wrong place below a nested `vendor` folder; sums of old modules
    depend on it (go.dev/issue/37397).
    """
    if new_rule and path == "vendor/modules.txt":
        return True
    if path.startswith("vendor/"):
        start = len("vendor/")
    elif (found := path.find("/vendor/")) >= 0:
        start = len("/vendor/") + (found if new_rule else 0)
    else:
        return False
    return "/" in path[start:]


def _packed_name_fault(file: SourceFile, collisions: _Collisions) -> str:
    why = _name_fault(file.path)
    if not why and file.path != "go.mod" and folded(file.path) == "go.mod":
        why = "must be written go.mod"
    return why or collisions.fault(file.path, is_folder=file.kind is FileKind.FOLDER)


def _go_mod_fault(name: str) -> str:
    if name[-len("go.mod") :].lower() != "go.mod":  # no other letters fold to these
        return ""
    if folded(name.rpartition("/")[2]) != "go.mod" or name == "go.mod":
        return ""
    return "is a go.mod outside the root" if "/" in name else "must be written go.mod"


@lru_cache(maxsize=1 << 13)  # the same few base names are in most folders
def _name_fault(path: str) -> str:
    try:
        check_file_path(path)
    except InputError as error:
        return error.what
    return ""


def _is_clean(path: str) -> bool:
    """Whether Go's path.Clean leaves the path as it is."""
    if path in {".", "/"}:
        return True
    is_absolute = path.startswith("/")
    elements = path[1:].split("/") if is_absolute else path.split("/")
    while not is_absolute and elements and elements[0] == "..":
        elements.pop(0)
    return not {"", ".", ".."} & set(elements)
