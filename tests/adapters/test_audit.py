"""What is said where a storage cannot be repaired."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gopack.adapters.audit import refuse_unwritable_root
from gopack.errors import StoreError

NOBODY = 65534

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts and changes users")


@contextmanager
def as_nobody() -> Iterator[None]:
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_storage_that_can_be_written_is_repaired(tmp_path: Path) -> None:
    refuse_unwritable_root(tmp_path)


@as_root
def test_storage_of_another_user_is_not_called_read_only() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        Path(name, ".gopack").mkdir()
        with as_nobody(), pytest.raises(StoreError, match="Permission denied") as raised:
            refuse_unwritable_root(Path(name))
    assert f"sudo chown -R {NOBODY}" in raised.value.hint


@as_root
def test_storage_without_leave_to_write_says_its_mode() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        os.chown(name, NOBODY, NOBODY)
        Path(name).chmod(0o555)
        with as_nobody(), pytest.raises(StoreError, match="Permission denied") as raised:
            refuse_unwritable_root(Path(name))
    assert "mode 0555" in raised.value.hint


@as_root
def test_storage_on_a_read_only_medium_is_to_be_copied(tmp_path: Path) -> None:
    mounting = ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(tmp_path)]
    if subprocess.run(mounting, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        with pytest.raises(StoreError, match="read-only") as raised:
            refuse_unwritable_root(tmp_path)
    finally:
        subprocess.run(["umount", "-l", str(tmp_path)], check=True)
    assert "cp -a" in raised.value.hint
