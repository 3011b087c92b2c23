"""The rooms and the doors between them: imports run downwards only."""

import ast
from collections.abc import Iterator
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


def imported_names(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def rooms() -> list[Path]:
    return [f for f in sorted(PACKAGE.rglob("*.py")) if room_of(f) in MAY_IMPORT]


@pytest.mark.parametrize("file", rooms(), ids=lambda f: str(f.relative_to(PACKAGE)))
def test_imports_run_downwards(file: Path) -> None:
    for name in imported_names(file):
        parts = name.split(".")
        if parts[0] == "gopack" and len(parts) > 1:
            assert parts[1] in MAY_IMPORT[room_of(file)], f"{file.name} imports {name}"


@pytest.mark.parametrize("file", rooms(), ids=lambda f: str(f.relative_to(PACKAGE)))
def test_core_does_no_io(file: Path) -> None:
    if room_of(file) in {"spec", "plan"}:
        assert not IMPURE & {name.split(".")[0] for name in imported_names(file)}
