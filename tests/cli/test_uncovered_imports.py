"""Imports that no go.mod covers, and packages that all lines together lack: what is told."""

from pathlib import Path

import pytest

from tests import athens_layout
from tests.cli import program
from tests.oracle.gojudge import GoJudge
from tests.upstream import Fault, Upstream

pytestmark = pytest.mark.e2e  # whole runs of the program: too long for make check

OLD, MOVED, BROKEN, BASE = (f"example.com/{name}" for name in ("old", "Moved", "broken", "base"))


@pytest.fixture
def proxy(upstream: Upstream) -> Upstream:
    """`old` imports a module that moved, one that cannot be loaded, and a good one."""
    imports = {"old.go": MOVED, "x/x.go": BROKEN, "y/y.go": BASE}
    files = {n: f'package p\n\nimport _ "{path}"\n'.encode() for n, path in imports.items()}
    upstream.add(OLD, "v1.0.0", files=files)
    package = {"p.go": b"package p\n"}
    upstream.add(MOVED, "v1.0.0", mod="module example.com/moved\n", files=package)
    upstream.add(
        BROKEN, "v1.0.0", mod=f"module {BROKEN}\n\nrequire a.b/gone v1.0.0\n", files=package
    )
    upstream.add(BASE, "v1.0.0", files=package)
    return upstream


def test_module_that_go_refuses_provides_nothing_and_fails_nothing(
    tmp_path: Path, proxy: Upstream
) -> None:
    """`go get` fails on the two packages connected, too, and on the same; the third one works."""
    ran = program.fetch(tmp_path, proxy.url, f"{OLD}\n")
    assert ran.status == 0, ran.text
    assert program.assert_whole(ran.storage) == dict.fromkeys(
        (f"{path}@v1.0.0" for path in (OLD, MOVED, BROKEN, BASE)), "complete"
    )
    [moved] = [text for text in ran.text.splitlines() if f"package {MOVED} " in text]
    assert f"warning: package {MOVED} (imported by {OLD}): go refuses the module" in moved
    assert "expected example.com/Moved, got example.com/moved" in moved
    [broken] = [text for text in ran.text.splitlines() if f"package {BROKEN} " in text]
    assert "a.b/gone@v1.0.0: 404" in broken


def test_version_that_is_stored_as_go_refuses_it_is_not_told_as_missing(
    tmp_path: Path, upstream: Upstream
) -> None:
    """A go.mod beyond the graph requires it, so no go.mod covers its package for a project."""
    requires = {OLD: BASE, BASE: BROKEN}
    for path, wanted in requires.items():
        upstream.add(
            path,
            "v1.0.0",
            mod=f"module {path}\n\ngo 1.21\n\nrequire {wanted} v1.0.0\n",
            files={"p.go": f'package p\n\nimport _ "{wanted}"\n'.encode()},
        )
    upstream.add(BROKEN, "v1.0.0", mod="what is\n", files={"p.go": b"package p\n"})
    ran = program.fetch(tmp_path, upstream.url, f"{OLD}\n")
    assert ran.status == 0, ran.text
    assert program.assert_whole(ran.storage)[f"{BROKEN}@v1.0.0"] == "complete"
    [told] = [text for text in ran.text.splitlines() if BROKEN in text and "warning" in text]
    assert f"package {BROKEN} (imported by {BASE}): go refuses the module" in told


def test_module_that_may_be_had_later_is_no_warning(tmp_path: Path, proxy: Upstream) -> None:
    proxy.fail("/a.b/gone/*", Fault(status=500))
    ran = program.fetch(tmp_path, proxy.url, f"{OLD}\n")
    assert ran.status == 3, ran.text


@pytest.mark.parametrize("again", [False, True])
def test_lines_that_keep_a_package_from_each_other_are_named(
    tmp_path: Path,
    upstream: Upstream,
    again: bool,  # noqa: FBT001
) -> None:
    """v1.1.0 of base has lost a package that only `user` imports; `other` matters not."""
    upstream.add(BASE, "v1.0.0", files={"gone/p.go": b"package gone\n", "p.go": b"package p\n"})
    upstream.add(BASE, "v1.1.0", files={"p.go": b"package p\n"})
    for name, version in {"user": "v1.0.0", "newer": "v1.1.0", "other": "v1.0.0"}.items():
        path, wanted = f"example.com/{name}", f"{BASE}/gone" if name == "user" else BASE
        mod = f"module {path}\n\ngo 1.20\n\nrequire {BASE} {version}\n"
        upstream.add(
            path, "v1.0.0", mod=mod, files={"p.go": f'package p\n\nimport _ "{wanted}"\n'.encode()}
        )
    lines = "example.com/other\nexample.com/user\nexample.com/newer\n"
    ran = program.fetch(tmp_path, upstream.url, lines)
    if again:
        ran = program.fetch(tmp_path, upstream.url, lines)
    assert ran.status == 0, ran.text
    assert "example.com/user (goget.txt:2) and example.com/newer (goget.txt:3) clash" in ran.text
    assert f"{BASE}@v1.1.0, which has no package {BASE}/gone" in ran.text
    assert "no module provides it" not in ran.text


