"""A folder that packed versions are left in, as pacmod leaves them: go.mod, VERSION.info and .zip.

Rules kept:
- The three appear one after the other by renames, the info last; after a failure none is left.
- What is there with the same bytes stays; other bytes are refused, or replaced if that is asked.
"""

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path

from gopack.adapters.diskerrors import disk_errors
from gopack.adapters.files import FILE_MODE
from gopack.errors import InputError, StoreError
from gopack.plan.layout import is_version_folder_name
from gopack.spec.module import ModuleVersion

_PART = ".gopack-"


class OutFolder:
    """A folder, made when the first version goes into it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._made: list[Path] = []
        self._staged: list[Path] = []

    def discard(self) -> None:
        """Take away what was staged and not put, and the folders that were made for nothing."""
        with contextlib.suppress(OSError):  # they are in use after all
            for path in self._staged:
                path.unlink(missing_ok=True)
            for folder in self._made:
                folder.rmdir()

    def own_paths(self, source: Path) -> set[Path]:
        """Tell what a pack of `source` passes by: the whole folder, if it lies inside.

        Where it is the source itself, the zips and infos of all versions in it.
        """
        folder, source = self.folder.resolve(), source.resolve()
        if folder != source:
            return {folder} if folder.is_relative_to(source) else set()
        with disk_errors("read the source folder", folder):
            return {path for path in folder.iterdir() if _is_own(path)}

    def staged_path(self, module: ModuleVersion) -> Path:
        """Give a new path to write a zip to, in the folder itself.

        Raises:
            StoreError: the folder cannot be made, or something else has its name.
        """
        if self.folder.exists() and not self.folder.is_dir():
            hint = "OUTPUT_DIR is the last word: a folder, made if it is not there."
            raise StoreError("OUTPUT_DIR is no folder", where=str(self.folder), hint=hint)
        with disk_errors("make the output folder", self.folder, is_made=True):
            folders = (self.folder, *self.folder.parents)
            made = [folder for folder in folders if not folder.exists()]
            self.folder.mkdir(parents=True, exist_ok=True)
            self._made = made or self._made
        return self._new_path(f"{module.version}.zip")

    def _new_path(self, name: str) -> Path:
        """Give a path that nobody can foresee: what lies in the folder may be a foreign source."""
        self._staged.append(self.folder / f"{_PART}{secrets.token_hex(8)}-{name}")
        return self._staged[-1]

    def put(
        self, module: ModuleVersion, *, info: bytes, mod: bytes, zip_file: Path, may_replace: bool
    ) -> bool:
        """Leave a version's files here; false if they were here already.

        Raises:
            InputError: other files are in their place, and are not to be replaced.
            StoreError: the disk refuses.
        """
        staged = {
            "go.mod": self._write("go.mod", mod),
            f"{module.version}.zip": zip_file,
            f"{module.version}.info": self._write("info", info),
        }
        try:
            with disk_errors("write the packed version", self.folder):
                new = [name for name, path in staged.items() if not self._is_there(name, path)]
                taken = [name for name in new if (self.folder / name).exists()]
                if taken and not may_replace:
                    raise _taken(self.folder, taken)
                self._move_in({name: staged[name] for name in new})
        finally:
            for path in staged.values():
                with contextlib.suppress(OSError):
                    path.unlink()
        return bool(new)

    def _write(self, name: str, data: bytes) -> Path:
        path = self._new_path(name)
        with disk_errors("write the packed version", path), path.open("xb") as file:
            file.write(data)
        return path

    def _is_there(self, name: str, staged: Path) -> bool:
        there = self.folder / name
        if not there.is_file() or there.stat().st_size != staged.stat().st_size:
            return False
        return all(one == other for one, other in zip(_pieces(there), _pieces(staged), strict=True))

    def _move_in(self, staged: dict[str, Path]) -> None:
        moved: list[Path] = []
        try:
            for name, path in staged.items():
                target = self.folder / name
                is_new = not target.exists()
                path.chmod(FILE_MODE)
                path.replace(target)
                moved += [target] if is_new else []
        except OSError:
            for target in moved:
                target.unlink()
            raise


def left_in(source: Path) -> set[Path]:
    """Tell what gopack left in a module's folder when it was OUTPUT_DIR itself.

    That is a version's zip with its info beside it, and what a run that was killed had staged.

    Raises:
        StoreError: the folder cannot be read.
    """
    source = source.resolve()
    with disk_errors("read the source folder", source):
        own = {path for path in source.iterdir() if _is_own(path)} if source.is_dir() else set()
    return {path for path in own if _is_staged(path) or own.issuperset(_both(path))}


def _is_own(path: Path) -> bool:
    is_named_so = path.suffix in {".zip", ".info"} and is_version_folder_name(path.stem)
    return is_named_so or _is_staged(path)


def _is_staged(path: Path) -> bool:
    return path.name.startswith(_PART)


def _both(path: Path) -> list[Path]:
    return [path.with_suffix(".zip"), path.with_suffix(".info")]


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            yield piece


def _taken(folder: Path, names: list[str]) -> InputError:
    return InputError(
        f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} there already, "
        "with other content",
        where=str(folder),
        hint="Take another OUTPUT_DIR, remove what is there, or say --replace.",
    )
