"""What git says of odd names, odd tags and broken archives in a foreign repository."""

import io
import tarfile
from pathlib import Path

import pytest

from gopack.adapters.gittree import GitRepository, GitTree
from gopack.errors import InputError
from tests.gitrepo import GitRepo

MODULE = "module corp.example/m\n"


def test_folder_that_reads_like_an_option_of_git_is_a_folder(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("keep me\n")
    folder = f"--output={victim}"
    repo = GitRepo(tmp_path / "repo")
    repo.commit({f"{folder}/go.mod": MODULE})
    repository = GitRepository(repo.folder)
    commit = repository.resolve("HEAD")
    with repository.tree(commit, folder) as tree:
        assert tree.go_mod() == MODULE.encode()
    assert victim.read_text() == "keep me\n"


def test_file_that_reads_like_an_option_of_git_is_a_file(tmp_path: Path) -> None:
    repo = GitRepo(tmp_path / "repo")
    repo.commit({"--name-only/go.mod": MODULE})
    blob = repo.git("rev-parse", "HEAD:--name-only/go.mod")
    (repo.folder / ".git/objects" / blob[:2] / blob[2:]).unlink()
    repository = GitRepository(repo.folder)
    with pytest.raises(InputError, match=r"git: .*") as raised:
        repository.read_file(repository.resolve("HEAD"), "--name-only/go.mod")
    assert "fsck" in raised.value.next_step


def test_tags_stand_for_the_commit_at_their_end(tmp_path: Path) -> None:
    repo = GitRepo(tmp_path / "repo")
    commit = repo.commit({"go.mod": MODULE}, "plain", "@one")
    for name, of in (("two", "one"), ("three", "two"), ("tree-tag", "HEAD^{tree}")):
        repo.git("tag", "-a", "-m", "a tag", name, of)
    for name, of in (("tree", "HEAD^{tree}"), ("file", "HEAD:go.mod")):
        repo.git("tag", name, of)
    repo.git("tag", "-a", "-m", "a tag", "tag-of-tree-tag", "tree-tag")
    tags = ("plain", "one", "two", "three")
    expected = dict.fromkeys(["HEAD", "refs/heads/main", *(f"refs/tags/{t}" for t in tags)], commit)
    assert GitRepository(repo.folder).refs() == expected


def _archive(data: bytes) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        entry = tarfile.TarInfo("a.go")
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    return written.getvalue()


@pytest.mark.parametrize("tar", [b"", _archive(b"x" * 5000)[:2000], b"no archive" * 99])
def test_archive_that_cannot_be_read_is_told(tar: bytes) -> None:
    with pytest.raises(InputError, match="git archive gave what cannot be read"):
        GitTree(io.BytesIO(tar), "", None)