GEN = "example.com/gen"


@pytest.fixture
def moved_out(upstream: Upstream) -> Upstream:
    """`gen/rpc` left `gen`, of which `old` uses a version that has it, too."""
    files = {"other/p.go": b"package other\n", "rpc/status/p.go": b"package status\n"}
    upstream.add(GEN, "v1.0.0", files=files)
    files = {f"{name}/p.go": f"package {name}\n".encode() for name in ("status", "code")}
    upstream.add(f"{GEN}/rpc", "v1.0.0", files=files)
    for name, required, imported in (
        ("old", GEN, ["other"]),
        ("new", f"{GEN}/rpc", ["rpc/status", "rpc/code"]),
        ("plain", f"{GEN}/rpc", ["rpc/status"]),
    ):
        mod = f"module example.com/{name}\n\ngo 1.20\n\nrequire {required} v1.0.0\n"
        imports = "".join(f'import _ "{GEN}/{each}"\n' for each in imported)
        source = f"package {name}\n\n{imports}".encode()
        upstream.add(f"example.com/{name}", "v1.0.0", mod=mod, files={"p.go": source})
    upstream.add("example.com/alone", "v1.0.0", files={"p.go": b"package alone\n"})
    return upstream


@pytest.mark.parametrize("again", [False, True])
def test_lines_that_bring_a_package_twice_are_named(
    tmp_path: Path,
    moved_out: Upstream,
    again: bool,  # noqa: FBT001
) -> None:
    lines = "example.com/alone\nexample.com/old\nexample.com/new\n"
    ran = program.fetch(tmp_path, moved_out.url, lines)
    if again:
        ran = program.fetch(tmp_path, moved_out.url, lines)
    assert ran.status == 0, ran.text
    [told] = [text for text in ran.text.splitlines() if "ambiguous" in text]
    assert "example.com/old (goget.txt:2) and example.com/new (goget.txt:3) clash" in told
    assert f"{GEN}@v1.0.0 and {GEN}/rpc@v1.0.0 have package {GEN}/rpc/status" in told


def test_package_that_go_takes_from_the_module_it_has_already_is_no_clash(
    tmp_path: Path, moved_out: Upstream
) -> None:
    ran = program.fetch(tmp_path, moved_out.url, "example.com/old\nexample.com/plain\n")
    assert ran.status == 0, ran.text
    assert "warning" not in ran.text


def test_line_that_brings_a_package_twice_fails_nothing(
    tmp_path: Path, moved_out: Upstream
) -> None:
    mod = f"module example.com/both\n\ngo 1.20\n\nrequire (\n{GEN} v1.0.0\n{GEN}/rpc v1.0.0\n)\n"
    imports = "".join(f'import _ "{GEN}/{name}"\n' for name in ("other", "rpc/status", "rpc/code"))
    source = f"package both\n\n{imports}".encode()
    moved_out.add("example.com/both", "v1.0.0", mod=mod, files={"p.go": source})
    ran = program.fetch(tmp_path, moved_out.url, "example.com/both\n")
    assert ran.status == 0, ran.text
    [told] = [text for text in ran.text.splitlines() if "ambiguous" in text]
    assert f"{GEN}@v1.0.0 and {GEN}/rpc@v1.0.0 have package {GEN}/rpc/status" in told
    assert "an ambiguous import: go mod tidy fails on it, connected, too" in told


@pytest.mark.parametrize("required", [GEN, "example.com/none"])
def test_latest_that_parts_a_package_in_two_modules_is_stored_and_no_other(
    tmp_path: Path, moved_out: Upstream, required: str
) -> None:
    """Where it requires nothing of the other module it helps nobody."""
    files = {"status/p.go": b"package status\n", "code/p.go": b"package code\n"}
    mod = f"module {GEN}/rpc\n\nrequire {required} v1.1.0\n"
    moved_out.add("example.com/none", "v1.1.0", files={"p.go": b"package none\n"})
    moved_out.add(GEN, "v1.1.0", files={"other/p.go": b"package other\n"})
    moved_out.add(f"{GEN}/rpc", "v1.1.0", mod=mod, files=files)
    lines = "example.com/old\nexample.com/new\n"
    for _ in range(2):
        ran = program.fetch(tmp_path, moved_out.url, lines, "--prune")
        assert ran.status == 0, ran.text
        stored = program.assert_whole(ran.storage)
        assert (f"{GEN}/rpc@v1.1.0" in stored) is (required == GEN)
        assert "an ambiguous import" in ran.text
    assert "following imports" not in ran.text


