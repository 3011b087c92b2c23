"""A folder that is going to be packed: what lies in it, and the bytes of its files.

Rules kept:
- Names come in the order that Go's filepath.Walk has: by bytes, a folder's content at its place.
- Version control folders, nested modules and everything that is no regular file are left out, and
  nothing is followed: a link is a link even if it changed since it was listed.
- A folder that cannot be read is a finding; the rest is still listed.

Spec: golang.org/x/mod/zip (listFilesInDir).
"""

import os
import stat
from collections.abc import Iterator, Set
from pathlib import Path
from typing import BinaryIO

from gopack.adapters.diskerrors import disk_errors
from gopack.plan.packing import Listing, is_reached
from gopack.spec.modzip import FileKind, Finding, SourceFile, is_vendored

_VERSION_CONTROL = {".bzr", ".git", ".hg", ".svn"}


class SourceTree:
    """The files below a folder.

    Args:
        root: the module's root.
        passed_by: folders and files, absolute, that are never packed: gopack's own output.
    """

    def __init__(self, root: Path, *, passed_by: Set[Path] = frozenset()) -> None:
        self.root = root.resolve()
        self._passed_by = {os.fspath(path) for path in passed_by}

    def go_mod(self) -> bytes | None:
        """Read go.mod; None where there is none, or it is no file.

        Raises:
            StoreError: it cannot be read.
        """
        path = self.root / "go.mod"
        with disk_errors("read go.mod", path):
            return path.read_bytes() if path.is_file() and not path.is_symlink() else None

    def listing(self, *, new_vendor_rule: bool) -> Listing:
        """List every file, and what is left out or cannot be read.

        Raises:
            StoreError: the root itself cannot be read.
        """
        with disk_errors("read the source folder", self.root):
            os.scandir(self.root).close()
        walk = _Walk(new_vendor_rule=new_vendor_rule, passed_by=self._passed_by)
        walk.whole(os.fspath(self.root))
        return Listing(walk.files, walk.omitted, walk.unreadable, walk.newest_ns)

    def open(self, path: str) -> BinaryIO:
        """Open a listed file, unbuffered; OSError if it is not what it was."""
        return open(f"{self.root}/{path}", "rb", buffering=0, opener=_without_following)


def find_modules(root: Path, *, passed_by: Set[Path] = frozenset()) -> Iterator[str]:
    """Tell the folders below `root`, with slashes, that hold a go.mod; the root is an empty text.

    Folders that `./...` does not reach (a leading dot or underscore, testdata), vendor folders and
    `passed_by`, gopack's own output, are passed by.

    Raises:
        StoreError: a folder cannot be read.
    """
    own = {os.fspath(path) for path in passed_by}
    waiting = [(os.fspath(root.resolve()), "")]
    with disk_errors("look for modules", root):
        while waiting:
            folder, relative = waiting.pop()
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name, reverse=True)
            if any(e.name == "go.mod" and not e.is_dir() for e in entries):
                yield relative
            waiting += [
                (e.path, f"{relative}/{e.name}".lstrip("/"))
                for e in entries
                if e.is_dir(follow_symlinks=False) and is_reached(e.name) and e.path not in own
            ]


class _Walk:
    """Collects one walk's results."""

    def __init__(self, *, new_vendor_rule: bool, passed_by: Set[str]) -> None:
        self._new_vendor_rule = new_vendor_rule
        self._passed_by = passed_by
        self.files: list[SourceFile] = []
        self.omitted: list[Finding] = []
        self.unreadable: list[Finding] = []
        self.newest_ns = 0

    def whole(self, root: str) -> None:
        """Walk a folder and all below it, however deep."""
        under_way = [self._entries(root, "")]
        while under_way:
            entry, path = next(under_way[-1], (None, ""))
            if entry is None:
                under_way.pop()
            elif self._entry(entry, path):
                under_way.append(self._entries(entry.path, f"{path}/"))

    def _entries(self, folder: str, prefix: str) -> Iterator[tuple["os.DirEntry[str]", str]]:
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: os.fsencode(entry.name))
        except OSError as error:
            self.unreadable.append(Finding(prefix.rstrip("/"), _why(error)))
            return
        for entry in entries:
            yield entry, prefix + entry.name

    def _entry(self, entry: "os.DirEntry[str]", path: str) -> bool:
        """Note an entry; tell whether it is a folder to go into."""
        is_folder = entry.is_dir(follow_symlinks=False)
        why = self._left_out(entry, path, is_folder=is_folder)
        if why:
            self.omitted.append(Finding(path, why))
        if is_folder:
            # A vendored folder is gone through all the same, as x/mod does.
            return not why or why == _VENDORED
        if not why:
            self._file(entry, path)
        return False

    def _left_out(self, entry: "os.DirEntry[str]", path: str, *, is_folder: bool) -> str:
        if entry.path in self._passed_by:
            return "is gopack's own output"
        if is_vendored(path, new_rule=self._new_vendor_rule):
            return _VENDORED
        if is_folder:
            if entry.name in _VERSION_CONTROL:
                return "is a version control folder"
            return "is in another module" if _holds_go_mod(entry.path) else ""
        if entry.is_symlink():
            return "is a symbolic link"
        return "" if entry.is_file(follow_symlinks=False) else "is not a regular file"

    def _file(self, entry: "os.DirEntry[str]", path: str) -> None:
        try:
            found = entry.stat(follow_symlinks=False)
        except OSError as error:
            self.unreadable.append(Finding(path, _why(error)))
            return
        self.newest_ns = max(self.newest_ns, found.st_mtime_ns)
        self.files.append(SourceFile(path, found.st_size, FileKind.FILE))


_VENDORED = "is in a vendor folder"


def _holds_go_mod(folder: str) -> bool:
    try:
        mode = os.lstat(f"{folder}/go.mod").st_mode
    except OSError:
        return False
    return not stat.S_ISDIR(mode)


def _why(error: OSError) -> str:
    return f"cannot be read: {os.strerror(error.errno or 0)}"


def _without_following(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC)
