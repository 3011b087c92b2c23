"""`gopack prove` as a person runs it: real go commands, a generated upstream, a filled storage."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.athens_layout import served
from tests.cli.program import environment
from tests.e2e.caching_proxy import caching_proxy
from tests.gobuild import build_cache
from tests.launching import finished
from tests.upstream import Upstream

pytestmark = pytest.mark.e2e

PROVE_TIMEOUT_S = 600
LINES = "example.com/app\nexample.com/tool/cmd/do@v1.0.0\nexample.com/lib@v1.1.0\n"
LIB_ZIP = "example.com/lib/v1.1.0/source.zip"
BASE_MOD = "example.com/base/v1.0.0/go.mod"


@dataclass(frozen=True)
class Proved:
    status: int
    text: str
    report: dict[str, Any]

    def verdicts(self, line: str) -> dict[str, str]:
        [found] = [row for row in self.report["lines"] if row["text"] == line]
        return {name: cell["verdict"] for name, cell in found["steps"].items()}

    def missing(self) -> set[str]:
        cells = [c for row in self.report["lines"] for c in row["steps"].values()]
        return {each["file"] for cell in cells for each in cell["missing"]}


def fill_upstream(upstream: Upstream) -> None:
    """A program's library over two others, and a module with a command."""
    for version in ("v1.0.0", "v1.1.0"):
        upstream.add("example.com/base", version, files={"base.go": b"package base\n"})
    upstream.add(
        "example.com/lib",
        "v1.1.0",
        mod="module example.com/lib\n\ngo 1.21\n\nrequire example.com/base v1.0.0\n",
        files={
            "lib.go": b'package lib\n\nimport _ "example.com/base"\n',
            "lib_test.go": b"package lib\n",
            "internal/x/x.go": b"package x\n",
        },
    )
    upstream.add(
        "example.com/app",
        "v1.2.0",
        mod="module example.com/app\n\ngo 1.21\n\nrequire example.com/lib v1.1.0\n\n"
        "require example.com/base v1.0.0 // indirect\n",
        files={"app.go": b'package app\n\nimport _ "example.com/lib"\n'},
    )
    upstream.add(
        "example.com/tool",
        "v1.0.0",
        mod="module example.com/tool\n\ngo 1.21\n\nrequire example.com/base v1.0.0\n",
        files={
            "tool.go": b"package tool\n",
            "cmd/do/main.go": b'package main\n\nimport _ "example.com/base"\n\nfunc main() {}\n',
        },
    )