@pytest.mark.parametrize("names", ["new", "old", "old new", "old plain"])
@pytest.mark.oracle
def test_go_finds_a_package_ambiguous_where_lines_clash(
    tmp_path: Path, moved_out: Upstream, names: str
) -> None:
    go = GoJudge(tmp_path / "project", moved_out.url)
    imports = "".join(f'import _ "example.com/{name}"\n' for name in names.split())
    (go.folder / "main.go").write_text(f"package main\n\n{imports}\nfunc main() {{}}\n")
    go.require([(f"example.com/{name}", "v1.0.0") for name in names.split()])
    ran = go.run("mod", "tidy")
    assert ("ambiguous import" in ran.stderr) is (names == "old new"), ran.stderr
    assert (ran.returncode == 0) is (names != "old new")


def test_import_whose_latest_requires_more_of_the_line_is_held_back(
    tmp_path: Path, upstream: Upstream
) -> None:
    """`go get old@v1.0.0` takes base@v1.0.0; a project that requires both takes old@v1.1.0."""
    files = {"old.go": f'package old\n\nimport _ "{BASE}"\n'.encode()}
    upstream.add(OLD, "v1.1.0", files=files)
    gone = b'package sub\n\nimport _ "a.b/nobody"\n'
    upstream.add(OLD, "v1.0.0", files={**files, "sub/sub.go": gone})
    held = f"module {BASE}\n\nretract v1.0.1\n\nrequire {OLD} v1.1.0\n"
    for version in ("v0.9.0", "v1.0.0", "v1.0.1", "v1.1.0", "v1.2.0"):
        mod = held if version > "v1.0.1" else None
        upstream.add(BASE, version, mod=mod, files={"p.go": b"package p\n"})
    for _ in range(2):
        ran = program.fetch(tmp_path, upstream.url, f"{OLD}@v1.0.0\n", "--prune")
        assert ran.status == 0, ran.text
        assert "warning: package a.b/nobody" in ran.text
        assert program.assert_whole(ran.storage) == dict.fromkeys(
            (f"{OLD}@v1.0.0", f"{OLD}@v1.1.0", f"{BASE}@v1.0.0", f"{BASE}@v1.2.0"), "complete"
        )


@pytest.mark.oracle
def test_package_of_a_module_at_an_incompatible_version_is_looked_for_in_such_versions(
    tmp_path: Path, upstream: Upstream
) -> None:
    """`latest` is v1.5.0, and go looks into v3.0.0+incompatible, since v2.0.0 is selected."""
    files = {"p.go": b"package p\n"}
    upstream.add(BASE, "v1.5.0", mod=f"module {BASE}\n\ngo 1.20\n", files=files)
    upstream.add_without_gomod(BASE, "v2.0.0+incompatible", files)
    upstream.add_without_gomod(BASE, "v3.0.0+incompatible", {**files, "new/p.go": files["p.go"]})
    mod = f"module {OLD}\n\ngo 1.20\n\nrequire {BASE} v2.0.0+incompatible\n"
    source = f'package old\n\nimport _ "{BASE}"\nimport _ "{BASE}/new"\n'
    upstream.add(OLD, "v1.0.0", mod=mod, files={"old.go": source.encode()})
    for _ in range(2):
        ran = program.fetch(tmp_path, upstream.url, f"{OLD}\n", "--prune")
        assert ran.status == 0, ran.text
        assert "warning" not in ran.text
        with athens_layout.served(ran.storage) as sealed:
            behind = _tidied(tmp_path / "sealed", sealed.url)
        connected = _tidied(tmp_path / "connected", upstream.url)
        assert behind == connected
        assert f"{BASE} v3.0.0+incompatible" in connected


def _tidied(folder: Path, url: str) -> str:
    """The go.mod and go.sum of a project that uses `old`."""
    go = GoJudge(folder, url)
    (folder / "m.go").write_text(f'package m\n\nimport _ "{OLD}"\n')
    go.require([(OLD, "v1.0.0")])
    done = go.run("mod", "tidy")
    assert done.returncode == 0, done.stderr
    return go.mod.read_text() + (folder / "go.sum").read_text()
