"""The cache folder, and the Go programs beside these files, built into it."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent

VERIFYING = {"GOENV": "off", "GOSUMDB": "", "GONOSUMDB": "", "GOPRIVATE": "", "GONOPROXY": ""}
"""The go command's settings at their defaults: everything is verified."""

UNVERIFIED = {**VERIFYING, "GOSUMDB": "off"}


def cache_dir() -> Path:
    """Where data that must not be fetched twice is kept, outside the repository."""
    default = Path.home() / ".cache" / "gopack-tests"
    folder = Path(os.environ.get("GOPACK_TEST_CACHE") or default) / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def built_program(name: str) -> Path:
    """Build one of the Go programs (standard library only) into the cache."""
    target = cache_dir() / f"bench-{name}"
    go(["build", "-o", str(target), "."], cwd=HERE / name, env={"GOFLAGS": "-buildvcs=false"})
    return target


def go(
    arguments: Sequence[str], *, cwd: Path, env: dict[str, str], check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run the go command; its complaint is the error's text where it fails and `check` is true."""
    full = {**os.environ, "GOTOOLCHAIN": "local", "GOWORK": "off", **env}
    command = ["go", *arguments]
    done = subprocess.run(command, cwd=cwd, env=full, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise RuntimeError(f"go {' '.join(arguments[:3])}: {done.stderr.strip()[-2000:]}")
    return done
