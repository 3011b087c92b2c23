"""What a folder becomes as a task to pack, where git knows its commit and where it cannot tell."""

from pathlib import Path

import pytest

from gopack.adapters.zipwriter import create_module_zip
from gopack.cli.packing import Request, find_tasks
from gopack.flows.pack import PackTask, pack
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


@pytest.mark.parametrize(
    ("inside", "has_origin", "says"),
    [
        ({}, False, "adds the LICENSE of the repository's root"),
        ({"sub/LICENSE": "root's"}, True, ""),
        ({"sub/LICENSE": "another"}, False, ""),
    ],
)
def test_folder_is_its_commit_s_only_with_the_license_that_git_packs_with_it(
    *, inside: dict[str, str | bytes | None], has_origin: bool, says: str, tmp_path: Path
) -> None:
    repo = GitRepo(tmp_path / "repo")
    repo.commit({"LICENSE": "root's", "sub/go.mod": f"module {MODULE}\n"}, "sub/v1.0.0")
    repo.put(inside)
    task, notes = task_of(repo.folder / "sub")
    packed = pack(task, tmp_path / "zip", create_module_zip).version
    assert (b"Origin" in packed.info) is has_origin
    assert [each for each in packed.notes if "its commit in LICENSE" in each] == list(packed.notes)
    assert bool(packed.notes) is not has_origin
    assert len(notes) == bool(says)
    assert says in "".join(notes)


def test_folder_with_a_license_of_its_own_is_its_commit_s(tmp_path: Path) -> None:
    repo = GitRepo(tmp_path / "repo")
    files: dict[str, str | bytes | None] = {"LICENSE": "root's", "sub/LICENSE": "own"}
    repo.commit({**files, "sub/go.mod": f"module {MODULE}\n"})
    task, notes = task_of(repo.folder / "sub")
    assert b"Origin" in pack(task, tmp_path / "zip", create_module_zip).version.info
    assert notes == []
