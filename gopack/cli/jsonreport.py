"""What every report for programs has: where --json puts it, and errors in it."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gopack.cli.console import dumps
from gopack.errors import GopackError, StoreError


def write_json(file: Path | None, value: Mapping[str, Any]) -> None:
    """Write a report where --json says, if it says.

    Raises:
        StoreError: the file cannot be written.
    """
    if file is None:
        return
    text = dumps(value) + "\n"
    try:
        if str(file) == "-":
            sys.stdout.write(text)
            sys.stdout.flush()
        else:
            file.write_text(text, "utf-8")
    except OSError as error:
        raise StoreError(
            f"cannot be written: {error.strerror}",
            where="standard output" if str(file) == "-" else str(file),
            hint="Name a file in a folder that is there and writable; the storage is as it was "
            "told above.",
        ) from error


def error_json(error: GopackError | None) -> dict[str, Any] | None:
    """Give an error's fields."""
    if error is None:
        return None
    return {
        "kind": type(error).__name__,
        "exit_status": error.exit_status,
        "message": str(error),
        "hint": error.next_step,
    }
