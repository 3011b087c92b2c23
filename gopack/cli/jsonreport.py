"""What every report for programs has: where --json puts it, errors and warnings in it."""

import contextlib
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from gopack.cli.console import dumps
from gopack.cli.writable import check_output_is_open
from gopack.errors import GopackError, StoreError
from gopack.plan.findings import Finding, FindingsError, Severity

_WRITTEN = f"{__name__}.written"
"""Where the command's context has the report that was written."""


def write_json(file: Path | None, value: Mapping[str, Any]) -> None:
    """Write a report where --json says, if it says.

    Raises:
        StoreError: the file cannot be written.
    """
    if file is None:
        return
    text = dumps(value) + "\n"
    if str(file) == "-":
        check_output_is_open()
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
    if context := click.get_current_context(silent=True):
        context.meta[_WRITTEN] = value


def write_failure(error: GopackError) -> None:
    """Write where the command's --json says that an error ended it; of lists, every bad line.

    No earlier run's report stays in its place; one that this run has written gets the error added.
    Where it cannot be written, the error was told.
    """
    if not isinstance(error, FindingsError):
        _write_failed([_fields(error)])
        return
    bad = [finding for finding in error.findings if finding.severity is Severity.ERROR]
    errors = [_fields(error, _sentence(f), f.hint or error.next_step) for f in bad]
    _write_failed(errors, warnings=sentences(error.findings))


def write_interrupted(exit_status: int) -> None:
    """Write where the command's --json says that Ctrl-C ended it; see `write_failure`."""
    told = {"message": "interrupted", "hint": "run again to go on"}
    _write_failed([{"kind": "KeyboardInterrupt", "exit_status": exit_status, **told}])


def _write_failed(errors: Sequence[Mapping[str, Any]], warnings: Sequence[str] = ()) -> None:
    context = click.get_current_context(silent=True)
    file = context.params.get("json_file") if context else None
    written: Mapping[str, Any] = context.meta.get(_WRITTEN, {}) if context else {}
    if written and str(file) == "-":  # it has gone out
        return
    report = {
        **written,
        "exit_status": max(error["exit_status"] for error in errors),
        "errors": [*written.get("errors", ()), *errors],
        "warnings": [*written.get("warnings", ()), *warnings],
    }
    with contextlib.suppress(StoreError):
        write_json(file, report)


def error_json(error: GopackError | None) -> dict[str, Any] | None:
    """Give an error's fields."""
    return None if error is None else _fields(error)


def _fields(error: GopackError, message: str = "", hint: str = "") -> dict[str, Any]:
    """Give an error's fields, with another message and hint where they are given."""
    return {
        "kind": type(error).__name__,
        "exit_status": error.exit_status,
        "message": message or str(error),
        "hint": hint or error.next_step,
    }


def sentences(findings: Iterable[Finding]) -> list[str]:
    """Give the warnings among findings, each in one line; errors are told where they count."""
    return [_sentence(f) for f in findings if f.severity is Severity.WARNING]


def _sentence(finding: Finding) -> str:
    place = f"{finding.name}:{finding.line}:{finding.column}" if finding.line else finding.name
    return f"{place}: {finding.what}"
