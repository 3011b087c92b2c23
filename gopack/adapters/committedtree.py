"""A folder in a git checkout: what is packed of it is compared with what its commit has.

What `git status` says is no proof that a zip holds a commit's files: line ends, filters, marks in
the index and git's own files lie between the two. So the bytes that go into the zip are hashed as
git hashes them, while they are read for the zip, and compared with the commit's blobs.
"""

import hashlib
import io
from collections.abc import Callable, Sequence
from typing import BinaryIO

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
        digest = hashlib.new(self._algorithm, usedforsecurity=False)
        digest.update(b"blob %d\0" % self._sizes[path])

        def done() -> None:
            self._blobs[path] = digest.hexdigest()

        return io.BufferedReader(_Hashed(self._tree.open(path), digest.update, done))

    def differing(self, files: Sequence[SourceFile], *, go_version: str) -> list[str]:
        """Tell the packed files that are not the commit's, and the commit's that are not packed."""
        packed = {file.path: self._blobs.get(file.path, "") for file in files}
        return not_as_committed(packed, self._committed, go_version=go_version)


class _Hashed(io.RawIOBase):
    """An unbuffered file that passes on what is read of it."""

    def __init__(
        self, file: BinaryIO, update: Callable[[memoryview], None], done: Callable[[], None]
    ) -> None:
        self._file = file
        self._update = update
        self._done = done

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        size: int = self._file.readinto(buffer)  # type: ignore[attr-defined]
        self._update(memoryview(buffer)[:size])
        return size

    def close(self) -> None:
        if not self.closed:
            self._file.close()
            self._done()
        super().close()
