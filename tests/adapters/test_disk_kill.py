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


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may run a process as another user")
def test_prepare_in_another_user_s_folder_says_whose_it_is_and_the_chown(open_folder: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from gopack.adapters.disk import DiskStore\n"
        "from gopack.errors import StoreError\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try: DiskStore(Path(sys.argv[1])).prepare()\n"
        "except StoreError as error: print(error, '|', error.hint)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(open_folder)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert "Permission denied" in done.stdout
    assert "belongs to root (uid 0), gopack runs as " in done.stdout
    assert f"sudo chown -R 65534:65534 {open_folder}" in done.stdout
