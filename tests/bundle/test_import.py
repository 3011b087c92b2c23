"""Import beside what is there: conflicts, edits, merges, kills, full disks."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from gopack.adapters import bundlezips
from gopack.adapters.disk import DiskStore
from gopack.adapters.files import Files
from gopack.adapters.volumes import Region
from gopack.adapters.zipwork import incoming_name
from gopack.flows import bundle_settle
from tests.bundle.test_round_trip import make_bundle, proven_records
from tests.bundling import Side, module, own_files
from tests.fakes_sumdb import FakeSumDB


def test_version_from_elsewhere_with_other_bytes_is_left_alone_and_reported(
    connected: Side, sealed: Side, tmp_path: Path
) -> None:
    bundle = make_bundle(connected, "a.bundle")
    other = Side(sealed.root, FakeSumDB("other.example.test"))
    other.put("example.com/Dep@v1.0.0", noise=7, is_recorded=False)
    before = other.versions()
    result = sealed.run("bundle", "import", bundle)
    assert result.exit_code == 5
    assert "conflict: example.com/Dep@v1.0.0: its zip has another sum" in result.output
    after = sealed.versions()
    assert {name: after[name] for name in before} == before
    assert after.keys() == connected.versions().keys(), "the others are imported"
    recorded = own_files(sealed.root)["manifest.json"]
    assert b"example.com/Dep@v1.0.0" not in recorded.split(b'"versions"')[1]


def test_version_from_elsewhere_with_the_same_bytes_is_recorded(
    connected: Side, sealed: Side
) -> None:
    bundle = make_bundle(connected, "a.bundle")
    Side(sealed.root, FakeSumDB()).put("example.com/Dep@v1.0.0", noise=1, is_recorded=False)
    assert "1 recorded" in sealed.done("bundle", "import", bundle)
    assert own_files(sealed.root)["manifest.json"] == own_files(connected.root)["manifest.json"]


@pytest.mark.parametrize("name", ["source.zip", "v1.0.0.info"])
def test_version_from_elsewhere_that_is_damaged_is_a_conflict_and_the_others_come(
    connected: Side, sealed: Side, name: str
) -> None:
    Side(sealed.root, FakeSumDB()).put("example.com/Dep@v1.0.0", noise=1, is_recorded=False)
    file = sealed.root / "example.com/Dep/v1.0.0" / name
    file.write_bytes(file.read_bytes()[:9])
    before = sealed.versions()
    result = sealed.run("bundle", "import", make_bundle(connected, "a.bundle"))
    assert result.exit_code == 5
    assert "conflict: example.com/Dep@v1.0.0: its " in result.output
    after = sealed.versions()
    assert {name: after[name] for name in before} == before
    assert after.keys() == connected.versions().keys()


@pytest.mark.parametrize("noise", [1, 7])
def test_version_that_somebody_else_puts_there_during_the_checks_is_compared(
    connected: Side, sealed: Side, monkeypatch: pytest.MonkeyPatch, noise: int
) -> None:
    """A running Athens stores its own copy after import looked and before it publishes."""
    theirs = Side(sealed.root.with_name("theirs"), FakeSumDB("other.example.test"))
    theirs.put("example.com/Dep@v1.0.0", noise=noise, is_recorded=False)
    real = bundle_settle.keep

    def keep(*arguments: Any) -> None:
        shutil.copytree(theirs.root / "example.com", sealed.root / "example.com")
        real(*arguments)

    monkeypatch.setattr(bundle_settle, "keep", keep)
    result = sealed.run("bundle", "import", make_bundle(connected, "a.bundle"))
    recorded = own_files(sealed.root)["manifest.json"].split(b'"versions"')[1]
    if noise == 1:
        assert (result.exit_code, "1 recorded" in result.output) == (0, True), result.output
        assert b"example.com/Dep@v1.0.0" in recorded
    else:
        assert result.exit_code == 5, result.output
        assert "conflict: example.com/Dep@v1.0.0: its zip has another sum" in result.output
        assert b"example.com/Dep@v1.0.0" not in recorded
    assert theirs.versions().items() <= sealed.versions().items()
    assert not list((sealed.root / ".gopack/incoming").iterdir())


@pytest.mark.parametrize("name", ["go.mod", "v1.0.0.info", "source.zip"])
def test_storage_edited_by_hand_stops_import(connected: Side, sealed: Side, name: str) -> None:
    bundle = make_bundle(connected, "a.bundle")
    sealed.done("bundle", "import", bundle)
    connected.put("example.com/new@v1.0.0")
    file = sealed.root / "example.com/Dep/v1.0.0" / name
    file.write_bytes(file.read_bytes() + b"\n")
    before = sealed.versions()
    result = sealed.run("bundle", "import", make_bundle(connected, "b.bundle"))
    assert result.exit_code == 5
    assert "example.com/Dep@v1.0.0" in result.output
    assert "somebody changed the storage" in result.output
    assert sealed.versions() == before


def test_edit_of_a_zip_that_keeps_its_size_stops_import_of_what_carries_it(
    connected: Side, sealed: Side
) -> None:
    bundle = make_bundle(connected, "a.bundle")
    sealed.done("bundle", "import", bundle)
    file = sealed.root / "example.com/Dep/v1.0.0/source.zip"
    data = bytearray(file.read_bytes())
    data[5000] ^= 1
    file.write_bytes(data)
    result = sealed.run("bundle", "import", bundle)
    assert result.exit_code == 5
    assert "example.com/Dep@v1.0.0: its zip is not the recorded one" in result.output
    assert file.read_bytes() == data


@pytest.mark.parametrize("name", ["go.mod", "source.zip"])
def test_storage_edited_by_hand_stops_create(connected: Side, tmp_path: Path, name: str) -> None:
    file = connected.root / "example.com/Dep/v1.0.0" / name
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    result = connected.run("bundle", "create", tmp_path / "a.bundle")
    assert result.exit_code == 5
    assert "edited the storage" in result.output
    assert not list(tmp_path.glob("a.bundle*"))
    assert not list((connected.root / ".gopack/bundles").glob("*"))


def test_two_hosts_are_merged_and_a_newer_head_stays(
    connected: Side, sealed: Side, tmp_path: Path, log: FakeSumDB
) -> None:
    """The second host fetched later, with the site's tree head at hand."""
    first = make_bundle(connected, "a.bundle")
    sealed.done("bundle", "import", first)
    other = Side(tmp_path / "other", log, connected.env)
    other.put("example.com/theirs@v1.0.0", heads=[sealed_head(sealed)])
    text = sealed.done("bundle", "import", make_bundle(other, "b.bundle"))
    assert "1 added" in text
    newest = text.rsplit("at ", 1)[1]
    assert proven_records(sealed) == 4
    assert sealed.done("bundle", "import", first).endswith(newest)
    assert sealed.versions() == {**connected.versions(), **other.versions()}


