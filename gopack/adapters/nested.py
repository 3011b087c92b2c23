"""A storage that was copied into a folder that was there already, and so lies one folder deeper."""

import os
from pathlib import Path

from gopack.plan.layout import OWN_FOLDER


def nested_storage(root: Path) -> Path | None:
    """Find the folder below `root` that has gopack's own folder, where `root` itself has none."""
    try:
        names = sorted(entry.name for entry in os.scandir(root) if entry.is_dir())
    except OSError:
        return None
    for name in names:
        if name != OWN_FOLDER and (root / name / OWN_FOLDER).is_dir():
            return root / name
    return None
