"""Files that hold a bundle: one, or volumes that are read and written as if they were one.

Rules:
- What is written gets its name when all of it is on the disk; a checksum file before its volume,
  the first volume last: where a run breaks off meanwhile, what is there says what is missing. It
  leaves `.part` files, which the next one deletes: links there lead nowhere.
- Reading needs no more than one volume open at a time, and never joins them.
"""

import glob
import hashlib
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from gopack.adapters.diskerrors import disk_errors
from gopack.adapters.files import open_anew
from gopack.errors import InputError, IntegrityError, StoreError
from gopack.plan.bundle import volumes
from gopack.plan.bundle.volumes import Sidecar, Slice

PART = ".part"
"""How the name of what is being written ends: a broken-off run leaves it, the next takes it."""

_PIECE_BYTES = 1 << 20
_SIDECAR_BYTES = 4096


class Region(NamedTuple):
    """Some bytes of a file."""

    path: Path
    start: int
    size_bytes: int


class VolumeWriter:
    """Writes a bundle's bytes, as they come, into one file or into volumes.

    Args:
        target: the bundle's name; volumes add their numbers to it.
        parts: the slices, or none for one file.
        only: the numbers of the volumes to write; all if empty.
        bundle: the bundle's id, for the checksum files.
    """

    def __init__(
        self,
        target: Path,
        *,
        bundle: str,
        parts: Sequence[Slice] = (),
        only: Collection[int] = (),
    ) -> None:
        self._target = target
        self._bundle = bundle
        self._parts = list(parts)
        self._only = only
        self._at = 0
        self._next = 0
        self._file: BinaryIO | None = None
        self._digest = hashlib.sha256()
        self._done: list[Path] = []

    def wants(self, start: int, size_bytes: int) -> bool:
        """Tell whether any of these bytes go into a file that is to be written."""
        if not self._parts or not self._only:
            return True
        return any(
            part.number in self._only
            and part.start < start + size_bytes
            and start < part.start + part.size_bytes
            for part in self._parts
        )

    def skip(self, size_bytes: int) -> None:
        """Pass over bytes that nothing wants."""
        left = size_bytes
        while left:
            self._open()
            step = min(left, self._room())
            self._advance(step)
            left -= step

    def write(self, data: bytes | memoryview) -> None:
        """Write the next bytes.

        Raises:
            StoreError: the disk refuses them.
        """
        rest = memoryview(data)
        while rest:
            self._open()
            piece = rest[: self._room()]
            if self._file is not None:
                with disk_errors("write the bundle", self._part_path()):
                    self._file.write(piece)
                if self._parts:
                    self._digest.update(piece)
            self._advance(len(piece))
            rest = rest[len(piece) :]

    def end(self) -> None:
        """Have all that was written on the disk, before it appears."""
        if not self._parts:
            self._close()

    def appear(self) -> list[Path]:
        """Give the files their names, and tell them."""
        with disk_errors("write the bundle", self._target):
            for path in reversed(self._done):
                path.with_name(path.name + PART).replace(path)
            descriptor = os.open(self._target.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        return self._done

    def discard(self) -> None:
        """Delete what was written so far, after a failure."""
        if self._file is not None:
            self._file.close()
            self._part_path().unlink(missing_ok=True)
        for path in self._done:
            path.with_name(path.name + PART).unlink(missing_ok=True)

    def _room(self) -> int:
        if not self._parts:
            return 1 << 62
        part = self._parts[self._next]
        return part.start + part.size_bytes - self._at

    def _path(self) -> Path:
        if not self._parts:
            return self._target
        name = volumes.volume_name(self._target.name, self._parts[self._next].number)
        return self._target.with_name(name)

    def _part_path(self) -> Path:
        path = self._path()
        return path.with_name(path.name + PART)

    def _open(self) -> None:
        is_wanted = not self._parts or not self._only
        is_wanted = is_wanted or self._parts[self._next].number in self._only
        if self._file is None and is_wanted:
            with disk_errors("write the bundle", self._part_path()):
                self._file = open_anew(self._part_path())
            self._digest = hashlib.sha256()

    def _advance(self, count: int) -> None:
        self._at += count
        if self._parts and not self._room():
            self._close()
            self._next += 1

    def _close(self) -> None:
        if self._file is None:
            return
        path = self._path()
        with disk_errors("write the bundle", path):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        self._file = None
        self._done.append(path)
        if self._parts:
            part = self._parts[self._next]
            sidecar = Sidecar(
                self._bundle,
                part.number,
                len(self._parts),
                part.size_bytes,
                self._digest.hexdigest(),
                path.name,
            )
            self._write_sidecar(path, volumes.format_sidecar(sidecar))

    def _write_sidecar(self, volume: Path, data: bytes) -> None:
        path = volume.with_name(volumes.sidecar_name(volume.name))
        part = path.with_name(path.name + PART)
        with disk_errors("write the checksum file", path), open_anew(part) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        self._done.append(path)


@dataclass(frozen=True, slots=True)
class _Part:
    path: Path
    start: int
    size_bytes: int
    sidecar: Sidecar | None


class VolumeReader:
    """A bundle on disk, one file or volumes, read at any place.

    Raises:
        InputError: there is no such file.
        StoreError: a volume is missing, or cannot be read.
        IntegrityError: the volumes do not belong together.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with disk_errors("read the bundle", path):
            self._parts = _find(path)
        self.size_bytes = sum(part.size_bytes for part in self._parts)
        self._open: tuple[Path, int] | None = None

    @property
    def is_split(self) -> bool:
        """Whether there are volumes."""
        return self._parts[0].sidecar is not None or len(self._parts) > 1

    @property
    def bundle(self) -> str | None:
        """The bundle that the checksum files say this is; None without them."""
        return next((part.sidecar.bundle for part in self._parts if part.sidecar), None)

    def read(self, start: int, size_bytes: int) -> bytes:
        """Read some bytes; fewer where the bundle ends.

        Raises:
            StoreError: a volume cannot be read.
        """
        pieces = [self._read(region) for region in self.regions(start, size_bytes)]
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def regions(self, start: int, size_bytes: int) -> list[Region]:
        """Tell which bytes of which files these are."""
        found = []
        end = start + size_bytes
        for part in self._parts:
            low, high = max(start, part.start), min(end, part.start + part.size_bytes)
            if low < high:
                found.append(Region(part.path, low - part.start, high - low))
        return found

    def damaged(self, start: int, size_bytes: int) -> list[str]:
        """Name the volumes among these bytes that are not what their checksum file says."""
        names = {region.path for region in self.regions(start, size_bytes)}
        return [
            part.path.name
            for part in self._parts
            if part.sidecar and part.path in names and not self._is_sound(part)
        ]

    def close(self) -> None:
        """Close what is open."""
        if self._open is not None:
            os.close(self._open[1])
            self._open = None

    def _is_sound(self, part: _Part) -> bool:
        digest = hashlib.sha256()
        for at in range(0, part.size_bytes, _PIECE_BYTES):
            digest.update(self._read(Region(part.path, at, _PIECE_BYTES)))
        return part.sidecar is not None and digest.hexdigest() == part.sidecar.sha256

    def _read(self, region: Region) -> bytes:
        with disk_errors("read the bundle", region.path):
            if self._open is None or self._open[0] != region.path:
                self.close()
                self._open = (region.path, os.open(region.path, os.O_RDONLY))
            return os.pread(self._open[1], region.size_bytes, region.start)


def _find(path: Path) -> list[_Part]:
    if path.is_file() and not is_numbered(path):
        return [_Part(path, 0, path.stat().st_size, None)]
    base = path.with_name(path.name[:-4]) if is_numbered(path) else path
    found = sorted(base.parent.glob(f"{glob.escape(base.name)}.[0-9][0-9][0-9]"))
    paths = {int(each.name[-3:]): each for each in found if each.is_file()}
    sidecars = {int(each.name[-10:-7]): _read_sidecar(each) for each in _sidecars(base)}
    if not paths and not sidecars:
        raise InputError("no such bundle", where=str(path), hint="give its name, or a volume's")
    _check_set(base, paths, sidecars)
    parts, start = [], 0
    for number in sorted(paths):
        size = paths[number].stat().st_size
        parts.append(_Part(paths[number], start, size, sidecars.get(number)))
        start += size
    return parts


def refuse_others(base: Path, bundle: str) -> None:
    """Refuse a name whose volumes are, as a checksum file says, those of another bundle.

    Raises:
        InputError: naming the checksum file.
        StoreError: one cannot be read.
    """
    with disk_errors("look at the volumes", base):
        paths = _sidecars(base)
    for path in paths:
        try:
            other = _read_sidecar(path).bundle
        except IntegrityError:  # it is made anew with its volume
            continue
        if other != bundle:
            raise InputError(
                f"volumes of another bundle lie there, {other[:12]}",
                where=str(path),
                hint="give the name of the bundle that is made again, or another folder",
            )


def _sidecars(base: Path) -> list[Path]:
    found = base.parent.glob(f"{glob.escape(base.name)}.[0-9][0-9][0-9].sha256")
    return [path for path in sorted(found) if path.is_file()]


def _read_sidecar(path: Path) -> Sidecar:
    with disk_errors("read the checksum file", path), path.open("rb") as file:
        return volumes.parse_sidecar(file.read(_SIDECAR_BYTES), where=str(path))


def is_numbered(path: Path) -> bool:
    """Whether this is the name of a volume."""
    suffix = path.suffix[1:]
    return len(suffix) == 3 and suffix.isascii() and suffix.isdigit()


def _check_cut(base: Path, sidecars: dict[int, Sidecar], again: str) -> None:
    """Check that the volumes were cut to one size: `--again` may have been given another one."""
    cuts: dict[tuple[int, int], list[str]] = {}
    for number, side in sorted(sidecars.items()):
        known = [size for count, size in cuts if count == side.count]
        is_last = number == side.count
        cut = (side.count, known[0] if is_last and known else side.size_bytes)
        cuts.setdefault(cut, []).append(volumes.volume_name(base.name, number))
    if len(cuts) > 1:
        told = "; ".join(
            f"{', '.join(names)}: {count} volumes of {size} bytes"
            for (count, size), names in cuts.items()
        )
        raise IntegrityError(
            f"the volumes were cut to different sizes: {told}",
            where=str(base),
            hint=f"{again}, with the --volume-size of the others",
        )


def _check_set(base: Path, paths: dict[int, Path], sidecars: dict[int, Sidecar]) -> None:
    """Check that the volumes are all there, whole in size, and of one bundle."""
    again = "carry it across again, or make it anew on the connected side: `gopack bundle create "
    again += "--again SEQUENCE --only NUMBER`"
    bundles = {sidecar.bundle: number for number, sidecar in sorted(sidecars.items())}
    if len(bundles) > 1:
        told = ", ".join(
            f"{volumes.volume_name(base.name, n)} of {bundle[:12]}" for bundle, n in bundles.items()
        )
        raise IntegrityError(
            f"volumes of different bundles lie together: {told}",
            where=str(base),
            hint="keep the volumes of each bundle in a folder of their own",
        )
    _check_cut(base, sidecars, again)
    count = max([side.count for side in sidecars.values()] or [max(paths, default=0)])
    missing = [volumes.volume_name(base.name, n) for n in range(1, count + 1) if n not in paths]
    if odd := [n for n in sorted(paths) if not 1 <= n <= count]:
        raise IntegrityError(
            f"the bundle has {count} volumes, and {paths[odd[0]].name} is none of them",
            where=str(base),
            hint="move it away, and import again",
        )
    if missing:
        raise StoreError(f"missing: {', '.join(missing)}", where=str(base), hint=again)
    for number, sidecar in sidecars.items():
        size = paths[number].stat().st_size if number in paths else -1
        if (sidecar.number, sidecar.size_bytes) != (number, size):
            raise IntegrityError(
                "the volume is not the one that its checksum file describes",
                where=str(base.with_name(volumes.volume_name(base.name, number))),
                expected=f"volume {sidecar.number}, {sidecar.size_bytes} bytes",
                got=f"volume {number}, {size} bytes",
                hint=again,
            )
