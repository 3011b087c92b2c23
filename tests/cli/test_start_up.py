"""What a verb loads before it needs it: start-up is most of a run that finds nothing new."""

import os
import subprocess
import sys
from pathlib import Path

from tests.upstream import Upstream

SLOW = {
    "httpx",
    "httpcore",
    "httptools",
    "http.client",
    "ssl",
    "cryptography",
    "docker",
    "yaml",
    "sqlite3",
}
"""What takes a hundredth of a second or more to import."""

TOLD = "import sys, gopack.cli.main, gopack.cli.fetch; print(*sys.modules)"


def test_fetch_loads_nothing_slow_before_it_has_to_ask() -> None:
    command = [sys.executable, "-c", TOLD]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert "gopack.cli.wiring" in loaded
    assert SLOW.isdisjoint(loaded), SLOW & set(loaded)


def test_plain_answers_and_what_is_not_there_need_no_second_http_library(
    upstream: Upstream, tmp_path: Path
) -> None:
    upstream.add("a.b/c", "v1.0.0")
    goget = tmp_path / "goget.txt"
    goget.write_text("a.b/c@v1.0.0\na.b/gone@v1.0.0\n")
    command = [sys.executable, "-X", "importtime", "-m", "gopack", "fetch", str(goget)]
    done = subprocess.run(
        [*command, "--storage", str(tmp_path / "storage")],
        env={**os.environ, "GOPROXY": upstream.url, "GOSUMDB": "off"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (tmp_path / "storage/a.b/c/v1.0.0/source.zip").exists(), done.stderr
    assert "404" in done.stderr
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "httptools" in loaded
    assert loaded.isdisjoint({"httpx", "http.client"})
