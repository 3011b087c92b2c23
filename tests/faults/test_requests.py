"""What a run asks for when nothing is new: nothing for exact versions, little for floating ones."""

from collections.abc import Iterator

import pytest

from tests.faults.world import Lab, World, small_world
from tests.upstream import Asked

pytestmark = pytest.mark.e2e


@pytest.fixture
def world() -> Iterator[World]:
    with small_world(tags=True) as world:
        yield world


def asked_again(lab: Lab, lines: str) -> list[Asked]:
    """Fetch these lines twice; tell what the second run asks for."""
    place = lab.place()
    (place.folder / "goget.txt").write_text(lines)
    assert place.fetch() == 0, place.text
    lab.upstream.log.clear()
    assert place.fetch() == 0, place.text
    return lab.upstream.log


def test_exact_versions_with_nothing_new_send_no_request(lab: Lab) -> None:
    assert asked_again(lab, "example.com/app@v1.0.0\nexample.com/Tool@v0.1.0\n") == []


def test_floating_lines_with_nothing_new_send_one_conditional_request_each(lab: Lab) -> None:
    asked = asked_again(lab, "example.com/app\nexample.com/base@v1.0\nexample.com/Tool@v0.1.0\n")
    assert sorted(each.path for each in asked) == [
        "/example.com/app/@v/list",
        "/example.com/base/@v/list",
    ]
    assert all("If-None-Match" in each.headers for each in asked)
