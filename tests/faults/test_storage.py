"""A storage that fails: full, read-only, forbidden, vanishing, shared; and a clock that jumps."""

import errno
import os
import random
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.cli import program
from tests.faults import injected
from tests.faults.judging import assert_same
from tests.faults.world import Lab, Place, Runner

pytestmark = pytest.mark.e2e

STORE_ERROR = 5
FULL = os.environ.get("GOPACK_FAULTS") == "full"
STRIDE = 1 if FULL else 12
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts and changes users")


@pytest.mark.parametrize(
    ("kind", "name", "stride"),
    [
        ("ENOSPC", "full disk at every write", 1),
        ("EROFS", "storage turns read-only", STRIDE),
        ("EACCES", "permission denied", STRIDE),
        ("EIO", "disk that fails", STRIDE),
    ],
)
def test_call_that_fails_ends_as_a_store_error_and_heals(
    lab: Lab,
    kind: str,
    name: str,
    stride: int,
) -> None:
    place = lab.place()
    place.counted("--jobs", "1")
    kinds = (place.folder / "steps").read_bytes()
    wanted = [n for n, mark in enumerate(kinds, 1) if kind != "ENOSPC" or mark in injected.ROOMY]

    def fail_at(step: int) -> None:
        place = lab.place()
        status = place.fetch("--jobs", "1", **place.faults(step, kind))
        assert status in {0, STORE_ERROR}, place.text
        if status:
            assert os.strerror(getattr(errno, kind)) in place.text
            assert "hint: " in place.text
        lab.heals(place)

    counted = lab.tally(name)
    assert len(wanted) > 50
    for step in wanted[::stride]:
        counted.tried(partial(fail_at, step), f"{kind} at step {step} of {len(kinds)}")
    counted.nothing_is_lost()


@contextmanager
def mounted(options: str) -> Iterator[Path]:
    """A file system of its own, small enough to be full."""
    with tempfile.TemporaryDirectory() as name:
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "gopack-test", name], check=True)
        try:
            yield Path(name)
        finally:
            subprocess.run(["umount", "-l", name], check=True)


def can_mount() -> bool:
    try:
        with mounted("size=64k"):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


@as_root
@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("small file system", [f"size={kib}k" for kib in (16, 48, 96, 128, 144, 160, 192, 256)]),
        ("no inodes", [f"nr_inodes={count}" for count in (4, 8, 12, 20, 26, 32, 38, 44)]),
    ],
)
def test_small_file_system_ends_as_a_store_error_and_heals(
    lab: Lab,
    name: str,
    sizes: list[str],
) -> None:
    if not can_mount():
        pytest.skip("no file system can be mounted here")

    def fill(size: str) -> None:
        with mounted(size) as folder:
            place = lab.place()
            place.storage.symlink_to(folder / "storage")
            (folder / "storage").mkdir()
            status = place.fetch()
            assert status in {0, STORE_ERROR}, place.text
            assert not status or "hint: " in place.text
            larger = f"remount,{size.partition('=')[0]}={'100m' if 'size' in size else '100000'}"
            subprocess.run(["mount", "-o", larger, str(folder)], check=True)
            lab.heals(place)

    counted = lab.tally(name)
    for size in sizes:
        counted.tried(partial(fill, size), size)
    counted.nothing_is_lost()


@as_root
def test_storage_that_another_user_owns_is_refused_and_named(lab: Lab) -> None:
    counted = lab.tally("permission denied")

    def refuse() -> None:
        with tempfile.TemporaryDirectory(dir="/tmp") as name:
            Path(name).chmod(0o777)
            place = Place.new(lab.world, lab.runner, Path(name) / "theirs")
            place.folder.chmod(0o777)
            place.storage.mkdir()
            user = {"GOPACK_FAULT_USER": "65534"}
            assert place.fetch(**user) == STORE_ERROR, place.text
            assert "sudo chown 65534:65534 " in place.text
            for path in (place.storage, place.folder / "stdout.txt", place.folder / "stderr.txt"):
                os.chown(path, 65534, 65534)
            assert place.fetch(**user) == 0, place.text
            assert_same(place.storage, lab.goal)

    counted.tried(refuse, "another user's storage")
    counted.nothing_is_lost()


@as_root
def test_read_only_medium_is_refused_and_named(lab: Lab) -> None:
    if not can_mount():
        pytest.skip("no file system can be mounted here")

    def refuse() -> None:
        with mounted("size=10m") as folder:
            place = lab.place()
            (folder / "storage").mkdir()
            place.storage.symlink_to(folder / "storage")
            subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
            assert place.fetch() == STORE_ERROR, place.text
            assert "Read-only file system" in place.text
            subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)
            lab.heals(place)

    counted = lab.tally("storage turns read-only")
    counted.tried(refuse, "read-only medium")
    counted.nothing_is_lost()


VANISHING = (".", ".gopack", ".gopack/staging", ".gopack/incoming", ".gopack/sumdb", "example.com")


def test_folder_that_vanishes_meanwhile_is_told_and_heals(lab: Lab, runner: Runner) -> None:
    chance = random.Random(11)
    lab.upstream.delay_s = 0.01

    def vanish(number: int, name: str, after_s: float) -> None:
        place = lab.place()
        env = lab.world.environment(place.folder)
        runner.start(place.folder, env, "fetch")
        time.sleep(after_s)
        aside = lab.folder / f"gone{number}"
        gone = threading.Thread(target=_move, args=(place.storage / name, aside))
        gone.start()
        status = runner.finish()
        gone.join()
        assert "Traceback" not in place.text, place.text
        assert status in {0, STORE_ERROR}, place.text
        # What somebody takes away after it has appeared, others may be left without.
        lab.heals(place, with_requirements=False)

    counted = lab.tally("folder that vanishes")
    for number in range(60 if FULL else 12):
        name = VANISHING[number % len(VANISHING)]
        after_s = chance.uniform(0.05, 0.6)
        counted.tried(partial(vanish, number, name, after_s), f"{name} after {after_s:.2f} s")
    counted.nothing_is_lost()


def _move(folder: Path, aside: Path) -> None:
    try:
        folder.rename(aside)
    except OSError:
        return


def test_clock_that_jumps_changes_nothing(lab: Lab) -> None:
    def jump(seed: int) -> None:
        place = lab.place()
        assert place.fetch(GOPACK_FAULT_CLOCK=str(seed)) == 0, place.text
        assert_same(place.storage, lab.goal)

    counted = lab.tally("clock that jumps")
    for seed in range(1, 6):
        counted.tried(partial(jump, seed), f"seed {seed}")
    counted.nothing_is_lost()


@pytest.mark.parametrize("runs", [2, 10])
def test_runs_at_once_wait_for_each_other_and_end_the_same(lab: Lab, runs: int) -> None:
    def at_once() -> None:
        folder = lab.place().folder
        env = {"GOSUMDB": str(lab.world.log.verifier)}
        started = [program.start(folder, lab.upstream.url, "fetch", env=env) for _ in range(runs)]
        ended = [process.communicate(timeout=300)[1] for process in started]
        assert [process.returncode for process in started] == [0] * runs, ended
        assert_same(folder / "ATHENS_STORAGE", lab.goal)

    counted = lab.tally(f"{runs} runs at once")
    counted.tried(at_once, f"{runs} runs")
    counted.nothing_is_lost()
