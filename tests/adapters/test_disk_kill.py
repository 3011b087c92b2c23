"""DiskStore under a real kill -9, and as a user who may not write: no seam, the system itself."""

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gopack.adapters.disk import DiskStore
from gopack.ports import FileKind, State

pytestmark = pytest.mark.e2e  # whole processes, killed: too long for make check

REPOSITORY = Path(__file__).parents[2]
ROUNDS = 6
PUBLISHER = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from gopack.adapters.disk import DiskStore
from gopack.spec.module import ModuleVersion

store = DiskStore(Path(sys.argv[1]))

def publish(n):
    module = ModuleVersion(f"a.b/m{n % 7}", f"v1.{n}.0")
    mod = f"module {module.path}\\n".encode()
    info = f'{{"Version":"{module.version}","Time":"2023-06-08T06:11:11Z"}}'.encode()
    zip_file = store.staged_path()
    zip_file.write_bytes(f"zip of {module}".encode() * 999)
    if n % 3:
        store.publish(module, info=info, mod=mod, zip_file=None)
    store.publish(module, info=info, mod=mod, zip_file=zip_file)
    if n % 5 == 0:
        store.remove(module)

with store.locked(wait_s=5), ThreadPoolExecutor(4) as pool:
    print("go", flush=True)
    list(pool.map(publish, range(3000)))
"""


def test_killed_for_real_at_any_time_every_version_is_whole(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    seen = 0
    for round_number in range(ROUNDS):
        with subprocess.Popen(
            [sys.executable, "-c", PUBLISHER, str(tmp_path)], cwd=REPOSITORY, stdout=subprocess.PIPE
        ) as run:
            assert run.stdout is not None
            assert run.stdout.readline() == b"go\n"
            time.sleep(random.Random(round_number).uniform(0.02, 0.2))
            run.kill()
        assert list(store.leftovers()) == []
        for module, state in store.versions():
            seen += 1
            with store.open(module, FileKind.MOD) as mod, store.open(module, FileKind.INFO) as info:
                assert mod.read() == f"module {module.path}\n".encode()
                assert info.read().startswith(f'{{"Version":"{module.version}",'.encode())
            if state is State.COMPLETE:
                with store.open(module, FileKind.ZIP) as zipped:
                    assert zipped.read() == f"zip of {module}".encode() * 999
    assert seen > ROUNDS
    with store.locked(wait_s=5):
        assert list(store.staging.iterdir()) == []


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that any user reaches; pytest's own are its user's alone."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


only_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root may run a process as another user"
)

PREPARE_AS_NOBODY = """
import os, sys; from pathlib import Path; from gopack.adapters.disk import DiskStore
from gopack.errors import StoreError
os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    with DiskStore(Path(sys.argv[1])).locked(): pass
except StoreError as error: print(error, '|', error.hint)
"""


def prepared_as_nobody(storage: Path) -> str:
    """What a person reads whose storage is to be made there, by a user who owns nothing."""
    done = subprocess.run(
        [sys.executable, "-c", PREPARE_AS_NOBODY, str(storage)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert "Permission denied" in done.stdout
    assert "gopack runs as " in done.stdout
    return done.stdout


@only_root
def test_storage_of_another_user_is_handed_over_with_all_that_is_in_it(open_folder: Path) -> None:
    with DiskStore(open_folder).locked():
        pass
    said = prepared_as_nobody(open_folder)
    assert "belongs to root (uid 0)" in said
    assert f"sudo chown -R 65534:65534 {open_folder}\n" in said


@only_root
def test_empty_folder_of_another_user_is_handed_over_alone(open_folder: Path) -> None:
    assert f"sudo chown 65534:65534 {open_folder}" in prepared_as_nobody(open_folder)


@only_root
def test_missing_storage_is_made_for_the_user_and_no_parent_is_handed_over(
    open_folder: Path,
) -> None:
    said = prepared_as_nobody(open_folder / "my storage" / "below")
    assert f"{open_folder} belongs to root (uid 0)" in said
    assert f"sudo install -d -o 65534 -g 65534 '{open_folder}/my storage'" in said
    assert "chown" not in said


@only_root
@pytest.mark.parametrize("storage", ["var", "closed", "closed/storage"])
def test_folder_that_holds_what_others_put_there_is_never_handed_over(
    open_folder: Path, storage: str
) -> None:
    (open_folder / "var/lib").mkdir(parents=True)
    (open_folder / "closed").mkdir(mode=0o700)
    said = prepared_as_nobody(open_folder / storage)
    assert "chown" not in said
    assert "install" not in said
    assert "another place" in said
