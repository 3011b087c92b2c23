"""Repositories packed by gopack and by the go command itself, as its `direct` mode does."""

from pathlib import Path

import pytest

from gopack.adapters.gittree import GitRepository
from gopack.errors import InputError
from gopack.flows.packgit import GitPlanner, Revision
from tests.gitrepo import GitRepo
from tests.godirect import ROOT, URL, Go, assert_same, own
from tests.oracle import oracle

pytestmark = pytest.mark.oracle


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> GitRepo:
    """Everything at once: folders, majors, retractions, export rules, odd tags, no go.mod."""
    repo = GitRepo(tmp_path_factory.mktemp("git") / "repo")
    attributes = (
        "*.bat eol=crlf\nleft.out export-ignore\nsubst.go export-subst\n*.id ident\n*.txt text\n"
    )
    repo.commit({"a.go": "package a\n", "LICENSE": "root\n"}, "v0.0.1", "v2.0.0", "v3.1.0")
    repo.commit({"vendor/x/x.go": "package x\n", ".gitattributes": attributes}, "v2.5.0")
    files: dict[str, str | bytes | None] = {
        "go.mod": f"module {ROOT}\n\ngo 1.21\n",
        "run.bat": "echo\r\nhello\n",
        "left.out": "is packed all the same\n",
        "subst.go": "package a // $Format:%H$\n",
        "x.id": "$Id$\n",
        "crlf.txt": "a\r\nb\n",
        "sub/go.mod": f"module {ROOT}/sub\n",
        "sub/sub.go": "package sub\n",
        "own/go.mod": f"module {ROOT}/own\n",
        "own/LICENSE": "own\n",
    }
    repo.commit(files, "v1.0.0", "@v1.0.1", "sub/v0.1.0", "own/v1.0.0")
    (repo.folder / "link.go").symlink_to("a.go")
    repo.commit({"b.go": "package a\n", ".hg_archival.txt": "x"}, "v1.1.0-rc.1", "v1.1.0+meta")
    repo.commit({"c.go": "package a\n"}, "v1.9", "vnext", "v1.0.2-0.20200101000000-abcdefabcdef")
    repo.git("checkout", "-q", "-b", "retracting")
    text = f"module {ROOT}\n\ngo 1.25.0\n\nretract [v1.2.0, v1.3.0]\n"
    repo.commit({"go.mod": text, "vendor/modules.txt": "#\n"}, "v1.2.0", "sub/v0.2.0-beta")
    repo.commit({"d.go": "package a\n"}, "v1.3.0", "v1.1.9")
    repo.commit({"e.go": "package a\n"})
    repo.git("checkout", "-q", "-b", "two", "main")
    repo.commit({"go.mod": f"module {ROOT}/v2\n"}, "v2.9.0")
    repo.commit({"go.mod": f"module {ROOT}/v2\n\ngo 1.22\n"})
    repo.git("checkout", "-q", "-b", "folder", "main")
    both: dict[str, str | bytes | None] = {
        "v4/go.mod": f"module {ROOT}/v4\n",
        "v4/v4.go": "package four\n",
        "sub/v3/go.mod": f"module {ROOT}/sub/v3\n",
        "sub/v3/deep/x.go": "package x\n",
    }
    repo.commit(both, "v4.0.0", "sub/v3.0.0", "sub/v3.1.0")
    repo.commit({"v4/more.go": "package four\n"})
    repo.git("checkout", "-q", "main")
    repo.git("remote", "add", "origin", f"https://user:secret@{URL.removeprefix('https://')}")
    return repo


@pytest.fixture(scope="module")
def go(repo: GitRepo, tmp_path_factory: pytest.TempPathFactory) -> Go:
    return Go(repo, tmp_path_factory.mktemp("go"))


@pytest.fixture(scope="module")
def repository(repo: GitRepo) -> GitRepository:
    return GitRepository(repo.folder)


