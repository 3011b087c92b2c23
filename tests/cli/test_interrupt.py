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
from tests.waiting import until

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


LOADING = """
import runpy, signal, sys

signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
sys.argv = ["gopack", "fetch"]
runpy.run_module(sys.orig_argv[-1], run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize(
    ("module", "slow"),
    [("gopack", "click"), ("gopack", "rich"), ("gopack.cli.firstprocess", "click")],
)
def test_interrupt_while_modules_are_loaded_is_status_130_without_a_traceback(
    tmp_path: Path, module: str, slow: str
) -> None:
    loads = tmp_path / "loads"
    text = f"import pathlib, time\npathlib.Path({str(loads)!r}).touch()\ntime.sleep(60)\n"
    (tmp_path / f"{slow}.py").write_text(text)
    path = f"{tmp_path}:{Path(__file__).parents[2]}"
    command = [sys.executable, "-c", LOADING, module]
    with subprocess.Popen(
        command, env={"PYTHONPATH": path}, stderr=subprocess.PIPE, cwd=tmp_path, text=True
    ) as run:
        until(lambda: loads.exists() or run.poll() is not None)
        run.send_signal(signal.SIGINT)
        said = run.communicate(timeout=60)[1]
    assert (run.returncode, said) == (130, "gopack: interrupted\n")


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
