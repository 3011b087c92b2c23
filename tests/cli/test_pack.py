"""`gopack pack` from the command line: folders, repositories, storages, and every bad input."""

import json
import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from gopack.adapters.disk import DiskStore
from gopack.adapters.ledger import DiskLedger
from gopack.adapters.zips import read_module_zip
from gopack.ports import State
from gopack.spec.info import parse_info
from gopack.spec.module import ModuleVersion
from tests.gitrepo import ENV, GitRepo
from tests.launching import finished

pytestmark = pytest.mark.e2e

PATH = "corp.example/m"
V1 = ModuleVersion(PATH, "v1.0.0")


def gopack(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    env = {**ENV, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "GOPROXY": "off"}
    return finished([*map(str, arguments)], folder=cwd, env=env)


def packed(*arguments: str | Path, cwd: Path) -> str:
    done = gopack(*arguments, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(*arguments: str | Path, cwd: Path, status: int = 2) -> str:
    done = gopack(*arguments, cwd=cwd)
    assert done.returncode == status, done.stderr
    assert not done.stdout
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.fixture
def module(tmp_path: Path) -> Path:
    folder = tmp_path / "m"
    folder.mkdir()
    (folder / "go.mod").write_text(f"module {PATH}\n\ngo 1.22\n")
    (folder / "m.go").write_text("package m\n")
    os.utime(folder / "m.go", (1_700_000_000, 1_700_000_000))
    os.utime(folder / "go.mod", (1_600_000_000, 1_600_000_000))
    return folder


def names_in(file: Path, version: ModuleVersion = V1) -> set[str]:
    return {name.removeprefix(f"{version}/") for name in ZipFile(file).namelist()}


# As the guide calls pacmod


def test_pack_leaves_the_three_files_that_pacmod_leaves(module: Path) -> None:
    packed("pack", PATH, "v1.0.0", "../out", cwd=module)
    out = module.parent / "out"
    assert sorted(path.name for path in out.iterdir()) == ["go.mod", "v1.0.0.info", "v1.0.0.zip"]
    assert (out / "go.mod").read_bytes() == (module / "go.mod").read_bytes()
    receipt = read_module_zip(out / "v1.0.0.zip", V1)
    assert receipt.file_count == 2
    info = (out / "v1.0.0.info").read_bytes()
    assert info == b'{"Version":"v1.0.0","Time":"2023-11-14T22:13:20Z"}'


def test_pack_into_the_module_itself_never_packs_what_it_left(module: Path) -> None:
    packed("pack", "v1.0.0", ".", cwd=module)
    packed("pack", "v1.1.0", ".", cwd=module)
    packed("pack", "v1.2.0", "deep/er", cwd=module)
    packed("pack", "v1.3.0", "deep/er", cwd=module)
    assert names_in(module / "v1.1.0.zip", ModuleVersion(PATH, "v1.1.0")) == {"go.mod", "m.go"}
    later = names_in(module / "deep/er/v1.3.0.zip", ModuleVersion(PATH, "v1.3.0"))
    assert not [name for name in later if name.startswith("deep")]


def test_pack_twice_is_no_change(module: Path) -> None:
    packed("pack", "v1.0.0", "../out", cwd=module)
    assert "there already" in packed("pack", "v1.0.0", "../out", cwd=module)


def test_pack_without_go_mod_takes_the_path_that_was_given(module: Path) -> None:
    (module / "go.mod").unlink()
    packed("pack", PATH, "v2.0.0+incompatible", "../out", cwd=module)
    assert (module.parent / "out/go.mod").read_text() == f"module {PATH}\n"
    bare = ModuleVersion(PATH, "v2.0.0+incompatible")
    assert names_in(module.parent / "out/v2.0.0+incompatible.zip", bare) == {"m.go"}
    assert "a go.mod would be left in it" in refused("pack", PATH, "v1.0.0", ".", cwd=module)


def test_pack_of_a_checkout_has_the_commit_s_time_and_origin(tmp_path: Path) -> None:
    repo = GitRepo(tmp_path / "r")
    commit = repo.commit({"go.mod": f"module {PATH}\n", "m.go": "package m\n"}, "v1.0.0")
    packed("pack", "v1.0.0", "out", cwd=repo.folder)
    info = parse_info((repo.folder / "out/v1.0.0.info").read_bytes(), where="")
    assert info.time_text == "2023-11-14T23:13:20Z"
    assert info.origin is not None
    assert (info.origin.vcs, info.origin.hash) == ("git", commit)
    assert info.origin.ref == "refs/tags/v1.0.0"


def origin_named(repo: GitRepo, *words: str) -> tuple[bool, str]:
    """Pack a checkout's folder: whether the info names the commit, and what was said."""
    done = gopack(
        "pack", "v1.0.0", repo.folder.parent / "out", "--replace", *words, cwd=repo.folder
    )
    assert done.returncode == 0, done.stderr
    info = parse_info((repo.folder.parent / "out/v1.0.0.info").read_bytes(), where="")
    assert info.time_text == "2023-11-14T23:13:20Z"
    return info.origin is not None, done.stderr


@pytest.fixture
def checkout(tmp_path: Path) -> GitRepo:
    repo = GitRepo(tmp_path / "r")
    files: dict[str, str | bytes | None] = {
        "go.mod": f"module {PATH}\n", "m.go": "package m\n", ".gitignore": "*.log\n",
        "sub/go.mod": f"module {PATH}/sub\n", "sub/x.go": "package x\n",
    }  # fmt: skip
    repo.commit(files, "v1.0.0")
    return repo


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ("m.go", "package m // changed\n"),
        ("new.go", "package m\n"),
        ("ignored.log", "x\n"),
        ("m.go", "package m\r\n"),
        ("m.go", None),
        (".git/../lib/.git", "gitdir: x"),
    ],
)
def test_pack_of_a_changed_checkout_names_no_commit_and_says_why(
    changed: str, text: str | None, checkout: GitRepo
) -> None:
    checkout.git("config", "core.autocrlf", "true")  # git status is content with line ends
    checkout.git("update-index", "--assume-unchanged", "m.go")
    checkout.put({changed: text})
    is_named, said = origin_named(checkout)
    assert not is_named
    name = os.path.normpath(changed)
    assert f"differs from its commit in {name}: the info names no commit" in said


