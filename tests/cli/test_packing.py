"""What a folder becomes as a task to pack, where git knows its commit and where it cannot tell."""

from pathlib import Path

import pytest

from gopack.cli.packing import Request, find_tasks
from gopack.flows.pack import PackTask
from tests.gitrepo import GitRepo

MODULE = "corp.example/m"


def task_of(folder: Path) -> tuple[PackTask, list[str]]:
    """The one task of a folder, and what was noted."""
    notes: list[str] = []
    (found,) = find_tasks(Request(folder, "", "v1.0.0"), lambda _: set(), notes.append)
    with found.task() as task:
        return task, notes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "m"
    folder.mkdir()
    (folder / "go.mod").write_text(f"module {MODULE}\n")
    return folder


def test_folder_in_no_repository_is_packed_without_a_word(folder: Path) -> None:
    task, notes = task_of(folder)
    assert (task.origin, task.time, notes) == (None, None, [])


def test_folder_in_no_repository_needs_no_git(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(folder))
    assert task_of(folder)[1] == []


def test_folder_of_a_repository_says_what_its_info_lacks_where_there_is_no_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = GitRepo(tmp_path / "repo")
    repo.commit({"sub/go.mod": f"module {MODULE}\n"})
    assert task_of(repo.folder / "sub")[0].origin is not None
    monkeypatch.setenv("PATH", str(tmp_path))
    task, notes = task_of(repo.folder / "sub")
    assert (task.origin, task.time) == (None, None)
    assert len(notes) == 1
    assert "names no commit" in notes[0]
    assert "there is no git on the PATH (Install git." in notes[0]


def test_folder_whose_repository_git_cannot_read_says_what_its_info_lacks(folder: Path) -> None:
    (folder / ".git").write_text("gitdir: /nowhere\n")
    task, notes = task_of(folder)
    assert (task.origin, task.time) == (None, None)
    assert len(notes) == 1
    assert "git: not a git repository: /nowhere" in notes[0]
