"""What a repository's tags and branches are packed as, on repositories in memory."""

import pytest

from gopack.flows.packgit import GitPlanner
from tests.fake_repository import FakeRepository

PATH = "corp.example/m"
ROOT = {"go.mod": f"module {PATH}\n"}
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
