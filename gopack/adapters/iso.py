"""ISO 9660 images for optical discs, by xorriso.

Spec: xorrisofs(1); long names by Rock Ridge and Joliet, files over 4 GiB by ISO level 3. Times are
the files' own, none of them the image's: the same files give the same image (SOURCE_DATE_EPOCH).
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from gopack.adapters.diskerrors import disk_errors
from gopack.errors import InputError, StoreError

PROGRAM = "xorriso"
_EPOCH = "315532800"  # 1980-01-01, which every file system can name


def find_xorriso() -> str:
    """Tell where xorriso is.

    Raises:
        InputError: it is not installed.
    """
    found = shutil.which(PROGRAM)
    if found is None:
        raise InputError(
            "--iso needs xorriso, and it is not installed",
            hint="install it (package xorriso), or leave --iso out and burn the volumes as files",
        )
    return found


def make_iso(xorriso: str, files: Sequence[Path], target: Path, *, label: str) -> Path:
    """Make an image that holds these files in its root; it appears whole.

    Raises:
        StoreError: xorriso fails, with what it said.
    """
    part = target.with_name(f"{target.name}.part")
    words = [xorriso, "-as", "mkisofs", "-quiet", "-iso-level", "3", "-R", "-J", "-joliet-long"]
    words += ["-V", label, "-o", str(part), *map(str, files)]
    env = {**os.environ, "SOURCE_DATE_EPOCH": _EPOCH}
    with disk_errors("make the image", target):
        for file in files:
            os.utime(file, (int(_EPOCH), int(_EPOCH)))
        part.unlink(missing_ok=True)  # xorriso would grow an image that is there
        try:
            done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
            _check(done, target)
            part.replace(target)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    return target


def _check(done: subprocess.CompletedProcess[str], target: Path) -> None:
    if done.returncode:
        lines = done.stderr.splitlines()
        said = [line for line in lines if "FAILURE" in line] or lines or ["no reason given"]
        raise StoreError(
            f"xorriso failed: {said[0]}",
            where=str(target),
            hint="is the disk full? The volumes themselves are written beside it",
        )
