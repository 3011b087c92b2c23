"""Files around bundles: the connected side's record of those it made, and key files.

Layout: `.gopack/bundles/<sequence>.index.bz2` and `.note`, the bundle's first two files, and
`.sumdb.bz2`, its checksum records, from which it can be built upon and made again; the note comes
last and makes the record valid. `.kit/` is what it carried of gopack itself, `.image` the name of
the container image in there.
"""

import os
import shutil
import stat
from pathlib import Path

from gopack.adapters.diskerrors import disk_errors
from gopack.adapters.files import open_anew
from gopack.errors import InputError, IntegrityError
from gopack.plan.bundle import index as indexes
from gopack.plan.bundle.index import EXTRA_FOLDER, Member, Sealed
from gopack.plan.bundle.tarball import check_name
from gopack.spec import note

_DIGITS = 6
_NOTE, _INDEX, _SUMDB = "note", "index.bz2", "sumdb.bz2"


class History:
    """The bundles that were made of the storage whose `.gopack` folder this is."""

    def __init__(self, own_folder: Path) -> None:
        self._folder = own_folder / "bundles"

    def last(self) -> int:
        """The last sequence number; 0 if there is none."""
        with disk_errors("read the record of bundles", self._folder):
            names = (path.stem for path in self._folder.glob("*.note"))
            numbers = (int(name) for name in names if name.isascii() and name.isdigit())
            return max(numbers, default=0)

    def load(self, sequence: int) -> Sealed:
        """Read what is recorded of a bundle.

        Raises:
            InputError: there is no such bundle.
            StoreError, IntegrityError: the record cannot be read, or is spoilt.
        """
        path, index = self._path(sequence, _NOTE), self._path(sequence, _INDEX)
        with disk_errors("read the record of a bundle", path):
            if not path.exists() or not index.exists():
                raise InputError(
                    f"no bundle {sequence} was made of this storage",
                    where=str(self._folder),
                    hint=f"the last one is {self.last()}",
                )
            message = path.read_bytes()
            packed = index.read_bytes()
        text = message.split(b"\n\n", 1)[0].decode("utf-8", "replace") + "\n"
        head = indexes.parse_head(text, where=str(path))
        return Sealed(message, head, packed, indexes.loads(head, packed, where=str(path)))

    def sumdb(self, sequence: int) -> bytes | None:
        """Read the checksum records of a bundle; None where it had none, or from an older gopack.

        Raises:
            StoreError: they cannot be read.
        """
        path = self._path(sequence, _SUMDB)
        with disk_errors("read the record of a bundle", path):
            return path.read_bytes() if path.exists() else None

    def save(self, sealed: Sealed, sumdb: bytes | None) -> None:
        """Record a bundle, when it is written and before it appears."""
        sequence = sealed.head.sequence
        with disk_errors("record the bundle", self._folder):
            self._folder.mkdir(exist_ok=True)
            self._folder.chmod(0o755)
            _write(self._path(sequence, _INDEX), sealed.packed_index)
            if sumdb is not None:
                _write(self._path(sequence, _SUMDB), sumdb)
            _write(self._path(sequence, _NOTE), sealed.note)

    def forget(self, sequence: int) -> None:
        """Drop the record of a bundle that could not be written."""
        with disk_errors("record the bundle", self._folder):
            for suffix in (_NOTE, _SUMDB, _INDEX, "image"):
                self._path(sequence, suffix).unlink(missing_ok=True)
        shutil.rmtree(self.kit(sequence), ignore_errors=True)

    def kit(self, sequence: int) -> Path:
        """Tell the folder of what a bundle carries of gopack itself; it need not be there."""
        return self._path(sequence, "kit")

    def name_image(self, sequence: int, name: str) -> None:
        """Note what the container image in the kit is called; the kit is there."""
        path = self._path(sequence, "image")
        with disk_errors("record the image's name", path):
            _write(path, name.encode("utf-8", "surrogateescape"))

    def image(self, sequence: int) -> str:
        """Tell what the container image in the kit is called; empty if none is known."""
        path = self._path(sequence, "image")
        with disk_errors("read the image's name", path):
            return path.read_text("utf-8", "surrogateescape") if path.is_file() else ""

    def _path(self, sequence: int, suffix: str) -> Path:
        return self._folder / f"{sequence:0{_DIGITS}d}.{suffix}"


