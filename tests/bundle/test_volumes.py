"""Volumes: split, lost, damaged, mixed, and made again alone."""

import hashlib
import os
import stat
import subprocess
from pathlib import Path

import pytest

from gopack.adapters.bundlezips import BundledZip, BundleWork
from gopack.adapters.volumes import Region
from gopack.errors import InputError, StoreError
from gopack.plan.bundle import volumes
from tests.bundling import Side, module
from tests.waiting import until

pytestmark = pytest.mark.e2e  # many bundles each: too long for make check

SPLIT = ("--volume-size", "64KiB")


@pytest.fixture
def split(connected: Side, tmp_path: Path) -> Path:
    """A bundle in five volumes or so, with a zip that runs over a volume's end."""
    connected.put("example.com/big@v1.0.0", size_bytes=150_000)
    folder = tmp_path / "stick"
    folder.mkdir()
    connected.done("bundle", "create", folder / "m", *SPLIT)
    assert len(list(folder.glob("m.00?"))) >= 4
    return folder / "m"


def test_volumes_are_imported_from_their_name_or_any_of_them(split: Path, sealed: Side) -> None:
    sealed.done("bundle", "verify", split)
    assert "4 added" in sealed.done("bundle", "import", split.with_name("m.002"))


def test_volumes_are_checked_by_plain_tools(split: Path) -> None:
    subprocess.run(
        "sha256sum -c m.*.sha256 && cat m.00? | tar -t", shell=True, check=True, cwd=split.parent
    )


