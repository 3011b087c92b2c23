"""From one storage through a bundle into another."""

import bz2
import json
import shutil
import subprocess
import tarfile
import urllib.request
from pathlib import Path

import pytest

from gopack.adapters.sumdb_store import SumdbStore
from gopack.flows.export_sumdb import prove_tree
from tests.athens_layout import served
from tests.bundling import Side, own_files
from tests.fakes_sumdb import FakeSumDB

pytestmark = pytest.mark.e2e  # many bundles each: too long for make check


def proven_records(side: Side) -> int:
    """How many records the storage proves, from what it keeps alone."""
    store = SumdbStore.of(side.root / ".gopack", side.log.name)
    return len(prove_tree(store, side.log.verifier).records)


def make_bundle(side: Side, name: str, *words: str) -> Path:
    path = side.root.parent / name
    side.done("bundle", "create", path, *words)
    return path


def test_import_of_a_full_bundle_gives_the_same_versions(connected: Side, sealed: Side) -> None:
    bundle = make_bundle(connected, "a.bundle")
    text = sealed.done("bundle", "import", bundle)
    assert "3 added" in text
    assert sealed.versions() == connected.versions()
    ours, theirs = own_files(connected.root), own_files(sealed.root)
    assert ours["manifest.json"] == theirs["manifest.json"]
    assert ours["go.sum"] == theirs["go.sum"]
    assert proven_records(sealed) == 3
    sealed.done("check")


def test_create_twice_gives_the_same_bytes(connected: Side, tmp_path: Path) -> None:
    first = make_bundle(connected, "a.bundle").read_bytes()
    again = make_bundle(connected, "b.bundle", "--again", "1").read_bytes()
    assert first == again


def test_bundle_is_signed_when_it_is_made_again(
    connected: Side, sealed: Side, tmp_path: Path
) -> None:
    connected.done("key", "new", "second.example", tmp_path / "second")
    unsigned = Side(connected.root, connected.log)
    bundle = make_bundle(unsigned, "a.bundle")
    assert "is not signed" in sealed.run("bundle", "verify", bundle).output
    once = make_bundle(unsigned, "b.bundle", "--again", "1", "--sign", str(tmp_path / "key"))
    sealed.done("bundle", "verify", once)
    again = make_bundle(unsigned, "c.bundle", "--again", "1")
    assert again.read_bytes() == once.read_bytes(), "the signature is recorded"
    again = make_bundle(unsigned, "d.bundle", "--again", "1", "--sign", str(tmp_path / "key"))
    assert again.read_bytes() == once.read_bytes(), "a key signs once"
    second = Side(connected.root, connected.log, {"GOPACK_SIGN": str(tmp_path / "second")})
    again = make_bundle(second, "e.bundle", "--again", "1")
    assert again.read_bytes() == once.read_bytes(), "a key in the environment adds nothing"
    both = make_bundle(second, "f.bundle", "--again", "1", "--sign", str(tmp_path / "second"))
    sealed.done("bundle", "verify", both)
    sealed.env["GOPACK_TRUST"] = f"{tmp_path / 'second.pub'}"
    sealed.done("bundle", "import", both)
    assert "no signature by a known key" in sealed.run("bundle", "import", once).output


def test_bundle_is_a_tar_that_tar_reads(connected: Side, tmp_path: Path) -> None:
    bundle = make_bundle(connected, "a.bundle")
    subprocess.run(["tar", "-xf", bundle, "-C", tmp_path], check=True)
    text = (tmp_path / "CONTENTS.txt").read_text()
    zip_ = tmp_path / "modules/example.com/!dep/@v/v1.0.0.zip"
    assert zip_.read_bytes() == connected.versions()["example.com/Dep/v1.0.0/source.zip"]
    row = next(line.split() for line in text.splitlines() if "example.com/Dep" in line)
    assert row[0] == str(zip_.stat().st_size)
    assert row[2:] == ["MIT", "example.com/Dep", "v1.0.0"]
    sbom = json.loads((tmp_path / "sbom.cdx.json").read_text())
    assert [c["purl"] for c in sbom["components"]] == [
        "pkg:golang/example.com/Dep@v1.0.0",
        "pkg:golang/example.com/root@v1.0.0",
    ]
    assert (tmp_path / "go.sum").read_text().count("\n") == 5


