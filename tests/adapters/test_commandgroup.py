"""Commands that end with all that they started."""

import os
import threading
import time
from pathlib import Path

import pytest

from gopack.adapters.commandgroup import CommandGroup

LEAVES_A_CHILD = ("sh", "-c", "sleep 60 & echo ready >&2; touch started; sleep 60")
ENV = {"PATH": os.environ.get("PATH", os.defpath)}
SOON_S = 4.0


def test_run_gives_status_and_both_outputs(tmp_path: Path) -> None:
    command = ("sh", "-c", "echo out; echo err >&2; exit 3")
    ran = CommandGroup().run(command, folder=tmp_path, env=ENV, timeout_s=60)
    assert ran == (3, "out\n", "err\n")


def test_run_command_that_is_late_ends_with_its_children(tmp_path: Path) -> None:
    """They hold its output open: as long as one lives nobody hears of the end."""
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        CommandGroup().run(LEAVES_A_CHILD, folder=tmp_path, env=ENV, timeout_s=0.2)
    assert time.monotonic() - began < SOON_S


def test_end_ends_what_runs_and_lets_nothing_begin(tmp_path: Path) -> None:
    group = CommandGroup()
    found: list[tuple[int, str, str]] = []

    def run() -> None:
        found.append(group.run(LEAVES_A_CHILD, folder=tmp_path, env=ENV, timeout_s=60))

    thread = threading.Thread(target=run)
    thread.start()
    while not (tmp_path / "started").exists():
        time.sleep(0.01)
    group.end()
    thread.join(SOON_S)
    assert found == [(-9, "", "ready\n")]
    assert group.run(("sh",), folder=tmp_path, env=ENV, timeout_s=60) == (-9, "", "")