@pytest.mark.parametrize("changed", ["sub/x.go", "sub/new.go", "vendor/a/b.go", "other/go.mod"])
def test_pack_of_a_checkout_changed_where_nothing_is_packed_names_the_commit(
    changed: str, checkout: GitRepo
) -> None:
    checkout.put({changed: "package other\n"})
    is_named, said = origin_named(checkout)
    assert is_named
    assert "differs from its commit" not in said


def test_pack_of_a_filter_s_output_names_no_commit(checkout: GitRepo) -> None:
    checkout.git("config", "filter.large.clean", "echo pointer")
    checkout.commit({".gitattributes": "*.bin filter=large\n", "a.bin": b"large"}, "v1.1.0")
    assert not checkout.git("status", "--porcelain")
    done = gopack("pack", "v1.1.0", "../out", cwd=checkout.folder)
    assert "differs from its commit in a.bin:" in done.stderr


def test_pack_of_a_linked_working_tree_names_no_commit_and_says_why(checkout: GitRepo) -> None:
    linked = checkout.folder.parent / "linked"
    checkout.git("worktree", "add", "-q", str(linked))
    done = gopack("pack", "v1.0.0", "../out", cwd=linked)
    assert done.returncode == 0
    assert "differs from its commit in .git:" in done.stderr
    assert ".git" in names_in(checkout.folder.parent / "out/v1.0.0.zip")
    assert parse_info((linked.parent / "out/v1.0.0.info").read_bytes(), where="").origin is None


def test_pack_of_a_submodule_s_files_names_no_commit(checkout: GitRepo) -> None:
    inner = GitRepo(checkout.folder.parent / "inner")
    inner.commit({"x.c": "int x;\n"})
    add = ["-c", "protocol.file.allow=always", "submodule", "add", "-q", inner.folder.as_uri()]
    checkout.git(*add, "third")
    checkout.commit({}, "v1.1.0")
    done = gopack("pack", "v1.1.0", "../out", cwd=checkout.folder)
    assert "differs from its commit in third/.git, third/x.c:" in done.stderr


