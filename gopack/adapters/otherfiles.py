"""A version that is there already when it is to be published: it stays, whoever put it there."""

import filecmp
from collections.abc import Callable
from pathlib import Path

from gopack.adapters.files import Files
from gopack.errors import OtherFilesError
from gopack.plan.layout import FileKind
from gopack.ports import Publication


def leave_as_it_is(wanted: Publication, path_of: Callable[[FileKind], Path], files: Files) -> None:
    """Delete the zip of a version that is there already; `path_of` tells where its files lie.

    Raises:
        OtherFilesError: they are not what was to be published.
        OSError: they cannot be read.
    """
    try:
        is_same = _is_same(wanted, path_of)
    finally:
        if wanted.zip_file is not None:
            files.unlink(wanted.zip_file)
    if not is_same:
        raise OtherFilesError(
            "the storage has this version with other files, that somebody else put there",
            where=str(wanted.module),
            hint="see what else writes there, remove this version's files, and run again",
        )


def _is_same(wanted: Publication, path_of: Callable[[FileKind], Path]) -> bool:
    small = ((FileKind.MOD, wanted.mod), (FileKind.INFO, wanted.info))
    if any(path_of(kind).read_bytes() != text for kind, text in small):
        return False
    return wanted.zip_file is None or filecmp.cmp(
        wanted.zip_file, path_of(FileKind.ZIP), shallow=False
    )
