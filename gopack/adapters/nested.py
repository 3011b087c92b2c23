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
        # A folder that cannot be looked into is the system's: `lost+found`.
        if name != OWN_FOLDER and os.path.isdir(root / name / OWN_FOLDER):  # noqa: PTH112
            return root / name
    return None
