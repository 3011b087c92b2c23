"""A go command run in a container, as the engine tells of it."""

from pathlib import PurePosixPath
from typing import Any

import pytest
from docker.models.containers import Container

from gopack.adapters.dockerside import DockerRoom
from gopack.adapters.dockerworld import DockerPlace, _checked
from gopack.errors import StoreError


class Engine(Container):  # type: ignore[misc,unused-ignore]
    """A container whose commands end as it is told."""

    def __init__(self, status: int | None) -> None:
        super().__init__(
            attrs={"Config": {"Image": "golang:1"}, "Image": "sha256:0", "Id": "0", "Name": "/go"}
        )
        self._status = status

    def exec_run(self, *arguments: Any, **settings: Any) -> Any:
        return self._status, (b"out", None)


@pytest.mark.parametrize("status", [0, 1])
def test_go_gives_the_exit_status(status: int) -> None:
    ran = DockerPlace(Engine(status), PurePosixPath("/gopack"), {}).go(["version"])
    assert (ran.exit_status, ran.stdout, ran.stderr) == (status, "out", "")


def test_go_without_an_exit_status_is_no_success() -> None:
    with pytest.raises(StoreError, match="go version has no exit status"):
        DockerPlace(Engine(None), PurePosixPath("/gopack"), {}).go(["version"])


@pytest.mark.parametrize("status", [None, 1])
def test_command_that_did_not_end_well_is_an_error(status: int | None) -> None:
    with pytest.raises(StoreError, match=f"mkdir ended with {status}"):
        _checked(Engine(status), ["mkdir", "x"])


@pytest.mark.parametrize("status", [None, 1])
def test_script_that_did_not_end_well_is_an_error(status: int | None) -> None:
    with pytest.raises(StoreError, match=f"a script ended with {status}"):
        DockerRoom(Engine(status), "/srv", "0:0").run("exit")
