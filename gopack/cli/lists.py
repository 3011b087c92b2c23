"""Reading the lists: every LIST and what its `-r` lines name, whatever their format."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from gopack.adapters import goenv
from gopack.cli.inputs import read_item
from gopack.cli.options import DEFAULT_LIST
from gopack.errors import InputError
from gopack.plan.findings import Finding
from gopack.plan.inputs.detect import detect
from gopack.plan.inputs.roots import Format
from gopack.plan.items import IncludeItem, Item
from gopack.plan.modlist import ListErrors, parse_list, without_repeated

MAX_DEPTH = 8
"""Lists that include lists deeper than this lose everybody who reads them."""

MAX_FILES = 1000
"""Lists that include each other several times multiply."""

MAX_FILE_BYTES = 256 << 20
"""A go.sum of ten thousand modules has 2 MB; an SBOM has some more."""


def has_origin_asked(path: str) -> bool:
    """Tell whether a name that no proxy can be asked for reaches a module's origin.

    Raises:
        InputError: the go command's settings are malformed or missing.
    """
    return goenv.load().takes_any_name(path)


def read_lists(
    files: Sequence[Path], takes_any_name: Callable[[str], bool] = has_origin_asked
) -> tuple[list[Item], list[Finding]]:
    """Read all lists; give their items in order, and what a person should still look at.

    `takes_any_name` is parse_list's; who fetches nothing takes every name.

    A bad line of a list stops the run; what is wrong in any other file fails that file's line
    alone, since it was not written for gopack.

    Raises:
        ListErrors: with every bad line of every list, and every list that cannot be read.
        InputError: one list cannot be read and nothing else is wrong, or lists have no end.
    """
    reader = _Reader(takes_any_name)
    unread: list[InputError] = []
    for file in files or [Path(DEFAULT_LIST)]:
        try:
            data = _read(file, is_named=True)
        except InputError as error:
            unread.append(error)
        else:
            reader.take(file, data)
    if len(unread) == 1 and not reader.errors:
        raise unread[0]
    errors = [*(_file_finding(error) for error in unread), *reader.errors]
    if errors:
        raise ListErrors(errors, name=", ".join(map(str, files)) or DEFAULT_LIST)
    items, repeated = without_repeated(reader.items)
    return items, [*reader.warnings, *repeated]


def read_heads(files: Sequence[Path]) -> dict[str, bytes]:
    """Read sealed clients' `latest` files, by name.

    Raises:
        InputError: one cannot be read.
    """
    try:
        return {str(file): file.read_bytes() for file in files}
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror}",
            where=str(error.filename),
            hint="Name a `latest` file that a sealed client's checksum database cache holds.",
        ) from error


class _Reader:
    """Collects the items and findings of several files."""

    def __init__(self, takes_any_name: Callable[[str], bool]) -> None:
        self._takes_any_name = takes_any_name
        self.items: list[Item] = []
        self.warnings: list[Finding] = []
        self.errors: list[Finding] = []
        self._files = 0

    def take(
        self, file: Path, data: bytes, *, by: IncludeItem | None = None, above: Sequence[str] = ()
    ) -> None:
        """Take what a file holds; `by` is the `-r` line that names it in the last list `above`."""
        self._count(file, by)
        kind = detect(str(file), data)
        if kind is not Format.LIST:
            self._add_input(file, data, kind, by)
            return
        try:
            parsed = parse_list(
                data,
                name=str(file),
                closure=by.closure if by else None,
                takes_any_name=self._takes_any_name,
            )
        except ListErrors as error:
            self.errors.extend(error.findings)
            items = error.items
        else:
            self.warnings.extend(parsed.warnings)
            items = parsed.items
        for item in items:
            if isinstance(item, IncludeItem):
                self._include(file.parent / item.file, by=item, above=(*above, _place(file)))
            else:
                self.items.append(item)

    def _include(self, file: Path, *, by: IncludeItem, above: Sequence[str]) -> None:
        try:
            _refuse_endless(file, above)
            data = _read(file, is_named=False)
        except InputError as error:
            self.errors.append(_include_finding(by, error))
        else:
            self.take(file, data, by=by, above=above)

    def _count(self, file: Path, by: IncludeItem | None) -> None:
        self._files += 1
        if self._files > MAX_FILES:
            raise InputError(
                f"more than {MAX_FILES} lists, counting each as often as it is included",
                where=by.where if by else str(file),
                hint="Name each list once.",
            )

    def _add_input(self, file: Path, data: bytes, kind: Format, by: IncludeItem | None) -> None:
        item = read_item(file, data, kind)
        if by is not None:
            item = replace(item, name=by.name, line=by.line, column=by.column, closure=by.closure)
        self.items.append(item)
        findings = [f for each in (item.roots, *item.members) for f in each.findings]
        self.warnings.extend(dict.fromkeys(findings))


def _place(file: Path) -> str:
    """Name a file as all ways to it do."""
    return os.path.realpath(file)


def _refuse_endless(file: Path, above: Sequence[str]) -> None:
    """Refuse a file that is among the lists that led to it, or that too many did.

    Raises:
        InputError: it is.
    """
    if _place(file) in above:
        hint = "Remove one of these -r lines."
        raise InputError("lists include each other", where=str(file), hint=hint)
    if len(above) > MAX_DEPTH:
        what, hint = f"included through more than {MAX_DEPTH} lists", "Name it in one further up."
        raise InputError(what, where=str(file), hint=hint)


def _file_finding(error: InputError) -> Finding:
    """Tell of a file that cannot be read, among other findings."""
    return Finding(error.where, 0, 0, "", error.what, error.hint)


def _include_finding(by: IncludeItem, error: InputError) -> Finding:
    """Tell at its `-r` line of a file that cannot be read."""
    line = " " * (by.column - 1) + f"-r {by.file}"
    return Finding(by.name, by.line, by.column, line, str(error), error.hint)


def _read(file: Path, *, is_named: bool) -> bytes:
    """Read a file; one that `-r` names must be a plain one, a person may name a pipe."""
    try:
        if not is_named and file.exists() and not (file.is_file() or file.is_dir()):
            raise InputError(
                "neither a file nor a folder",
                where=str(file),
                hint="Name a plain file behind -r; a pipe can be named on the command line.",
            )
        with file.open("rb") as opened:
            data = opened.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise InputError(
            "there is no such list",
            where=str(file),
            hint=_missing_hint(file, is_named=is_named),
        ) from error
    except IsADirectoryError as error:
        raise InputError(
            "this is a folder, not a list",
            where=str(file),
            hint="Docker makes a folder where a mounted file is missing: remove it and write one.",
        ) from error
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror}",
            where=str(file),
            hint="Make it readable for the user who runs gopack.",
        ) from error
    if len(data) > MAX_FILE_BYTES:
        raise InputError(
            f"larger than {MAX_FILE_BYTES >> 20} MiB", where=str(file), hint="Is it the right file?"
        )
    return data


def _missing_hint(file: Path, *, is_named: bool) -> str:
    if str(file) == "-":
        return "Say /dev/stdin to have the list read from standard input."
    if is_named:
        return "Write one module a line, such as golang.org/x/text@latest, and run again."
    return (
        "Mend its name, which counts from this list's folder, or remove the line. A "
        "container sees only what is mounted (docs/container.md)."
    )
