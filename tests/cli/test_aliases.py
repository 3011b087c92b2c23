"""Names of branches and commits behind the gap: --aliases."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests import athens_layout
from tests.cli import program
from tests.upstream import Upstream

pytestmark = pytest.mark.e2e  # whole runs of the program: too long for make check

M = "example.com/Mod"
MAIN = "v1.0.1-0.20200102030405-0123456789ab"
NEXT = "v1.0.1-0.20210102030405-abcdef012345"


@pytest.fixture
def proxy(upstream: Upstream) -> Upstream:
    upstream.add(M, "v1.0.0")
    for version in (MAIN, NEXT):
        upstream.add(M, version, files={"m.go": b"package m\n"}, listed=False)
    for name in ("main", "Fix-1", "0123456"):
        upstream.add_query(M, name, MAIN)
    return upstream


def asked(root: Path, query: str) -> tuple[int, bytes]:
    said = athens_layout.answer(root, f"/example.com/!mod/@v/{query}")
    return said.status, said.content()


def test_aliases_answer_for_names_as_the_list_spells_them(tmp_path: Path, proxy: Upstream) -> None:
    lines = f"{M}@main\n{M}@Fix-1\n{M}@0123456\n{M}@v1.0\n"
    ran = program.fetch(tmp_path, proxy.url, lines, "--aliases")
    assert ran.status == 0, ran.text
    for query in ("main", "!fix-1", "0123456"):
        status, body = asked(ran.storage, f"{query}.info")
        assert (status, json.loads(body)["Version"]) == (200, MAIN)
    assert asked(ran.storage, "v1.0.info")[0] == 404
    assert sorted(asked(ran.storage, "list")[1].decode().split()) == ["v1.0.0", MAIN]
    manifest = json.loads((ran.storage / ".gopack" / "manifest.json").read_text())
    assert manifest["aliases"] == dict.fromkeys((f"{M}@0123456", f"{M}@Fix-1", f"{M}@main"), MAIN)


def test_names_are_not_answerable_unless_asked_for(tmp_path: Path, proxy: Upstream) -> None:
    ran = program.fetch(tmp_path, proxy.url, f"{M}@main\n")
    assert ran.status == 0, ran.text
    assert asked(ran.storage, "main.info")[0] == 404
    assert set(program.assert_whole(ran.storage)) == {f"{M}@{MAIN}"}


def test_alias_moves_with_its_branch_and_goes_with_prune(tmp_path: Path, proxy: Upstream) -> None:
    program.fetch(tmp_path, proxy.url, f"{M}@main\n", "--aliases")
    proxy.add_query(M, "main", NEXT)
    ran = program.fetch(tmp_path, proxy.url, f"{M}@main\n", "--aliases")
    assert json.loads(asked(ran.storage, "main.info")[1])["Version"] == NEXT
    ran = program.fetch(tmp_path, proxy.url, f"{M}@v1.0.0\n", "--prune")
    assert ran.status == 0, ran.text
    assert asked(ran.storage, "main.info")[0] == 404
    assert not (ran.storage / M / "main").exists()
    assert set(program.assert_whole(ran.storage)) == {f"{M}@v1.0.0"}


def test_prune_leaves_a_name_that_the_list_has_while_its_version_stays(
    tmp_path: Path, proxy: Upstream
) -> None:
    program.fetch(tmp_path, proxy.url, f"{M}@main\n{M}@Fix-1\n", "--aliases")
    ran = program.fetch(tmp_path, proxy.url, f"{M}@main\n", "--prune")
    assert f"pruned the name {M}@Fix-1" in ran.text
    assert "@main" not in "".join(line for line in ran.text.splitlines() if "pruned" in line)
    assert json.loads(asked(ran.storage, "main.info")[1])["Version"] == MAIN
    assert asked(ran.storage, "!fix-1.info")[0] == 404
    proxy.add_query(M, "main", NEXT)
    ran = program.fetch(tmp_path, proxy.url, f"{M}@main\n", "--prune")
    assert f"pruned the name {M}@main" in ran.text
    assert asked(ran.storage, "main.info")[0] == 404
    assert set(program.assert_whole(ran.storage)) == {f"{M}@{NEXT}"}


@pytest.mark.oracle
def test_go_gets_a_branch_from_its_alias(tmp_path: Path, proxy: Upstream) -> None:
    go = shutil.which("go")
    assert go
    ran = program.fetch(tmp_path, proxy.url, f"{M}@main\n", "--aliases")
    project = tmp_path / "project"
    project.mkdir()
    (project / "go.mod").write_text("module p\n\ngo 1.20\n")
    with athens_layout.served(ran.storage) as sealed:
        env = program.environment(tmp_path, sealed.url, GOFLAGS="-modcacherw", GOTOOLCHAIN="local")
        got = subprocess.run(
            [go, "get", f"{M}@main"],
            check=False,
            cwd=project,
            env=env,
            capture_output=True,
            text=True,
        )
    assert got.returncode == 0, got.stderr
    assert f"{M} {MAIN}" in (project / "go.mod").read_text()
