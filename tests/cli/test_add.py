"""`gopack add` from the command line: three files, GOPROXY trees, module caches, proxies."""

import shutil
import subprocess
from pathlib import Path

import pytest

from gopack.adapters.disk import DiskStore
from gopack.adapters.ledger import DiskLedger
from gopack.plan.layout import FileKind, goproxy_key
from gopack.ports import State
from gopack.spec.module import ModuleVersion
from tests.athens_layout import serving
from tests.cli import program
from tests.cli.test_pack import gopack, packed, refused
from tests.gosettings import go_settings
from tests.upstream import Fault, Upstream

pytestmark = pytest.mark.e2e

A, B = ModuleVersion("corp.example/A", "v1.0.0"), ModuleVersion("corp.example/b", "v0.2.0")


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """Two modules packed into folders of their own; A requires b."""
    for module, text in ((A, f"require {B.path} {B.version}\n"), (B, "")):
        source = tmp_path / "src" / module.path
        source.mkdir(parents=True)
        (source / "go.mod").write_text(f"module {module.path}\n\n{text}")
        (source / "x.go").write_text(f"package {module.path[-1].lower()}\n")
        packed("pack", module.version, "--source", source, tmp_path / module.path, cwd=tmp_path)
    return tmp_path


def proxy_tree(made: Path) -> Path:
    tree = made / "tree"
    for module in (A, B):
        for kind, name in (
            (FileKind.INFO, f"{module.version}.info"),
            (FileKind.MOD, "go.mod"),
            (FileKind.ZIP, f"{module.version}.zip"),
        ):
            target = tree / goproxy_key(module, kind)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(made / module.path / name, target)
    return tree


def test_add_takes_what_pack_left(made: Path) -> None:
    packed("add", *A, A.path, "--storage", "st", cwd=made)
    assert DiskStore(made / "st").state(A) is State.COMPLETE
    entry = DiskLedger(made / "st/.gopack").manifest.versions[A]
    assert entry.is_by_hand
    assert entry.verified.startswith("unverified: not compared with the checksum database")
    assert "there already" in packed("add", *A, A.path, "--storage", "st", cwd=made)
    folder = made / "st" / A.path / A.version  # Athens' names
    packed("add", *A, folder, "--storage", "other", cwd=made)
    assert DiskStore(made / "other").state(A) is State.COMPLETE


def test_add_refuses_other_content_with_both_sums(made: Path) -> None:
    packed("add", *A, A.path, "--storage", "st", cwd=made)
    (made / "src" / A.path / "x.go").write_text("package other\n")
    packed("pack", "v1.0.0", "--source", made / "src" / A.path, "new", cwd=made)
    said = refused("add", *A, "new", "--storage", "st", cwd=made, status=4)
    assert said.count("h1:") == 2
    packed("add", *A, "new", "--storage", "st", "--replace", cwd=made)
    assert "replaced h1:" in DiskLedger(made / "st/.gopack").manifest.versions[A].why[0]


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("v1.0.0.info", '{"Version":"v1.0.1"}', "the .info is another version's"),
        ("v1.0.0.info", "nonsense", "invalid version info"),
        ("go.mod", "module corp.example/A\n", "the go.mod beside the zip is not the one in it"),
        ("go.mod", "module corp.example/other\n", "corp.example/other"),
        ("v1.0.0.zip", "no zip", "zip"),
    ],
)
def test_add_refuses_files_that_lie(file: str, text: str, said: str, made: Path) -> None:
    (made / A.path / file).write_text(text)
    assert said in refused("add", *A, A.path, "--storage", "st", cwd=made, status=4)
    assert DiskStore(made / "st").state(A) is State.ABSENT
    assert not list((made / "st/.gopack/staging").iterdir())


def test_add_bad_words_are_refused(made: Path) -> None:
    assert "MODULE, VERSION and DIR" in refused("add", A.path, cwd=made)
    assert "there is no v1.0.0.info" in refused("add", *A, "src", "--storage", "st", cwd=made)
    assert "begin with v" in refused("add", A.path, "1.0.0", A.path, "--storage", "st", cwd=made)
    assert "no such folder" in refused("add", "--from-goproxy", "none", cwd=made)
    assert "no module version" in refused("add", "--from-modcache", "src", cwd=made)


