"""What the list refuses, compared with what `go get` refuses."""

import subprocess
from pathlib import Path

import pytest

from gopack.plan.modlist import ListErrors, parse_list
from tests.gosettings import go_settings
from tests.upstream import Upstream

pytestmark = pytest.mark.oracle

PATH = "example.com/a"
TAKEN = ["", "@latest", "@upgrade", "@v1", "@v1.2", "@v1.2.0", "@>=v1.2", "@<v1.3", "@<=v1.2.0"]
TAKEN += ["@>v1.2.0-pre", "@main", "@a+b", "@0123abc", "@1.2", "@=v1"]
REFUSED_WITH_GOS_WORDS = ["@", "@@v1", "@v1@v2", "@-x", "@/x", "@>v1.2", "@>v1", "@<=v1", "@>=x"]
REFUSED_WITH_GOS_WORDS += ["@<", "@>=1.2", "@feature/x", "@v1.2.0/x", "@!x", "@a!b", '@a"b']


@pytest.fixture
def served(upstream: Upstream) -> Upstream:
    mod = f"module {PATH}\n".encode()
    for version in ("v1.0.0", "v1.2.0", "v1.3.0"):
        upstream.add(PATH, version, mod=mod, files={"go.mod": mod, "a.go": b"package a\n"})
    for name in TAKEN:
        upstream.add_query(PATH, name[1:], "v1.2.0")
    return upstream


def go_get(folder: Path, item: str, upstream: Upstream) -> str:
    """Run go get in an empty module; give what it says when it fails, else nothing."""
    (folder / "go.mod").write_text("module m\ngo 1.21\n")
    done = subprocess.run(
        ["go", "get", "--", item],
        cwd=folder,
        env=go_settings(folder, upstream.url),
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stderr if done.returncode else ""


def refusal(item: str) -> str:
    try:
        parse_list(item)
    except ListErrors as error:
        return error.findings[0].what
    return ""


@pytest.mark.parametrize("query", TAKEN)
def test_parse_list_takes_what_go_get_takes(query: str, tmp_path: Path, served: Upstream) -> None:
    assert go_get(tmp_path, PATH + query, served) == ""
    assert refusal(PATH + query) == ""


@pytest.mark.parametrize("query", REFUSED_WITH_GOS_WORDS)
def test_parse_list_refuses_in_gos_words(query: str, tmp_path: Path, served: Upstream) -> None:
    said = go_get(tmp_path, PATH + query, served)
    assert refusal(PATH + query)
    assert refusal(PATH + query).replace("'", '"') in said.replace("\\", "")


@pytest.mark.parametrize(
    "item",
    ["foo", "foo/bar@v1.0.0", "Example.com/a", "example.com/a b", "example.com/a:b", "-x.y/a"],
)
def test_parse_list_refuses_paths_go_get_refuses(
    item: str, tmp_path: Path, served: Upstream
) -> None:
    assert go_get(tmp_path, item, served)
    assert refusal(item)
