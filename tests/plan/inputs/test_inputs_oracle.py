"""The files the go command itself writes, read back."""

import subprocess
from pathlib import Path

import pytest

from gopack.plan.inputs.detect import detect, read_input
from gopack.plan.inputs.gomodfile import read_go_mod
from gopack.plan.inputs.gowork import join_members, read_go_work
from gopack.plan.inputs.roots import Format, InputRoots, replacement
from gopack.spec.module import ModuleVersion
from tests.gosettings import go_settings
from tests.upstream import Upstream

pytestmark = pytest.mark.oracle

A = ModuleVersion("example.com/a", "v1.0.0")
B = ModuleVersion("example.com/b", "v1.2.3")
FORK = ModuleVersion("example.com/fork", "v1.9.0")
MAIN_GO = b'package main\nimport (\n_ "example.com/a"\n_ "local"\n)\nfunc main() {}\n'
GO_MOD = b"""module example.com/main
go 1.21
require (
	example.com/a v1.0.0
	local v0.0.0
)
replace local => ./local
replace example.com/b => example.com/fork v1.9.0
"""


def go(folder: Path, *args: str, upstream: Upstream) -> bytes:
    if args[:1] == ("work",) or (folder / "go.work").exists():
        own = {"GOWORK": ""}
    else:
        own = {"GOFLAGS": "-mod=mod -modcacherw"}
    env = go_settings(folder.parent, upstream.url, **own)
    command = ["go", *args]
    done = subprocess.run(
        command, cwd=folder, env=env, check=False, capture_output=True, timeout=120
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.fixture
def project(tmp_path: Path, upstream: Upstream) -> Path:
    """A project with a dependency, a dependency's fork and a module in a folder."""
    mod = b"module example.com/a\ngo 1.21\nrequire example.com/b v1.2.3\n"
    a_go = b'package a\nimport _ "example.com/b"\n'
    upstream.add(*A, mod=mod, files={"go.mod": mod, "a.go": a_go})
    for module in (B, FORK):
        mod = f"module {module.path}\ngo 1.21\n".encode()
        upstream.add(*module, mod=mod, files={"go.mod": mod, "b.go": b"package b\n"})
    folder = tmp_path / "main"
    (folder / "local").mkdir(parents=True)
    (folder / "local" / "go.mod").write_bytes(b"module local\ngo 1.21\n")
    (folder / "local" / "l.go").write_bytes(b"package local\n")
    (folder / "go.mod").write_bytes(GO_MOD)
    (folder / "main.go").write_bytes(MAIN_GO)
    go(folder, "mod", "tidy", upstream=upstream)
    return folder


def read(file: Path, expected: Format) -> InputRoots:
    data = file.read_bytes()
    assert detect(str(file), data) is expected
    assert detect("unnamed", data) is expected
    found = read_input(str(file), data, expected)
    assert not found.has_errors
    return found


def test_read_go_mod_of_a_tidy_project(project: Path) -> None:
    found = read(project / "go.mod", Format.GO_MOD)
    assert found.roots == (A, B)
    assert found.local == (ModuleVersion("local", "v0.0.0"),)
    assert replacement(B, found.replace) == FORK


def test_read_go_sum_of_a_tidy_project(project: Path) -> None:
    found = read(project / "go.sum", Format.GO_SUM)
    assert found.roots == (A, FORK)
    assert len(found.sums) == 4


def test_read_vendor_of_a_vendored_project(project: Path, upstream: Upstream) -> None:
    go(project, "mod", "vendor", upstream=upstream)
    found = read(project / "vendor" / "modules.txt", Format.VENDOR)
    assert found.roots == (A, B)
    assert replacement(B, found.replace) == FORK
    assert [f.severity.value for f in found.findings] == ["warning"]


def test_read_go_list_of_a_project(project: Path, upstream: Upstream) -> None:
    file = project / "list.json"
    file.write_bytes(go(project, "list", "-m", "-json", "all", upstream=upstream))
    found = read(file, Format.GO_LIST)
    assert found.roots == (A, B)
    assert (found.main, found.go) == ("example.com/main", "1.21")
    assert replacement(B, found.replace) == FORK


def test_read_go_list_of_a_download(project: Path, upstream: Upstream) -> None:
    file = project / "list.json"
    file.write_bytes(go(project, "mod", "download", "-json", "example.com/a", upstream=upstream))
    assert read(file, Format.GO_LIST).roots == (A,)


def test_join_members_of_a_workspace_as_go_lists_it(project: Path, upstream: Upstream) -> None:
    go(project, "work", "init", ".", "./local", upstream=upstream)
    work = read_go_work((project / "go.work").read_bytes())
    members = [read_go_mod((project / m / "go.mod").read_bytes()) for m in work.members]
    joined = join_members(work, members)
    file = project / "list.json"
    file.write_bytes(go(project, "list", "-m", "-json", "all", upstream=upstream))
    assert joined.roots == read(file, Format.GO_LIST).roots == (A, B)
    assert detect("unnamed", (project / "go.work").read_bytes()) is Format.GO_WORK
