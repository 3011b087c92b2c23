"""What the system says about a disk, as StoreErrors with the next step in them."""

import errno
import os
import pwd
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gopack.errors import StoreError
from gopack.plan.layout import OWN_FOLDER

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


def store_error(error: OSError, doing: str, path: Path, *, is_made: bool = False) -> StoreError:
    """Make the StoreError that says what could not be done, where, why, and what to do next.

    `is_made` says that the path is a folder, made where it is missing.
    """
    reason = os.strerror(error.errno) if error.errno else str(error)
    hint = _HINTS.get(error.errno or 0, "")
    if error.errno in {errno.EACCES, errno.EPERM}:
        hint = _ownership_hint(path, is_made=is_made)
    return StoreError(f"cannot {doing}: {reason}", where=str(path), hint=hint)


@contextmanager
def disk_errors(doing: str, path: Path, *, is_made: bool = False) -> Iterator[None]:
    """Turn every OSError inside into a StoreError.

    Raises:
        StoreError: for any OSError, with `doing` (a verb clause) and `path` in its text.

    """
    try:
        yield
    except OSError as error:
        raise store_error(error, doing, path, is_made=is_made) from error


def _ownership_hint(path: Path, *, is_made: bool) -> str:
    """Say whose the nearest existing folder is, and the command that lets this user work.

    Only a storage of gopack's is handed over with all that is in it: a missing folder's parent may
    be the system's, and so may a folder that was named by mistake.
    """
    place, missing = path, None
    while (found := _stat(place)) is None and place != place.parent:
        place, missing = place.parent, place
    if found is None:
        return "give this user access to the storage"
    if found.st_uid == os.geteuid():
        mode = found.st_mode & 0o7777
        return f"{place} is yours but has mode {mode:04o}: chmod u+rwX {_quoted(place)}"
    whose = f"{place} belongs to {_user_name(found.st_uid)}, gopack runs as "
    return f"{whose}{_user_name(os.geteuid())}: {_handing_over(place, missing, is_made=is_made)}"


def _handing_over(place: Path, missing: Path | None, *, is_made: bool) -> str:
    """Give the command that gives this user what is there, or makes what is missing."""
    me, my_group = os.geteuid(), os.getegid()
    if storage := _storage_around(place):
        return f"sudo chown -R {me}:{my_group} {_quoted(storage)}"
    if is_made and missing is None and _is_empty(place):
        return f"sudo chown {me}:{my_group} {_quoted(place)}"
    if is_made and missing is not None and os.access(place, os.X_OK):
        return f"sudo install -d -o {me} -g {my_group} {_quoted(missing)}"
    return "name another place, or have its owner let this user in"


def _storage_around(place: Path) -> Path | None:
    """Find the storage that a place is in, by the folder that is gopack's own; `/` is none."""
    whole = place.absolute()
    around = [folder for folder in (whole, *whole.parents) if folder != folder.parent]
    return next((folder for folder in around if _stat(folder / OWN_FOLDER)), None)


def _is_empty(folder: Path) -> bool:
    try:
        return not any(folder.iterdir())
    except OSError:
        return False


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))


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
