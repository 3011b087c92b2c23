"""What packages the zips of a storage have and import, kept so that a later run reads no zip again.

One SQLite file, a row a version: the h1 of the zip that it was read from, a digest, and the
contents as JSON. A row that is torn, or of other bytes than the storage has, counts as none; what
cannot be kept is read again. Whoever writes holds the storage's lock.
"""

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from os.path import lexists
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, TypeVar

from gopack import __version__
from gopack.plan.survey import Contents, interned
from gopack.spec.module import ModuleVersion
from gopack.spec.packages import Package

if TYPE_CHECKING:
    import sqlite3

T = TypeVar("T")

ZipSum = Callable[[ModuleVersion], str | None]
"""Tells the h1 of a stored zip; None of a version whose zip is not stored."""

_TABLE = """
    CREATE TABLE IF NOT EXISTS packages (
        module TEXT PRIMARY KEY, zip_h1 TEXT, digest TEXT, contents TEXT
    ) WITHOUT ROWID
"""
_SETTINGS = ("PRAGMA synchronous = OFF", "PRAGMA journal_mode = MEMORY")
"""What is lost is read again."""

_GET = "SELECT zip_h1, digest, contents FROM packages WHERE module = ?"
_PUT = "INSERT OR REPLACE INTO packages VALUES (?, ?, ?, ?)"


def forget(file: Path) -> None:
    """Delete what is kept, with what SQLite may have left beside it: it would be put into the next.

    Raises:
        OSError: so it cannot be.
    """
    for each in _files(file):
        each.unlink(missing_ok=True)


def _files(file: Path) -> list[Path]:
    """The files of a database. Source: sqlite.org/tempfiles.html, 2.1 to 2.3."""
    return [file.with_name(file.name + end) for end in ("", "-journal", "-wal", "-shm")]


class KeptPackages:
    """flows.reading.Memory in a file. Used from one thread at a time."""

    def __init__(self, file: Path, zip_sum: ZipSum) -> None:
        self._file = file
        self._zip_sum = zip_sum
        self._opened: sqlite3.Connection | None = None

    def get(self, module: ModuleVersion) -> Contents | None:
        """Give what is kept of a version."""
        zip_h1 = self._zip_sum(module)
        if zip_h1 is None or (self._opened is None and not self._file_exists()):
            return None
        row = self._tried(lambda file: file.execute(_GET, (str(module),)).fetchone())
        if row is None or row[0] != zip_h1 or row[1] != _digest(row[2]):
            return None
        try:
            return _contents(row[2])
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
            return None  # nobody but gopack writes here

    def put(self, read: Iterable[tuple[ModuleVersion, Contents]]) -> None:
        """Keep what was read of versions that the storage has now, a row at a time."""
        rows = self._rows(read)
        first = list(islice(rows, 1))

        def write(file: "sqlite3.Connection") -> None:
            with file:
                file.executemany(_PUT, chain(first, rows))

        if first:
            self._tried(write)

    def _rows(self, read: Iterable[tuple[ModuleVersion, Contents]]) -> Iterator[tuple[str, ...]]:
        for module, contents in read:
            if (zip_h1 := self._zip_sum(module)) is not None:
                text = _text(contents)
                yield str(module), zip_h1, _digest(text), text

    def _file_exists(self) -> bool:
        try:
            return self._file.exists()
        except OSError:  # its folder is closed to us
            return False

    def _is_odd(self) -> bool:
        """Whether a link or a pipe lies where SQLite would open a file."""
        try:
            files = filter(lexists, _files(self._file))
            return any(not S_ISREG(file.lstat().st_mode) for file in files)
        except OSError:
            return True

    def close(self) -> None:
        """Close the file."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _tried(self, call: "Callable[[sqlite3.Connection], T]") -> T | None:
        """Use the file; None where that fails. A file that is no database any more is deleted."""
        try:
            import sqlite3  # noqa: PLC0415 - not every Python has it, and few runs need it
        except ImportError:
            return None
        if self._opened is None and self._is_odd():
            return None
        try:
            if self._opened is None:
                self._opened = self._open()
            return call(self._opened)
        except sqlite3.Error as error:
            self.close()
            if type(error) is sqlite3.DatabaseError:  # what only fails now has a class of its own
                with contextlib.suppress(OSError):
                    forget(self._file)
            return None

    def _open(self) -> "sqlite3.Connection":
        import sqlite3  # noqa: PLC0415

        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
        opened = sqlite3.connect(self._file, timeout=0, check_same_thread=False)
        try:
            for statement in (*_SETTINGS, _TABLE):
                opened.execute(statement)
        except sqlite3.Error:
            opened.close()
            raise
        return opened


def _text(contents: Contents) -> str:
    read = {
        p.path: [p.imports, p.test_imports, p.matched, p.built, p.name]
        for p in contents.read.values()
    }
    plain = {"paths": sorted(contents.paths), "read": read, "whole": contents.is_whole}
    return json.dumps(plain, separators=(",", ":"))


def _contents(text: str) -> Contents:
    """Read what `_text` wrote.

    Raises:
        ValueError, TypeError, KeyError, AttributeError, RecursionError: it is something else.
    """
    plain = json.loads(text)
    paths = frozenset(_texts(plain["paths"]))
    read = {}
    for path, (imports, test_imports, matched, built, name) in plain["read"].items():
        is_package = isinstance(matched, bool) and isinstance(built, bool) and isinstance(name, str)
        if not is_package or path not in paths:
            raise ValueError(path)
        read[path] = Package(path, _texts(imports), _texts(test_imports), matched, built, name)
    is_whole = plain["whole"] is True
    if is_whole and read.keys() != paths:
        raise ValueError("a package lacks")
    return interned(Contents(paths, read, is_whole))


def _texts(plain: object) -> tuple[str, ...]:
    if not isinstance(plain, list) or not all(isinstance(each, str) for each in plain):
        raise TypeError("no list of texts")
    return tuple(plain)


def _digest(text: str) -> str:
    """Of the text, and of the version that read it: another may read otherwise."""
    return hashlib.sha256(f"{__version__}\n{text}".encode()).hexdigest()