def test_index_puts_requirements_first(connected: Side, tmp_path: Path) -> None:
    with tarfile.open(make_bundle(connected, "a.bundle")) as archive:
        file = archive.extractfile("index.json.bz2")
        assert file is not None
        index = json.loads(bz2.decompress(file.read()))
    names = [one["module"] for one in index["versions"]]
    assert names.index("example.com/Dep@v1.0.0") < names.index("example.com/root@v1.0.0")


def test_import_twice_changes_nothing(connected: Side, sealed: Side) -> None:
    bundle = make_bundle(connected, "a.bundle")
    sealed.done("bundle", "import", bundle)
    before = sealed.versions(), own_files(sealed.root)
    assert "3 there" in sealed.done("bundle", "import", bundle)
    assert (sealed.versions(), own_files(sealed.root)) == before


def test_dry_run_changes_nothing(connected: Side, sealed: Side) -> None:
    bundle = make_bundle(connected, "a.bundle")
    assert "3 would be added" in sealed.done("bundle", "import", bundle, "--dry-run")
    assert not sealed.root.exists()


def test_incremental_bundle_carries_only_what_is_new(connected: Side, sealed: Side) -> None:
    sealed.done("bundle", "import", make_bundle(connected, "a.bundle"))
    connected.put("example.com/new@v1.0.0", requires=["example.com/root@v1.0.0"])
    connected.put("example.com/thin@v1.2.0")
    bundle = make_bundle(connected, "b.bundle", "--since", "1")
    text = sealed.done("bundle", "import", bundle)
    assert "1 added, 1 completed" in text
    assert sealed.versions() == connected.versions()
    assert proven_records(sealed) == 4


@pytest.mark.parametrize("since", ["1", "a.bundle", "manifest", "state"])
def test_since_takes_a_number_a_bundle_a_manifest_or_a_state(
    connected: Side, sealed: Side, tmp_path: Path, since: str
) -> None:
    sealed.done("bundle", "import", make_bundle(connected, "a.bundle"))
    sealed.done("bundle", "state", tmp_path / "state")
    connected.put("example.com/new@v1.0.0", requires=["example.com/root@v1.0.0"])
    named = {"a.bundle": tmp_path / "a.bundle", "state": tmp_path / "state"}
    named["manifest"] = sealed.root / ".gopack" / "manifest.json"
    bundle = make_bundle(connected, "b.bundle", "--since", str(named.get(since, since)))
    report = tmp_path / "report.json"
    sealed.done("bundle", "inspect", bundle, "--json", report)
    shown = json.loads(report.read_text())
    assert [one["module"] for one in shown["versions"]] == ["example.com/new"]
    assert shown["builds_on_versions"] == 3
    sealed.done("bundle", "import", bundle)
    assert sealed.versions() == connected.versions()
    assert proven_records(sealed) == 4


def test_chain_of_ten_equals_one_full_bundle(
    connected: Side, sealed: Side, tmp_path: Path, key: Path, log: FakeSumDB
) -> None:
    bundles = [make_bundle(connected, "0.bundle")]
    last = "example.com/root@v1.0.0"
    for number in range(1, 10):
        name = f"example.com/step{number}@v1.0.0"
        connected.put(name, requires=[last])
        last = name
        bundles.append(make_bundle(connected, f"{number}.bundle", "--since", str(number)))
    for bundle in bundles:
        sealed.done("bundle", "import", bundle)
    other = Side(tmp_path / "other", log, {"GOPACK_TRUST": f"{key}.pub"})
    other.done("bundle", "import", make_bundle(connected, "full.bundle"))
    assert sealed.versions() == other.versions() == connected.versions()
    one, two = own_files(sealed.root), own_files(other.root)
    assert one["manifest.json"] == two["manifest.json"]
    assert one["go.sum"] == two["go.sum"]
    assert proven_records(sealed) == proven_records(other) == 12
    assert f"at {len(log.texts)} records" in other.done("bundle", "import", bundles[3])
    assert other.versions() == connected.versions()


def test_out_of_order_where_it_is_not_safe_names_the_parent(connected: Side, sealed: Side) -> None:
    first = make_bundle(connected, "a.bundle")
    connected.put("example.com/new@v1.0.0", requires=["example.com/root@v1.0.0"])
    second = make_bundle(connected, "b.bundle", "--since", "1")
    refused = sealed.run("bundle", "import", second)
    assert refused.exit_code == 5
    assert "needs bundle 1 (" in refused.output
    assert "example.com/root@v1.0.0" in refused.output
    assert sealed.versions() == {}
    sealed.done("bundle", "import", first)
    sealed.done("bundle", "import", second)
    assert sealed.versions() == connected.versions()


