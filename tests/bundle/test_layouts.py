"""Import into other layouts: a GOPROXY tree, and the keys of Athens' object storages."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gopack.adapters.files import Files
from gopack.adapters.keyedtree import KeyedTree
from gopack.spec.module import ModuleVersion
from tests.bundle.test_round_trip import make_bundle
from tests.bundling import Side
from tests.gosettings import go_settings

pytestmark = pytest.mark.e2e  # many bundles each: too long for make check


def test_goproxy_tree_is_escaped_listed_and_has_its_database(connected: Side, sealed: Side) -> None:
    connected.put("example.com/Dep@v0.9.0")
    sealed.done("bundle", "import", make_bundle(connected, "a.bundle"), "--layout", "goproxy")
    tree, disk = sealed.versions(), connected.versions()
    assert tree["example.com/!dep/@v/v1.0.0.zip"] == disk["example.com/Dep/v1.0.0/source.zip"]
    assert tree["example.com/!dep/@v/v1.0.0.mod"] == disk["example.com/Dep/v1.0.0/go.mod"]
    assert tree["example.com/!dep/@v/v1.0.0.info"] == disk["example.com/Dep/v1.0.0/v1.0.0.info"]
    assert tree["example.com/!dep/@v/list"] == b"v0.9.0\nv1.0.0\n"
    assert "example.com/thin/@v/v1.2.0.zip" not in tree
    assert f"sumdb/{sealed.log.name}/latest" in tree
    names = {name.casefold() for name in tree}
    assert len(names) == len(tree)


def test_athens_s3_keys_are_unescaped(connected: Side, sealed: Side) -> None:
    sealed.done("bundle", "import", make_bundle(connected, "a.bundle"), "--layout", "athens-s3")
    assert sorted(sealed.versions()) == sorted(
        f"{path}/@v/{version}.{kind}"
        for path, version in (("example.com/Dep", "v1.0.0"), ("example.com/root", "v1.0.0"))
        for kind in ("info", "mod", "zip")
    ) + [f"example.com/thin/@v/v1.2.0.{kind}" for kind in ("info", "mod")]


@pytest.mark.parametrize("layout", ["goproxy", "athens-s3"])
def test_tree_grows_by_incremental_bundles(connected: Side, sealed: Side, layout: str) -> None:
    words = ("--layout", layout)
    first = make_bundle(connected, "a.bundle")
    sealed.done("bundle", "import", first, *words)
    connected.put("example.com/thin@v1.2.0")
    connected.put("example.com/new@v1.0.0", requires=["example.com/root@v1.0.0"])
    second = make_bundle(connected, "b.bundle", "--since", "1")
    assert "1 added, 1 completed" in sealed.done("bundle", "import", second, *words)
    before = sealed.versions()
    assert "3 there" in sealed.done("bundle", "import", first, *words)
    assert sealed.versions() == before
    assert sum(name.endswith(".zip") for name in before) == 4


LAYOUTS = ("athens", "goproxy", "athens-s3")


@pytest.mark.parametrize(
    ("first", "second"), [(one, two) for one in LAYOUTS for two in LAYOUTS if one != two]
)
@pytest.mark.parametrize("has_capitals", [True, False])
def test_storage_that_lies_in_another_layout_is_refused(
    connected: Side, sealed: Side, first: str, second: str, *, has_capitals: bool
) -> None:
    """Without capitals a GOPROXY tree and the keys of object storages differ in lists alone."""
    if not has_capitals:
        connected = Side(connected.root.with_name("lower"), connected.log, connected.env)
        connected.put("example.com/lower@v1.0.0")
    sealed.done("bundle", "import", make_bundle(connected, "a.bundle"), "--layout", first)
    connected.put("example.com/new@v1.0.0")
    delta = make_bundle(connected, "b.bundle", "--since", "1")
    before = sealed.versions()
    for more in ([], ["--dry-run"]):
        result = sealed.run("bundle", "import", delta, "--layout", second, *more)
        assert result.exit_code == 2, result.output
        assert f"the versions here lie in the layout {first}, not {second}" in result.output
        assert f"hint: give --layout {first}, or another --storage" in result.output
        assert sealed.versions() == before
    sealed.done("bundle", "import", delta, "--layout", first)


def test_storage_of_two_layouts_that_an_older_gopack_left_is_taken_in_either(
    connected: Side, sealed: Side
) -> None:
    bundle = make_bundle(connected, "a.bundle")
    sealed.done("bundle", "import", bundle, "--layout", "goproxy")
    other = Side(sealed.root.with_name("other"), sealed.log, sealed.env)
    other.done("bundle", "import", bundle)
    shutil.copytree(other.root / "example.com", sealed.root / "example.com", dirs_exist_ok=True)
    for layout in ("goproxy", "athens"):
        assert "3 there" in sealed.done("bundle", "import", bundle, "--layout", layout)


@pytest.mark.oracle
def test_go_command_verifies_from_the_goproxy_tree(
    connected: Side, sealed: Side, tmp_path: Path
) -> None:
    sealed.done("bundle", "import", make_bundle(connected, "a.bundle"), "--layout", "goproxy")
    project = tmp_path / "project"
    project.mkdir()
    (project / "go.mod").write_text("module sealed.test/m\n\ngo 1.21\n")
    name = sealed.log.name
    gosumdb = f"{sealed.log.verifier} {(sealed.root / 'sumdb' / name).as_uri()}"
    env = go_settings(tmp_path, sealed.root.as_uri(), GOSUMDB=gosumdb)
    roots = ["example.com/root@latest", "example.com/Dep@latest"]
    for words in (["get", *roots], ["mod", "verify"]):
        done = subprocess.run(
            ["go", *words], cwd=project, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    assert "example.com/Dep v1.0.0" in (project / "go.sum").read_text()


@pytest.mark.parametrize("layout", ["athens", "athens-s3"])
def test_disk_that_ignores_case_is_refused_before_anything_is_written(
    connected: Side, sealed: Side, layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected.put("example.com/dep@v1.0.0")
    monkeypatch.setattr(Files, "is_case_insensitive", lambda *_: True)
    bundle = make_bundle(connected, "a.bundle")
    result = sealed.run("bundle", "import", bundle, "--layout", layout)
    assert result.exit_code == 5
    assert "example.com/Dep and example.com/dep are one folder" in result.output
    assert sealed.versions() == {}


def test_escaped_tree_is_safe_on_a_disk_that_ignores_case(
    connected: Side, sealed: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected.put("example.com/dep@v1.0.0")
    monkeypatch.setattr(Files, "is_case_insensitive", lambda *_: True)
    sealed.done("bundle", "import", make_bundle(connected, "a.bundle"), "--layout", "goproxy")
    assert sum(name.endswith(".zip") for name in sealed.versions()) == 3


@pytest.mark.e2e
@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")
def test_real_disk_that_ignores_case(connected: Side, sealed: Side, tmp_path: Path) -> None:
    """A GOPROXY tree holds both cases there; Athens' layout is refused, nothing written."""
    connected.put("example.com/dep@v1.0.0")
    bundle = make_bundle(connected, "a.bundle")
    image, sealed.root = tmp_path / "disk.img", tmp_path / "disk"
    sealed.root.mkdir()
    with image.open("wb") as file:
        file.truncate(16 << 20)
    mkfs = shutil.which("mkfs.vfat", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if mkfs is None:
        pytest.skip("no mkfs.vfat here")
    subprocess.run([mkfs, str(image)], check=True, capture_output=True)
    words = ["mount", "-o", "loop", str(image), str(sealed.root)]
    if subprocess.run(words, check=False, capture_output=True).returncode:
        pytest.skip("no FAT image can be mounted here")
    try:
        refused = sealed.run("bundle", "import", bundle)
        assert refused.exit_code == 5
        assert "are one folder on this case-insensitive disk" in refused.output
        assert sealed.versions() == {}
        sealed.done("bundle", "import", bundle, "--layout", "goproxy")
        assert sum(name.endswith(".zip") for name in sealed.versions()) == 3
    finally:
        subprocess.run(["umount", str(sealed.root)], check=True)


@pytest.mark.parametrize("layout", ["athens", "goproxy", "athens-s3"])
def test_link_on_the_way_is_refused_and_nothing_is_written_behind_it(
    connected: Side, sealed: Side, tmp_path: Path, layout: str
) -> None:
    (tmp_path / "outside").mkdir()
    sealed.root.mkdir()
    (sealed.root / "example.com").symlink_to(tmp_path / "outside")
    result = sealed.run("bundle", "import", make_bundle(connected, "a.bundle"), "--layout", layout)
    assert result.exit_code == 5, result.output
    assert "a symbolic link" in result.output
    assert not list((tmp_path / "outside").iterdir())


@pytest.mark.parametrize("name", ["sumdb", "sumdb/sum.example.test", "sumdb/x/tile"])
def test_link_where_the_database_of_a_goproxy_tree_goes_is_refused(
    connected: Side, sealed: Side, tmp_path: Path, name: str
) -> None:
    (tmp_path / "outside").mkdir()
    (sealed.root / name).parent.mkdir(parents=True)
    (sealed.root / name).symlink_to(tmp_path / "outside")
    result = sealed.run(
        "bundle", "import", make_bundle(connected, "a.bundle"), "--layout", "goproxy"
    )
    assert result.exit_code == 5, result.output
    assert "a symbolic link" in result.output
    assert not list((tmp_path / "outside").iterdir())
    assert sealed.versions() == {}


@pytest.mark.parametrize("layout", ["goproxy", "athens-s3"])
@pytest.mark.parametrize("kind", ["mod", "info"])
def test_lone_file_of_a_version_does_not_become_a_part_of_it(
    connected: Side, sealed: Side, layout: str, kind: str
) -> None:
    lone = sealed.root / f"example.com/root/@v/v1.0.0.{kind}"
    lone.parent.mkdir(parents=True)
    lone.write_bytes(b"module example.com/evil\n")
    words = ("--layout", layout)
    sealed.done("bundle", "import", make_bundle(connected, "a.bundle"), *words)
    name = "go.mod" if kind == "mod" else "v1.0.0.info"
    assert lone.read_bytes() == (connected.root / "example.com/root/v1.0.0" / name).read_bytes()


def test_list_that_a_kill_left_behind_its_versions_is_completed(
    connected: Side, sealed: Side
) -> None:
    """The kill came between the version's .info and its line in the list, and before the ledger."""
    bundle = make_bundle(connected, "a.bundle")
    sealed.done("bundle", "import", bundle, "--layout", "goproxy")
    goal = sealed.versions()
    (sealed.root / "example.com/root/@v/list").unlink()
    (sealed.root / "example.com/thin/@v/list").write_bytes(b"")
    (sealed.root / ".gopack/manifest.json").unlink()
    sealed.done("bundle", "import", bundle, "--layout", "goproxy")
    assert sealed.versions() == goal


def test_lists_are_completed_before_what_requires_their_versions_appears(
    connected: Side, sealed: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first run was killed behind a version's .info, the second one right after the next."""
    bundle = make_bundle(connected, "a.bundle")
    sealed.done("bundle", "import", bundle, "--layout", "goproxy")
    shutil.rmtree(sealed.root / "example.com/root")
    (sealed.root / "example.com/!dep/@v/list").unlink()
    (sealed.root / ".gopack/manifest.json").unlink()
    real = KeyedTree.publish

    def publish(tree: KeyedTree, one: ModuleVersion, **files: Any) -> None:
        assert (sealed.root / "example.com/!dep/@v/list").exists()
        real(tree, one, **files)

    monkeypatch.setattr(KeyedTree, "publish", publish)
    sealed.done("bundle", "import", bundle, "--layout", "goproxy")
