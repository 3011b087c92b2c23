"""A download that a broken connection or a kill may interrupt, and a later try goes on with.

The bytes lie in `<name>.part`; `<name>.from` beside it notes what they are a part of, and is there
before any of them. Small bodies are not worth a note: they start anew.

Rules kept:
- a part is gone on with only at the URL it came from, by the validator its server gave;
- one process or thread at a time: the part is locked until it is closed, and the system drops the
  lock of whoever is killed.
"""

import errno
import fcntl
import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

MIN_NOTED_BYTES = 1 << 20
"""Smaller bodies come sooner than a note pays."""

PART = ".part"
NOTE = ".from"


@dataclass(frozen=True, slots=True)
class Origin:
    """What a part is a part of: a digest of its URL, a strong validator, the size of the whole."""

    url_sha256: str
    validator: str
    total_bytes: int

    @classmethod
    def of(cls, url: str, validator: str, total_bytes: int) -> "Origin":
        """Name an origin; the URL may hold a secret, so its digest stands for it."""
        return cls(hashlib.sha256(url.encode()).hexdigest(), validator, total_bytes)


class PartFile:
    """A file to stream into: each try begins at its start, and writes anew or goes on.

    Raises:
        OSError: the disk refuses.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._note = path.with_suffix(NOTE)
        self._file = _open_locked(path)
        self._origin = _read_note(self._note)
        self._is_begun = False
        self.was_continued = False

    def __enter__(self) -> "PartFile":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def held(self, url: str) -> tuple[int, Origin] | None:
        """Tell how many bytes are there of what this URL gives, and of what; None if unsure."""
        self._file.flush()
        size = os.fstat(self._file.fileno()).st_size
        origin = self._origin
        if origin is None or not 0 < size < origin.total_bytes:
            return None
        return (size, origin) if Origin.of(url, "", 0).url_sha256 == origin.url_sha256 else None

    def go_on(self) -> None:
        """Let what is written follow what is there."""
        self._file.seek(0, os.SEEK_END)
        self._is_begun = self.was_continued = True

    def begin(self, origin: Origin | None) -> None:
        """Start anew, with a body of this origin; None where it could not be gone on with."""
        self._file.seek(0)
        self._file.truncate()
        self._is_begun, self.was_continued = True, False
        if origin is not None and origin.total_bytes < MIN_NOTED_BYTES:
            origin = None
        if origin != self._origin:
            self._origin = origin
            _write_note(self._note, origin)

    def seek(self, offset: int, /) -> int:
        """Let the next try begin: it writes anew unless it goes on. Only the start can be sought.

        Raises:
            ValueError: for any other place.
        """
        if offset:
            raise ValueError("only the start can be sought")
        self._is_begun = False
        return 0

    def truncate(self) -> int:
        """Do nothing: what is there may be gone on with."""
        return 0

    def write(self, data: bytes, /) -> int:
        """Write the next bytes."""
        if not self._is_begun:
            self.begin(None)
        return self._file.write(data)

    def settle(self) -> None:
        """Wait until the bytes are on the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def flush(self) -> None:
        """Let other readers of the file see what was written."""
        self._file.flush()

    def finish(self, path: Path) -> None:
        """Give the whole file its name.

        Raises:
            FileNotFoundError: another run has deleted it, and may write one of this name.
        """
        if not _is_at(self._file, self.path):
            raise FileNotFoundError(errno.ENOENT, "another run deleted it", str(self.path))
        self.path.rename(path)
        self._note.unlink(missing_ok=True)

    def forget(self) -> None:
        """Leave nothing of it."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    @property
    def can_be_continued(self) -> bool:
        """Whether a later try has any use for it."""
        return self._origin is not None


def scraps(folder: Path) -> list[Path]:
    """Tell the files of downloads that nobody can go on with: parts and notes without the other."""
    parts = {path.stem: path for path in folder.glob(f"*{PART}")}
    notes = {path.stem: path for path in folder.glob(f"*{NOTE}")}
    lone = parts.keys() ^ notes.keys()
    return [each[stem] for each in (parts, notes) for stem in sorted(lone & each.keys())]


def bytes_arriving(folder: Path) -> int:
    """Tell how many bytes have come of all downloads under way in a folder."""
    try:
        with os.scandir(folder) as entries:
            return sum(_size(entry) for entry in entries if entry.name.endswith(PART))
    except OSError:
        return 0


def _size(entry: "os.DirEntry[str]") -> int:
    try:
        return entry.stat(follow_symlinks=False).st_size
    except OSError:  # it has come meanwhile
        return 0


def _open_locked(path: Path) -> BinaryIO:
    while True:
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644), "r+b")
        try:
            fcntl.flock(file, fcntl.LOCK_EX)  # a killed run's worker is gone in a moment
            if _is_at(file, path):
                return file
        except BaseException:
            file.close()
            raise
        file.close()


def _is_at(file: BinaryIO, path: Path) -> bool:
    """Whether this open file is the one of this name."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _read_note(path: Path) -> Origin | None:
    try:
        told = json.loads(path.read_bytes())
        origin = Origin(**told)
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    is_sound = isinstance(origin.validator, str) and isinstance(origin.total_bytes, int)
    return origin if is_sound and isinstance(origin.url_sha256, str) else None


def _write_note(path: Path, origin: Origin | None) -> None:
    path.unlink(missing_ok=True)
    if origin is not None:
        path.write_bytes(json.dumps(asdict(origin)).encode())
