"""The sealed world of `gopack prove` on this machine; the go command is a stand-in."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from gopack.cli.prove import sealed_world
from gopack.plan.proving import Ran

GO = """#!/bin/sh
case $1 in
env) echo go1.26.1;;
*) touch "$STARTED"; sleep 60 & sleep 60;;
esac
"""


@pytest.fixture
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty storage; what is made in TMPDIR lies in `made`."""
    for name in ("storage", "made", "bin"):
        (tmp_path / name).mkdir()
    program = tmp_path / "bin/go"
    program.write_text(GO.replace("$STARTED", str(tmp_path / "started")))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    for name in ("GOENV", "GOPROXY", "GOSUMDB"):
        monkeypatch.setenv(name, "off")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "made"))
    return tmp_path / "storage"


def build(storage: Path, started: Path, ran: list[Ran]) -> None:
    """Be ended by SIGTERM as soon as a go command runs."""

    def go() -> None:
        with sealed.world.place() as place:
            ran.append(place.go(("build",)))

    def end() -> None:
        while not started.exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    with sealed_world(storage, None) as sealed:
        threads = [threading.Thread(target=target) for target in (go, end)]
        for thread in threads:
            thread.start()
        threads[1].join()
        time.sleep(60)


def test_sigterm_ends_go_commands_and_takes_their_folders_away(
    storage: Path, tmp_path: Path
) -> None:
    before, ran = signal.getsignal(signal.SIGTERM), list[Ran]()
    with pytest.raises(KeyboardInterrupt):
        build(storage, tmp_path / "started", ran)
    assert signal.getsignal(signal.SIGTERM) == before
    for _ in range(500):  # its thread hears of it a little later
        if ran:
            break
        time.sleep(0.01)
    assert [one.exit_status for one in ran] == [-signal.SIGKILL]
    assert list((tmp_path / "made").iterdir()) == []
