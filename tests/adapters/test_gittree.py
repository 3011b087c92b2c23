"""Git repositories as people have them: partial clones, linked working trees, odd remotes."""

import os
import subprocess
from pathlib import Path

import pytest

from gopack.adapters.gittree import GitRepository
from gopack.errors import InputError
from gopack.flows.packgit import GitPlanner, NoTagError, Passed, Refused, Revision
from tests.gitrepo import ENV, GitRepo

pytestmark = pytest.mark.e2e  # runs git, many times each: too long for make check

PATH = "corp.example/m"


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    repo = GitRepo(tmp_path / "repo")
    repo.commit({"go.mod": f"module {PATH}\n", "m.go": "package m\n"}, "v1.0.0")
    return repo


def clone(repo: GitRepo, *options: str) -> Path:
    to = repo.folder.parent / "clone"
    repo.git("config", "uploadpack.allowFilter", "true")
    command = ["git", "clone", "-q", *options, repo.folder.as_uri(), str(to)]
    subprocess.run(command, check=True, env=ENV, capture_output=True)
    return to


@pytest.mark.parametrize(
    ("remote", "told"),
    [
        ("https://user:secret@git.example/m", "https://git.example/m"),
        ("https://secret@git.example/m.git", "https://git.example/m.git"),
        ("https://git.example/m?private_token=secret#secret", "https://git.example/m"),
        ("https://[::1/secret", ""),
        ("git@git.example:m.git", "git@git.example:m.git"),
    ],
)
def test_url_of_the_remote_is_told_without_secrets(remote: str, told: str, repo: GitRepo) -> None:
    repo.git("remote", "add", "origin", "https://git.example/x")
    repo.git("config", "remote.origin.url", remote)
    assert GitRepository(repo.folder).url() == told
    assert GitPlanner(GitRepository(repo.folder)).at("HEAD").origin.url == told


@pytest.mark.parametrize("missing", ["blob:none", "tree:0"])
def test_partial_clone_is_told_of_and_not_completed(missing: str, repo: GitRepo) -> None:
    folder = clone(repo, f"--filter={missing}", "--no-checkout")
    before = sorted(folder.rglob("*"))
    with pytest.raises(InputError, match="the clone is partial") as raised:
        GitPlanner(GitRepository(folder)).at("HEAD")
    assert "fetch --refetch --no-filter" in raised.value.next_step
    assert sorted(folder.rglob("*")) == before
    refetch = ["git", "-C", str(folder), "fetch", "-q", "--refetch", "--no-filter"]
    subprocess.run(refetch, check=True, env=ENV, capture_output=True)
    assert str(GitPlanner(GitRepository(folder)).at("HEAD").module) == f"{PATH}@v1.0.0"


def test_partial_clone_that_has_the_go_mod_alone_is_told_of(repo: GitRepo) -> None:
    folder = clone(repo, "--filter=blob:none", "--sparse")
    (folder / "m.go").unlink()
    repository = GitRepository(folder)
    lacking = repo.commit({"sub/x.go": "package x\n"})
    fetch = ["git", "-C", str(folder), "fetch", "-q"]
    subprocess.run(fetch, check=True, env=ENV, capture_output=True)
    with (
        pytest.raises(InputError, match="the clone is partial"),
        repository.tree(repository.commit(lacking), ""),
    ):
        pass