def test_missing_volume_is_named_and_nothing_is_imported(split: Path, sealed: Side) -> None:
    split.with_name("m.003").unlink()
    refused = sealed.run("bundle", "import", split)
    assert refused.exit_code == 5
    assert "missing: m.003" in refused.output
    assert "--only" in refused.output
    assert sealed.versions() == {}


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_flipped_bit_names_its_volume_and_nothing_is_imported(
    split: Path, sealed: Side, number: int
) -> None:
    volume = split.with_name(f"m.00{number}")
    data = bytearray(volume.read_bytes())
    data[len(data) // 2] ^= 4
    volume.write_bytes(data)
    refused = sealed.run("bundle", "import", split)
    assert refused.exit_code == 4, refused.output
    assert f"damaged: m.00{number}" in refused.output
    assert sealed.versions() == {}
    assert not list((sealed.root / ".gopack" / "incoming").glob("*"))


def test_volume_is_made_again_alone_after_more_was_fetched(
    split: Path, connected: Side, sealed: Side
) -> None:
    lost = split.with_name("m.003")
    digest = hashlib.sha256(lost.read_bytes()).hexdigest()
    lost.unlink()
    connected.put("example.com/later@v1.0.0")
    connected.done("bundle", "create", split, "--again", "1", *SPLIT, "--only", "3")
    assert hashlib.sha256(lost.read_bytes()).hexdigest() == digest
    sealed.done("bundle", "import", split)


def test_volume_that_is_made_again_takes_no_other_bundles_place(
    split: Path, connected: Side
) -> None:
    connected.put("example.com/later@v1.0.0", size_bytes=100_000)
    other = split.with_name("other")
    connected.done("bundle", "create", other, *SPLIT)
    there = {path.name: path.read_bytes() for path in split.parent.iterdir()}
    for number in ("2", "9"):
        words = ("--again", "1", *SPLIT, "--only", number)
        result = connected.run("bundle", "create", other, *words)
        assert result.exit_code == 2
        assert "volumes of another bundle lie there" in result.output
    assert there == {path.name: path.read_bytes() for path in split.parent.iterdir()}
    split.with_name("m.001.sha256").write_bytes(b"spoilt")
    connected.done("bundle", "create", split, "--again", "1", *SPLIT, "--only", "1")
    assert there == {path.name: path.read_bytes() for path in split.parent.iterdir()}


def test_volume_alone_takes_no_new_signature(split: Path, connected: Side, tmp_path: Path) -> None:
    """A key in the environment, which may be a newer one by now, changes nothing."""
    connected.done("key", "new", "newer.example", tmp_path / "newer")
    lost = split.with_name("m.001")
    data = lost.read_bytes()
    lost.unlink()
    words = ("bundle", "create", split, "--again", "1", *SPLIT, "--only", "1")
    refused = connected.run(*words, "--sign", tmp_path / "newer")
    assert (refused.exit_code, "and --only is given" in refused.output) == (2, True)
    assert not lost.exists()
    connected.env["GOPACK_SIGN"] = str(tmp_path / "newer")
    connected.done(*words, "--sign", tmp_path / "key")
    assert lost.read_bytes() == data
    lost.unlink()
    connected.done(*words)
    assert lost.read_bytes() == data


def test_added_signatures_move_nothing_behind_them(
    split: Path, connected: Side, sealed: Side, tmp_path: Path
) -> None:
    """Volumes that were carried before stay those of the bundle, and can be made again."""
    keys: list[str | Path] = []
    for name in ("second", "third", "fourth"):
        connected.done("key", "new", f"{name}-approver.transfer-desk.example.com", tmp_path / name)
        keys += ["--sign", tmp_path / name]
    carried = {path.name: path.read_bytes() for path in split.parent.iterdir()}
    words = ("--again", "1", *SPLIT)
    refused = connected.run("bundle", "create", tmp_path / "m", *words, *keys)
    assert (refused.exit_code, "no room for another signature" in refused.output) == (2, True)
    connected.done("bundle", "create", tmp_path / "m", *words, *keys[:2])
    changed = [name for name, data in carried.items() if (tmp_path / name).read_bytes() != data]
    assert sorted(changed) == ["m.001", "m.001.sha256"]
    split.with_name("m.002").unlink()
    connected.done("bundle", "create", split, *words, "--only", "2")
    assert {path.name: path.read_bytes() for path in split.parent.iterdir()} == carried
    sealed.done("bundle", "verify", split)


@pytest.mark.parametrize("is_recorded", [True, False])
def test_bundle_since_a_state_of_two_hosts_is_made_again_though_their_versions_came_since(
    connected: Side, sealed: Side, tmp_path: Path, *, is_recorded: bool
) -> None:
    """What the sealed side had from the other host is here now, too, with its records and head."""
    other = Side(tmp_path / "other", connected.log, connected.env)
    other.put("example.com/theirs@v1.0.0")
    for number in (2, 3):
        connected.log.grow(300)
        other.put(f"example.com/theirs{number}@v1.0.0", heads=[])
    other.done("bundle", "create", tmp_path / "other.bundle")
    sealed.done("bundle", "import", tmp_path / "other.bundle")
    sealed.done("bundle", "state", tmp_path / "state")
    connected.put("example.com/later@v1.0.0")
    connected.done("bundle", "create", tmp_path / "m", "--since", tmp_path / "state", *SPLIT)
    if is_recorded:
        for name in ("theirs", "theirs2", "theirs3"):
            connected.put(f"example.com/{name}@v1.0.0")
    else:  # as an older gopack left it
        (connected.root / ".gopack/bundles/000001.sumdb.bz2").unlink()
    volumes_ = [path for path in sorted(tmp_path.glob("m.0*")) if path.suffix != ".sha256"]
    assert len(volumes_) > 1
    for number, lost in enumerate(volumes_, 1):
        data = lost.read_bytes()
        lost.unlink()
        words = ("--again", "1", *SPLIT, "--only", str(number))
        connected.done("bundle", "create", tmp_path / "m", *words)
        assert lost.read_bytes() == data


def test_volumes_of_two_bundles_are_told_apart(
    split: Path, connected: Side, sealed: Side, tmp_path: Path
) -> None:
    connected.put("example.com/later@v1.0.0", size_bytes=100_000)
    connected.done("bundle", "create", tmp_path / "m", *SPLIT)
    for suffix in ("", ".sha256"):
        (tmp_path / f"m.002{suffix}").replace(split.with_name(f"m.002{suffix}"))
    refused = sealed.run("bundle", "import", split)
    assert refused.exit_code == 4
    assert "volumes of different bundles" in refused.output
    assert "m.002 of" in refused.output


def test_volume_cut_short_is_named(split: Path, sealed: Side) -> None:
    volume = split.with_name("m.002")
    volume.write_bytes(volume.read_bytes()[:-1])
    refused = sealed.run("bundle", "import", split)
    assert refused.exit_code == 4
    assert "m.002" in refused.output
    assert "65535 bytes" in refused.output


def test_lost_checksum_files_are_done_without(split: Path, sealed: Side) -> None:
    for sidecar in split.parent.glob("*.sha256"):
        sidecar.unlink()
    sealed.done("bundle", "import", split)


def test_self_contained_volumes_are_imported_one_by_one(
    connected: Side, sealed: Side, tmp_path: Path
) -> None:
    connected.put("example.com/last@v1.0.0", requires=["example.com/root@v1.0.0"])
    words = ("--volume-size", "64KiB", "--self-contained")
    connected.done("bundle", "create", tmp_path / "m", *words)
    chain = sorted(tmp_path.glob("m-0*"))
    assert len(chain) >= 2
    assert all(path.stat().st_size <= 64 << 10 for path in chain)
    refused = sealed.run("bundle", "import", chain[-1])
    assert refused.exit_code == 5
    assert sealed.versions() == {}
    for path in chain:
        sealed.done("bundle", "import", path)
    assert sealed.versions() == connected.versions()


def test_self_contained_volumes_say_that_gopack_itself_fits_none(
    connected: Side, tmp_path: Path
) -> None:
    (tmp_path / "kit").mkdir()
    (tmp_path / "kit" / "image.tar").write_bytes(bytes(70_000))
    words = ("--volume-size", "64KiB", "--self-contained", "--with", tmp_path / "kit")
    result = connected.run("bundle", "create", tmp_path / "m", *words)
    assert result.exit_code == 2
    assert "gopack itself takes" in result.output
    assert not list(tmp_path.glob("m*"))


def test_self_contained_volumes_name_the_version_that_fits_none(
    connected: Side, tmp_path: Path
) -> None:
    connected.put("example.com/big@v1.0.0", size_bytes=70_000)
    words = ("--volume-size", "64KiB", "--self-contained")
    result = connected.run("bundle", "create", tmp_path / "m", *words)
    assert result.exit_code == 2
    assert "example.com/big@v1.0.0 does not fit" in result.output


def test_chain_that_does_not_fit_leaves_nothing(connected: Side, tmp_path: Path) -> None:
    """The version that is too large would be in the last volume."""
    connected.put("example.com/a@v1.0.0", size_bytes=50_000)
    connected.put("example.com/z@v1.0.0", size_bytes=70_000)
    words = ("--volume-size", "64KiB", "--self-contained")
    result = connected.run("bundle", "create", tmp_path / "m", *words)
    assert (result.exit_code, "z@v1.0.0 does not fit" in result.output) == (2, True)
    assert not list(tmp_path.glob("m-*"))
    assert not list((connected.root / ".gopack").glob("bundles/*"))
    connected.done("bundle", "create", tmp_path / "m", "--volume-size", "80KiB", words[-1])
    assert len(list(tmp_path.glob("m-*"))) >= 2


def test_chain_whose_later_name_is_taken_leaves_nothing(connected: Side, tmp_path: Path) -> None:
    connected.put("example.com/a@v1.0.0", size_bytes=50_000)
    (tmp_path / "m-002").write_bytes(b"mine")
    words = ("--volume-size", "64KiB", "--self-contained")
    result = connected.run("bundle", "create", tmp_path / "m", *words)
    assert result.exit_code == 2
    assert f"{tmp_path / 'm-002'}: is there already" in result.output
    assert [path.name for path in tmp_path.glob("m-*")] == ["m-002"]
    assert not list((connected.root / ".gopack").glob("bundles/*"))


def test_chain_that_the_disk_ends_tells_what_is_there(connected: Side, tmp_path: Path) -> None:
    connected.put("example.com/a@v1.0.0", size_bytes=50_000)
    (tmp_path / "m-002.part").mkdir()
    words = ("--volume-size", "64KiB", "--self-contained")
    result = connected.run("bundle", "create", tmp_path / "m", *words)
    assert result.exit_code == 5
    assert "bundle 1 (" in result.output
    assert (tmp_path / "m-001").is_file()
    connected.done("bundle", "create", tmp_path / "n", *words, "--since", "1")


def test_volume_that_is_none_of_them_is_named(split: Path, sealed: Side) -> None:
    count = len(list(split.parent.glob("m.00?")))
    for odd in ("m.000", f"m.00{count + 1}"):
        split.with_name(odd).write_bytes(b"x")
        refused = sealed.run("bundle", "import", split)
        assert refused.exit_code == 4
        assert f"{odd} is none of them" in refused.output
        split.with_name(odd).unlink()
    assert sealed.versions() == {}


def test_volumes_whose_name_looks_like_a_pattern(connected: Side, sealed: Side) -> None:
    odd = connected.root.parent / "[m]*"
    connected.done("bundle", "create", odd, *SPLIT)
    sealed.done("bundle", "import", odd)
    assert sealed.versions() == connected.versions()


@pytest.mark.parametrize("kind", ["pipe", "folder", "endless"])
def test_checksum_file_that_is_none_stops_nobody(split: Path, sealed: Side, kind: str) -> None:
    sidecar = split.with_name("m.001.sha256")
    sidecar.unlink()
    if kind == "pipe":
        os.mkfifo(sidecar)
    elif kind == "folder":
        sidecar.mkdir()
    else:
        sidecar.symlink_to("/dev/zero")
    sealed.done("bundle", "import", split)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4GiB-1", 4294967295),
        ("fat32", 4294967295),
        ("700MB", 700_000_000),
        ("1M", 1 << 20),
        ("70000", 70_000),
    ],
)
def test_parse_size_reads_units(text: str, size: int) -> None:
    assert volumes.parse_size(text) == size