def write_new_key(path: Path, signer: note.Signer) -> Path:
    """Write a signer key that only its owner may read, and its public half beside it.

    Raises:
        InputError: the file is there already.
        StoreError: it cannot be written.
    """
    public = path.with_name(path.name + ".pub")
    for each in (path, public):
        if each.exists() or each.is_symlink():
            raise InputError("is there already", where=str(each), hint="give another name")
    with disk_errors("write the key", path):
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(path, flags, 0o600), "w") as file:
            file.write(signer.secret_text() + "\n")
        with public.open("x") as file:
            file.write(f"{signer.verifier}\n")
    return public


def read_signer(path: Path) -> note.Signer:
    """Read a signer key from a file that nobody else may read.

    Raises:
        InputError: it is none, or not there, or others may read it.
        StoreError: it cannot be read.
    """
    with disk_errors("read the key", path):
        _refuse_missing(path)
        mode = path.stat().st_mode
        if stat.S_IMODE(mode) & 0o077:
            raise InputError(
                f"others may read this key (mode {stat.S_IMODE(mode):04o})",
                where=str(path),
                hint=f"chmod 600 {path}, and make a new key if others have been there",
            )
        text = path.read_text("utf-8", "replace").strip()
    try:
        return note.parse_signer(text)
    except InputError as error:
        error.where = str(path)
        raise


def read_verifiers(path: Path) -> list[note.Verifier]:
    """Read the public keys in a file, one a line; `#` begins a comment.

    Raises:
        InputError: one is malformed, or there is none, or no such file.
        StoreError: it cannot be read.
    """
    with disk_errors("read the key", path):
        _refuse_missing(path)
        lines = path.read_text("utf-8", "replace").splitlines()
    texts = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if any(text.startswith("PRIVATE+KEY+") for text in texts):
        raise InputError(
            "this is a signing key", where=str(path), hint="give the .pub file, and keep this one"
        )
    try:
        keys = [note.parse_verifier(text) for text in texts]
    except InputError as error:
        error.where = str(path)
        raise
    if not keys:
        raise InputError("no key in the file", where=str(path), hint="give a .pub file")
    return keys


def _refuse_missing(path: Path) -> None:
    if not path.exists():
        raise InputError(
            "no such key file", where=str(path), hint="`gopack key new` makes KEY and KEY.pub"
        )


def extras_of(folder: Path) -> dict[Path, Member]:
    """Take every file of a folder to be carried along, by its path in it.

    Raises:
        InputError: it has none, or something else than plain files.
        StoreError: one cannot be read.
    """
    with disk_errors("read", folder):
        found = sorted(path for path in folder.rglob("*") if _is_no_folder(path))
        if odd := [path for path in found if path.is_symlink() or not path.is_file()]:
            raise InputError("not a plain file", where=str(odd[0]), hint="copy what it stands for")
        if not found:
            raise InputError("no file to carry", where=str(folder))
        _check_names(found, folder)
        return {path: _member(path, folder) for path in found}


def _is_no_folder(path: Path) -> bool:
    return path.is_symlink() or not path.is_dir()


def _check_names(files: list[Path], folder: Path) -> None:
    for path in files:
        name = path.relative_to(folder).as_posix()
        try:
            check_name(name, where=str(folder))
        except IntegrityError as error:
            raise InputError(
                "a name that cannot be carried: it must be UTF-8, without control characters or \\",
                where=repr(name),
                hint="rename it",
            ) from error


def _member(path: Path, folder: Path) -> Member:
    with path.open("rb") as file:
        size, digest = indexes.measure(iter(lambda: file.read(1 << 20), b""))
    return Member(f"{EXTRA_FOLDER}{path.relative_to(folder).as_posix()}", size, digest)


def read_bytes(path: Path) -> bytes:
    """Read a file that a person named.

    Raises:
        StoreError: it cannot be read.
    """
    with disk_errors("read", path):
        return path.read_bytes()


def write_new(path: Path, data: bytes) -> None:
    """Write a file whole.

    Raises:
        StoreError: it cannot be written.
    """
    with disk_errors("write", path):
        _write(path, data)


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(path.name + ".part")
    with open_anew(part) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.chmod(0o644)
    part.replace(path)
