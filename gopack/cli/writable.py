"""Whether a report will have a place, found out before the long run that it tells of."""

import os
from pathlib import Path

from gopack.errors import StoreError


def check_can_be_written(file: Path) -> None:
    """Refuse a file that cannot be written; `-` is standard output, and always can.

    Raises:
        StoreError: so it is.
    """
    place = file if file.exists() else file.parent
    if str(file) == "-" or os.access(place, os.W_OK):
        return
    why = "permission denied" if place.exists() else "no such folder"
    hint = "name a file in a folder that is there and that you may write to"
    raise StoreError(f"cannot be written: {why}", where=str(file), hint=hint)