def test_pack_of_a_sha256_checkout_names_its_commit(tmp_path: Path) -> None:
    repo = GitRepo(tmp_path / "r", "--object-format=sha256")
    commit = repo.commit({"go.mod": f"module {PATH}\n", "big.bin": b"x" * (3 << 20)}, "v1.0.0")
    packed("pack", "v1.0.0", "../out", cwd=repo.folder)
    info = parse_info((tmp_path / "out/v1.0.0.info").read_bytes(), where="")
    assert info.origin is not None
    assert info.origin.hash == commit


def test_pack_of_a_folder_whose_tag_is_elsewhere_says_so(tmp_path: Path) -> None:
    repo = GitRepo(tmp_path / "r")
    tagged = repo.commit({"go.mod": f"module {PATH}\n", "m.go": "package m\n"}, "v1.0.0")
    repo.commit({"m.go": "package m // more\n"})
    done = gopack("pack", "v1.0.0", "../out", cwd=repo.folder)
    assert f"the tag v1.0.0 is on commit {tagged[:12]}" in done.stderr
    done = gopack("pack", "v0.0.0-20240101000000-ffffffffffff", "../other", cwd=repo.folder)
    assert "the pseudo-version is another commit's" in done.stderr


def test_pack_names_that_would_spoil_the_output_are_shown_escaped(module: Path) -> None:
    (module / "a\nb.go").write_text("")
    said = refused("pack", "v1.0.0", "../out", cwd=module)
    assert "'a\\nb.go': malformed file path" in said
    (module / "a\nb.go").unlink()
    (module / "c\nd").symlink_to("m.go")
    done = gopack("pack", "v1.0.0", "../out", cwd=module)
    assert "left out: 'c\\nd': is a symbolic link\n" in done.stderr


def test_pack_go_mod_that_cannot_be_read_is_told_with_its_line(module: Path) -> None:
    (module / "go.mod").write_text("module a b\n")
    assert "go.mod:1:1: expected one word" in refused("pack", "v1.0.0", "../out", cwd=module)


# Git


def test_git_packs_the_commit_and_says_that_the_tree_is_dirty(tmp_path: Path) -> None:
    repo = GitRepo(tmp_path / "r")
    repo.commit({"go.mod": f"module {PATH}\n", "m.go": "package m\n"}, "v1.0.0")
    (repo.folder / "m.go").write_text("changed")
    (repo.folder / "new.go").write_text("package m\n")
    done = gopack("pack", "--git", "v1.0.0", "../out", cwd=repo.folder)
    assert done.returncode == 0, done.stderr
    assert "changes that are not committed: they are not packed" in done.stderr
    assert names_in(tmp_path / "out/v1.0.0.zip") == {"go.mod", "m.go"}
    assert repo.git("status", "--porcelain").splitlines() == ["M m.go", "?? new.go"]


def test_git_shallow_clone_needs_a_version_or_a_tag(tmp_path: Path) -> None:
    repo = GitRepo(tmp_path / "r")
    repo.commit({"go.mod": f"module {PATH}\n"}, "v1.0.0")
    repo.commit({"m.go": "package m\n"})
    clone = tmp_path / "c"
    subprocess.run(
        ["git", "clone", "-q", "--depth=1", repo.folder.as_uri(), clone], check=True, env=ENV
    )
    assert "shallow" in refused("pack", "--git", "HEAD", "../out", cwd=clone)
    assert not (tmp_path / "out").exists()
    packed("pack", "v1.0.1", "--git", "HEAD", "../out", cwd=clone)


