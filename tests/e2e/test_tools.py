"""Commands behind the gap: `go install`, `go run`, `go get -tool` and `go tool`, all sealed.

The storage is filled by the real program, from a line with a command's package path and from a
go.mod with `tool` lines; a tool brings the graph of its own module.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.athens_layout import Serving, served
from tests.cli import program
from tests.gobuild import compiling
from tests.gosettings import go_settings
from tests.upstream import Upstream

pytestmark = pytest.mark.e2e

TOOL = "example.com/tool"
COMMAND = f"{TOOL}/cmd/do"
MAIN = b"""package main

import (
	"syscall"

	"example.com/base"
)

func main() { syscall.Write(1, []byte(base.Word + "\\n")) }
"""
"""It uses little: `go tool` knows no -trimpath, so it compiles once more what is compiled."""


@pytest.fixture
def upstream_of_tools(upstream: Upstream) -> Upstream:
    """A module with a command that says what a module says which it requires, old and new."""
    for version in ("v1.0.0", "v1.1.0"):
        text = f'package base\n\nconst Word = "base {version}"\n'
        upstream.add("example.com/base", version, files={"base.go": text.encode()})
        mod = f"module {TOOL}\n\ngo 1.24\n\nrequire example.com/base {version}\n"
        files = {"cmd/do/main.go": MAIN, "tool.go": b"package tool\n"}
        upstream.add(TOOL, version, mod=mod, files=files)
    return upstream


@pytest.fixture
def sealed(
    request: pytest.FixtureRequest, tmp_path: Path, upstream_of_tools: Upstream
) -> Iterator[Serving]:
    """Athens over what the list (a file's name and its text) brought."""
    name, text = request.param
    (tmp_path / name).write_text(text)
    ran = program.fetch(tmp_path, upstream_of_tools.url, None, name)
    assert ran.status == 0, ran.text
    with served(ran.storage) as athens:
        yield athens


def go(folder: Path, url: str, *words: str) -> str:
    (folder / "project").mkdir(exist_ok=True)
    done = subprocess.run(
        ["go", *words],
        cwd=folder / "project",
        env=go_settings(folder / "home", url, **compiling("-modcacherw")),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout


LINE = ("goget.txt", f"{COMMAND}@v1.0.0\n")


@pytest.mark.parametrize("sealed", [LINE], indirect=True)
def test_listed_command_is_installed_run_and_made_a_tool(sealed: Serving, tmp_path: Path) -> None:
    go(tmp_path, sealed.url, "install", f"{COMMAND}@v1.0.0")
    assert (tmp_path / "home/go/bin/do").exists()
    assert go(tmp_path, sealed.url, "run", f"{COMMAND}@v1.0.0") == "base v1.0.0\n"
    go(tmp_path, sealed.url, "mod", "init", "main.test/x")
    go(tmp_path, sealed.url, "get", "-tool", f"{COMMAND}@v1.0.0")
    assert go(tmp_path, sealed.url, "tool", "do") == "base v1.0.0\n"
    go(tmp_path, sealed.url, "get", "-tool", f"{COMMAND}@latest")
    assert go(tmp_path, sealed.url, "tool", "do") == "base v1.0.0\n"


PROJECT = f"module main.test/x\n\ngo 1.24\n\ntool {COMMAND}\n\nrequire {TOOL} v1.1.0\n"


@pytest.mark.parametrize("sealed", [("go.mod", PROJECT)], indirect=True)
def test_tools_of_a_go_mod_run(sealed: Serving, tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project/go.mod").write_text(PROJECT)
    go(tmp_path, sealed.url, "mod", "tidy")
    assert go(tmp_path, sealed.url, "tool", "do") == "base v1.1.0\n"
    go(tmp_path, sealed.url, "get", "tool")  # every tool, upgraded
    assert go(tmp_path, sealed.url, "tool", COMMAND) == "base v1.1.0\n"
    go(tmp_path, sealed.url, "install", "tool")
    assert (tmp_path / "home/go/bin/do").exists()
    assert f"tool {COMMAND}\n" in (tmp_path / "project/go.mod").read_text()
