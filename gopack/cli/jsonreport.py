"""What every report for programs has: where --json puts it, errors and warnings in it."""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gopack.cli.console import dumps
from gopack.errors import GopackError, StoreError
from gopack.plan.findings import Finding, Severity


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


def sentences(findings: Iterable[Finding]) -> list[str]:
    """Give the warnings among findings, each in one line; errors are told where they count."""
    return [_sentence(f) for f in findings if f.severity is Severity.WARNING]


def _sentence(finding: Finding) -> str:
    place = f"{finding.name}:{finding.line}:{finding.column}" if finding.line else finding.name
    return f"{place}: {finding.what}"
