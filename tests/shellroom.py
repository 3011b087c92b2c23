"""A room for pushes that is a folder of this machine: its shell runs the scripts."""

import io
import subprocess
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from gopack.errors import StoreError


@dataclass
class ShellRoom:
    """flows.push.Room on this machine; `beside` are files that came beside the storage."""

    root: str
    user: str = ""
    beside: list[Path] = field(default_factory=list)

    def run(self, script: str) -> str:
        done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
        if done.returncode:
            raise StoreError(f"a script ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def put(self, pieces: Iterable[bytes]) -> None:
        with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as archive:
            names = (Path("/", name) for name in archive.getnames())
            self.beside += [path for path in names if not path.is_relative_to(self.root)]
            if hasattr(tarfile, "fully_trusted_filter"):  # not before Python 3.11.4
                archive.extraction_filter = staticmethod(tarfile.fully_trusted_filter)
            archive.extractall("/")

    def read(self, path: str) -> bytes | None:
        return Path(path).read_bytes() if Path(path).exists() else None
