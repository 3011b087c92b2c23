"""Ctrl-C and SIGTERM: a wait that nothing else wakes, and files that are under way."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.gitrepo import ENV, GitRepo
from tests.launching import launch

PROGRAM = """
import _thread, queue, signal, threading
from gopack.cli.console import make_console
from gopack.cli.failing import ends_well

signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
threading.Timer(0.3, _thread.interrupt_main).start()
with ends_well(make_console()):
    queue.SimpleQueue().get(timeout=60)
"""


def test_interrupt_noted_just_before_a_long_wait_is_acted_on() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 130, ran.stderr
    assert "interrupted" in ran.stderr


SLOW_GIT = """#!/bin/sh
case "$*" in
*" archive "*) echo >"$TMPDIR/../archives"; exec sleep 60 ;;
*) exec {git} "$@" ;;
esac
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_interrupted_pack_leaves_nothing(number: signal.Signals, tmp_path: Path) -> None:
    repo = GitRepo(tmp_path / "repo")
    repo.commit({"go.mod": "module corp.example/m\n"}, "v1.0.0")
    (tmp_path / "bin").mkdir()
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    (tmp_path / "bin/git").write_text(SLOW_GIT.format(git=shutil.which("git")))
    (tmp_path / "bin/git").chmod(0o755)
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    env = {**ENV, "PATH": path, "TMPDIR": str(scratch)}
    run = launch(["pack", "--git", "v1.0.0", "../out"], folder=repo.folder, env=env)
    try:
        while not (tmp_path / "archives").exists():
            assert run.poll() is None
            time.sleep(0.02)
        assert list(scratch.iterdir())
        run.send_signal(number)
        said = run.communicate(timeout=60)[1]
    finally:
        run.kill()
    assert run.returncode == 130, said
    assert "interrupted" in said
    assert list(scratch.iterdir()) == []
    assert not (tmp_path / "out").exists()
