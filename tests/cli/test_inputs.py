"""Files that are no lists, given to the whole program."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests import athens_layout
from tests.cli import program
from tests.upstream import Upstream

A, B, C, FORK = (f"example.com/{name}" for name in ("a", "b", "c", "fork"))


@pytest.fixture
def proxy(upstream: Upstream) -> Upstream:
    """a@v1.0.0 requires b@v1.0.0, which requires c@v1.0.0; there is b and c at v1.1.0, too."""
    upstream.add(A, "v1.0.0", mod=f"module {A}\n\ngo 1.20\n\nrequire {B} v1.0.0\n")
    for version in ("v1.0.0", "v1.1.0"):
        upstream.add(B, version, mod=f"module {B}\n\ngo 1.20\n\nrequire {C} {version}\n")
        upstream.add(C, version, mod=f"module {C}\n\ngo 1.20\n")
    upstream.add(FORK, "v1.9.0", mod=f"module {B}\n\ngo 1.20\n\nrequire {C} v1.1.0\n")
    return upstream


def fetch(folder: Path, proxy: Upstream, name: str, text: str, *more: str) -> program.Ran:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return program.fetch(folder, proxy.url, None, name, *more)


def test_go_mod_is_a_main_module_with_its_graph(tmp_path: Path, proxy: Upstream) -> None:
    ran = fetch(tmp_path, proxy, "go.mod", f"module m\n\ngo 1.20\n\nrequire {A} v1.0.0\n")
    assert ran.status == 0, ran.text
    assert program.assert_whole(ran.storage) == dict.fromkeys(
        (f"{A}@v1.0.0", f"{B}@v1.0.0", f"{C}@v1.0.0"), "complete"
    )


def test_go_mod_with_a_folder_in_place_of_a_module_does_the_rest(
    tmp_path: Path, proxy: Upstream
) -> None:
    text = f"module m\n\ngo 1.20\n\nrequire {A} v1.0.0\n\nreplace {B} => ../b\n"
    ran = fetch(tmp_path, proxy, "go.mod", text)
    assert ran.status == 0, ran.text
    assert f"warning: {B} is replaced by the folder ../b: skipped" in ran.text
    assert program.assert_whole(ran.storage) == {f"{A}@v1.0.0": "complete"}


def test_go_mod_with_a_fork_stores_the_fork_and_what_the_fork_requires(
    tmp_path: Path, proxy: Upstream
) -> None:
    text = f"module m\n\ngo 1.20\n\nrequire {A} v1.0.0\n\nreplace {B} => {FORK} v1.9.0\n"
    ran = fetch(tmp_path, proxy, "go.mod", text)
    assert ran.status == 0, ran.text
    assert program.assert_whole(ran.storage) == dict.fromkeys(
        (f"{A}@v1.0.0", f"{FORK}@v1.9.0", f"{C}@v1.1.0"), "complete"
    )


def test_go_mod_with_a_required_fork_goes_with_all_other_lines(
    tmp_path: Path, proxy: Upstream
) -> None:
    """No other project can require the fork by its own name."""
    requires = f"require {A} v1.0.0\n\nrequire {B} v1.0.0\n\nrequire {C} v1.0.0"
    replaces = f"replace {B} => {FORK} v1.9.0\n\nreplace {C} => {C} v1.1.0"
    (tmp_path / "go.mod").write_text(f"module m\n\ngo 1.20\n\n{requires}\n\n{replaces}\n")
    ran = program.fetch(tmp_path, proxy.url, f"-r go.mod\n{C}@v1.0.0\n")
    assert ran.status == 0, ran.text
    assert "all lines together" not in ran.text
    assert program.assert_whole(ran.storage).keys() >= {f"{FORK}@v1.9.0", f"{B}@v1.0.0"}
    checked = program.start(tmp_path, proxy.url, "check")
    out, text = checked.communicate(timeout=program.STARTED_S)
    assert checked.returncode == 0, out + text
    assert f"note: {FORK}/v1.9.0/go.mod: go.mod names another module path ({B})" in out + text


def test_go_mod_exclude_drops_the_requirement_wherever_it_stands(
    tmp_path: Path, proxy: Upstream
) -> None:
    text = f"module m\n\ngo 1.16\n\nrequire {A} v1.0.0\n\nexclude {C} v1.0.0\n"
    ran = fetch(tmp_path, proxy, "go.mod", text)
    assert ran.status == 0, ran.text
    assert set(program.assert_whole(ran.storage)) == {f"{A}@v1.0.0", f"{B}@v1.0.0"}


def test_go_mod_that_is_required_by_what_it_requires_is_no_requirement(
    tmp_path: Path, proxy: Upstream
) -> None:
    text = f"module {C}\n\ngo 1.20\n\nrequire {A} v1.0.0\n"
    ran = fetch(tmp_path, proxy, "go.mod", text)
    assert ran.status == 0, ran.text
    assert set(program.assert_whole(ran.storage)) == {f"{A}@v1.0.0", f"{B}@v1.0.0"}


def test_go_mod_that_cannot_be_read_fails_alone(tmp_path: Path, proxy: Upstream) -> None:
    (tmp_path / "list.txt").write_text(f"{C}@v1.0.0\n")
    ran = fetch(tmp_path, proxy, "go.mod", "module m\n\nrequire {\n", "list.txt")
    assert ran.status == 2, ran.text
    assert "go.mod:3:" in ran.text
    assert "hint: " in ran.text
    assert program.assert_whole(ran.storage) == {f"{C}@v1.0.0": "complete"}


def test_go_sum_is_exactly_its_versions(tmp_path: Path, proxy: Upstream) -> None:
    first = fetch(tmp_path, proxy, "go.mod", f"module m\n\ngo 1.20\n\nrequire {A} v1.0.0\n")
    sums = (first.storage / ".gopack" / "go.sum").read_text()
    kept = [line for line in sums.splitlines() if line.split()[0] != A]
    text = "".join(f"{line}\n" for line in kept if not line.startswith(f"{C} v1.0.0 "))
    (tmp_path / "second").mkdir()
    ran = fetch(tmp_path / "second", proxy, "go.sum", text)
    assert ran.status == 0, ran.text
    assert program.assert_whole(ran.storage) == {
        f"{B}@v1.0.0": "complete",
        f"{C}@v1.0.0": "mod-only",
    }


@pytest.mark.parametrize("suffix", ["", "/go.mod"])
def test_go_sum_with_another_sum_is_status_4_and_the_rest_is_done(
    tmp_path: Path, proxy: Upstream, suffix: str
) -> None:
    bad = "h1:" + "A" * 43 + "="
    (tmp_path / "list.txt").write_text(f"{C}@v1.0.0\n")
    text = f"{C} v1.1.0{suffix} {bad}\n"
    ran = fetch(tmp_path, proxy, "go.sum", text, "list.txt")
    assert ran.status == 4, ran.text
    assert f"{C}@v1.1.0: checksum mismatch" in ran.text
    assert bad in ran.text
    assert set(program.assert_whole(ran.storage)) == {f"{C}@v1.0.0"}


def test_go_sum_is_held_against_what_is_stored_already(tmp_path: Path, proxy: Upstream) -> None:
    (tmp_path / "list.txt").write_text(f"{C}@v1.0.0\n")
    assert program.fetch(tmp_path, proxy.url, None, "list.txt").status == 0
    ran = fetch(tmp_path, proxy, "go.sum", f"{C} v1.0.0 h1:{'A' * 43}=\n")
    assert ran.status == 4, ran.text
    assert f"{C}@v1.0.0: checksum mismatch" in ran.text


def test_line_that_is_none_hides_no_sum_that_is_another(tmp_path: Path, proxy: Upstream) -> None:
    bad = f"h1:{'A' * 43}="
    ran = fetch(tmp_path, proxy, "go.sum", f"<<<<<<< HEAD\n{C} v1.0.0/go.mod {bad}\n")
    assert ran.status == 4, ran.text
    assert "go.sum:1:1: malformed go.sum line" in ran.text
    assert f"{C}@v1.0.0: checksum mismatch" in ran.message("go.sum: ")
    assert not program.assert_whole(ran.storage)


def test_bad_line_of_a_workspace_s_member_is_told_in_its_file(
    tmp_path: Path, proxy: Upstream
) -> None:
    (tmp_path / "x").mkdir()
    requires = f"require (\n\t{C} v1.0.0\n\tno_module v1.0.0\n)"
    (tmp_path / "x" / "go.mod").write_text(f"module m/x\n\ngo 1.20\n\n{requires}\n")
    ran = fetch(tmp_path, proxy, "go.work", "go 1.20\n\nuse ./x\n")
    assert ran.status == 2, ran.text
    assert "x/go.mod: line 7: " in ran.message("go.work: ")


def test_go_sum_with_a_line_that_is_none_does_the_rest(tmp_path: Path, proxy: Upstream) -> None:
    first = fetch(tmp_path, proxy, "go.mod", f"module m\n\ngo 1.20\n\nrequire {C} v1.0.0\n")
    sums = (first.storage / ".gopack" / "go.sum").read_text()
    (tmp_path / "second").mkdir()
    ran = fetch(tmp_path / "second", proxy, "go.sum", f"{sums}<<<<<<< HEAD\n")
    assert ran.status == 2, ran.text
    assert "go.sum:3:1: malformed go.sum line" in ran.text
    assert "the rest of the file was taken" in ran.message("go.sum: ")
    assert set(program.assert_whole(ran.storage)) == {f"{C}@v1.0.0"}


def test_go_work_is_its_members_alone_and_together(tmp_path: Path, proxy: Upstream) -> None:
    for name, requires in {"x": f"{B} v1.0.0", "y": f"{C} v1.1.0"}.items():
        (tmp_path / name).mkdir()
        text = f"module m/{name}\n\ngo 1.20\n\nrequire {requires}\nrequire m/x v0.0.0\n"
        (tmp_path / name / "go.mod").write_text(text)
    ran = fetch(tmp_path, proxy, "go.work", "go 1.20\n\nuse (\n\t./x\n\t./y\n\t./none\n)\n")
    assert ran.status == 2, ran.text
    assert "go.work:6:2: none/go.mod: cannot be read" in ran.text
    assert "line 6: none/go.mod: cannot be read" in ran.message("go.work: ")
    assert set(program.assert_whole(ran.storage)) == {
        *(f"{B}@v1.0.0", f"{C}@v1.0.0", f"{C}@v1.1.0"),
    }


def test_go_work_members_may_require_each_other_by_any_name(
    tmp_path: Path, proxy: Upstream
) -> None:
    """`m/y` could not be fetched, and need not be: go takes the member."""
    for name, requires in {"x": "m/y v0.0.0", "y": f"{C} v1.1.0"}.items():
        (tmp_path / name).mkdir()
        text = f"module m/{name}\n\ngo 1.20\n\nrequire {requires}\n"
        (tmp_path / name / "go.mod").write_text(text)
    ran = fetch(tmp_path, proxy, "go.work", "go 1.20\n\nuse ./x\nuse ./y\n")
    assert ran.status == 0, ran.text
    assert set(program.assert_whole(ran.storage)) == {f"{C}@v1.1.0"}


def test_vendor_go_list_and_sbom_are_read_through_a_list(tmp_path: Path, proxy: Upstream) -> None:
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor" / "modules.txt").write_text(f"# {C} v1.1.0\n## explicit; go 1.20\n")
    module = {"Path": C, "Version": "v1.0.0"}
    (tmp_path / "modules.json").write_text(json.dumps(module))
    components = [{"name": B, "purl": f"pkg:golang/{B}@v1.1.0"}]
    sbom = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": components}
    (tmp_path / "sbom.json").write_text(json.dumps(sbom))
    lines = "-r vendor/modules.txt\n-r modules.json\n-r sbom.json\n"
    ran = program.fetch(tmp_path, proxy.url, lines)
    assert ran.status == 0, ran.text
    assert set(program.assert_whole(ran.storage)) == {
        *(f"{C}@v1.0.0", f"{C}@v1.1.0", f"{B}@v1.1.0"),
    }


def test_sbom_without_go_parts_is_status_2_and_the_rest_is_done(
    tmp_path: Path, proxy: Upstream
) -> None:
    sbom = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": []}
    (tmp_path / "sbom.json").write_text(json.dumps(sbom))
    ran = program.fetch(tmp_path, proxy.url, f"-r sbom.json\n{C}@v1.0.0\n")
    assert ran.status == 2, ran.text
    [told] = [line for line in ran.text.splitlines() if line.startswith("gopack: goget.txt:1: ")]
    assert told == "gopack: goget.txt:1: sbom.json: no Go modules among its components"
    assert set(program.assert_whole(ran.storage)) == {f"{C}@v1.0.0"}


def test_versions_of_one_module_are_each_stored_with_their_graph(
    tmp_path: Path, proxy: Upstream
) -> None:
    ran = program.fetch(tmp_path, proxy.url, f"{B}@all[<v1.1]\n{C}@all\n")
    assert ran.status == 0, ran.text
    assert set(program.assert_whole(ran.storage)) == {
        *(f"{B}@v1.0.0", f"{C}@v1.0.0", f"{C}@v1.1.0"),
    }


def test_toolchains_are_stored_for_every_named_platform(tmp_path: Path, upstream: Upstream) -> None:
    path = "golang.org/toolchain"
    for name in ("1.25.1.linux-amd64", "1.26.3.linux-amd64", "1.26.3.windows-amd64"):
        upstream.add(path, f"v0.0.1-go{name}", files={"bin/go": b"#!"})
    (tmp_path / "goget.txt").write_text("go@1.25.x\ntoolchain@go1.26.3 windows/amd64\n")
    process = program.start(tmp_path, upstream.url, "plan", "--json", "-")
    out, text = process.communicate(timeout=program.STARTED_S)
    assert process.returncode == 0, text
    report = json.loads(out)
    assert {(v["version"].removeprefix("v0.0.1-go"), v["state"]) for v in report["versions"]} == {
        ("1.25.1.linux-amd64", "complete"),
        ("1.26.3.linux-amd64", "complete"),
        ("1.26.3.windows-amd64", "complete"),
    }


def test_go_that_is_needed_is_told_with_the_line_to_add(tmp_path: Path, upstream: Upstream) -> None:
    upstream.add(A, "v1.0.0", mod=f"module {A}\n\ngo 1.25.3\n")
    ran = program.fetch(tmp_path, upstream.url, f"{A}\n")
    assert ran.status == 0, ran.text
    assert "the lines need Go 1.25.3" in ran.text
    assert "add the line go@1.25.3" in ran.text
    assert ran.line(A)["go"] == "1.25.3"
    assert ran.report["go_lines_to_add"] == ["go@1.25.3"]


@pytest.mark.parametrize(
    ("lines", "offered"),
    [
        ("go 1.25", ["go@1.25.0"]),
        ("go 1.25.0\n\ntoolchain go1.25.5", ["go@1.25.5"]),
        ("go 1.25.0\n\ntoolchain default", ["go@1.25.0"]),
        ("go 1.20", []),
    ],
)
def test_go_that_a_main_module_switches_to_is_offered_exactly(
    tmp_path: Path, proxy: Upstream, lines: str, offered: list[str]
) -> None:
    ran = fetch(tmp_path, proxy, "go.mod", f"module m\n\n{lines}\n\nrequire {A} v1.0.0\n")
    assert ran.status == 0, ran.text
    assert ran.report["go_lines_to_add"] == offered


@pytest.mark.parametrize("line", [f"replace {B} => {FORK} v1.9.0", f"exclude {B} v1.0.0"])
def test_command_that_go_install_refuses_is_marked(
    tmp_path: Path, proxy: Upstream, line: str
) -> None:
    path = "example.com/tool"
    main = {"cmd/run/main.go": b"package main\n\nfunc main() {}\n"}
    proxy.add(path, "v1.0.0", mod=f"module {path}\n\ngo 1.20\n\n{line}\n", files=main)
    ran = program.fetch(tmp_path, proxy.url, f"{path}/cmd/run\n{path}\n")
    assert ran.status == 0, ran.text
    [note] = ran.line(f"{path}/cmd/run")["notes"]
    assert note == f"go install refuses it: its go.mod has {line.split(maxsplit=1)[0]}"
    assert ran.line(path)["notes"] == []


def test_package_that_its_module_does_not_have_fails_alone(tmp_path: Path, proxy: Upstream) -> None:
    ran = program.fetch(tmp_path, proxy.url, f"{C}/cmd/none@v1.0.0\n{C}@v1.1.0\n")
    assert ran.status == 3, ran.text
    assert f"module {C}@v1.0.0 found, but does not contain package {C}/cmd/none" in ran.text
    assert f"{C}@v1.1.0" in program.assert_whole(ran.storage)


def test_tool_that_is_no_command_is_status_2_and_the_rest_is_done(
    tmp_path: Path, proxy: Upstream
) -> None:
    files = {"lib.go": b"package lib\n", "cmd/run/main.go": b"package main\n\nfunc main() {}\n"}
    proxy.add("example.com/tool", "v1.0.0", files=files)
    tools = "tool (\n\texample.com/tool\n\texample.com/tool/cmd/run\n\tm/own\n\texample.com/a/no\n)"
    requires = f"require (\n\texample.com/tool v1.0.0\n\t{A} v1.0.0\n)"
    (tmp_path / "list.txt").write_text(f"{C}@v1.1.0\n")
    text = f"module m\n\ngo 1.24\n\n{tools}\n\n{requires}\n"
    ran = fetch(tmp_path, proxy, "go.mod", text, "list.txt")
    assert ran.status == 2, ran.text
    message = ran.message("go.mod: ")
    assert "tool example.com/tool: it is no command in example.com/tool@v1.0.0" in message
    assert "tool example.com/a/no: no module that it requires has this package" in message
    assert "cmd/run" not in message
    assert "m/own" not in message
    assert "hint: `go tool` refuses it connected, too" in message
    stored = program.assert_whole(ran.storage)
    assert stored.keys() >= {"example.com/tool@v1.0.0", f"{A}@v1.0.0", f"{C}@v1.1.0"}
    good = text.replace("\texample.com/tool\n\te", "\te", 1).replace("\texample.com/a/no\n", "")
    assert fetch(tmp_path, proxy, "go.mod", good).status == 0


def test_modules_that_require_each_other_are_stored(tmp_path: Path, upstream: Upstream) -> None:
    for path, other in ((A, B), (B, A)):
        upstream.add(path, "v1.0.0", mod=f"module {path}\n\ngo 1.20\n\nrequire {other} v1.0.0\n")
    ran = program.fetch(tmp_path, upstream.url, f"{A}\n{B}\n")
    assert ran.status == 0, ran.text
    assert set(program.assert_whole(ran.storage)) == {f"{A}@v1.0.0", f"{B}@v1.0.0"}


def test_module_that_moved_is_told_with_its_new_path(tmp_path: Path, upstream: Upstream) -> None:
    upstream.add(A, "v1.0.0", mod="module example.com/new/a\n")
    upstream.add(C, "v1.0.0")
    ran = program.fetch(tmp_path, upstream.url, f"{A}\n{C}\n")
    assert ran.status == 4, ran.text
    assert "list example.com/new/a instead" in ran.message(A)
    assert set(program.assert_whole(ran.storage)) == {f"{C}@v1.0.0"}


@pytest.mark.parametrize(
    ("lines", "options", "words"),
    [
        ("toolchain@go1.26.3 linux/amd46\n", (), "goget.txt:1:20: unknown platform"),
        ("go@1.26.x\n", ("--platform", "windos/amd64"), "windows/amd64"),
    ],
)
def test_unknown_platform_is_status_2_with_what_was_meant(
    tmp_path: Path, upstream: Upstream, lines: str, options: tuple[str, ...], words: str
) -> None:
    ran = program.fetch(tmp_path, upstream.url, lines, *options)
    assert ran.status == 2, ran.text
    assert words in ran.text
    assert upstream.paths() == []


@pytest.mark.oracle
@pytest.mark.parametrize("go", ["1.16", "1.20"])
@pytest.mark.parametrize(
    "lines",
    [
        "",
        f"replace {B} => {FORK} v1.9.0",
        f"replace {B} v1.0.0 => {B} v1.1.0",
        f"exclude {C} v1.0.0",
        f"replace {C} => ./local",
    ],
)
def test_go_loads_the_project_from_what_its_go_mod_brought(
    tmp_path: Path, proxy: Upstream, go: str, lines: str
) -> None:
    text = f"module m\n\ngo {go}\n\nrequire {A} v1.0.0\n\n{lines}\n"
    (tmp_path / "local").mkdir()
    (tmp_path / "local" / "go.mod").write_text(f"module {C}\n\ngo 1.20\n")
    ran = fetch(tmp_path, proxy, "go.mod", text)
    assert ran.status == 0, ran.text
    program.assert_whole(ran.storage)
    with athens_layout.served(ran.storage) as sealed:
        env = program.environment(
            tmp_path, sealed.url, GOFLAGS="-modcacherw -mod=mod", GOTOOLCHAIN="local"
        )
        for arguments in (["mod", "graph"], ["list", "-m", "all"], ["mod", "download", "all"]):
            got = subprocess.run(
                ["go", *arguments],
                check=False,
                cwd=tmp_path,
                env=env,
                capture_output=True,
                text=True,
            )
            assert got.returncode == 0, (arguments, got.stderr)
        assert sealed.missing() == []


@pytest.mark.oracle
def test_go_loads_a_workspace_and_its_members_alone(tmp_path: Path, proxy: Upstream) -> None:
    for name, go, requires in (("x", "1.16", f"{A} v1.0.0"), ("y", "1.20", f"{B} v1.1.0")):
        (tmp_path / name).mkdir()
        text = f"module m.com/{name}\n\ngo {go}\n\nrequire {requires}\n"
        (tmp_path / name / "go.mod").write_text(text)
    ran = fetch(tmp_path, proxy, "go.work", "go 1.20\n\nuse ./x\nuse ./y\n")
    assert ran.status == 0, ran.text
    with athens_layout.served(ran.storage) as sealed:
        base = program.environment(tmp_path, sealed.url, GOTOOLCHAIN="local")
        alone = {"GOWORK": "off", "GOFLAGS": "-modcacherw -mod=mod"}
        for folder, more in ((tmp_path, {}), (tmp_path / "x", alone), (tmp_path / "y", alone)):
            env = {**base, "GOFLAGS": "-modcacherw", **more}
            command = ["go", "list", "-m", "all"]
            got = subprocess.run(
                command, check=False, cwd=folder, env=env, capture_output=True, text=True
            )
            assert got.returncode == 0, (folder, got.stderr)
        assert sealed.missing() == []


def serve_chain(upstream: Upstream, chain: Mapping[str, tuple[str, str]]) -> None:
    """Serve `{"d@v1.0.0": (go, requirements)}` of m.com/d, each with a package."""
    for name, (go, requires) in chain.items():
        path, _, version = name.partition("@")
        lines = "".join(f"\nrequire m.com/{r.replace('@', ' ')}\n" for r in requires.split())
        mod = f"module m.com/{path}\n\ngo {go}\n{lines}"
        upstream.add(
            f"m.com/{path}", version, mod=mod, files={"p.go": f"package {path}\n".encode()}
        )


@pytest.mark.oracle
def test_go_loads_a_workspace_whose_members_want_two_versions(
    tmp_path: Path, upstream: Upstream
) -> None:
    """Go reads what b's d requires at the version that d names, where e selects another."""
    serve_chain(
        upstream,
        {
            "d@v1.0.0": ("1.21", ""),
            "d@v1.1.0": ("1.21", "x@v1.0.0"),
            "e@v1.0.0": ("1.21", "x@v1.2.0"),
            "x@v1.0.0": ("1.16", "y@v1.0.0"),
            "x@v1.2.0": ("1.21", ""),
            "y@v1.0.0": ("1.16", ""),
        },
    )
    for name, requires in {"a": ("d v1.0.0",), "b": ("d v1.1.0", "e v1.0.0")}.items():
        (tmp_path / name).mkdir()
        lines = "".join(f"\nrequire m.com/{required}\n" for required in requires)
        (tmp_path / name / "go.mod").write_text(f"module my.com/{name}\n\ngo 1.21\n{lines}")
    ran = fetch(tmp_path, upstream, "go.work", "go 1.21\n\nuse ./a\nuse ./b\n")
    assert ran.status == 0, ran.text
    with athens_layout.served(ran.storage) as sealed:
        env = program.environment(tmp_path, sealed.url, GOTOOLCHAIN="local", GOFLAGS="-modcacherw")
        command = ["go", "list", "-m", "all"]
        got = subprocess.run(
            command, check=False, cwd=tmp_path, env=env, capture_output=True, text=True
        )
        assert got.returncode == 0, got.stderr
        assert sealed.missing() == []


