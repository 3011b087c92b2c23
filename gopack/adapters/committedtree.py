"""A folder in a git checkout: what is packed of it is compared with what its commit has.

What `git status` says is no proof that a zip holds a commit's files: line ends, filters, marks in
the index and git's own files lie between the two. So the bytes that go into the zip are hashed as
git hashes them, while they are read for the zip, and compared with the commit's blobs.
"""

import hashlib
from collections.abc import Sequence
from typing import BinaryIO, Self, cast

from gopack.adapters.sourcetree import SourceTree
from gopack.plan.packing import CommittedFile, Listing, not_as_committed
from gopack.spec.modzip import SourceFile


class CommittedTree:
    """A source tree whose files are hashed as they are read.

    Args:
        tree: the folder.
        committed: the files that the commit has in it.
        algorithm: the repository's hash, `sha1` or `sha256`.
    """

    def __init__(
        self, tree: SourceTree, committed: Sequence[CommittedFile], algorithm: str
    ) -> None:
        self._tree = tree
        self._committed = committed
        self._algorithm = algorithm
        self._sizes: dict[str, int] = {}
        self._blobs: dict[str, str] = {}

    def listing(self, *, new_vendor_rule: bool) -> Listing:
        """List the folder's files."""
        listing = self._tree.listing(new_vendor_rule=new_vendor_rule)
        self._sizes = {file.path: file.size_bytes for file in listing.files}
        return listing

    def open(self, path: str) -> BinaryIO:
        """Open a listed file; OSError if it is not what it was."""
        return cast("BinaryIO", _Hashed(self._tree.open(path), self._digest(path), self, path))

    def _digest(self, path: str) -> "hashlib._Hash":
        digest = hashlib.new(self._algorithm, usedforsecurity=False)
        digest.update(b"blob %d\0" % self._sizes[path])
        return digest

    def hashed(self, path: str, blob: str) -> None:
        """Note what was read of a file."""
        self._blobs[path] = blob

    def differing(self, files: Sequence[SourceFile], *, go_version: str) -> list[str]:
        """Tell the packed files that are not the commit's, and the commit's that are not packed."""
        packed = {file.path: self._blobs.get(file.path, "") for file in files}
        return not_as_committed(packed, self._committed, go_version=go_version)


class _Hashed:
    """A file that is hashed as it is read; as much of BinaryIO as packing takes, for many files."""

    __slots__ = ("_digest", "_file", "_path", "_tree")

    def __init__(
        self, file: BinaryIO, digest: "hashlib._Hash", tree: CommittedTree, path: str
    ) -> None:
        self._file = file
        self._digest = digest
        self._tree = tree
        self._path = path

    def read(self, size_bytes: int = -1) -> bytes:
        data = self._file.read(size_bytes)
        self._digest.update(data)
        return data

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._tree.hashed(self._path, self._digest.hexdigest())
