"""What `gopack push` reports; the engine is a stand-in, and the room a folder of this machine."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import pytest

from gopack.adapters.dockerside import Engine
from gopack.errors import InputError, UpstreamError
from tests.athens_layout import serving
from tests.bundling import Side
from tests.dockerengine import ATHENS, container, engine_with
from tests.fakes_sumdb import FakeSumDB
from tests.shellroom import ShellRoom


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Side:
    """Athens' storage, which the room of every container is; a command's end is no process's."""

    @contextmanager
    def room(*_arguments: Any, **_named: Any) -> Iterator[ShellRoom]:
        yield ShellRoom(str(root))

    def end(status: int) -> NoReturn:
        raise SystemExit(status)

    root = tmp_path / "target"
    root.mkdir()
    monkeypatch.setattr(Engine, "room", room)
    monkeypatch.setattr(os, "_exit", end)
    return Side(root, FakeSumDB())


@pytest.fixture
def side(tmp_path: Path) -> Side:
    side = Side(tmp_path / "storage", FakeSumDB())
    side.put("example.com/a@v1.0.0", size_bytes=100)
    return side


def athens_at(port: int) -> dict[str, Any]:
    published = {"3000/tcp": [{"HostIp": "", "HostPort": str(port)}]} if port else {}
    return container("athens", ATHENS, NetworkSettings={"Ports": published})


def test_athens_is_asked_for_what_is_new(side: Side, target: Side) -> None:
    with serving(target.root) as athens:
        port = urlsplit(athens.url).port or 0
        with engine_with(athens_at(port)):
            said = side.done("push")
    assert "container athens: 1 added" in said
    assert "0 answers are wrong" in said


def test_what_was_pushed_is_reported_where_athens_does_not_answer(
    side: Side, target: Side, tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    with socket.socket() as bound:  # nobody listens there
        bound.bind(("127.0.0.1", 0))
        with engine_with(athens_at(bound.getsockname()[1])):
            result = side.run("push", "--json", report)
    assert result.exit_code == UpstreamError.exit_status
    assert "container athens: 1 added" in result.output
    assert "asking Athens: " in result.output
    said = json.loads(report.read_text())
    assert said["versions"] == {"example.com/a@v1.0.0": "added"}
    assert said["error"]["kind"] == "UpstreamError"
    assert target.versions() == side.versions()


@pytest.mark.parametrize("words", [(), ("--url", "localhost:3000")])
def test_address_that_cannot_be_told_is_one_before_anything_is_sent(
    words: tuple[str, ...], side: Side, target: Side
) -> None:
    with engine_with(athens_at(0)):
        result = side.run("push", *words)
        assert result.exit_code == InputError.exit_status, result.output
        assert list(target.root.iterdir()) == []
        assert "1 added" in side.done("push", "--no-ask")