def gopack(folder: Path, goproxy: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = environment(folder, goproxy)
    env["GOCACHE"] = str(build_cache())
    return finished(arguments, folder=folder, env=env, timeout_s=PROVE_TIMEOUT_S)


def prove(folder: Path, goproxy: str, storage: Path, *options: str) -> Proved:
    file = folder / "report.json"
    file.unlink(missing_ok=True)
    done = gopack(
        folder, goproxy, "prove", "--storage", str(storage), "--json", str(file), *options
    )
    assert "Traceback" not in done.stderr, done.stderr
    report = json.loads(file.read_text()) if file.exists() else {}
    return Proved(done.returncode, done.stderr, report)


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as serving:
        fill_upstream(serving)
        yield serving


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Path:
    """A folder with a list and the storage that was filled from it."""
    folder = tmp_path_factory.mktemp("prove")
    (folder / "goget.txt").write_text(LINES)
    done = gopack(folder, upstream.url, "fetch")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def storage(home: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    shutil.copytree(home / "ATHENS_STORAGE", tmp_path / "storage")
    return tmp_path / "storage"


def test_filled_storage_is_as_connected(home: Path, upstream: Upstream, storage: Path) -> None:
    page = home / "matrix.html"
    proved = prove(home, upstream.url, storage, "--compare", "--html", str(page))
    assert proved.status == 0, proved.text
    assert set(proved.verdicts("example.com/app").values()) == {"good"}, proved.text
    assert set(proved.verdicts("all together").values()) == {"good"}, proved.text
    assert proved.verdicts("example.com/tool/cmd/do@v1.0.0")["install"] == "good"
    assert "are as they are connected" in proved.text
    assert "Sealed = connected" in page.read_text()


@pytest.mark.parametrize("lost", [LIB_ZIP, BASE_MOD])
def test_lost_file_is_named_with_the_line_that_adds_it(
    lost: str, home: Path, upstream: Upstream, storage: Path
) -> None:
    (storage / lost).unlink()
    proved = prove(home, upstream.url, storage)
    assert proved.status == 4
    assert proved.missing() == {lost}
    path, version, _ = lost.rsplit("/", 2)
    assert f"{lost} is missing" in proved.text
    assert f"add the line {path}@{version}" in proved.text


def test_emptied_storage_is_red_in_every_line(
    home: Path, upstream: Upstream, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    proved = prove(home, upstream.url, tmp_path / "empty")
    assert proved.status == 4
    for row in proved.report["lines"]:
        assert row["steps"]["get"]["verdict"] == "failed"
    assert "example.com/lib/v1.1.0/v1.1.0.info" in proved.missing()
    assert "example.com/app/@v/list" in proved.missing()


def test_fix_fetches_what_was_missing(home: Path, upstream: Upstream, storage: Path) -> None:
    (storage / LIB_ZIP).unlink()
    (storage / BASE_MOD).unlink()
    proved = prove(home, upstream.url, storage, "--fix")
    assert proved.status == 0, proved.text
    assert (storage / LIB_ZIP).exists()
    assert (storage / BASE_MOD).exists()


def test_step_that_fails_connected_too_is_impossible(tmp_path: Path) -> None:
    with Upstream() as upstream:
        broken = b"package broken\n\nvar x int = true\n"
        upstream.add("example.com/broken", "v1.0.0", files={"broken.go": broken})
        (tmp_path / "goget.txt").write_text("example.com/broken\n")
        assert gopack(tmp_path, upstream.url, "fetch").returncode == 0
        storage = tmp_path / "ATHENS_STORAGE"
        compared = prove(tmp_path, upstream.url, storage, "--compare")
        alone = prove(tmp_path, upstream.url, storage)
    assert compared.status == 0
    assert compared.verdicts("example.com/broken")["build"] == "impossible"
    assert compared.verdicts("example.com/broken")["get"] == "good"
    assert alone.status == 4
    assert "--compare" in alone.text


def test_line_that_was_fetched_again_is_proven_at_what_it_chose_last(tmp_path: Path) -> None:
    with Upstream() as upstream:
        (tmp_path / "goget.txt").write_text("example.com/base\n")
        for version in ("v1.9.0", "v1.10.0"):
            upstream.add("example.com/base", version, files={"base.go": b"package base\n"})
            assert gopack(tmp_path, upstream.url, "fetch").returncode == 0
        proved = prove(tmp_path, upstream.url, tmp_path / "ATHENS_STORAGE", "--compare")
    assert proved.status == 0, proved.text
    [row] = proved.report["lines"]
    assert row["modules"] == ["example.com/base@v1.10.0"]
    assert set(proved.verdicts("example.com/base").values()) == {"good"}, proved.text


def test_nothing_of_a_module_is_run(tmp_path: Path) -> None:
    with Upstream() as upstream:
        told = tmp_path / "told"
        code = (
            f'package loud\n\nimport "os"\n\nfunc init() {{ os.WriteFile("{told}", nil, 0o600) }}\n'
        )
        upstream.add("example.com/loud", "v1.0.0", files={"loud.go": code.encode()})
        (tmp_path / "goget.txt").write_text("example.com/loud\n")
        assert gopack(tmp_path, upstream.url, "fetch").returncode == 0
        proved = prove(tmp_path, upstream.url, tmp_path / "ATHENS_STORAGE")
    assert proved.status == 0, proved.text
    assert proved.verdicts("example.com/loud")["test"] == "good"
    assert not told.exists()


def test_lines_that_go_get_refuses_at_once_are_proven_all_the_same(tmp_path: Path) -> None:
    """An old version beside a line that requires a newer one, several versions, and a package."""
    with Upstream() as upstream:
        fill_upstream(upstream)
        lost = b'package odd\n\nimport _ "example.com/nowhere"\n'
        files = {"odd.go": lost, "sub/sub.go": b"package sub\n", "cmd/x/x.go": b"package x\n"}
        upstream.add("example.com/odd", "v1.0.0", files=files)
        mod = "module example.com/new\n\nrequire example.com/base v1.1.0\n"
        upstream.add("example.com/new", "v1.0.0", mod=mod, files={"new.go": b"package new\n"})
        lines = ("example.com/base@all", "example.com/odd/sub", "example.com/odd/cmd/...")
        old = ("example.com/base@v1.0.0", "example.com/new")
        (tmp_path / "goget.txt").write_text("".join(f"{line}\n" for line in (*lines, *old)))
        assert gopack(tmp_path, upstream.url, "fetch").returncode == 0
        proved = prove(tmp_path, upstream.url, tmp_path / "ATHENS_STORAGE", "--compare")
    assert proved.status == 0, proved.text
    rows = [f"{lines[0]}: v1.0.0", f"{lines[0]}: v1.1.0", *lines[1:], *old, "all together"]
    assert [row["text"] for row in proved.report["lines"]] == rows
    for row in rows:
        assert set(proved.verdicts(row).values()) == {"good"}, proved.text


def test_line_whose_imports_require_more_of_it_is_as_connected(tmp_path: Path) -> None:
    """No go.mod covers `ext`, whose latest requires a higher `old`: go takes a lower `ext`."""
    files = {"old.go": b'package old\n\nimport _ "example.com/ext"\n'}
    with Upstream() as upstream:
        for version in ("v1.0.0", "v1.1.0"):
            upstream.add("example.com/old", version, files=files)
            more = "" if version == "v1.0.0" else "\nrequire example.com/old v1.1.0\n"
            mod = f"module example.com/ext\n{more}"
            upstream.add("example.com/ext", version, mod=mod, files={"e.go": b"package ext\n"})
        (tmp_path / "goget.txt").write_text("example.com/old@v1.0.0\n")
        assert gopack(tmp_path, upstream.url, "fetch").returncode == 0
        proved = prove(tmp_path, upstream.url, tmp_path / "ATHENS_STORAGE", "--compare")
    assert proved.status == 0, proved.text
    assert set(proved.verdicts("example.com/old@v1.0.0").values()) == {"good"}, proved.text


def test_latest_of_a_module_whose_stored_versions_are_all_retracted_is_not_tried(
    tmp_path: Path,
) -> None:
    """The listed one is, and so is the one that says so; beside others the others are asked."""
    with Upstream() as upstream:
        fill_upstream(upstream)
        old = "example.com/old"
        upstream.add(old, "v0.9.0", files={"old.go": b"package old\n"})
        for version, low in (("v0.8.0", "v0.8.0"), ("v1.0.0", "v1.0.0")):
            mod = f"module {old}\n\nretract [{low}, v1.0.0]\n"
            upstream.add(old, version, mod=mod, files={"old.go": b"package old\n"})
        (tmp_path / "goget.txt").write_text(f"{old}@v1.0.0\nexample.com/app\n")
        assert gopack(tmp_path, upstream.url, "fetch").returncode == 0
        proved = prove(tmp_path, upstream.url, tmp_path / "ATHENS_STORAGE", "--compare")
    assert proved.status == 0, proved.text
    assert "not tried: @latest: all that is stored of it is retracted" in proved.text
    assert "@latest" not in proved.verdicts(f"{old}@v1.0.0")
    assert proved.verdicts("all together")["@latest"] == "good"


def test_files_are_tried_as_the_main_modules_they_are(tmp_path: Path) -> None:
    """A folder in a module's place, a fork, a tool, a workspace, and versions without a graph."""
    require = "require example.com/tool v1.0.0\n\nrequire example.com/base v1.0.0\n"
    tool = "tool example.com/tool/cmd/do\n"
    files = {
        "a/go.mod": f"module m/a\n\ngo 1.24\n\n{require}\n{tool}\n"
        "replace example.com/base => ../b\n",
        "f/go.mod": f"module m/f\n\ngo 1.24\n\n{require}\n{tool}\n"
        "replace example.com/base => example.com/fork v1.9.0\n",
        "go.work": "go 1.24\n\nuse ./w\nuse ./x\n",
        "w/go.mod": "module m.test/w\n\ngo 1.16\n\nrequire example.com/app v1.2.0\n",
        "x/go.mod": "module m.test/x\n\ngo 1.24\n\nrequire m.test/w v0.0.0\n",
        "go.sum": f"example.com/base v1.1.0 h1:{'A' * 43}=\n",
        "modules.txt": "# example.com/lib v1.1.0\n## explicit\n",
    }
    with Upstream() as upstream:
        fill_upstream(upstream)
        mod = "module example.com/base\n\ngo 1.21\n"
        upstream.add("example.com/fork", "v1.9.0", mod=mod, files={"base.go": b"package base\n"})
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text)
        (tmp_path / "goget.txt").write_text(
            "-r a/go.mod\n-r f/go.mod\n-r go.work\n-r modules.txt\nexample.com/base@v1.1.0\n"
        )
        assert gopack(tmp_path, upstream.url, "fetch").returncode == 0
        storage = tmp_path / "ATHENS_STORAGE"
        (tmp_path / "goget.txt").write_text((tmp_path / "goget.txt").read_text() + "-r go.sum\n")
        proved = prove(tmp_path, upstream.url, storage, "--compare")
        (storage / "example.com/fork/v1.9.0/source.zip").unlink()
        broken = prove(tmp_path, upstream.url, storage)
    assert proved.status == 0, proved.text
    graph = dict.fromkeys(("list all", "download all", "verify"), "good")
    assert proved.verdicts("a/go.mod") == graph
    assert proved.verdicts("f/go.mod") == {**graph, "tools": "good"}
    assert proved.verdicts("go.work: m.test/w") == graph
    assert proved.verdicts("go.work: m.test/x") == graph
    assert proved.verdicts("modules.txt") == graph
    assert proved.verdicts("go.sum") == {"download all": "good"}
    assert broken.status == 4
    assert broken.verdicts("f/go.mod")["download all"] == "failed"
    assert broken.missing() == {"example.com/fork/v1.9.0/source.zip"}


def test_module_for_a_newer_go_says_so(tmp_path: Path) -> None:
    with Upstream() as upstream:
        mod = "module example.com/new\n\ngo 1.99\n"
        upstream.add("example.com/new", "v1.0.0", mod=mod, files={"new.go": b"package new\n"})
        (tmp_path / "goget.txt").write_text("example.com/new\n")
        assert gopack(tmp_path, upstream.url, "fetch").returncode == 0
        proved = prove(tmp_path, upstream.url, tmp_path / "ATHENS_STORAGE")
    assert proved.status == 4
    assert "needs Go 1.99" in proved.text


def test_running_proxy_is_tried_in_place_of_the_storage(
    home: Path, upstream: Upstream, storage: Path
) -> None:
    (storage / LIB_ZIP).unlink()  # it is not looked at
    proved = prove(home, upstream.url, storage, "--proxy", upstream.url)
    assert proved.status == 0, proved.text


def test_bad_use_ends_with_a_message(home: Path, upstream: Upstream, tmp_path: Path) -> None:
    gone = prove(home, upstream.url, tmp_path / "nothing")
    assert (gone.status, "cannot be served" in gone.text) == (5, True)
    only = tmp_path / "only.txt"
    only.write_text("go@1.26.1\n")
    nothing = prove(home, upstream.url, home / "ATHENS_STORAGE", str(only))
    assert (nothing.status, "no line names a module" in nothing.text) == (2, True)
    only.write_text("-r broken/go.mod\n")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "go.mod").write_text("module m\n\nrequire (\n")
    broken = prove(home, upstream.url, home / "ATHENS_STORAGE", str(only))
    assert (broken.status, "go.mod: not tried: " in broken.text) == (2, True), broken.text
    for option in ("--html", "--json"):
        page = str(tmp_path / "nothing" / "page")
        unwritten = prove(home, upstream.url, home / "ATHENS_STORAGE", option, page)
        assert (unwritten.status, "steps" in unwritten.text) == (5, False), unwritten.text
        assert f"{page}: cannot be written: no such folder" in unwritten.text


def test_real_list_is_as_connected_with_its_checksum_database(tmp_path: Path) -> None:
    lines = "github.com/google/uuid\ngithub.com/pkg/errors@v0.9.1\n"
    (tmp_path / "goget.txt").write_text(lines)
    with caching_proxy() as proxy:
        default = subprocess.run(
            ["go", "env", "GOSUMDB"], capture_output=True, text=True, check=True
        )
        settings = {"GOPROXY": proxy.url, "GOSUMDB": default.stdout.strip()}
        env = {**os.environ, **settings, "PYTHONPATH": str(Path(__file__).parents[2])}
        command = [sys.executable, "-m", "gopack"]
        filled = subprocess.run(
            [*command, "fetch"], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
        )
        assert filled.returncode == 0, filled.stderr
        done = subprocess.run(
            [*command, "prove", "--compare"],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    (tmp_path / "one.txt").write_text("github.com/pkg/errors@v0.9.1\n")
    with served(tmp_path / "ATHENS_STORAGE") as athens:
        plain = subprocess.run(
            [*command, "prove", "--proxy", athens.url, "one.txt"],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
    assert "verification is off" not in done.stderr
    assert "failed" not in done.stderr
    # Athens has no checksum database, whatever the storage behind it carries.
    assert plain.returncode == 0, plain.stderr
    assert "verification is off" in plain.stderr


def test_page_that_cannot_be_written_leaves_the_report(upstream: Upstream, home: Path) -> None:
    proved = prove(home, upstream.url, home / "ATHENS_STORAGE", "--html", "/dev/full")
    assert proved.status == proved.report["exit_status"] == 5, proved.text
    assert proved.verdicts("example.com/app")["build"] == "good"
    [error] = proved.report["errors"]
    assert "/dev/full: cannot be written" in error["message"]
