"""A storage laid from what the go command itself has asked for: a perfect one, to test the judge.

gopack's own storages are compared with what the go command does; this one is right by construction
for the steps that were run, so that the harness can be tried without gopack.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

from gopack.spec.module import unescape_path, unescape_version

NAMES = {"info": "{version}.info", "mod": "go.mod", "zip": "source.zip"}


def lay(cache: Path, asked: Sequence[str], root: Path) -> None:
    """Copy the version files among the paths `asked` from a caching proxy's folder into `root`."""
    for path in sorted(set(asked)):
        escaped, found, name = path.lstrip("/").partition("/@v/")
        source = cache / path.lstrip("/")
        version, _, kind = name.rpartition(".")
        if not found or kind not in NAMES or not source.is_file():
            continue
        version = unescape_version(version)
        folder = root / unescape_path(escaped) / version
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, folder / NAMES[kind].format(version=version))
