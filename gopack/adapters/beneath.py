"""Opens what lies below a root, past no symbolic link: only the root itself may be one.

Rules: each folder on the way is opened in the one before, so that nobody can put a link there
between a look and an opening; a link is as a file where a folder should be. Nothing waits for a
pipe.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW


@contextmanager
def opened_folder(root: Path, key: str) -> Iterator[int]:
    """Give the descriptor of a folder below the root, by its path there; closed at the end.

    Raises:
        OSError: it cannot be opened, with its whole path; ENOTDIR or ELOOP past a link.
    """
    with _told_whole(root, key):
        descriptor = os.open(root, _FOLDER)
    try:
        for name in filter(None, key.split("/")):
            with _told_whole(root, key):
                below = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)


def open_file(root: Path, key: str) -> int:
    """Open a file, or whatever lies there, to read it; give its descriptor.

    Raises:
        OSError: it cannot be opened, with its whole path; ENOTDIR or ELOOP past a link.
    """
    folder, _, name = key.rpartition("/")
    with opened_folder(root, folder) as at, _told_whole(root, key):
        return os.open(name, _FILE, dir_fd=at)


@contextmanager
def _told_whole(root: Path, key: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        error.filename = str(root / key)
        raise
