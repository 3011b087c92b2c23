"""The README's first command gives what the README shows, but for sizes and times."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.caching_proxy import caching_proxy

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]


def shape(text: str) -> list[str]:
    """A log without what differs from run to run: figures, versions, widths of columns."""
    figures = re.compile(r"\d[\d.]*( (B|kB|MB|s)\b)?")
    return [" ".join(figures.sub("N", line).split()) for line in text.strip().splitlines()]


def test_main_job_prints_what_the_readme_shows(tmp_path: Path) -> None:
    shown = re.search(r"```text\n(resolving\n.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert shown is not None
    with caching_proxy() as proxy:
        ran = subprocess.run(
            [sys.executable, "-m", "gopack", "fetch", ROOT / "goget.txt"],
            cwd=tmp_path,
            env={**os.environ, "GOPROXY": proxy.url, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert ran.returncode == 0, ran.stderr
    told = [line for line in ran.stderr.splitlines() if not line.endswith(" so far")]  # when slow
    assert shape("\n".join(told)) == shape(shown[1])
    assert (tmp_path / "ATHENS_STORAGE/github.com/BurntSushi/toml/v1.6.0/source.zip").is_file()