@pytest.mark.oracle
def test_go_tidies_a_main_module_at_go_1_17(tmp_path: Path, upstream: Upstream) -> None:
    """It compares what is selected with what go 1.16 would select, which prunes nothing."""
    chain = {"a@v1.0.0": ("1.17", "b@v1.0.0"), "b@v1.0.0": ("1.17", "c@v1.0.0")}
    chain |= {"c@v1.0.0": ("1.17", "d@v1.0.0"), "d@v1.0.0": ("1.17", "")}
    serve_chain(upstream, chain)
    text = "module my.com/m\n\ngo 1.17\n\nrequire m.com/a v1.0.0\n"
    ran = fetch(tmp_path, upstream, "go.mod", text)
    assert ran.status == 0, ran.text
    (tmp_path / "m.go").write_text('package m\n\nimport _ "m.com/a"\n')
    with athens_layout.served(ran.storage) as sealed:
        env = program.environment(tmp_path, sealed.url, GOTOOLCHAIN="local", GOFLAGS="-modcacherw")
        command = ["go", "mod", "tidy"]
        got = subprocess.run(
            command, check=False, cwd=tmp_path, env=env, capture_output=True, text=True
        )
        assert got.returncode == 0, got.stderr
        assert sealed.missing() == []


def test_version_that_is_stored_under_another_name_is_told(
    tmp_path: Path, upstream: Upstream
) -> None:
    upstream.add("m.com/old", "v2.0.0+incompatible", mod="module m.com/old\n")
    upstream.add_query("m.com/old", "v2.0.0", "v2.0.0+incompatible")
    ran = program.fetch(tmp_path, upstream.url, "m.com/old@v2.0.0\n")
    assert ran.status == 0, ran.text
    assert "m.com/old@v2.0.0 is v2.0.0+incompatible: behind the gap ask for that one" in ran.text
    ran = program.fetch(tmp_path, upstream.url, "m.com/old@v2.0.0+incompatible\n")
    assert "behind the gap" not in ran.text


