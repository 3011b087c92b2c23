"""Where tests keep what they fetch and build between runs, outside the repository."""

import os
from pathlib import Path


def cache_dir() -> Path:
    """GOPACK_TEST_CACHE, or a folder of the user's; it is there."""
    folder = os.environ.get("GOPACK_TEST_CACHE") or "~/.cache/gopack-tests"
    path = Path(folder).expanduser()
    path.mkdir(parents=True, exist_ok=True)
    return path