def put_without_database(side: Side, sealed: Side, name: str, *, noise: int) -> None:
    """Bring a version across from a host with GOSUMDB=off."""
    host = Side(side.root.with_name("off"), FakeSumDB("off.test"), {**side.env, "GOSUMDB": "off"})
    host.put(name, noise=noise)
    sealed.done("bundle", "import", make_bundle(host, "off.bundle"))
    assert recorded_of(sealed, name)["verified"].startswith("unverified")


def recorded_of(side: Side, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(own_files(side.root)["manifest.json"])["versions"][name]
    return found


@pytest.mark.parametrize("is_carried", [True, False])
def test_record_that_speaks_against_a_recorded_zip_makes_it_a_conflict(
    connected: Side, sealed: Side, tmp_path: Path, *, is_carried: bool
) -> None:
    """It came from a host without a database; now one comes that has its record, and no zip."""
    name = "example.com/thin@v1.2.0"
    put_without_database(connected, sealed, name, noise=7)
    before = recorded_of(sealed, name)
    sealed.done("bundle", "state", tmp_path / "state")
    words = [] if is_carried else ["--since", str(tmp_path / "state")]
    bundle = make_bundle(connected, "a.bundle", *words)
    for more in (["--dry-run"], [], []):
        result = sealed.run("bundle", "import", bundle, *more)
        assert result.exit_code == 5, result.output
        assert f"conflict: {name}: zip is not what the checksum data" in result.output
        assert recorded_of(sealed, name) == before
    assert recorded_of(sealed, "example.com/root@v1.0.0")["verified"] == f"sumdb {sealed.log.name}"


def test_record_that_agrees_with_a_recorded_zip_vouches_for_it(
    connected: Side, sealed: Side
) -> None:
    name = "example.com/thin@v1.2.0"
    put_without_database(connected, sealed, name, noise=0)
    sealed.done("bundle", "import", make_bundle(connected, "a.bundle"))
    assert recorded_of(sealed, name)["verified"] == f"sumdb {sealed.log.name}"
    assert recorded_of(sealed, name)["state"] == "complete"
    sealed.done("check")


def test_version_that_was_removed_comes_without_what_was_recorded_of_its_zip(
    connected: Side, sealed: Side
) -> None:
    name = "example.com/thin@v1.2.0"
    put_without_database(connected, sealed, name, noise=7)
    shutil.rmtree(sealed.root / "example.com/thin")
    sealed.done("bundle", "import", make_bundle(connected, "a.bundle"))
    assert recorded_of(sealed, name)["state"] == "mod-only"
    sealed.done("check")


def test_two_hosts_that_do_not_meet_are_told_what_to_do(
    connected: Side, sealed: Side, tmp_path: Path, log: FakeSumDB
) -> None:
    sealed.done("bundle", "import", make_bundle(connected, "a.bundle"))
    other = Side(tmp_path / "other", log, connected.env)
    other.put("example.com/theirs@v1.0.0")
    before = sealed.versions(), own_files(sealed.root)
    result = sealed.run("bundle", "import", make_bundle(other, "b.bundle"))
    assert result.exit_code == 5
    assert "gopack fetch --head" in result.output
    assert (sealed.versions(), own_files(sealed.root)) == before


def test_forked_log_is_refused(
    connected: Side, sealed: Side, tmp_path: Path, log: FakeSumDB
) -> None:
    fork = log.fork()
    sealed.done("bundle", "import", make_bundle(connected, "a.bundle"))
    fork.add(module("example.com/evil@v1.0.0"))
    log.add(module("example.com/honest@v1.0.0"))
    connected.put("example.com/new@v1.0.0")
    sealed.done("bundle", "import", make_bundle(connected, "b.bundle"))
    other = Side(tmp_path / "other", fork, connected.env)
    other.put("example.com/theirs@v1.0.0", heads=[])
    before = sealed.versions(), own_files(sealed.root)
    result = sealed.run("bundle", "import", make_bundle(other, "c.bundle"))
    assert result.exit_code in {4, 5}
    assert (sealed.versions(), own_files(sealed.root)) == before


def test_bundle_with_another_database_key_is_refused(
    connected: Side, sealed: Side, tmp_path: Path
) -> None:
    bundle = make_bundle(connected, "a.bundle")
    sealed.log = FakeSumDB(seed=b"\x66" * 32)
    result = sealed.run("bundle", "import", bundle)
    assert result.exit_code == 4
    assert "another key for the checksum database" in result.output
    assert sealed.versions() == {}
    # A sealed host has no GOPROXY, and may have no Go.
    sealed.env |= {"GOPROXY": "", "PATH": "", "GOROOT": str(tmp_path / "none")}
    result = sealed.run("bundle", "import", bundle)
    assert result.exit_code == 4
    assert "another key for the checksum database" in result.output
    sealed.env["GOSUMDB"] = "a b c d"
    assert sealed.run("bundle", "import", bundle).exit_code == 2
    assert sealed.versions() == {}


def test_unsigned_bundle_with_an_unknown_database_needs_its_key(
    connected: Side, sealed: Side
) -> None:
    bundle = make_bundle(connected, "a.bundle")
    sealed.env["GOSUMDB"] = "off"
    result = sealed.run("bundle", "import", bundle, "--insecure-unsigned")
    assert result.exit_code == 4
    assert "nobody vouches" in result.output
    sealed.done("bundle", "import", bundle)


@pytest.mark.parametrize("has_room_for_zips", [False, True])
def test_full_disk_is_told_before_anything_is_written(
    connected: Side,
    sealed: Side,
    monkeypatch: pytest.MonkeyPatch,
    has_room_for_zips: bool,  # noqa: FBT001
) -> None:
    bundle = make_bundle(connected, "a.bundle")
    zips = sum(path.stat().st_size for path in connected.root.rglob("source.zip"))
    real = os.statvfs

    def full(path: Path) -> os.statvfs_result:
        fields = list(real(path))
        fields[4] = -(-zips // fields[1]) if has_room_for_zips else 1  # f_bavail, f_frsize
        return os.statvfs_result(fields)

    monkeypatch.setattr("gopack.adapters.disk.os.statvfs", full)
    result = sealed.run("bundle", "import", bundle)
    assert result.exit_code == 5
    assert "too little space" in result.output
    assert sealed.versions() == own_files(sealed.root) == {}


def test_broken_off_import_needs_no_room_for_what_has_come(
    connected: Side, sealed: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = make_bundle(connected, "a.bundle")
    incoming = sealed.root / ".gopack" / "incoming"
    incoming.mkdir(parents=True)
    zips = 0
    for path in connected.root.rglob("source.zip"):
        folder = path.parent.relative_to(connected.root)
        arrived = incoming / incoming_name(module(f"{folder.parent}@{folder.name}"))
        shutil.copy(path, arrived)
        zips += path.stat().st_size
    real = os.statvfs

    def nearly_full(path: Path) -> os.statvfs_result:
        fields = list(real(path))
        fields[4] = 3 * zips // (2 * fields[1])
        return os.statvfs_result(fields)

    monkeypatch.setattr("gopack.adapters.disk.os.statvfs", nearly_full)
    sealed.done("bundle", "import", bundle)
    assert sealed.versions() == connected.versions()


def test_zips_that_a_broken_off_import_left_go_with_the_next_that_ends_well(
    connected: Side, sealed: Side, log: FakeSumDB, tmp_path: Path
) -> None:
    """They came for a bundle that nobody imports again."""
    other = Side(tmp_path / "other", log)
    other.put("example.com/left@v1.0.0")
    incoming = sealed.root / ".gopack" / "incoming"
    incoming.mkdir(parents=True)
    left = incoming / incoming_name(module("example.com/left@v1.0.0"))
    shutil.copy(other.root / "example.com/left/v1.0.0/source.zip", left)
    bundle = make_bundle(connected, "a.bundle")
    sealed.done("bundle", "import", bundle, "--dry-run")
    assert left.is_file()
    sealed.done("bundle", "import", bundle)
    assert list(incoming.iterdir()) == []
    assert "interrupted run" not in sealed.done("check")


def test_disk_that_is_full_is_not_blamed_on_the_medium(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(bytes(10))
    with Path("/dev/full").open("wb", 0) as full, pytest.raises(OSError, match="No space"):
        bundlezips._copy_regions([Region(tmp_path / "m", 0, 10)], full)


def test_disk_that_fills_up_meanwhile_leaves_nothing(
    connected: Side, sealed: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = make_bundle(connected, "a.bundle")
    copied: list[BinaryIO] = []
    real = bundlezips._copy_regions

    def copy(regions: Sequence[Region], target: BinaryIO) -> None:
        copied.append(target)
        if len(copied) == 2:
            target.write(b"half")
            raise OSError(28, "No space left on device")
        real(regions, target)

    monkeypatch.setattr(bundlezips, "_copy_regions", copy)
    result = sealed.run("bundle", "import", bundle)
    assert result.exit_code == 5
    assert "No space left" in result.output
    assert sealed.versions() == own_files(sealed.root) == {}
    assert not list((sealed.root / ".gopack/incoming").iterdir())


@pytest.mark.e2e
def test_killed_import_leaves_whole_versions_and_is_finished_by_the_next(
    connected: Side, sealed: Side
) -> None:
    for number in range(12):
        connected.put(f"example.com/many{number}@v1.0.0", size_bytes=3000)
    bundle = make_bundle(connected, "a.bundle")
    killed = sealed.start("bundle", "import", bundle)
    deadline = time.monotonic() + 30
    while killed.poll() is None and time.monotonic() < deadline:
        if len(list(sealed.root.glob("example.com/many*"))) >= 3:
            killed.send_signal(signal.SIGKILL)
            break
        time.sleep(0.002)
    killed.communicate(timeout=30)
    whole = connected.versions()
    for name, data in sealed.versions().items():
        assert whole[name] == data
    for one, _state in DiskStore(sealed.root).versions():
        folder = sealed.root / one.path / one.version
        assert len(list(folder.iterdir())) == (2 if "thin" in one.path else 3)
    sealed.done("bundle", "import", bundle)
    assert sealed.versions() == whole
    assert own_files(sealed.root)["manifest.json"] == own_files(connected.root)["manifest.json"]


@pytest.mark.e2e
def test_round_trip_over_a_fat_image(connected: Side, sealed: Side, tmp_path: Path) -> None:
    """Two letter cases in one folder, in volumes, over a file system that knows only one."""
    connected.put("example.com/dep@v1.0.0", size_bytes=100_000)
    connected.done("bundle", "create", tmp_path / "m", "--volume-size", "64KiB")
    image, there = tmp_path / "stick.img", tmp_path / "stick"
    there.mkdir()
    image.write_bytes(bytes(16 << 20))
    _run("mkfs.vfat", image)
    _run("mcopy", "-i", image, *sorted(tmp_path.glob("m.0*")), "::/")
    _run("mcopy", "-i", image, "::/*", there)
    sealed.done("bundle", "import", there / "m")
    assert sealed.versions() == connected.versions()
    assert proven_records(sealed) == 4


def _run(*words: str | Path) -> None:
    command = shutil.which(str(words[0]), path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if command is None:
        pytest.skip(f"no {words[0]} here")
    subprocess.run([command, *words[1:]], check=True, capture_output=True)


def sealed_head(side: Side) -> bytes:
    """The sealed side's newest tree head, as its clients saw it."""
    heads = side.root / ".gopack/sumdb" / side.log.name / "heads"
    return max(heads.iterdir(), key=lambda path: int(path.name)).read_bytes()


def test_link_that_comes_while_the_disk_is_waited_for_leads_nowhere(
    connected: Side, sealed: Side, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle, outside = make_bundle(connected, "a.bundle"), tmp_path / "outside"
    (outside / "Dep").mkdir(parents=True)
    folder, real = sealed.root / "example.com", Files.sync_all

    def swap(files: Files, disk: int, paths: Collection[Path]) -> None:
        real(files, disk, paths)
        if (folder / "Dep").is_dir() and not folder.is_symlink():
            folder.rename(tmp_path / "aside")
            folder.symlink_to(outside)

    monkeypatch.setattr(Files, "sync_all", swap)
    result = sealed.run("bundle", "import", bundle)
    assert (result.exit_code, "a symbolic link" in result.output) == (5, True), result.output
    assert not list((outside / "Dep").iterdir())