def test_git_recursive_packs_every_module_and_those_of_go_work(tmp_path: Path) -> None:
    repo = GitRepo(tmp_path / "r")
    files: dict[str, str | bytes | None] = {
        "go.mod": f"module {PATH}\n",
        "m.go": "package m\n",
        "sub/go.mod": f"module {PATH}/sub\n",
        "_odd/go.mod": f"module {PATH}/_odd\n",
        "testdata/x/go.mod": "module no/such\n",
        "go.work": "go 1.22\n\nuse (\n\t.\n\t./_odd\n)\n",
    }
    repo.commit(files, "v1.0.0", "sub/v0.3.0", "_odd/v1.5.0")
    packed("pack", "--recursive", "--git", "HEAD", "../out", cwd=repo.folder)
    out = tmp_path / "out" / PATH
    found = sorted(str(path.relative_to(out)) for path in out.rglob("*.zip"))
    assert found == ["_odd/v1.5.0/v1.5.0.zip", "sub/v0.3.0/v0.3.0.zip", "v1.0.0/v1.0.0.zip"]
    packed("pack", "--recursive", "v1.7.0", "../folders", cwd=repo.folder)
    zips = sorted(path.name for path in (tmp_path / "folders").rglob("*.zip"))
    assert zips == ["v1.7.0.zip"] * 3


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["v1.0.0", "--git", ""], "--git needs a tag, branch or commit"),
        (["--git", "nosuch"], "no such tag, branch or commit"),
        (["--git", "--upload-pack=x"], "no such tag, branch or commit"),
        (["v1.0.0", "--git", "HEAD"], "the tag of this version is on another commit"),
        (["v0.0.0-20200101000000-abcdefabcdef", "--git", "HEAD"], "another commit's"),
        (["v1.0.0", "--all-tags"], "--all-tags takes the versions of the tags"),
        (["other.example/x", "--git", "HEAD"], "disagrees with go.mod"),
        ([f"{PATH}/sub", "--git", "HEAD"], "there is no sub/go.mod"),
    ],
)
def test_git_bad_input_is_refused(words: list[str], text: str, tmp_path: Path) -> None:
    repo = GitRepo(tmp_path / "r")
    repo.commit({"go.mod": f"module {PATH}\n"}, "v1.0.0")
    repo.commit({"m.go": "package m\n"})
    assert text in refused("pack", *words, "../out", cwd=repo.folder)
    assert not (tmp_path / "out").exists()


def test_git_outside_a_repository_is_refused(module: Path) -> None:
    assert "not a git repository" in refused("pack", "--git", "HEAD", "../out", cwd=module)


# Storage


def test_storage_gets_the_version_the_manifest_and_go_sum(module: Path, tmp_path: Path) -> None:
    packed("pack", "v1.0.0", "--storage", "../st", cwd=module)
    store, ledger = DiskStore(tmp_path / "st"), DiskLedger(tmp_path / "st/.gopack")
    assert store.state(V1) is State.COMPLETE
    entry = ledger.manifest.versions[V1]
    assert entry.is_by_hand
    assert entry.verified == "unverified: not in the checksum database (packed here)"
    assert entry.zip is not None
    assert f"{PATH} v1.0.0 {entry.zip.h1}\n" in (tmp_path / "st/.gopack/go.sum").read_text()
    assert not list((tmp_path / "st/.gopack/staging").iterdir())


def test_storage_refuses_other_content_with_both_sums_and_replaces_on_demand(
    module: Path, tmp_path: Path
) -> None:
    packed("pack", "v1.0.0", "--storage", "../st", cwd=module)
    manifest = (tmp_path / "st/.gopack/manifest.json").read_bytes()
    (module / "m.go").write_text("package other\n")
    said = refused("pack", "v1.0.0", "--storage", "../st", cwd=module, status=4)
    old = DiskLedger(tmp_path / "st/.gopack").manifest.versions[V1]
    assert old.zip is not None
    assert old.zip.h1 in said
    assert said.count("h1:") == 2
    assert (tmp_path / "st/.gopack/manifest.json").read_bytes() == manifest
    assert not list((tmp_path / "st/.gopack/staging").iterdir())
    packed("pack", "v1.0.0", "--storage", "../st", "--replace", cwd=module)
    new = DiskLedger(tmp_path / "st/.gopack").manifest.versions[V1]
    assert f"replaced {old.zip.h1}" in new.why[0]


def test_storage_inside_the_source_is_not_packed(module: Path) -> None:
    packed("pack", "v1.0.0", "--storage", "st", cwd=module)
    packed("pack", "v1.1.0", "--storage", "st", cwd=module)
    stored = module / "st" / PATH / "v1.1.0" / "source.zip"
    assert names_in(stored, ModuleVersion(PATH, "v1.1.0")) == {"go.mod", "m.go"}


