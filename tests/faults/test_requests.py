"""What a run asks for when nothing is new: nothing for exact versions, little for floating ones."""

import os
import signal
import time
from collections.abc import Iterator

import pytest

from tests.cli import program
from tests.faults.world import Lab, Runner, World, small_world
from tests.upstream import Asked, Fault

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


def test_version_above_all_listed_ones_is_asked_for_once(lab: Lab) -> None:
    """A pseudo-version, or a pre-release: the module's highest version is below it for good."""
    pseudo = "v1.1.1-0.20200101000000-abcdefabcdef"
    lab.world.add("example.com/util", pseudo)
    lab.upstream.files["/example.com/util/@v/list"] = (b"v1.1.0\n", "text/plain")
    lab.world.add("example.com/base", "v1.1.0-rc.1")
    lab.world.publish_log()
    lines = f"example.com/util@v1.1.0\nexample.com/util@{pseudo}\nexample.com/base@v1.1.0-rc.1\n"
    assert asked_again(lab, lines) == []


def test_floating_lines_with_nothing_new_send_one_conditional_request_each(lab: Lab) -> None:
    asked = asked_again(lab, "example.com/app\nexample.com/base@v1.0\nexample.com/Tool@v0.1.0\n")
    assert sorted(each.path for each in asked) == [
        "/example.com/app/@v/list",
        "/example.com/base/@v/list",
    ]
    assert all("If-None-Match" in each.headers for each in asked)


def test_floating_line_below_a_version_that_retracts_itself_sends_one_request(lab: Lab) -> None:
    mod = "module example.com/again\n\nretract v1.0.0\n"
    lab.world.add("example.com/again", "v0.1.0")
    lab.world.serve("example.com/again", "v1.0.0", mod, {})
    lab.world.publish_log()
    [asked] = asked_again(lab, "example.com/again\n")
    assert asked.path == "/example.com/again/@v/list"


def test_zip_that_a_kill_broke_off_is_gone_on_with(lab: Lab, runner: Runner) -> None:
    lab.world.add("example.com/huge", "v1.0.0", files={"data.bin": os.urandom(4 << 20)})
    lab.world.publish_log()
    zip_path = "/example.com/huge/@v/v1.0.0.zip"
    lab.upstream.fail(zip_path, Fault(drip=(1 << 16, 0.05)), times=1, is_ranged=False)
    place = lab.place()
    (place.folder / "goget.txt").write_text("example.com/huge@v1.0.0\n")
    run = runner.start(place.folder, lab.world.environment(place.folder), "fetch")
    incoming = place.storage / ".gopack" / "incoming"
    until = time.monotonic() + 60
    while not any(part.stat().st_size > 1 << 20 for part in incoming.glob("*.part")):
        assert time.monotonic() < until
        time.sleep(0.02)
    os.killpg(run.group, signal.SIGKILL)
    assert runner.finish() == -signal.SIGKILL
    lab.upstream.log.clear()
    assert place.fetch() == 0, place.text
    [asked] = [
        each
        for each in lab.upstream.log
        if each.path == zip_path and each.headers.get("Range") != "bytes=0-0"
    ]
    begun = int(asked.headers["Range"].removeprefix("bytes=").removesuffix("-"))
    assert begun > 1 << 20
    assert program.assert_whole(place.storage) == {"example.com/huge@v1.0.0": "complete"}
