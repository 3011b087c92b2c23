"""Waiting for a disk: syncfs where it may be trusted, fsync of each file elsewhere."""

import os
from pathlib import Path

import pytest

from gopack.adapters import syncing

MOUNTS = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw,discard
31 22 0:27 / /tmp rw - tmpfs tmpfs rw
40 22 8:17 /sub /mnt/a\\040b rw shared:7 master:2 - fuseblk /dev/sdb1 rw
41 22 8:33 / /data rw - xfs /dev/sdc1 rw
"""


@pytest.mark.parametrize(
    ("number", "name"),
    [((254, 0), "ext4"), ((0, 27), "tmpfs"), ((8, 17), "fuseblk"), ((8, 33), "xfs"), ((8, 1), "")],
)
def test_file_system_is_told_by_the_mounts(number: tuple[int, int], name: str) -> None:
    assert syncing.file_system(MOUNTS.splitlines(), os.makedev(*number)) == name


@pytest.mark.parametrize(
    ("release", "name", "is_fine"),
    [
        ("5.8.0-1-amd64", "ext4", True),
        ("6.1.0", "xfs", True),
        ("5.7.19", "ext4", False),
        ("4.18.0-553.el8", "xfs", False),
        ("6.1.0", "fuseblk", False),
        ("6.1.0", "overlay", False),
        ("unknown", "ext4", False),
    ],
)
def test_syncfs_is_trusted_where_it_does_what_fsync_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, release: str, name: str, *, is_fine: bool
) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"22 1 254:0 / / rw shared:1 - {name} /dev/root rw\n")
    monkeypatch.setattr(syncing, "_MOUNTS", mounts)
    told = os.uname_result(("Linux", "host", release, "#1", "x86_64"))
    monkeypatch.setattr(os, "uname", lambda: told)
    assert syncing.is_dependable(os.makedev(254, 0)) is is_fine


def test_device_without_a_mount_and_system_without_mountinfo_are_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not syncing.is_dependable(os.makedev(4095, 12345))
    monkeypatch.setattr(syncing, "_MOUNTS", tmp_path / "nothing")
    assert not syncing.is_dependable(os.makedev(254, 0))


def test_disk_that_is_slow_once_is_waited_for_file_by_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x")
    calls: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        calls.append("fsync")
        real(descriptor)

    monkeypatch.setattr(syncing, "_dependable", {file.stat().st_dev: True})
    monkeypatch.setattr(syncing, "syncfs", lambda _disk: calls.append("syncfs"))
    monkeypatch.setattr(os, "fsync", fsync)
    disk = os.open(tmp_path, os.O_RDONLY)
    try:
        syncing.sync_all(disk, [file, tmp_path])
        monkeypatch.setattr(syncing, "SLOW_S", 0.0)
        syncing.sync_all(disk, [file, tmp_path])
        syncing.sync_all(disk, [file, tmp_path])
    finally:
        os.close(disk)
    assert calls == ["syncfs", "syncfs", "fsync", "fsync"]


def test_failure_of_syncfs_is_an_os_error() -> None:
    with pytest.raises(OSError, match="Bad file descriptor"):
        syncing.syncfs(-1)
