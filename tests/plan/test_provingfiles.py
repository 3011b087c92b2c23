"""The rows of files: which main module each is."""

from gopack.plan.closure import Level
from gopack.plan.inputs.detect import read_input
from gopack.plan.inputs.gowork import join_members
from gopack.plan.inputs.roots import Format
from gopack.plan.items import InputItem
from gopack.plan.proving import Project, Subject
from gopack.plan.provingfiles import rows_of
from gopack.plan.scenarios import SCENARIOS, untried
from gopack.spec import gomod

GO_MOD = b"""module m.test/a
go 1.24
require (
	a.test/x v1.0.0
	a.test/y v1.0.0
	a.test/z v1.0.0
)
exclude a.test/x v1.1.0
replace a.test/y => ../y
replace a.test/z v1.0.0 => a.test/fork v1.2.0
tool a.test/x/cmd/do
"""


def rows(name: str, data: bytes, kind: Format) -> list[Subject]:
    item = InputItem(name="goget.txt", text=name, roots=read_input(name, data, kind))
    return rows_of(item, Level.GRAPH, "1.26")


def project(row: Subject) -> Project:
    assert row.project is not None
    return row.project


def steps(row: Subject) -> list[str]:
    return [step.name for scenario in SCENARIOS for step in scenario.steps_of(row)]


def test_go_mod_keeps_its_lines_and_folders_are_empty_modules() -> None:
    [row] = rows("go.mod", GO_MOD, Format.GO_MOD)
    files = project(row).files
    written = gomod.parse(files["go.mod"], strict=True)
    assert (written.module, written.go) == ("m.test/a", "1.24")
    assert [m.path for m in written.require] == ["a.test/x", "a.test/z", "a.test/y"]
    assert [str(m) for m in written.exclude] == ["a.test/x@v1.1.0"]
    assert written.tool == ("a.test/x/cmd/do",)
    assert {r.old.path: r.new.path for r in written.replace} == {
        "a.test/y": "./folder0",
        "a.test/z": "a.test/fork",
    }
    assert gomod.parse(files["folder0/go.mod"], strict=True).module == "a.test/y"
    assert [str(m) for m in row.modules] == ["a.test/x@v1.0.0", "a.test/fork@v1.2.0"]
    assert steps(row) == ["list all", "download all", "verify"]


def test_tools_are_built_where_no_folder_may_be_needed() -> None:
    [row] = rows("go.mod", GO_MOD.replace(b"replace a.test/y => ../y\n", b""), Format.GO_MOD)
    assert "tools" in steps(row)
    assert "tools" not in untried(row)
    assert "get" in untried(row)


def test_go_sum_is_downloaded_and_has_no_graph() -> None:
    line = b"a.test/x v1.0.0 h1:" + b"A" * 43 + b"=\n"
    [row] = rows("go.sum", line, Format.GO_SUM)
    assert steps(row) == ["download all"]
    [step] = [s for scenario in SCENARIOS for s in scenario.steps_of(row)]
    assert step.commands(row) == [("mod", "download", "a.test/x@v1.0.0")]


def test_vendored_modules_are_required_by_a_new_main_module() -> None:
    [row] = rows("modules.txt", b"# a.test/x v1.0.0\n## explicit\n", Format.VENDOR)
    written = gomod.parse(project(row).files["go.mod"], strict=True)
    assert (written.module, written.go) == ("gopack.invalid/prove", "1.26")
    assert [m.path for m in written.require] == ["a.test/x"]


def test_members_of_a_workspace_are_each_a_row_and_the_others_folders() -> None:
    work = read_input("go.work", b"go 1.24\nuse ./w\nuse ./x\n", Format.GO_WORK)
    texts = (
        b"module m.test/w\nrequire a.test/x v1.0.0\n",
        b"module m.test/x\nrequire m.test/w v0.0.0\n",
    )
    members = tuple(read_input("go.mod", text, Format.GO_MOD) for text in texts)
    item = InputItem(text="go.work", roots=join_members(work, members), members=members)
    first, second = rows_of(item, Level.GRAPH, "1.26")
    assert (first.name, second.name) == ("go.work: m.test/w", "go.work: m.test/x")
    assert first.modules[0].path == "a.test/x"
    assert second.modules == ()
    assert 'module "m.test/w"\n' in project(second).files.values()


def test_file_that_names_nothing_has_no_row() -> None:
    assert rows("go.mod", b"module m\n", Format.GO_MOD) == []