def test_add_from_a_goproxy_tree_takes_all_or_what_is_named(made: Path) -> None:
    tree = proxy_tree(made)
    packed("add", "--from-goproxy", tree, B.path, "--storage", "one", cwd=made)
    assert [m for m, _ in DiskStore(made / "one").versions()] == [B]
    packed("add", "--from-goproxy", tree.as_uri(), "--storage", "all", cwd=made)
    assert {m for m, _ in DiskStore(made / "all").versions()} == {A, B}
    assert "does not have it" in refused(
        "add", "--from-goproxy", tree, f"{B.path}@v9.0.0", cwd=made
    )


def test_add_from_a_tree_goes_on_after_a_bad_version(made: Path) -> None:
    tree = proxy_tree(made)
    (tree / goproxy_key(A, FileKind.ZIP)).write_bytes(b"no zip")
    done = gopack("add", "--from-goproxy", tree, "--storage", "st", cwd=made)
    assert done.returncode == 4
    assert [m for m, _ in DiskStore(made / "st").versions()] == [B]


def test_add_from_the_go_command_s_module_cache(made: Path) -> None:
    cache = made / "modcache"
    env = go_settings(made, proxy_tree(made).as_uri(), GOMODCACHE=str(cache))
    subprocess.run(["go", "mod", "download", str(A)], cwd=made, env=env, check=True)
    packed("add", "--from-modcache", cache, "--storage", "st", cwd=made)
    assert [m for m, _ in DiskStore(made / "st").versions()] == [A]
    (zip_hash,) = cache.rglob("*.ziphash")
    zip_hash.write_text("h1:4skn8l0N017PMKb5NglblaMgDDll3WXfyNx9HQ0LHiY=")
    said = refused("add", "--from-modcache", cache, "--storage", "other", cwd=made, status=4)
    assert "not the one that the go command put there" in said


def test_add_from_a_running_proxy(made: Path) -> None:
    packed("add", *A, A.path, "--storage", "st", cwd=made)
    with serving(made / "st") as athens:
        packed("add", "--from-goproxy", athens.url, A.path, "--storage", "new", cwd=made)
        said = refused("add", "--from-goproxy", athens.url, "--storage", "new", cwd=made)
    assert "cannot list all that it has" in said
    assert [m for m, _ in DiskStore(made / "new").versions()] == [A]


def test_add_from_a_proxy_goes_on_after_words_that_it_cannot_answer(made: Path) -> None:
    packed("add", *B, B.path, "--storage", "there", cwd=made)
    with serving(made / "there") as athens:
        words = [B.path, "corp.example/none", f"{B.path}@latest"]
        done = gopack("add", "--from-goproxy", athens.url, *words, "--storage", "st", cwd=made)
    assert f"{B}: stored" in done.stdout
    assert "corp.example/none" in done.stderr
    assert f"{B.path}@latest: invalid version" in done.stderr
    assert done.returncode in {2, 3}


def test_add_from_a_proxy_that_is_down_is_an_upstream_error_without_its_login(made: Path) -> None:
    url = "http://user:secret@127.0.0.1:9"
    said = refused("add", "--from-goproxy", url, "--storage", "st", cwd=made, status=3)
    assert "secret" not in said
    assert "127.0.0.1:9" in said


def test_what_is_there_already_by_a_fetch_is_to_stay_from_then_on(
    tmp_path: Path, upstream: Upstream
) -> None:
    upstream.add("example.com/lib", "v1.0.0")
    upstream.add("example.com/other", "v1.0.0")
    ran = program.fetch(tmp_path, upstream.url, "example.com/lib@v1.0.0\n")
    assert ran.status == 0, ran.text
    words = ("add", "--from-goproxy", upstream.url, "example.com/lib@v1.0.0")
    assert "there already" in packed(*words, "--storage", ran.storage, cwd=tmp_path)
    ran = program.fetch(tmp_path, upstream.url, "example.com/other@v1.0.0\n", "--prune")
    assert ran.status == 0, ran.text
    assert ran.report["removed"] == []
    assert set(program.assert_whole(ran.storage)) == {
        *("example.com/lib@v1.0.0", "example.com/other@v1.0.0")
    }


@pytest.mark.parametrize(
    ("status", "exit_status", "hint"),
    [
        *((status, 2, "Name the modules behind the option") for status in (400, 404, 405)),
        (401, 3, "netrc"),
        (503, 3, "later"),
    ],
)
def test_add_from_a_proxy_without_a_catalog_says_what_to_name(
    upstream: Upstream, tmp_path: Path, status: int, exit_status: int, hint: str
) -> None:
    upstream.fail("/catalog*", Fault(status=status, headers={"Retry-After": "0"}))
    words = ("add", "--from-goproxy", upstream.url, "--storage", "st")
    assert hint in refused(*words, cwd=tmp_path, status=exit_status)
