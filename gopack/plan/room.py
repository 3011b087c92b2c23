"""The room that a disk has left, and what of it is needed."""

from dataclasses import dataclass

from gopack.errors import StoreError

BLOCK_BYTES = 4096
"""What the smallest file takes on most disks."""


def on_disk(size_bytes: int) -> int:
    """Tell how much a file of this size takes.

    >>> on_disk(1), on_disk(4096), on_disk(5000)
    (4096, 4096, 8192)
    """
    return -(-size_bytes // BLOCK_BYTES) * BLOCK_BYTES


@dataclass(frozen=True, slots=True)
class Room:
    """What is free: bytes, and files (inodes); None where there is no limit to files.

    >>> room = Room("/storage", free_bytes=100, free_files=None)
    >>> room.has(100, 5), room.has(101, 5)
    (True, False)
    """

    where: str
    free_bytes: int
    free_files: int | None

    def has(self, needed_bytes: int, needed_files: int) -> bool:
        """Whether so much fits."""
        has_files = self.free_files is None or needed_files <= self.free_files
        return needed_bytes <= self.free_bytes and has_files

    def check(self, needed_bytes: int, needed_files: int) -> None:
        """Compare what is about to come with what is free.

        Raises:
            StoreError: it does not fit; both numbers are told.
        """
        if self.has(needed_bytes, needed_files):
            return
        if needed_bytes > self.free_bytes:
            raise StoreError(
                f"too little space: {needed_bytes} bytes are needed, {self.free_bytes} are free",
                where=self.where,
                hint=f"free {needed_bytes - self.free_bytes} bytes more, or use another disk",
            )
        raise StoreError(
            f"too few inodes: {needed_files} are needed, {self.free_files} are free",
            where=self.where,
            hint="delete files, or use a file system with more inodes (df -i)",
        )