def decided(repository: GitRepository, ref: str, path: str) -> Revision | None:
    try:
        return GitPlanner(repository).at(ref, given=path)
    except InputError:
        return None


def test_every_tag_of_every_module_is_what_go_downloads(
    repo: GitRepo, repository: GitRepository, go: Go, tmp_path: Path
) -> None:
    planner = GitPlanner(repository)
    found = [*planner.all_tags("v0.0.1", given=ROOT), *planner.everything("folder", all_tags=True)]
    revisions = {f.module: f for f in found if isinstance(f, Revision)}
    assert len(revisions) > 14
    said = go.download(*(str(module) for module in revisions))
    for number, (revision, each) in enumerate(zip(revisions.values(), said, strict=True)):
        assert_same(own(repository, revision, tmp_path / str(number)), each)


@pytest.mark.parametrize("ref", ["main", "retracting", "two", "folder", "HEAD"])
@pytest.mark.parametrize(
    "path", [ROOT, f"{ROOT}/sub", f"{ROOT}/v2", f"{ROOT}/v4", f"{ROOT}/sub/v3"]
)
def test_branches_get_the_version_that_go_gives_them(
    path: str, ref: str, repository: GitRepository, go: Go, tmp_path: Path
) -> None:
    (said,) = go.download(f"{path}@{ref}")
    revision = decided(repository, ref, path)
    if revision is None:
        assert "Error" in said
        return
    assert "Error" not in said, said
    (exact,) = go.download(f"{path}@{revision.module.version}")
    assert "Error" not in said, said
    assert revision.module.version == said["Version"]
    assert_same(own(repository, revision, tmp_path / "zip"), exact)


def test_commits_without_a_branch_get_pseudo_versions_as_go_makes_them(
    repo: GitRepo, repository: GitRepository, go: Go, tmp_path: Path
) -> None:
    commits = repo.git("rev-list", "--all").split()
    agreed = 0
    for number, commit in enumerate(commits):
        (said,) = go.download(f"{ROOT}@{commit}")
        revision = decided(repository, commit, ROOT)
        if revision is None:
            assert "Error" in said
            continue
        assert revision.module.version == said.get("Version"), said
        packed = own(repository, revision, tmp_path / str(number))
        assert packed.version.zip is not None
        assert packed.version.zip.h1 == said["Sum"]
        agreed += 1
    assert agreed > 5


def test_commit_without_export_rules_is_what_x_mod_makes_of_it(
    tmp_path: Path,
) -> None:
    repo = GitRepo(tmp_path / "plain")
    files: dict[str, str | bytes | None] = {
        "LICENSE": "root\n",
        "a.go": "package a\n",
        "go.mod": "module m.example/r\n",
        "s/go.mod": "module m.example/r/s\n",
        "s/a.go": "package s\n",
        "s/é/世.go": "package e\n",
    }
    repo.commit(files, "v1.0.0", "s/v1.0.0")
    repository = GitRepository(repo.folder)
    for folder in ("", "s"):
        revision = GitPlanner(repository).at("v1.0.0", folder=folder)
        said = oracle.ask("zip.create_from_vcs", {
            "Path": revision.module.path, "Version": "v1.0.0", "Dir": str(repo.folder),
            "Rev": "HEAD", "Subdir": folder, "File": str(tmp_path / "x.zip"),
        })  # fmt: skip
        packed = own(repository, revision, tmp_path / f"own{folder}.zip")
        assert packed.version.zip is not None
        assert packed.version.zip.h1 == said.value


def test_sha256_repository_is_read(tmp_path: Path) -> None:
    repo = GitRepo(tmp_path / "repo", "--object-format=sha256")
    repo.commit({"go.mod": "module m.example/r\n", "a.go": "package a\n"}, "v1.0.0")
    repository = GitRepository(repo.folder)
    packed = own(repository, GitPlanner(repository).at("v1.0.0"), tmp_path / "zip")
    assert [file.path for file in packed.packing.files] == ["a.go", "go.mod"]
