"""Every branch of what trust rests on is run by its own tests, with none left out."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e  # a whole run of pytest: too long for make check

REPOSITORY = Path(__file__).parents[2]
CORE = ("note", "tlog", "tiles", "sumdb")
CONFIG = (
    "[run]\nbranch = True\ninclude =\n{files}\n[report]\nfail_under = 100\nshow_missing = True\n"
)


def coverage(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    files = "".join(f"    gopack/spec/{name}.py\n" for name in CORE)
    (folder / "rc").write_text(CONFIG.format(files=files))
    verb, *rest = words
    command = [sys.executable, "-m", "coverage", verb, f"--rcfile={folder / 'rc'}", *rest]
    env = {**os.environ, "COVERAGE_FILE": str(folder / "data")}
    return subprocess.run(
        command, cwd=REPOSITORY, env=env, capture_output=True, text=True, timeout=300, check=False
    )


def report(folder: Path, *names: str) -> subprocess.CompletedProcess[str]:
    tests = (f"tests/spec/test_{name}.py" for name in names)
    done = coverage(folder, "run", "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests)
    assert done.returncode == 0, done.stdout + done.stderr
    return coverage(folder, "report")


def test_core_is_covered_branch_by_branch(tmp_path: Path) -> None:
    told = report(tmp_path, *CORE)
    assert told.returncode == 0, told.stdout + told.stderr
    assert all(f"gopack/spec/{name}.py" in told.stdout for name in CORE)


def test_check_of_the_coverage_fails_where_a_branch_is_left_out(tmp_path: Path) -> None:
    told = report(tmp_path, "tiles")
    assert told.returncode == 2, told.stdout
