"""What a repository's tags and branches are packed as, on repositories in memory."""

import pytest

from gopack.errors import InputError
from gopack.flows.packgit import Found, GitPlanner, Refused, Revision
from gopack.plan.gitversion import GitError
from tests.fake_repository import FakeRepository

PATH = "corp.example/m"
ROOT = {"go.mod": f"module {PATH}\n"}
PSEUDO = "v0.0.0-20200101000000-abcdefabcdef"
SUB = {"go.mod": f"module {PATH}\n", "sub/go.mod": f"module {PATH}/sub\n"}


@pytest.mark.parametrize(
    ("branch", "given", "module"),
    [
        ("v1.2.0", "", f"{PATH}@v1.0.1-0.20240229130000-"),
        ("v1.0.1+meta", "", f"{PATH}@v1.0.1-0.20240229130000-"),
        ("sub/v1.2.0", f"{PATH}/sub", f"{PATH}/sub@v0.3.1-0.20240229130000-"),
    ],
)
def test_branch_of_a_version_s_name_is_no_version(branch: str, given: str, module: str) -> None:
    repository = FakeRepository()
    repository.add(SUB, "v1.0.0", "sub/v0.3.0")
    repository.add({**SUB, "x.go": ""}, branch=branch)
    assert str(GitPlanner(repository).at(branch, given=given).module).startswith(module)


def test_branch_of_a_version_s_name_gets_its_tag() -> None:
    repository = FakeRepository()
    repository.add(ROOT, "v1.0.0", branch="v1.2.0")
    assert str(GitPlanner(repository).at("v1.2.0").module) == f"{PATH}@v1.0.0"


def test_tag_is_meant_where_a_branch_has_its_name() -> None:
    repository = FakeRepository()
    repository.add(ROOT, "v1.1.0", "v1.2.0")
    repository.add({**ROOT, "x.go": ""}, branch="v1.1.0")
    assert str(GitPlanner(repository).at("v1.1.0").module) == f"{PATH}@v1.1.0"


def test_highest_tag_that_git_cannot_give_retracts_nothing() -> None:
    repository = FakeRepository()
    lost = repository.add({**ROOT, "x.go": ""}, "v1.9.0", branch="old").hash
    repository.add(ROOT, "v1.0.0")
    repository.broken[lost] = GitError("the commit has a time that no calendar has")
    assert str(GitPlanner(repository).at("main").module) == f"{PATH}@v1.0.0"


@pytest.mark.parametrize("ref", [f"sub/{PSEUDO}", "main"])
def test_tag_like_another_commit_s_pseudo_version_is_no_version(ref: str) -> None:
    repository = FakeRepository()
    repository.add(SUB, f"sub/{PSEUDO}")
    with pytest.raises(InputError, match="looks like another commit's pseudo-version"):
        GitPlanner(repository).at(ref, given=f"{PATH}/sub")
    repository.add({**SUB, "x.go": ""}, branch="later")
    later = GitPlanner(repository).at("later", given=f"{PATH}/sub")
    assert later.module.version.startswith(f"{PSEUDO}.0.20240229130000-")


# --all-tags


def told(found: list[Found]) -> tuple[list[str], list[str]]:
    """The modules that are packed, and the names that are refused."""
    modules = [str(each.module) for each in found if isinstance(each, Revision)]
    return sorted(modules), [each.name for each in found if isinstance(each, Refused)]


@pytest.fixture
def grown() -> FakeRepository:
    """A module that had no go.mod until v4."""
    repository = FakeRepository()
    repository.add({"m.go": ""}, "v1.0.0", "v2.5.0")
    repository.add({"m.go": "", "v3/go.mod": f"module {PATH}/v3\n"}, "v3.0.0")
    repository.add({"go.mod": f"module {PATH}/v4\n"}, "v4.0.0")
    return repository


GROWN = [f"{PATH}/v3@v3.0.0", f"{PATH}/v4@v4.0.0", f"{PATH}@v1.0.0", f"{PATH}@v2.5.0+incompatible"]


def test_all_tags_without_go_mod_are_packed_where_the_path_has_a_major_now(
    grown: FakeRepository,
) -> None:
    assert told(GitPlanner(grown).all_tags("HEAD")) == (GROWN, [])


@pytest.mark.parametrize(
    ("given", "modules"),
    [
        (PATH, [f"{PATH}@v1.0.0", f"{PATH}@v2.5.0+incompatible"]),
        (f"{PATH}/v4", [f"{PATH}/v4@v4.0.0"]),
    ],
)
def test_all_tags_of_a_given_path_are_those_alone(
    given: str, modules: list[str], grown: FakeRepository
) -> None:
    assert told(GitPlanner(grown).all_tags("HEAD", given=given)) == (modules, [])


def test_all_tags_of_gopkg_in_are_never_incompatible() -> None:
    repository = FakeRepository()
    repository.add({"m.go": ""}, "v2.0.0", "v3.0.0")
    repository.add({"go.mod": "module gopkg.in/m.v2\n"}, "v2.1.0")
    found = told(GitPlanner(repository).all_tags("HEAD"))
    assert found == (["gopkg.in/m.v2@v2.0.0", "gopkg.in/m.v2@v2.1.0"], ["v3.0.0"])


def test_all_tags_of_all_modules_are_refused_only_where_none_packs_them() -> None:
    repository = FakeRepository()
    repository.add({"m.go": ""}, "v2.5.0")
    repository.add({"go.mod": "module other.example/x\n"}, "v1.0.0", "v2.6.0")
    both = {"go.mod": "module other.example/x\n", "v4/go.mod": f"module {PATH}/v4\n"}
    repository.add(both, "v4.0.0")
    modules, refused = told(GitPlanner(repository).everything("HEAD", all_tags=True))
    assert f"{PATH}/v4@v4.0.0" in modules
    assert "other.example/x@v1.0.0" in modules
    assert refused == ["v2.6.0"]


@pytest.mark.parametrize("fault", ["broken", "unreadable"])
@pytest.mark.parametrize("given", ["", PATH])
def test_all_tags_that_git_cannot_give_are_told_with_git_s_own_hint(fault: str, given: str) -> None:
    repository = FakeRepository()
    lost = repository.add({"m.go": ""}, "v1.0.0", "v2.0.0", branch="old").hash
    repository.add(ROOT, "v1.1.0")
    getattr(repository, fault)[lost] = GitError("git: bad file", hint="git fsck")
    found = GitPlanner(repository).all_tags("HEAD", given=given)
    assert told(found) == ([f"{PATH}@v1.1.0"], ["v1.0.0", "v2.0.0"])
    assert [f.error.next_step for f in found if isinstance(f, Refused)] == ["git fsck"] * 2


def test_all_tags_of_another_major_than_the_given_path_s_are_not_asked_for() -> None:
    repository = FakeRepository()
    lost = repository.add(ROOT, "v1.0.0", branch="old").hash
    repository.add({"go.mod": f"module {PATH}/v2\n"}, "v2.0.0")
    repository.broken[lost] = GitError("git: bad file")
    found = GitPlanner(repository).all_tags("HEAD", given=f"{PATH}/v2")
    assert told(found) == ([f"{PATH}/v2@v2.0.0"], [])


def test_all_tags_pass_over_what_looks_like_a_pseudo_version() -> None:
    repository = FakeRepository()
    repository.add(SUB, "v1.0.0", "sub/v0.1.0", PSEUDO, f"sub/{PSEUDO}")
    found = GitPlanner(repository).everything("HEAD", all_tags=True)
    assert told(found) == ([f"{PATH}/sub@v0.1.0", f"{PATH}@v1.0.0"], [])