def test_out_of_order_of_siblings_is_safe(connected: Side, sealed: Side) -> None:
    sealed.done("bundle", "import", make_bundle(connected, "a.bundle"))
    connected.put("example.com/one@v1.0.0")
    second = make_bundle(connected, "b.bundle", "--since", "1")
    connected.put("example.com/two@v1.0.0")
    third = make_bundle(connected, "c.bundle", "--since", "1")
    text = sealed.done("bundle", "import", third)
    newest = text.rsplit("at ", 1)[1]
    assert sealed.done("bundle", "import", second).endswith(newest), "an older head came back"
    assert sealed.versions() == connected.versions()
    assert proven_records(sealed) == 5


@pytest.mark.parametrize("since", ["1", "state", "manifest"])
def test_versions_that_the_other_side_has_with_other_bytes_are_named(
    connected: Side, sealed: Side, tmp_path: Path, since: str
) -> None:
    """A tag was moved; removed on the sealed side, the new version comes with everything."""
    private = Side(connected.root, FakeSumDB("private.test"), {**connected.env, "GOSUMDB": "off"})
    private.put("example.com/moved@v1.0.0", noise=1)
    sealed.done("bundle", "import", make_bundle(private, "a.bundle"))
    sealed.done("bundle", "state", tmp_path / "state")
    shutil.rmtree(connected.root / "example.com/moved")
    private.log = FakeSumDB("anew.test")  # a log takes no other bytes
    private.put("example.com/moved@v1.0.0", noise=2)
    named = {"state": tmp_path / "state", "manifest": sealed.root / ".gopack/manifest.json"}
    words = ("bundle", "create", tmp_path / "b.bundle", "--since", named.get(since, since))
    text = " ".join(private.done(*words).split())
    assert "with other bytes: example.com/moved@v1.0.0; tag new versions" in text
    assert "0 versions" in text
    assert "other bytes" not in private.done("bundle", "create", tmp_path / "c.bundle")
    shutil.rmtree(sealed.root / "example.com/moved")
    sealed.done("bundle", "import", tmp_path / "c.bundle")
    assert sealed.versions() == connected.versions()


def test_diff_tells_what_changed(connected: Side, tmp_path: Path) -> None:
    first = make_bundle(connected, "a.bundle")
    connected.put("example.com/new@v1.0.0")
    connected.put("example.com/thin@v1.2.0")
    second = make_bundle(connected, "b.bundle", "--since", "1")
    lines = connected.done("bundle", "diff", first, second).splitlines()
    assert lines[:2] == ["+ example.com/new@v1.0.0", "^ example.com/thin@v1.2.0"]
    assert "3 checksum records in A, 4 in B" in lines[2]
    assert "no difference" not in connected.done("bundle", "diff", second, connected.root)
    assert connected.done("bundle", "diff", second, first).startswith("- example.com/new@v1.0.0")


def test_gopack_itself_is_carried_and_taken_out_by_tar(
    connected: Side, sealed: Side, tmp_path: Path
) -> None:
    kit = tmp_path / "kit"
    (kit / "wheels").mkdir(parents=True)
    (kit / "wheels" / "gopack.whl").write_bytes(b"a wheel")
    (kit / "image.tar").write_bytes(bytes(5000))
    bundle = make_bundle(connected, "a.bundle", "--with", str(kit))
    assert "gopack/wheels/gopack.whl" in sealed.done("bundle", "inspect", bundle)
    subprocess.run(["tar", "-xf", bundle, "-C", tmp_path, "gopack"], check=True)
    assert (tmp_path / "gopack/wheels/gopack.whl").read_bytes() == b"a wheel"
    assert (tmp_path / "gopack/image.tar").read_bytes() == bytes(5000)
    refused = connected.run("bundle", "create", tmp_path / "b.bundle", "--again", "1")
    assert refused.exit_code == 2
    assert "--with" in refused.output
    again = make_bundle(connected, "b.bundle", "--again", "1", "--with", str(kit))
    assert again.read_bytes() == bundle.read_bytes()
    bundle.write_bytes(bundle.read_bytes().replace(b"a wheel", b"b wheel"))
    assert sealed.run("bundle", "import", bundle).exit_code == 4
    assert sealed.versions() == {}


