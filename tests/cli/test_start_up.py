"""What a verb loads before it needs it: start-up is most of a run that finds nothing new."""

import subprocess
import sys

SLOW = {"httpx", "httpcore", "http.client", "ssl", "cryptography", "docker", "yaml", "sqlite3"}
"""What takes a hundredth of a second or more to import."""

TOLD = "import sys, gopack.cli.main, gopack.cli.fetch; print(*sys.modules)"


def test_fetch_loads_nothing_slow_before_it_has_to_ask() -> None:
    command = [sys.executable, "-c", TOLD]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert "gopack.cli.wiring" in loaded
    assert SLOW.isdisjoint(loaded), SLOW & set(loaded)
