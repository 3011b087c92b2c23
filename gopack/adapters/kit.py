"""What a bundle carries of gopack itself: wheels, the container image, the documentation.

Rules:
- Wheels come through pip, by the hash-locked requirements; gopack's own is made of the files that
  run here. pip itself comes along, and runs from its wheel: Debian's python3 has none.
- What is needed for that lies beside the package in a source tree, and in it where it is installed
  (`_kit/`).
"""

import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from gopack import __version__
from gopack.adapters.diskerrors import disk_errors
from gopack.errors import InputError, UpstreamError
from gopack.plan.bundle import wheel
from gopack.plan.bundle.readme import IMAGE_NAME, PIP, WHEELS
from gopack.plan.bundle.wheel import Metadata

PACKAGE = Path(__file__).parents[1]
_INSTALLED = PACKAGE / "_kit"
_SOURCE = PACKAGE.parent
_NOT_HERE = (
    "make the bundle with a gopack that was installed by pip or runs from its source tree; in the "
    "container there is neither Docker nor pip"
)


def add_docs(folder: Path) -> None:
    """Put the documentation into a kit.

    Raises:
        InputError: there is none here.
    """
    (folder / "docs").mkdir()
    for name, data in _docs().items():
        with disk_errors("write the kit", folder):
            (folder / name).write_bytes(data)


def add_wheels(folder: Path, targets: Sequence[str]) -> None:
    """Put gopack's wheel and those of all it needs into a kit.

    Args:
        folder: the kit's.
        targets: `PYTHON[/PLATFORM]`, as pip's --python-version and --platform have it; none for
            the Python that runs this.

    Raises:
        InputError: pip or the requirements are not here, or a target is malformed.
        UpstreamError: pip could not have a wheel.
    """
    wheels = folder / WHEELS
    wheels.mkdir()
    described = _metadata()
    with disk_errors("write the kit", wheels):
        data = wheel.make_wheel(described, _package_files())
        (wheels / wheel.wheel_name(described)).write_bytes(data)
    for target in targets or ("",):
        _pip_download(wheels, target, _requirements())
    with disk_errors("write the kit", folder), tempfile.TemporaryDirectory(dir=folder) as name:
        _pip_download(Path(name), "", _requirements("pip.txt"))
        [pip] = Path(name).iterdir()
        pip.rename(folder / PIP)


def image_path(folder: Path) -> Path:
    """Tell where a kit has the container image."""
    return folder / IMAGE_NAME


def _pip_download(folder: Path, target: str, requirements: Path) -> None:
    words = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"]
    words += ["--require-hashes", "--only-binary", ":all:", "--dest", str(folder)]
    words += ["--requirement", str(requirements)]
    python, _, platform = target.partition("/")
    if python:
        words += ["--python-version", python]
    if platform:
        words += ["--platform", platform]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if "No module named pip" in done.stderr:
        raise InputError(
            "there is no pip in this environment",
            where=sys.executable,
            hint=f"python3 -m pip --python {sys.executable} install pip, or --wheels-for none",
        )
    if done.returncode:
        raise UpstreamError(
            f"pip cannot download the wheels: {_last_line(done.stderr)}",
            where=target or "this Python",
            hint="pip's own settings count (PIP_INDEX_URL, pip.conf); --wheels-for none leaves "
            "the wheels out",
        )


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("ERROR: ") if lines else "it says nothing"


def _requirements(name: str = "runtime.txt") -> Path:
    for path in (_SOURCE / "requirements" / name, _INSTALLED / name):
        if path.is_file():
            return path
    raise InputError("gopack's requirements are not here", where=str(PACKAGE), hint=_NOT_HERE)


def _docs() -> dict[str, bytes]:
    """Take the pages and the README, which they link to, by their names in the source tree."""
    for folder in (_SOURCE, _INSTALLED):
        if (folder / "docs/sealed-side.md").is_file():
            with disk_errors("read the documentation", folder):
                pages = [folder / "README.md", *sorted(folder.glob("docs/*.md"))]
                return {path.relative_to(folder).as_posix(): path.read_bytes() for path in pages}
    raise InputError("gopack's documentation is not here", where=str(PACKAGE), hint=_NOT_HERE)


def _metadata() -> Metadata:
    """Tell what gopack needs: from its pyproject.toml, or from how it was installed."""
    project = _SOURCE / "pyproject.toml"
    if project.is_file() and (_SOURCE / "requirements").is_dir():
        with disk_errors("read", project):
            said = tomllib.loads(project.read_text("utf-8"))["project"]
        return Metadata(__version__, said["requires-python"], tuple(said["dependencies"]))
    try:
        installed = metadata.metadata(wheel.NAME)
    except metadata.PackageNotFoundError as error:
        raise InputError("gopack is not installed", where=str(PACKAGE), hint=_NOT_HERE) from error
    requires = tuple(metadata.requires(wheel.NAME) or ())
    return Metadata(__version__, installed["Requires-Python"], requires)


def _package_files() -> dict[str, bytes]:
    """Take the package's files, and what the next kit is made of."""
    with disk_errors("read gopack's own files", PACKAGE):
        files = {
            f"gopack/{path.relative_to(PACKAGE).as_posix()}": path.read_bytes()
            for path in sorted(PACKAGE.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
        }
        for name in ("runtime.txt", "pip.txt"):
            files[f"gopack/_kit/{name}"] = _requirements(name).read_bytes()
    files |= {f"gopack/_kit/{name}": data for name, data in _docs().items()}
    return files
