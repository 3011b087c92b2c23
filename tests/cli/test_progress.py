"""What a log says of a run that goes on: a line every few seconds, whatever completes."""

import io
import os
import re
import select
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from rich.console import Console

from gopack.cli.progress import PLAIN_INTERVAL_S, Heartbeat, PlainProgress, RichProgress
from gopack.spec.module import ModuleVersion
from tests.cli import program
from tests.upstream import Fault, Upstream

ONE = ModuleVersion("example.com/a", "v1.0.0")


class Log:
    """A plain progress whose clock is moved by hand, and what it said since it was last asked."""

    def __init__(self) -> None:
        self.now = 100.0
        self._said: list[str] = []
        self.progress = PlainProgress(self._said.append, clock=lambda: self.now)

    def after(self, seconds: float) -> list[str]:
        self.now += seconds
        self.progress.tick()
        said = list(self._said)
        self._said.clear()
        return said


def test_plain_says_every_few_seconds_what_it_waits_for() -> None:
    log = Log()
    assert log.after(60) == [], "nothing has begun"
    log.progress.phase("resolving")
    assert log.after(PLAIN_INTERVAL_S - 0.1) == ["resolving"]
    assert log.after(0.2) == ["resolving: 5.1 s so far"]
    log.progress.resolved(1, 2)
    assert log.after(PLAIN_INTERVAL_S) == ["resolved 1 of 2 lines"]
    assert log.after(PLAIN_INTERVAL_S) == ["resolved 1 of 2 lines"]
    log.progress.resolved(2, 2)
    log.progress.phase("reading the module graphs")
    log.progress.read(7)
    assert log.after(PLAIN_INTERVAL_S) == ["reading the module graphs", "read 7 go.mod files"]


def test_plain_counts_bytes_on_their_way() -> None:
    log = Log()
    arriving = 0
    log.progress.watch(lambda: arriving)
    log.progress.phase("fetching")
    log.progress.planned(2, 40_000_000)
    assert log.after(0) == ["fetching", "2 versions to come, 40.0 MB of zips"]
    assert log.after(5) == ["0 of 2 versions, 0 B of 40.0 MB, 0 B/s"]
    arriving = 10_000_000
    assert log.after(5) == ["0 of 2 versions, 10.0 MB of 40.0 MB, 1.0 MB/s, 30.0 s left"]
    arriving = 0
    log.progress.fetched(ONE, 10_000_000)
    assert log.after(10) == ["1 of 2 versions, 10.0 MB of 40.0 MB, 500 kB/s, 1 min 0 s left"]
    arriving = 999_000_000  # more than was announced
    assert log.after(5) == ["1 of 2 versions, 40.0 MB of 40.0 MB, 1.6 MB/s, 0.0 s left"]
    arriving = 0
    log.progress.fetched(ONE, 30_000_000)
    assert log.after(5) == ["fetching: 30.0 s so far"], "the proofs are still to come"


def test_plain_says_nothing_twice_in_a_moment() -> None:
    log = Log()
    log.progress.phase("fetching")
    log.progress.planned(1000, 0)
    log.after(0)
    for _ in range(999):
        log.progress.fetched(ONE, 0)
    assert log.after(0) == []


def test_plain_is_heard_from_its_own_thread_and_ends_with_the_run() -> None:
    said = threading.Event()
    log = Log()
    log.progress = PlainProgress(lambda text: said.set(), clock=lambda: log.now)
    log.progress._heartbeat = Heartbeat(log.progress.tick, 0.01)
    with log.progress:
        log.progress.phase("resolving")
        said.clear()
        log.now += PLAIN_INTERVAL_S
        assert said.wait(10)
    assert not [thread for thread in threading.enumerate() if thread.name == "progress"]


def test_threads_begin_with_the_first_phase() -> None:
    with Path(os.devnull).open("w") as nowhere:
        before = threading.active_count()
        for progress in (Log().progress, RichProgress(Console(file=nowhere, force_terminal=True))):
            with progress:
                progress.note("waiting for another run")
                assert threading.active_count() == before, "so that workers can be forked"
                progress.phase("resolving")
                assert threading.active_count() > before


def test_bars_count_bytes_on_their_way() -> None:
    with Path(os.devnull).open("w") as nowhere:
        bars = RichProgress(Console(file=nowhere, force_terminal=True))
        with bars:
            bars.phase("fetching")
            bars.watch(lambda: 300)
            bars.planned(2, 1000)
            bars.fetched(ONE, 500)
            bars._show_bytes()
            [task] = bars._bytes.tasks
            assert (task.completed, task.total) == (800, 1000)


def test_bars_count_each_thing_from_nothing() -> None:
    with Path(os.devnull).open("w") as nowhere:
        console = Console(file=nowhere, force_terminal=True, width=120)
        with RichProgress(console) as bars:

            def shown() -> str:
                page = Console(file=io.StringIO(), width=120)
                with page.capture() as captured:
                    page.print(bars._bars.get_renderable())
                return " ".join(re.sub("[\u2501\u2578\u257a]", "", captured.get()).split())

            bars.phase("resolving")
            bars.resolved(3, 3)
            assert shown() == "resolving 3/3 lines"
            bars.phase("reading the module graphs")
            assert shown() == "reading the module graphs 0/?"
            for gomods in (1, 4):
                bars.read(gomods)
                assert shown() == f"reading the module graphs {gomods}/? go.mod files"
            bars.planned(1, 10)
            bars.phase("looking again")
            bars.resolved(1, 2)
            assert shown() == "looking again 1/2 lines"


@pytest.mark.e2e
def test_terminal_shows_no_total_that_nobody_knows(tmp_path: Path, upstream: Upstream) -> None:
    require = "module example.com/{}\n\ngo 1.20\n\nrequire example.com/{} v1.0.0\n"
    for name, other in ("ab", "bc", "cd"):
        upstream.add(f"example.com/{name}", "v1.0.0", mod=require.format(name, other))
    upstream.add("example.com/d", "v1.0.0")
    upstream.fail("*.mod", Fault(delay_s=0.4))
    (tmp_path / "goget.txt").write_text("example.com/a\n")
    env = {**program.environment(tmp_path, upstream.url), "TERM": "xterm", "COLUMNS": "100"}
    terminal, inside = os.openpty()
    command = [sys.executable, "-m", "gopack", "fetch"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=env, stdin=inside, stdout=inside, stderr=inside
    ) as run:
        os.close(inside)
        said = b""
        while select.select([terminal], [], [], program.STARTED_S)[0]:
            try:
                said += os.read(terminal, 65536)
            except OSError:  # nobody writes there any more
                break
    os.close(terminal)
    text = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", said.decode())
    assert run.returncode == 0, text
    assert re.search(r"\d/\? +go\.mod files", text), text
    assert not re.search(r"\d/\d+ +go\.mod files", text), text


@pytest.mark.e2e
def test_log_of_a_slow_zip_says_how_many_bytes_have_come(
    tmp_path: Path, upstream: Upstream
) -> None:
    upstream.add(ONE.path, ONE.version, files={"a.bin": os.urandom(8 << 20)})
    upstream.fail("*.zip", Fault(drip=(256 << 10, 0.3)), is_ranged=False)
    ran = program.fetch(tmp_path, upstream.url, ONE.path)
    assert ran.status == 0, ran.text
    found = re.findall(r"0 of 1 versions, ([\d.]+) MB of 8.4 MB, .* left", ran.text)
    assert found, ran.text
    assert 1 < float(found[0]) < 8
