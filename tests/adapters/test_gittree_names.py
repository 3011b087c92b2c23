"""Names in a foreign repository that git could take for something else."""

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
