"""scripts/venv.sh on hosts whose Python is too old or incomplete, played by small shell scripts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gopack import __version__

SCRIPT = Path(__file__).parent.parent.parent / "scripts" / "venv.sh"


def run(tmp_path: Path, python: Path) -> subprocess.CompletedProcess[str]:
    empty = tmp_path / "empty.txt"
    empty.touch()
    return subprocess.run(
        [SCRIPT, tmp_path / "venv", empty],
        env={**os.environ, "PYTHON": str(python)},
        capture_output=True,
        text=True,
        check=False,
    )


def python_without(tmp_path: Path, *modules: str) -> Path:
    """A Python in which these modules cannot be imported."""
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    for module in modules:
        (blocked / f"{module}.py").write_text("raise ImportError\n")
    script = tmp_path / "python3"
    script.write_text(f'#!/bin/sh\nPYTHONPATH={blocked} exec {sys.executable} "$@"\n')
    script.chmod(0o755)
    return script


def test_venv_python_too_old_says_which_is_needed(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    result = run(tmp_path, old)
    assert result.returncode == 2
    assert "needs Python 3.11 or newer" in result.stderr
    assert not (tmp_path / "venv").exists()


def test_venv_without_ensurepip_and_pip_names_the_package(tmp_path: Path) -> None:
    result = run(tmp_path, python_without(tmp_path, "ensurepip", "pip"))
    assert result.returncode == 2
    assert "apt-get install python3-venv" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.e2e
def test_venv_without_ensurepip_uses_the_hosts_pip(tmp_path: Path) -> None:
    result = run(tmp_path, python_without(tmp_path, "ensurepip"))
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "venv" / "bin" / "python").exists()
    assert not list((tmp_path / "venv" / "lib").glob("python3*/site-packages/pip"))


@pytest.mark.e2e
def test_venv_complete_python_makes_one(tmp_path: Path) -> None:
    result = run(tmp_path, Path(sys.executable))
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "venv" / "bin" / "python").exists()


@pytest.mark.e2e
def test_venv_has_the_command_for_any_folder(tmp_path: Path) -> None:
    assert run(tmp_path, Path(sys.executable)).returncode == 0
    (tmp_path / "gopack").mkdir()  # as where a bundle was taken apart
    (tmp_path / "gopack/__init__.py").write_text("raise SystemExit(9)")
    needed = os.pathsep.join(path for path in sys.path if path.endswith("site-packages"))
    said = subprocess.run(
        [tmp_path / "venv" / "bin" / "gopack", "--version"],
        cwd=tmp_path,
        env={"PYTHONPATH": needed},
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.stdout == f"gopack, version {__version__}\n", said.stderr