def test_damaged_repository_is_told_of(repo: GitRepo) -> None:
    blob = repo.git("rev-parse", "HEAD:go.mod")
    (repo.folder / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(InputError) as raised:
        GitPlanner(GitRepository(repo.folder)).at("HEAD")
    assert "fsck" in raised.value.next_step


def test_repository_s_own_programs_are_not_run(repo: GitRepo) -> None:
    mark = repo.folder.parent / "ran"
    inner = GitRepo(repo.folder.parent / "inner")
    inner.commit({"x.c": "int x;\n"})
    add = ["-c", "protocol.file.allow=always", "submodule", "add", "-q", inner.folder.as_uri()]
    repo.git(*add, "third/x")
    repo.commit({".gitattributes": "*.go filter=a=b\n*.txt filter=c\n", "x.txt": "x\n"}, "v1.1.0")
    for key in ("core.fsmonitor", "filter.a=b.clean", "filter.c.process", "gpg.program"):
        repo.git("config", key, f"touch {mark}; cat")
    repo.git("config", "filter.c.required", "true")
    repo.git("config", "log.showSignature", "true")
    subprocess.run(
        ["git", "-C", str(repo.folder / "third/x"), "config", "core.fsmonitor", f"touch {mark}"],
        check=True, env=ENV,
    )  # fmt: skip
    for name in ("m.go", "x.txt", "third/x/x.c"):  # git has to look into what has another time
        os.utime(repo.folder / name, (1, 1))
    repository = GitRepository(repo.folder)
    assert not repository.is_dirty()
    with repository.tree(repository.resolve("v1.1.0"), ""):
        pass
    assert not mark.exists()
    trapped = ["git", "-C", str(repo.folder), "status"]
    subprocess.run(trapped, env=ENV, capture_output=True, check=False)
    assert mark.exists()


def test_user_s_own_filters_are_run(repo: GitRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.commit({".gitattributes": "*.txt filter=up\n", "x.txt": "LOUD\n"})
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "filter.up.clean")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "tr a-z A-Z")
    (repo.folder / "x.txt").write_text("loud\n")
    assert not GitRepository(repo.folder).is_dirty()


def test_refs_with_odd_letters_are_read_whole(repo: GitRepo) -> None:
    repo.git("tag", "odd\u2028refs/tags/v9.0.0")
    repo.git("tag", "odd\x85x")
    refs = GitRepository(repo.folder).refs()
    assert {ref for ref in refs if "odd" in ref} == {
        "refs/tags/odd\u2028refs/tags/v9.0.0",
        "refs/tags/odd\x85x",
    }
    assert "refs/tags/v9.0.0" not in refs


def test_folder_with_odd_letters_is_read(tmp_path: Path) -> None:
    repo = GitRepo(tmp_path / "a\u2028b\nc")
    repo.commit({"d\x0be/go.mod": f"module {PATH}\n"})
    repository = GitRepository(repo.folder / "d\x0be")
    assert repository.top == repo.folder
    assert repository.folder == "d\x0be"
    commit = repository.commit(repository.refs()["HEAD"])
    assert [file.path for file in repository.files(commit) or ()] == ["go.mod"]
    with repository.tree(commit, repository.folder) as tree:
        assert tree.go_mod() == f"module {PATH}\n".encode()