def test_list_that_is_called_modules_txt_is_a_list(tmp_path: Path, proxy: Upstream) -> None:
    ran = fetch(tmp_path, proxy, "modules.txt", f"# ours\n{C}@v1.0.0\n")
    assert ran.status == 0, ran.text
    assert set(program.assert_whole(ran.storage)) == {f"{C}@v1.0.0"}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("go.mod", "module m\n\ngo 1.20\n", "--prune: no line needs any version, and all 3 that"),
        ("vendor/modules.txt", "", "no modules are vendored"),
    ],
)
def test_prune_by_a_file_that_names_nothing_is_refused(
    tmp_path: Path, proxy: Upstream, name: str, text: str, message: str
) -> None:
    before = program.assert_whole(program.fetch(tmp_path, proxy.url, f"{A}@v1.0.0\n").storage)
    ran = fetch(tmp_path, proxy, name, text, "--prune")
    assert ran.status == 2, ran.text
    assert ran.message(message)
    assert program.assert_whole(ran.storage) == before


def test_go_mod_that_requires_nothing_is_a_warning(tmp_path: Path, proxy: Upstream) -> None:
    ran = fetch(tmp_path, proxy, "go.mod", "module m\n\ngo 1.20\n")
    assert ran.status == 0, ran.text
    assert "go.mod: warning: it requires no module" in ran.text
