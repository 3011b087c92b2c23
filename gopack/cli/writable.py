"""Whether a report will have a place, found out before the long run that it tells of."""

import os
import sys
from pathlib import Path

from gopack.errors import StoreError


def check_can_be_written(file: Path) -> None:
    """Refuse a file that cannot be written; `-` is standard output.

    Raises:
        StoreError: so it is.
    """
    if str(file) == "-":
        check_output_is_open()
        return
    try:
        file.stat()
        place, needed = file, os.W_OK
    except FileNotFoundError:  # a folder is entered, too, to make a file in it
        place, needed = file.parent, os.W_OK | os.X_OK
    except OSError as error:
        raise _refused(file, (error.strerror or str(error)).lower()) from error
    if not os.access(place, needed):
        raise _refused(file, "permission denied" if place.exists() else "no such folder")


def _refused(file: Path, why: str) -> StoreError:
    hint = "name a file in a folder that is there and that you may write to"
    return StoreError(f"cannot be written: {why}", where=str(file), hint=hint)


def check_output_is_open() -> None:
    """Refuse a standard output that who started gopack has closed, as `>&-` does.

    Raises:
        StoreError: so it is.
    """
    if sys.stdout is None:
        hint = "send it to a file or a pipe, or to /dev/null"
        raise StoreError("cannot be written: it is closed", where="standard output", hint=hint)
