"""gopack's own wheel, made of the files it runs from: the same files give the same bytes.

Spec: packaging.python.org, Binary distribution format (the RECORD, WHEEL and METADATA files) and
Core metadata 2.1.
"""

import hashlib
import io
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

NAME = "gopack"
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # the first time that a zip can name
_MODE = 0o644 << 16
_WHEEL = "Wheel-Version: 1.0\nGenerator: gopack\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_ENTRY_POINTS = "[console_scripts]\ngopack = gopack.__main__:main\n"


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a wheel says of itself."""

    version: str
    requires_python: str
    requires: tuple[str, ...]

    def text(self) -> str:
        """Write METADATA."""
        lines = ["Metadata-Version: 2.1", f"Name: {NAME}", f"Version: {self.version}"]
        lines.append(f"Requires-Python: {self.requires_python}")
        lines += [f"Requires-Dist: {one}" for one in self.requires]
        return "\n".join(lines) + "\n"


def wheel_name(metadata: Metadata) -> str:
    """Name the wheel's file.

    >>> wheel_name(Metadata("1.0", ">=3.11", ()))
    'gopack-1.0-py3-none-any.whl'
    """
    return f"{NAME}-{metadata.version}-py3-none-any.whl"


def make_wheel(metadata: Metadata, files: Mapping[str, bytes]) -> bytes:
    """Make the wheel; `files` are the package's, by their path from the package's parent."""
    info = f"{NAME}-{metadata.version}.dist-info"
    inside = dict(sorted(files.items()))
    inside[f"{info}/METADATA"] = metadata.text().encode()
    inside[f"{info}/WHEEL"] = _WHEEL.encode()
    inside[f"{info}/entry_points.txt"] = _ENTRY_POINTS.encode()
    inside[f"{info}/RECORD"] = _record(inside.items(), f"{info}/RECORD")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, data in inside.items():
            entry = zipfile.ZipInfo(name, _EARLIEST)
            entry.external_attr = _MODE
            entry.create_system = 3
            archive.writestr(entry, data)
    return out.getvalue()


def _record(files: Iterable[tuple[str, bytes]], own_name: str) -> bytes:
    rows = []
    for name, data in files:
        digest = urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
        rows.append(f"{name},sha256={digest},{len(data)}\n")
    return ("".join(rows) + f"{own_name},,\n").encode()
