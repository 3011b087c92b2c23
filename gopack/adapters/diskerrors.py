"""What the system says about a disk, as StoreErrors with the next step in them."""

import errno
import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gopack.errors import StoreError

_HINTS = {
    errno.ENOSPC: "free space or inodes on this disk (df -h, df -i) and run again; "
    "what is stored is whole and is not fetched again",
    errno.EDQUOT: "the disk quota is used up: raise it or free space, and run again; "
    "what is stored is whole and is not fetched again",
    errno.EROFS: "mount this storage writable, or give another folder with --storage",
    errno.EMFILE: "raise the limit of open files (ulimit -n 4096) or lower --jobs",
    errno.ENFILE: "the system has too many open files: lower --jobs and run again",
    errno.ENOENT: "create the folder, or give the right one with --storage",
    errno.ENOTDIR: "a file lies where a folder belongs: move it away and run again",
    errno.ENAMETOOLONG: "this disk cannot hold a name this long: use another file system",
    errno.EIO: "the disk fails: look at the system's log (dmesg)",
    errno.EXDEV: "the storage must be one file system: mount nothing below it",
}


def store_error(error: OSError, doing: str, path: Path) -> StoreError:
    """Make the StoreError that says what could not be done, where, why, and what to do next."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    hint = _HINTS.get(error.errno or 0, "")
    if error.errno in {errno.EACCES, errno.EPERM}:
        hint = _ownership_hint(path)
    return StoreError(f"cannot {doing}: {reason}", where=str(path), hint=hint)


@contextmanager
def disk_errors(doing: str, path: Path) -> Iterator[None]:
    """Turn every OSError inside into a StoreError.

    Raises:
        StoreError: for any OSError, with `doing` (a verb clause) and `path` in its text.

    """
    try:
        yield
    except OSError as error:
        raise store_error(error, doing, path) from error


def _ownership_hint(path: Path) -> str:
    """Say whose the nearest existing folder is, and the command that hands it over."""
    me, my_group = os.geteuid(), os.getegid()
    place = path
    while (found := _stat(place)) is None and place != place.parent:
        place = place.parent
    if found is None:
        return "give this user access to the storage"
    if found.st_uid == me:
        mode = found.st_mode & 0o7777
        return f"{place} is yours but has mode {mode:04o}: chmod u+rwX {place}"
    return (
        f"{place} belongs to {_user_name(found.st_uid)}, gopack runs as {_user_name(me)}: "
        f"sudo chown -R {me}:{my_group} {place}"
    )


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def _user_name(uid: int) -> str:
    try:
        return f"{pwd.getpwuid(uid).pw_name} (uid {uid})"
    except KeyError:
        return f"uid {uid}"