def test_with_deps_failure_names_the_packed_version_and_its_requirement(module: Path) -> None:
    with (module / "go.mod").open("a") as file:
        file.write("\nrequire corp.example/dep v1.2.0\n")
    said = refused("pack", "v1.0.0", "--storage", "../st", "--with-deps", cwd=module, status=3)
    assert "corp.example/dep@v1.2.0" in said
    assert f"(the packed {V1} needs corp.example/dep@v1.2.0)" in said
    assert DiskStore(module.parent / "st").state(V1) is State.ABSENT
    assert not list((module.parent / "st/.gopack/staging").iterdir())


UNPARSED = f"module {PATH}\n\nrequire corp.example/dep main\n"


def test_go_mod_that_go_cannot_parse_is_stored_and_told_of(tmp_path: Path) -> None:
    repo = GitRepo(tmp_path / "r")
    repo.commit({"go.mod": UNPARSED, "m.go": "package m\n"}, "v1.0.0")
    into = ("--all-tags", "--storage", "../st", "--with-deps")
    done = gopack("pack", *into, cwd=repo.folder)
    assert done.returncode == 0, done.stderr
    note = f"note: {V1}: go.mod cannot be parsed, the go command downloads such a version"
    assert note in done.stderr
    assert "(go.mod:3:1: version main is not of the form v1.2.3)" in done.stderr
    checked = gopack("check", "--storage", "st", cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "go builds nothing with this version" in checked.stdout + checked.stderr
    folder = tmp_path / "st" / PATH / "v1.0.0"
    added = gopack("add", *V1, folder, "--storage", "other", cwd=tmp_path)
    assert added.returncode == 0, added.stderr
    assert note in added.stderr
    said = refused("pack", "v1.0.0", "../out", cwd=repo.folder)
    assert "go.mod:3:1" in said


@pytest.mark.parametrize("into", [["out"], ["--storage", "st"], ["sub/out"]])
def test_recursive_output_inside_the_source_is_never_packed(into: list[str], module: Path) -> None:
    (module / "sub").mkdir()
    (module / "sub/go.mod").write_text(f"module {PATH}/sub\n")
    for version in ("v1.0.0", "v1.1.0", "v1.2.0"):
        done = packed("pack", "--recursive", version, *into, cwd=module)
        assert [line.split(",")[1] for line in done.splitlines()] == [" 2 files", " 1 files"]


def test_recursive_output_that_is_a_module_s_folder_is_refused(module: Path) -> None:
    for into in (["."], ["--storage", "."]):
        said = refused("pack", "--recursive", "v1.0.0", *into, cwd=module)
        assert "what is left in it would be packed the next time" in said
    assert "would be packed the next time" in refused(
        "pack", "v1.0.0", "--storage", ".", cwd=module
    )
    assert sorted(path.name for path in module.iterdir() if path.suffix) == ["go.mod", "m.go"]


def test_recursive_two_folders_of_one_module_are_named(module: Path) -> None:
    (module / "copy").mkdir()
    (module / "copy/go.mod").write_text(f"module {PATH}\n")
    done = gopack("pack", "--recursive", "v1.0.0", "../out", cwd=module)
    assert done.returncode == 2
    assert "two folders are this module: . and copy, which is left out" in done.stderr
    assert names_in(module.parent / "out" / PATH / "v1.0.0/v1.0.0.zip") == {"go.mod", "m.go"}


def test_tree_of_any_depth_is_packed(module: Path) -> None:
    deep = "/".join(["d"] * 1500)
    subprocess.run(["mkdir", "-p", deep], cwd=module, check=True)
    (module / deep / "x.go").write_text("package d\n")
    packed("pack", "v1.0.0", "../out", cwd=module)
    assert names_in(module.parent / "out/v1.0.0.zip") == {"go.mod", "m.go", f"{deep}/x.go"}
    packed("pack", "--recursive", "v1.0.0", "../all", cwd=module)
    subprocess.run(["rm", "-r", "d"], cwd=module, check=True)  # too deep for pytest's own broom


# Bad input


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["1.0.0", "../out"], "does not begin with v"),
        (["v1.0", "../out"], "not canonical"),
        (["v1.0.0+meta", "../out"], "not canonical"),
        (["nonsense", "../out"], "not a semantic version"),
        (["v2.0.0", "../out"], "should be v0 or v1, not v2"),
        (["v2.0.0+incompatible", "../out"], "the module has a go.mod"),
        (["corp.example/other", "v1.0.0", "../out"], "disagrees with go.mod"),
        (["v1.0.0"], "VERSION is missing"),
        ([PATH, "../out"], "VERSION is missing"),
        ([], "OUTPUT_DIR is missing"),
        (["a", "b", "c", "d"], "too many words"),
        (["v1.0.0", "../out", "--with-deps"], "--with-deps needs a storage"),
        (["v1.0.0", "../out", "--source", "nowhere"], "there is no such folder"),
    ],
)
def test_bad_words_are_refused(words: list[str], text: str, module: Path) -> None:
    assert text in refused("pack", *words, cwd=module)
    assert not (module.parent / "out").exists()


