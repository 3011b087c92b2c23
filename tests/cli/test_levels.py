"""A storage at another level than before: it is as from nothing, whatever a run remembers."""

from pathlib import Path

import pytest

from tests.cli import program
from tests.upstream import Upstream

pytestmark = pytest.mark.e2e  # whole runs of the program

HOST = "example.com"


def add(upstream: Upstream, name: str, *, go: str, requires: str = "", **files: str) -> None:
    """Serve `path@version`; a keyword is a file with an underscore for a slash, and its import."""
    path, _, version = name.partition("@")
    required = f"require {HOST}/{requires.replace('@', ' ')}\n" if requires else ""
    sources = {}
    for file, imported in files.items():
        line = f'import _ "{HOST}/{imported}"\n' if imported else ""
        folder, _, base = file.rpartition("__")
        folder = f"{folder}/" if folder else ""
        sources[f"{folder}{base}.go"] = f"package p\n\n{line}".encode()
    mod = f"module {HOST}/{path}\ngo {go}\n{required}"
    upstream.add(f"{HOST}/{path}", version, mod=mod, files=sources)


def test_lower_level_looks_up_what_only_it_lacks(tmp_path: Path, upstream: Upstream) -> None:
    """At `build` nothing beyond i and d is required of i's project, so c is looked up."""
    add(upstream, "c@v1.0.0", go="1.16", p="")
    add(upstream, "c@v1.1.0", go="1.16", p="")
    add(upstream, "d@v1.0.1", go="1.21", requires="c@v1.0.0", x__p="c")
    add(upstream, "i@v1.0.0", go="1.21", requires="d@v1.0.1", p="", p_test="d/x")
    levels_end_as_from_nothing(tmp_path, upstream, f"{HOST}/i@all\n", "graph", "build")


def test_higher_level_looks_up_what_only_it_lacks(tmp_path: Path, upstream: Upstream) -> None:
    add(upstream, "c@v1.1.0", go="1.21", requires="g@v1.0.1", y__p="g")
    add(upstream, "d@v1.2.0", go="1.21", requires="c@v1.1.0", z__p="", z__p_test="c/y")
    add(upstream, "e@v1.0.1", go="1.17", p="")
    add(upstream, "e@v1.2.0", go="1.17", p="")
    add(upstream, "g@v1.0.1", go="1.12", requires="e@v1.0.1", p="e")
    levels_end_as_from_nothing(tmp_path, upstream, f"{HOST}/d\n", "build", "graph")


def levels_end_as_from_nothing(
    folder: Path, upstream: Upstream, lines: str, first: str, then: str
) -> None:
    for name in ("storage", "fresh"):
        (folder / name).mkdir()
    for level in (first, then):
        ran = program.fetch(folder / "storage", upstream.url, lines, "--closure", level, "--prune")
        assert ran.status == 0, ran.text
    fresh = program.fetch(folder / "fresh", upstream.url, lines, "--closure", then)
    assert fresh.status == 0, fresh.text
    assert program.assert_whole(ran.storage).keys() == program.assert_whole(fresh.storage).keys()
