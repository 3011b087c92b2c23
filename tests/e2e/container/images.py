"""The base images: the real ones where a registry is reachable, else made from this machine.

The Python image is then Debian's smallest system with Debian's Python (the oldest that gopack
supports), the Go image holds the machine's own GOROOT, both imported from a tar.
"""

import os
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.container.engine import Engine

SUITE = "bookworm"
PACKAGES = "python3,python3-venv,ca-certificates"
PYTHON_IMAGE = "python:3.13-slim"
GO_IMAGE = "golang:1.26-alpine"
DEBOOTSTRAP_S = 600


class NoImageError(Exception):
    """A base image can be neither pulled nor made; the text says why."""


@dataclass(frozen=True, slots=True)
class BaseImages:
    """What the Dockerfile builds upon."""

    python: str
    go: str


def base_images(engine: Engine, cache: Path) -> BaseImages:
    """Find or make both base images.

    Raises:
        NoImageError: there is no registry and no debootstrap.
    """
    if _pulled(engine, PYTHON_IMAGE) and _pulled(engine, GO_IMAGE):
        return BaseImages(PYTHON_IMAGE, GO_IMAGE)
    system = cache / f"base-{SUITE}.tar"
    if not system.exists():
        _debootstrap(system)
    import_tar(engine, system, "gopack-test-python:local")
    goroot = cache / f"engine-goroot-{os.getpid()}.tar"
    try:
        _pack_goroot(goroot)
        import_tar(engine, goroot, "gopack-test-go:local")
    finally:
        goroot.unlink(missing_ok=True)
    return BaseImages("gopack-test-python:local", "gopack-test-go:local")


def import_tar(engine: Engine, tar: Path, name: str, *changes: str) -> None:
    """Make an image of one layer out of a tar."""
    options = [word for change in changes for word in ("--change", change)]
    engine.docker("import", *options, str(tar), name, timeout_s=300)


def _pulled(engine: Engine, image: str) -> bool:
    if engine.docker("image", "ls", "--quiet", image).strip():
        return True
    try:
        said = engine.docker("pull", "--quiet", image, check=False, timeout_s=180)
    except subprocess.TimeoutExpired:
        return False
    return "rror" not in said


def _debootstrap(target: Path) -> None:
    tool = shutil.which("debootstrap", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if not tool or os.geteuid() != 0:
        raise NoImageError("no image registry is reachable, and there is no debootstrap")
    target.parent.mkdir(parents=True, exist_ok=True)
    root = Path(tempfile.mkdtemp(prefix="debootstrap-", dir=target.parent))
    part = root.with_suffix(".tar")
    try:
        command = [tool, "--variant=minbase", f"--include={PACKAGES}", SUITE, str(root)]
        made = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=DEBOOTSTRAP_S,
            check=False,
        )
        if made.returncode != 0:
            raise NoImageError(f"debootstrap failed: {made.stdout[-400:]}")
        shutil.rmtree(root / "var/cache/apt/archives", ignore_errors=True)
        subprocess.run(["tar", "-C", root, "-cf", part, "."], check=True)
        part.rename(target)
    finally:
        shutil.rmtree(root, ignore_errors=True)
        part.unlink(missing_ok=True)


def _pack_goroot(target: Path) -> None:
    """Pack what `go mod download` needs of GOROOT: the command and the defaults."""
    said = subprocess.run(["go", "env", "GOROOT"], capture_output=True, text=True, check=True)
    goroot = Path(said.stdout.strip())
    with tarfile.open(target, "w") as tar:
        for name in ("bin", "VERSION", "go.env"):
            if (goroot / name).exists():
                tar.add(goroot / name, f"usr/local/go/{name}")
        # By this folder go knows its GOROOT (cmd/go/internal/cfg, isGOROOT); nothing is compiled.
        tar.add(goroot / "pkg" / "tool", "usr/local/go/pkg/tool", recursive=False)
