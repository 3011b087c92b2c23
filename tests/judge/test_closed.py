"""At level `closed`, `go get -u ./...` and a `go 1.16` main module are as they are connected."""

import json
from pathlib import Path

import pytest

from gopack.plan.proving import JOINT
from tests.judge.lists import filled

SIX = (
    "github.com/spf13/cobra",
    "go.uber.org/zap",
    "github.com/stretchr/testify",
    "github.com/BurntSushi/toml",
    "github.com/labstack/echo/v4",
    "gorm.io/gorm",
)


@pytest.mark.judge
def test_popular_modules_at_closed_are_as_connected(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    closed = ("--closure", "closed")
    with filled(tmp_path, SIX, *closed) as found:
        done = found.gopack("prove", "--compare", "--json", str(report), *closed)
    assert done.returncode == 0, done.stderr
    rows = {row["text"]: row["steps"] for row in json.loads(report.read_text())["lines"]}
    assert rows.keys() == {*SIX, JOINT}
    for name, steps in rows.items():
        for step in ("get", "get -u", "go 1.16"):
            assert steps[step]["verdict"] == "good", (name, step, done.stderr)