@pytest.mark.parametrize(
    ("layout", "name"),
    [
        ("athens", "example.com/Dep/main/main.info"),
        ("goproxy", "example.com/!dep/@v/main.info"),
        ("athens-s3", "example.com/Dep/@v/main.info"),
    ],
)
def test_names_of_branches_go_along_and_never_back(
    connected: Side, sealed: Side, layout: str, name: str
) -> None:
    words = ("--layout", layout)
    connected.name_alias("example.com/Dep@main", "v1.0.0")
    first = make_bundle(connected, "a.bundle")
    sealed.done("bundle", "import", first, *words)
    info = connected.versions()["example.com/Dep/main/main.info"]
    assert sealed.versions()[name] == info
    connected.put("example.com/Dep@v1.1.0")
    connected.name_alias("example.com/Dep@main", "v1.1.0")
    sealed.done("bundle", "import", make_bundle(connected, "b.bundle", "--since", "1"), *words)
    newer = connected.versions()["example.com/Dep/main/main.info"]
    assert sealed.versions()[name] == newer != info
    sealed.done("bundle", "import", first, *words)
    assert sealed.versions()[name] == newer
    ours, theirs = own_files(connected.root), own_files(sealed.root)
    assert ours["manifest.json"] == theirs["manifest.json"]


def test_name_that_means_something_else_here_is_left_alone_and_reported(
    connected: Side, sealed: Side
) -> None:
    connected.name_alias("example.com/Dep@main", "v1.0.0")
    theirs = sealed.root / "example.com/Dep/main/main.info"
    theirs.parent.mkdir(parents=True)
    theirs.write_text('{"Version": "v1.9.0"}')
    result = sealed.run("bundle", "import", make_bundle(connected, "a.bundle"))
    assert result.exit_code == 5
    assert "conflict: example.com/Dep@main: this name means something else here" in result.output
    assert theirs.read_text() == '{"Version": "v1.9.0"}'


@pytest.mark.parametrize("is_linked", [True, False])
@pytest.mark.parametrize("order", [(2, 0, 1, 3), (3, 2, 1, 0), (1, 3, 0, 2)])
def test_chain_in_any_order_does_no_harm(
    connected: Side, sealed: Side, order: tuple[int, ...], *, is_linked: bool
) -> None:
    """What cannot come yet is refused and changes nothing; asked again later, all is there.

    That holds for versions that require nothing of each other, too: their records do.
    """
    bundles = [make_bundle(connected, "0.bundle")]
    for number in range(1, 4):
        before = "example.com/root@v1.0.0" if number == 1 else f"example.com/s{number - 1}@v1.0.0"
        connected.put(f"example.com/s{number}@v1.0.0", requires=[before] if is_linked else [])
        bundles.append(make_bundle(connected, f"{number}.bundle", "--since", str(number)))
    left = [bundles[number] for number in order]
    for _ in bundles:
        waiting = []
        for bundle in left:
            there = sealed.versions(), own_files(sealed.root)
            result = sealed.run("bundle", "import", bundle)
            if result.exit_code:
                assert result.exit_code == 5
                assert "needs bundle" in result.output or "import bundle" in result.output
                assert (sealed.versions(), own_files(sealed.root)) == there
                waiting.append(bundle)
        left = waiting
    assert not left
    assert sealed.versions() == connected.versions()
    ours, theirs = own_files(connected.root), own_files(sealed.root)
    assert ours["manifest.json"] == theirs["manifest.json"]
    assert proven_records(sealed) == proven_records(connected)


def test_import_into_a_served_storage_never_shows_half_a_version(
    connected: Side, sealed: Side
) -> None:
    """Somebody lists and reads all the while: what is listed is there, and what it requires."""
    previous = "example.com/root@v1.0.0"
    for number in range(10):
        name = f"example.com/many@v1.0.{number}"
        connected.put(name, requires=[previous], size_bytes=100_000)
        previous = name
    bundle = make_bundle(connected, "a.bundle")
    sealed.root.mkdir()
    seen: set[str] = set()
    with served(sealed.root) as athens:
        importing = sealed.start("bundle", "import", bundle)
        while True:
            is_over = importing.poll() is not None
            listed = asked(f"{athens.url}/example.com/many/@v/list").decode().split()
            for version in sorted(set(listed) - seen):
                for kind in ("info", "mod", "zip"):
                    assert asked(f"{athens.url}/example.com/many/@v/{version}.{kind}")
                number = int(version.rpartition(".")[2])
                assert number == 0 or f"v1.0.{number - 1}" in listed
            seen.update(listed)
            if is_over:
                break
    output = importing.communicate(timeout=30)[0].decode()
    assert importing.returncode == 0, output
    assert len(seen) == 10
    assert sealed.versions() == connected.versions()


def asked(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        data: bytes = answer.read()
        return data
