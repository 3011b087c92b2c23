"""Volumes: a bundle's bytes cut into files that fit a medium, each with a checksum of its own.

Rules:
- Volumes are called `NAME.001`, `NAME.002`, ... and joined in that order they are the bundle:
  `cat NAME.??? | tar -x` works without gopack.
- Beside each lies `NAME.001.sha256`: comment lines that say which volume of which bundle it is,
  and a line that `sha256sum -c` reads.
- The number of volumes is known before the first is written, and stands in each checksum file.
"""

import re
from dataclasses import dataclass

from gopack.errors import InputError, IntegrityError

MEDIA = {
    "cd": 700 << 20,  # 80 minutes: 360,000 sectors of 2,048 bytes, less what ISO 9660 needs
    "dvd": 4_700_000_000,
    "bd25": 25_000_000_000,
    "fat32": (4 << 30) - 1,
}
"""Sizes by name; of optical media a little is left for the file system and the checksum files."""

_RESERVED_BYTES = 4 << 20
MIN_VOLUME_BYTES = 64 << 10
MAX_VOLUMES = 999
_UNITS = {"": 1, "B": 1}
for _power, _letter in enumerate("KMGT", 1):
    _UNITS |= {f"{_letter}iB": 1 << (10 * _power), f"{_letter}B": 1000**_power}
    _UNITS |= {_letter: 1 << (10 * _power)}
_SIZE = re.compile(r"(\d{1,15})([KMGT]?i?B?)(?:-(\d{1,12}))?", re.ASCII)
_SIDECAR = re.compile(
    r"# gopack bundle ([0-9a-f]{64})\n# volume (\d{1,3}) of (\d{1,3}), (\d{1,18}) bytes\n"
    r"([0-9a-f]{64})  ([^\n/]+)\n"
)


@dataclass(frozen=True, slots=True)
class Slice:
    """One volume: its number from 1 on, where its bytes begin in the bundle, how many there are."""

    number: int
    start: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What a checksum file says of its volume."""

    bundle: str
    number: int
    count: int
    size_bytes: int
    sha256: str
    name: str


def parse_size(text: str) -> int:
    """Read `4GiB-1`, `700MB`, `1048576`, or a medium's name.

    >>> parse_size("4GiB-1") == parse_size("fat32") == 4294967295
    True

    Raises:
        InputError: it is no size, or too small a one.
    """
    if text.lower() in MEDIA:
        size = MEDIA[text.lower()]
        return size if text.lower() == "fat32" else size - _RESERVED_BYTES
    match = _SIZE.fullmatch(text)
    if not match or match[2] not in _UNITS:
        raise InputError(
            "not a volume size",
            where=text,
            hint=f"say {', '.join(MEDIA)}, or a number with a unit, such as 4GiB-1 or 700MB",
        )
    size = int(match[1]) * _UNITS[match[2]] - int(match[3] or 0)
    if size < MIN_VOLUME_BYTES:
        raise InputError(
            f"a volume holds at least {MIN_VOLUME_BYTES} bytes", where=text, hint="say more"
        )
    return size


def slices(total_bytes: int, volume_bytes: int) -> list[Slice]:
    """Cut a bundle; the last volume may be smaller.

    Raises:
        InputError: there would be more than three digits can number.
    """
    count = max(1, -(-total_bytes // volume_bytes))
    if count > MAX_VOLUMES:
        raise InputError(
            f"{count} volumes are needed, {MAX_VOLUMES} is the most",
            hint="give a larger --volume-size",
        )
    starts = range(0, count * volume_bytes, volume_bytes)
    return [
        Slice(number, start, min(volume_bytes, total_bytes - start))
        for number, start in enumerate(starts, 1)
    ]


def volume_name(name: str, number: int) -> str:
    """Name a volume.

    >>> volume_name("modules.bundle", 7)
    'modules.bundle.007'
    """
    return f"{name}.{number:03d}"


def sidecar_name(volume: str) -> str:
    """Name the checksum file of a volume."""
    return f"{volume}.sha256"


def format_sidecar(sidecar: Sidecar) -> bytes:
    """Write a checksum file."""
    return (
        f"# gopack bundle {sidecar.bundle}\n"
        f"# volume {sidecar.number} of {sidecar.count}, {sidecar.size_bytes} bytes\n"
        f"{sidecar.sha256}  {sidecar.name}\n"
    ).encode()


def parse_sidecar(data: bytes, *, where: str) -> Sidecar:
    """Read a checksum file.

    Raises:
        IntegrityError: it is none.
    """
    match = _SIDECAR.fullmatch(data.decode(errors="replace").replace("\r\n", "\n"))
    if match is None:
        raise IntegrityError(
            "not a volume's checksum file",
            where=where,
            hint="carry this file across again, or make it anew: "
            "`gopack bundle create --again SEQUENCE --only NUMBER`",
        )
    bundle, number, count, size, sha256, name = match.groups()
    return Sidecar(bundle, int(number), int(count), int(size), sha256, name)
