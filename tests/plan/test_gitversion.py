"""Pseudo-versions that a person gives, against the commit and the tags before it."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from gopack.errors import InputError
from gopack.plan.gitplace import Place
from gopack.plan.gitversion import Commit, Tags, check_pseudo, check_pseudo_base, choose_version

COMMIT = Commit("0123456789abcdef0123456789abcdef01234567", datetime(2024, 2, 29, 12, tzinfo=UTC))
END = "20240229120000-0123456789ab"
ROOT = Place("corp.example/lib")
SUB = Place("corp.example/lib/sub/v2", "sub")


def tags(before: Sequence[str], here: Sequence[str] = ()) -> Tags:
    return Tags(here, [*here, *before], lambda _: False, lambda _: False)


@pytest.mark.parametrize(
    ("place", "version", "before"),
    [
        (ROOT, f"v0.0.0-{END}", []),
        (ROOT, f"v1.2.1-0.{END}", ["v1.2.0", "v1.3.0"]),
        (ROOT, f"v1.2.0-rc.1.0.{END}", ["v1.2.0-rc.1"]),
        (ROOT, f"v1.2.1-0.{END}", ["v1.2.0+meta"]),
        (ROOT, f"v2.0.1-0.{END}+incompatible", ["v2.0.0"]),
        (SUB, f"v2.0.0-{END}", []),
        (SUB, f"v2.0.1-0.{END}", ["sub/v2.0.0"]),
    ],
)
def test_pseudo_version_of_a_tag_before_the_commit_is_taken(
    place: Place, version: str, before: list[str]
) -> None:
    check_pseudo(place, version, COMMIT)
    check_pseudo_base(place, version, tags(before))


@pytest.mark.parametrize(
    ("place", "version", "before", "here", "why"),
    [
        (ROOT, f"v1.9.9-0.{END}", ["v1.2.0"], [], "follows a tag .*: expected v1.9.8, got none"),
        (ROOT, f"v1.2.1-0.{END}", ["sub/v1.2.0"], [], "follows a tag"),
        (SUB, f"v2.0.1-0.{END}", ["v2.0.0"], [], "expected sub/v2.0.0"),
        (ROOT, f"v1.2.1-0.{END}", [], ["v1.2.0"], "a commit with a tag"),
        (ROOT, f"v1.0.0-{END}", [], [], "is below no tag: expected v0, got v1"),
        (ROOT, "v0.0.0-20240229120000-ffffffffffff", [], [], "another commit's"),
        (ROOT, "v0.0.0-20240229120001-0123456789ab", [], [], "another time"),
    ],
)
def test_pseudo_version_that_go_refuses_is_refused(
    place: Place, version: str, before: list[str], here: list[str], why: str
) -> None:
    def check() -> None:
        check_pseudo(place, version, COMMIT)
        check_pseudo_base(place, version, tags(before, here))

    with pytest.raises(InputError, match=why):
        check()


def test_tag_with_build_metadata_is_what_its_commit_s_pseudo_version_follows() -> None:
    before = tags(["v1.1.0+meta", "v1.5.0"])
    assert choose_version(ROOT, COMMIT, before, asked_tag="v1.1.0+meta") == f"v1.1.1-0.{END}"
    assert choose_version(ROOT, COMMIT, before, asked_tag="main") == f"v1.5.1-0.{END}"