@pytest.mark.parametrize("text", ["", "4 GiB", "-1", "GiB", "4XiB", "1KiB", "1e9"])
def test_parse_size_refuses_what_is_none(text: str) -> None:
    with pytest.raises(InputError):
        volumes.parse_size(text)


def test_media_hold_their_volumes() -> None:
    assert volumes.parse_size("cd") < 360_000 * 2048 - (2 << 20)
    assert volumes.parse_size("dvd") < 2_295_104 * 2048 - (2 << 20)
    assert volumes.parse_size("bd25") < 12_219_392 * 2048 - (2 << 20)


def test_what_a_killed_create_left_is_overwritten(connected: Side, tmp_path: Path) -> None:
    (tmp_path / "m.001.part").write_bytes(b"half")
    (tmp_path / "n.part").write_bytes(b"half")
    connected.done("bundle", "create", tmp_path / "m", "--volume-size", "64KiB")
    connected.done("bundle", "create", tmp_path / "n")
    assert not list(tmp_path.glob("*.part"))
    again = connected.run("bundle", "create", tmp_path / "m", "--volume-size", "64KiB")
    assert (again.exit_code, "is there already" in again.output) == (2, True)


@pytest.mark.parametrize("words", [(), SPLIT])
def test_bundle_that_has_its_name_keeps_its_record_and_number(
    connected: Side, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    """The run is interrupted while the folder goes to the disk: the file may be carried already."""
    real = os.fsync

    def interrupted(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise KeyboardInterrupt
        real(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr("gopack.adapters.volumes.os.fsync", interrupted)
        assert connected.run("bundle", "create", tmp_path / "m", *words).exit_code != 0
    made = {path.name: path.read_bytes() for path in tmp_path.glob("m*")}
    assert made
    assert "bundle 2 (" in connected.done("bundle", "create", tmp_path / "other")
    (tmp_path / "again").mkdir()
    connected.done("bundle", "create", tmp_path / "again" / "m", "--again", "1", *words)
    assert {path.name: path.read_bytes() for path in tmp_path.glob("again/m*")} == made


def test_killed_create_leaves_no_record_of_a_bundle_that_nobody_has(
    connected: Side, tmp_path: Path
) -> None:
    connected.put("example.com/big@v1.0.0", size_bytes=30_000_000)
    part = tmp_path / "m.part"
    killed = connected.start("bundle", "create", tmp_path / "m")
    until(part.exists)
    killed.kill()
    killed.communicate(timeout=30)
    assert part.exists()
    result = connected.run("bundle", "create", tmp_path / "n", "--since", "1")
    assert (result.exit_code, "no bundle 1 was made" in result.output) == (2, True), result.output
    connected.done("bundle", "create", tmp_path / "m")


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_what_lies_where_a_bundle_is_written_is_not_written_to(
    connected: Side, sealed: Side, tmp_path: Path, kind: str
) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / "kit" / "docs").mkdir(parents=True)
    (tmp_path / "kit" / "docs" / "page.md").write_text("page")
    parts = [f"{name}.part" for name in ("m.001", "m.001.sha256", "m.README.txt", "n", "state")]
    for name in parts:
        if kind == "link":
            (tmp_path / name).symlink_to(victim)
        else:
            os.mkfifo(tmp_path / name)
    connected.done("bundle", "create", tmp_path / "m", *SPLIT, "--with", tmp_path / "kit")
    connected.done("bundle", "create", tmp_path / "n")
    connected.done("bundle", "state", tmp_path / "state")
    for name in parts:
        made = tmp_path / name.removesuffix(".part")
        assert made.is_file(), name
        assert not made.is_symlink(), name
    assert victim.read_bytes() == b"precious"
    sealed.done("bundle", "verify", tmp_path / "m")


def test_name_of_a_volume_is_no_name_of_a_bundle(connected: Side, tmp_path: Path) -> None:
    result = connected.run("bundle", "create", tmp_path / "modules.001")
    assert result.exit_code == 2
    assert "leave out the number" in result.output


@pytest.mark.parametrize("name", [b"a\nb", b"a\x01b", b"a\xff"])
@pytest.mark.parametrize("words", [(), SPLIT])
def test_name_that_no_checksum_file_can_hold_is_refused(
    connected: Side, tmp_path: Path, name: bytes, words: tuple[str, ...]
) -> None:
    result = connected.run("bundle", "create", tmp_path / os.fsdecode(name), *words)
    assert result.exit_code == 2, result.output
    assert "a name that no checksum file can hold" in result.output
    assert not list(tmp_path.glob("a*"))


def test_names_that_no_disk_takes_are_told(connected: Side, sealed: Side, tmp_path: Path) -> None:
    long = tmp_path / ("x" * 300)
    told = {"": 2, str(long): 5}
    for name, status in told.items():
        result = connected.run("bundle", "create", name)
        assert (result.exit_code, "hint: " in result.output) == (status, True), result.output
    for words in (("verify", long), ("inspect", long), ("diff", long, long)):
        result = sealed.run("bundle", *words)
        assert (result.exit_code, "hint: " in result.output) == (5, True), result.output
    result = connected.run("bundle", "create", tmp_path / "a", "--since", "9" * 5000)
    assert (result.exit_code, "hint: " in result.output) == (5, True), result.output


def test_files_among_the_records_of_bundles_are_passed_over(
    connected: Side, tmp_path: Path
) -> None:
    connected.done("bundle", "create", tmp_path / "a")
    (connected.root / ".gopack/bundles/mine.note").write_bytes(b"x")
    connected.done("bundle", "create", tmp_path / "b")
    (connected.root / ".gopack/bundles/000001.index.bz2").unlink()
    result = connected.run("bundle", "create", tmp_path / "c", "--since", "1")
    assert (result.exit_code, "no bundle 1 was made" in result.output) == (2, True), result.output


def test_head_that_was_damaged_is_told_by_state(connected: Side, tmp_path: Path) -> None:
    for head in (connected.root / ".gopack/sumdb" / connected.log.name / "heads").iterdir():
        head.write_bytes(b"\xff\xfe\n")
    result = connected.run("bundle", "state", tmp_path / "state")
    assert (result.exit_code, "hint: " in result.output) == (4, True), result.output


def test_volumes_cut_to_different_sizes_are_named(
    split: Path, connected: Side, sealed: Side
) -> None:
    words = ("--again", "1", "--volume-size", "70KiB", "--only", "2")
    connected.done("bundle", "create", split, *words)
    result = sealed.run("bundle", "import", split)
    assert result.exit_code == 4, result.output
    assert "the volumes were cut to different sizes: " in result.output
    assert f"{split.name}.002: " in result.output
    assert "with the --volume-size of the others" in result.output


def test_bundle_that_is_cut_while_it_is_checked_ends_with_a_message(
    connected: Side, tmp_path: Path
) -> None:
    """What fails under a mapping kills the process: it is read before."""
    connected.done("bundle", "create", tmp_path / "a")
    one = module("example.com/Dep@v1.0.0")
    size = (tmp_path / "a").stat().st_size
    zips = {one: BundledZip((Region(tmp_path / "a", 0, size),), "")}
    os.truncate(tmp_path / "a", size // 2)
    with pytest.raises(StoreError, match="is shorter than it was"):
        BundleWork(tmp_path, zips).check(one)