def test_commit_of_a_time_that_no_calendar_has_is_told(repo: GitRepo) -> None:
    tree = repo.git("rev-parse", "HEAD^{tree}")
    who = "T <t@example.com> 99999999999999 +0000"
    text = f"tree {tree}\nauthor {who}\ncommitter {who}\n\nfar\n"
    hashed = subprocess.run(
        ["git", "-C", str(repo.folder), "hash-object", "-t", "commit", "-w", "--stdin"],
        input=text, check=True, env=ENV, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    with pytest.raises(InputError, match="the commit has a time"):
        GitRepository(repo.folder).resolve(hashed)


# Modules whose root has no go.mod


@pytest.fixture
def rootless(tmp_path: Path) -> GitPlanner:
    repo = GitRepo(tmp_path / "rootless")
    repo.commit({"sub/go.mod": f"module {PATH}/sub\n"}, "v5.0.0")
    files: dict[str, str | bytes | None] = {
        "sub/v2/go.mod": f"module {PATH}/sub/v2\n",
        "fresh/go.mod": f"module {PATH}/fresh\n",
    }
    repo.commit(files, "sub/v1.0.0", "sub/v2.0.0")
    return GitPlanner(GitRepository(repo.folder))


@pytest.mark.parametrize(
    ("given", "ref", "module", "folder"),
    [
        (f"{PATH}/sub", "sub/v1.0.0", f"{PATH}/sub@v1.0.0", "sub"),
        (f"{PATH}/sub", "v1.0.0", f"{PATH}/sub@v1.0.0", "sub"),
        (f"{PATH}/sub/v2", "v2.0.0", f"{PATH}/sub/v2@v2.0.0", "sub/v2"),
        (PATH, "v5.0.0", f"{PATH}@v5.0.0+incompatible", ""),
    ],
)
def test_module_below_a_root_without_go_mod_is_found_by_its_path(
    given: str, ref: str, module: str, folder: str, rootless: GitPlanner
) -> None:
    found = rootless.at(ref, given=given)
    assert (str(found.module), found.folder) == (module, folder)


def test_module_that_is_not_there_is_not_taken_for_the_root(rootless: GitPlanner) -> None:
    with pytest.raises(InputError, match=r"there is no other/go\.mod"):
        rootless.at("HEAD", given=f"{PATH}/other")


def test_all_tags_of_a_path_with_a_major_version_are_those_alone(rootless: GitPlanner) -> None:
    found = rootless.all_tags("HEAD", given=f"{PATH}/sub/v2")
    assert [str(f.module) for f in found if isinstance(f, Revision)] == [f"{PATH}/sub/v2@v2.0.0"]
    assert len(found) == 1


def test_modules_without_a_tag_are_passed_by_when_others_have_one(rootless: GitPlanner) -> None:
    found = rootless.everything("HEAD", all_tags=True)
    assert [f.name for f in found if isinstance(f, Passed)] == ["fresh"]
    assert not [f for f in found if isinstance(f, Refused)]
    assert len([f for f in found if isinstance(f, Revision)]) == 2


def test_repository_without_any_tag_is_refused(tmp_path: Path) -> None:
    repo = GitRepo(tmp_path / "repo")
    repo.commit({"go.mod": f"module {PATH}\n", "sub/go.mod": f"module {PATH}/sub\n"})
    with pytest.raises(NoTagError, match="no module has a tag"):
        GitPlanner(GitRepository(repo.folder)).everything("HEAD", all_tags=True)


def test_tag_whose_go_mod_names_another_module_is_told_as_such(repo: GitRepo) -> None:
    repo.commit({"go.mod": "module old.example/m\n"}, "v1.1.0")
    repo.commit({"go.mod": f"module {PATH}\n"}, "v1.2.0")
    found = GitPlanner(GitRepository(repo.folder)).all_tags("HEAD")
    (refusal,) = [f for f in found if isinstance(f, Refused)]
    assert "expected corp.example/m, got old.example/m" in str(refusal.error)
    assert "passed by" in refusal.error.next_step


# go.mod files and tags that do not fit


def test_go_mod_that_cannot_be_parsed_is_packed_and_told(repo: GitRepo) -> None:
    text = f"module {PATH}\nrequire x.example/y main\n"
    repo.commit({"go.mod": text}, "v1.1.0")
    planner = GitPlanner(GitRepository(repo.folder))
    found = planner.at("v1.1.0")
    assert (str(found.module), found.go_mod) == (f"{PATH}@v1.1.0", text.encode())
    assert found.notes[0].startswith("go.mod cannot be parsed, the go command downloads")
    assert "go.mod:2:1: version main" in found.notes[0]
    good, bad = (f for f in planner.all_tags("HEAD") if isinstance(f, Revision))
    assert (good.notes, bad.notes) == ((), found.notes)


def test_tag_that_is_no_version_of_the_module_is_refused_alone(repo: GitRepo) -> None:
    repo.commit({"sub/go.mod": f"module {PATH}/sub\n"}, "v2.0.0")
    planner = GitPlanner(GitRepository(repo.folder))
    with pytest.raises(InputError, match=r"v2\.0\.0: invalid version: should be v0 or v1, not v2"):
        planner.at("v2.0.0")
    found = [f.module for f in planner.everything("v2.0.0") if isinstance(f, Revision)]
    assert [(m.path, m.version.partition("-")[0]) for m in found] == [
        (PATH, "v1.0.1"),
        (f"{PATH}/sub", "v0.0.0"),
    ]


def test_go_work_s_folders_that_are_not_there_are_each_named(repo: GitRepo) -> None:
    repo.commit({"go.work": "go 1.22\n\nuse (\n\t.\n\t../x\n\t/y\n\t./missing\n)\n", "in/x": ""})
    (repo.folder.parent / "x").mkdir()
    (repo.folder.parent / "x/go.mod").write_text("module corp.example/x\n")
    found = GitPlanner(GitRepository(repo.folder / "in")).everything("HEAD")
    assert [str(f.module.path) for f in found if isinstance(f, Revision)] == [PATH]
    assert sorted(f.error.what for f in found if isinstance(f, Refused)) == [
        "go.work names ../x, which is not in the repository",
        "go.work names /y, which is not in the repository",
        "there is no missing/go.mod",
    ]
