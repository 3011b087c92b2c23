"""The rooms and the doors between them: imports run downwards only."""

import ast
import functools
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "gopack"
MAY_IMPORT = {
    "errors": set[str](),
    "spec": {"errors", "spec"},
    "plan": {"errors", "spec", "plan"},
    "ports": {"errors", "spec", "plan"},
    "asking": {"errors", "spec", "plan", "ports"},
    "flows": {"errors", "spec", "plan", "ports", "asking", "flows"},
    "adapters": {"errors", "spec", "plan", "ports", "asking", "adapters"},
    "cli": {"errors", "spec", "plan", "ports", "asking", "flows", "adapters", "cli"},
}
IMPURE = {"os", "socket", "time", "pathlib", "subprocess", "httpx", "requests", "random", "shutil"}


def room_of(file: Path) -> str:
    first = file.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


@functools.cache
def imported_names(file: Path) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.append(node.module)
    return names


def rooms() -> list[Path]:
    return [f for f in sorted(PACKAGE.rglob("*.py")) if room_of(f) in MAY_IMPORT]


@pytest.mark.parametrize("file", rooms(), ids=lambda f: str(f.relative_to(PACKAGE)))
def test_imports_run_downwards(file: Path) -> None:
    for name in imported_names(file):
        parts = name.split(".")
        if parts[0] == "gopack" and len(parts) > 1:
            assert parts[1] in MAY_IMPORT[room_of(file)], f"{file.name} imports {name}"


@pytest.mark.parametrize("room", ["spec", "plan"])
def test_core_does_no_io(room: str) -> None:
    files = [file for file in rooms() if room_of(file) == room]
    assert files
    for file in files:
        assert not IMPURE & {name.split(".")[0] for name in imported_names(file)}, file