def test_no_go_mod_and_an_empty_tree_are_refused(tmp_path: Path) -> None:
    assert "there is no go.mod" in refused("pack", "v1.0.0", "../out", cwd=tmp_path)
    assert "no file to pack" in refused("pack", PATH, "v1.0.0", "--storage", "s", cwd=tmp_path)
    assert "there is no go.mod" in refused("pack", "--recursive", "v1.0.0", "o", cwd=tmp_path)


def test_all_that_is_wrong_with_a_tree_is_named_at_once(module: Path) -> None:
    (module / "README").touch()
    (module / "ReadMe").touch()
    (module / "aux.go").touch()
    (module / "a:b").touch()
    with (module / "LICENSE").open("wb") as file:
        file.truncate((16 << 20) + 1)
    with (module / "huge").open("wb") as file:
        file.truncate(600 << 20)
    said = refused("pack", "v1.0.0", "../out", cwd=module)
    for text in (
        "ReadMe: differs from README in letter case alone",
        "aux.go: malformed file path: aux is a reserved name",
        "a:b: malformed file path: invalid char ':'",
        f"LICENSE: has {(16 << 20) + 1} bytes, {16 << 20} are allowed",
        f"huge ({600 << 20} bytes)",
        str(500 << 20),
        "5 things are wrong, nothing was packed",
    ):
        assert text in said
    assert not (module.parent / "out").exists()


def test_output_that_exists_is_kept_unless_it_is_to_be_replaced(module: Path) -> None:
    out = module.parent / "out"
    packed("pack", "v1.0.0", "../out", cwd=module)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    (module / "m.go").write_text("package other\n")
    said = refused("pack", "v1.0.0", "../out", cwd=module)
    assert "v1.0.0.zip" in said
    assert "there already, with other content" in said
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    packed("pack", "v1.0.0", "../out", "--replace", cwd=module)
    assert (out / "v1.0.0.zip").read_bytes() != before["v1.0.0.zip"]


def test_output_that_is_a_file_is_refused(module: Path) -> None:
    (module.parent / "out").touch()
    said = refused("pack", "v1.0.0", "../out", cwd=module, status=5)
    assert "out: OUTPUT_DIR is no folder" in said


def test_link_in_place_of_go_mod_is_refused(module: Path) -> None:
    (module / "go.mod").rename(module / "real.mod")
    (module / "go.mod").symlink_to("real.mod")
    said = refused("pack", PATH, "v1.0.0", "../out", cwd=module)
    assert "go.mod: is a symbolic link: a zip cannot hold it" in said


def test_json_tells_versions_sums_and_what_was_left_out(module: Path) -> None:
    (module / "vendor/x").mkdir(parents=True)
    (module / "vendor/x/x.go").touch()
    report = json.loads(packed("pack", "v1.0.0", "../out", "--json", "-", cwd=module))
    (version,) = report["versions"]
    assert version["module"] == PATH
    assert version["h1"] == read_module_zip(module.parent / "out/v1.0.0.zip", V1).h1
    assert version["omitted"] == ["vendor/x/x.go: is in a vendor folder"]
