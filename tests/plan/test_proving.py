"""What is tried of a line: its versions, packages, commands and steps."""

import json
from dataclasses import replace

import pytest

from gopack.plan.closure import Level
from gopack.plan.items import GoItem, Item, ModuleItem, PatternItem, VersionsItem
from gopack.plan.manifest import Entry, Manifest, ModuleFacts
from gopack.plan.proving import (
    MAX_IMPORTS,
    ListedPackage,
    Subject,
    parse_packages,
    subjects_of,
    together,
    with_packages,
)
from gopack.plan.scenarios import MAIN, SCENARIOS, answer_of, get_arguments, main_files, untried
from gopack.plan.summary import Retraction
from gopack.spec.module import ModuleVersion

TOOLS = ModuleVersion("a.test/tools", "v1.2.0")
MANIFEST = Manifest(
    {
        TOOLS: Entry("", "", "", why=("a.test/tools", "a.test/tools/cmd/do@latest")),
        ModuleVersion("b.test/c", "v1.0.0"): Entry(
            "", "", "", why=("required by a.test/tools@v1",)
        ),
    }
)


def subject(text: str, item: type[ModuleItem | PatternItem] = ModuleItem) -> Subject:
    path, _, query = text.partition("@")
    [found] = subjects_of(item(path, query or "latest", text=text), MANIFEST, Level.GRAPH)
    return found


def names(row: Subject) -> list[str]:
    return [step.name for scenario in SCENARIOS for step in scenario.steps_of(row)]


def test_line_stands_for_what_it_was_when_it_was_fetched() -> None:
    row = subject("a.test/tools")
    assert row.modules == (TOOLS,)
    assert row.latest == {"a.test/tools": "v1.2.0"}


@pytest.mark.parametrize(
    ("earlier", "later", "retracted"),
    [
        ("v1.9.0", "v1.10.0", ""),
        ("v1.1.0-rc.1", "v1.0.0", ""),
        ("v1.1.0", "v1.0.0", "v1.1.0"),
    ],
)
@pytest.mark.parametrize("item", [ModuleItem, PatternItem])
def test_line_fetched_anew_stands_for_what_was_chosen_last(
    earlier: str, later: str, retracted: str, item: type[ModuleItem | PatternItem]
) -> None:
    """Without --prune what it chose earlier is there, too; `go get` takes one of them."""
    both = [ModuleVersion("a.test", version) for version in (earlier, later)]
    facts = ModuleFacts("v1.2.0", (Retraction(retracted, retracted, ""),) if retracted else ())
    manifest = Manifest(
        {m: Entry("", "", "", why=("a.test",)) for m in both}, modules={"a.test": facts}
    )
    [row] = subjects_of(item("a.test", text="a.test"), manifest, Level.GRAPH)
    assert get_arguments(row) == ("get", f"a.test@{later}")
    assert row.latest == {"a.test": later}


def test_branch_fetched_anew_stands_for_its_last_commit() -> None:
    text = "a.test@main"
    both = [
        ModuleVersion("a.test", version)
        for version in ("v1.0.1-0.20260101000000-abcdefabcdef", "v1.0.0")
    ]
    manifest = Manifest({m: Entry("", "", "", why=(text,)) for m in both})
    [row] = subjects_of(ModuleItem("a.test", "main", text=text), manifest, Level.GRAPH)
    assert row.modules == (both[0],)


def test_latest_is_asked_of_what_is_not_all_retracted() -> None:
    taken_back = ModuleFacts("v1.2.0", (Retraction("v1.0.0", "v1.2.0", ""),))
    manifest = replace(MANIFEST, modules={"a.test/tools": taken_back})
    item = ModuleItem("a.test/tools", "v1.2.0", text="a.test/tools")
    [row] = subjects_of(item, manifest, Level.GRAPH)
    assert row.retracted == {"a.test/tools"}
    assert "@latest" not in names(row)
    assert untried(row)["@latest"].startswith("all that is stored of it is retracted")
    more = {**MANIFEST.versions, ModuleVersion("a.test/tools", "v1.3.0"): Entry("", "", "")}
    [row] = subjects_of(item, replace(manifest, versions=more), Level.GRAPH)
    assert row.retracted == frozenset()
    both = together(
        [replace(row, retracted=frozenset({"a.test/tools"})), subject("b.test/c@v1")], Level.GRAPH
    )
    [asked, listed] = next(s for s in SCENARIOS if s.name == "queries").steps[1].commands(both)
    assert asked == ("get", "b.test/c@latest")
    assert listed == ("list", "-m", "-json", "b.test/c")


def test_line_nobody_fetched_stands_for_its_query() -> None:
    row = subject("b.test/c@v1")
    assert row.modules == (ModuleVersion("b.test/c", "v1"),)
    assert row.latest == {}


def test_package_line_imports_or_installs_that_package_alone() -> None:
    row = subject("a.test/tools/cmd/do@latest")
    listed = [
        ListedPackage("a.test/tools", "a.test/tools", is_command=False),
        ListedPackage("a.test/tools/cmd/do", "a.test/tools", is_command=True),
    ]
    full = with_packages(row, listed)
    assert full.commands == ("a.test/tools/cmd/do@v1.2.0",)
    assert full.imports == ()
    assert "install" in names(full)


@pytest.mark.parametrize("query", ["/cmd/do@latest", "/cmd/..."])
def test_line_with_packages_gets_these_alone(query: str) -> None:
    text = f"a.test/tools{query}"
    manifest = Manifest({TOOLS: Entry("", "", "", why=(text,))})
    item = PatternItem if "..." in query else ModuleItem
    path = text.partition("@")[0]
    [row] = subjects_of(item(path, "latest", text=text), manifest, Level.GRAPH)
    listed = [
        ListedPackage(f"a.test/tools/{name}", "a.test/tools", is_command=name == "cmd/do")
        for name in ("cmd/do", "cmd/x", "y")
    ]
    full = with_packages(row, listed)
    assert get_arguments(full) == ("get", f"{path}@v1.2.0")
    assert set(full.imports) == ({"a.test/tools/cmd/x"} if "..." in query else set())
    pattern = next(s for s in SCENARIOS if s.name == "pattern")
    assert pattern.steps[0].commands(full)[0] == ("get", f"{path}@v1.2.0")
    joint = together([full, subject("b.test/c@v1.0.0")], Level.GRAPH)
    assert get_arguments(joint) == ("get", f"{path}@v1.2.0", "b.test/c@v1.0.0")


def test_several_versions_are_a_row_each() -> None:
    found = [ModuleVersion("a.test", version) for version in ("v1.9.0", "v1.10.0")]
    manifest = Manifest({m: Entry("", "", "", why=("a.test@all",)) for m in found})
    rows = subjects_of(VersionsItem("a.test", text="a.test@all"), manifest, Level.GRAPH)
    assert {row.name: row.modules for row in rows} == {
        f"a.test@all: {m.version}": (m,) for m in found
    }
    assert len({row.key for row in rows}) == len(rows)
    assert together(rows, Level.GRAPH).modules == (found[1],)


def test_toolchain_line_is_no_subject() -> None:
    item: Item = GoItem("1.26.1", text="go@1.26.1")
    assert subjects_of(item, MANIFEST, Level.GRAPH) == []


def test_program_imports_what_others_may_nearest_first() -> None:
    listed = [
        *(
            ListedPackage(f"a.test/tools/x/p{n:02}", "a.test/tools", is_command=False)
            for n in range(40)
        ),
        ListedPackage("a.test/tools", "a.test/tools", is_command=False),
        ListedPackage("a.test/tools/internal/y", "a.test/tools", is_command=False),
        ListedPackage("a.test/tools/example", "a.test/tools", is_command=True),
        ListedPackage("a.test/tools/other/z", "a.test/tools/other", is_command=False),
    ]
    row = with_packages(subject("a.test/tools"), listed)
    assert row.imports[0] == "a.test/tools"
    assert len(row.imports) == MAX_IMPORTS
    assert not any("internal" in path or "other" in path for path in row.imports)
    assert row.commands == ()


def test_packages_without_files_for_this_platform_are_left_out() -> None:
    text = json.dumps({"ImportPath": "a", "Name": "a", "GoFiles": ["a.go"]}) + "\n"
    text += json.dumps({"ImportPath": "b", "Name": "b", "Error": {"Err": "excluded"}})
    assert [p.path for p in parse_packages(text)] == ["a"]


def test_joint_row_takes_the_highest_version_of_each_module() -> None:
    rows = [
        Subject("1", "l:1", (ModuleVersion("a.test", "v1.9.0"),), imports=("a.test",)),
        Subject("2", "l:2", (ModuleVersion("a.test", "v1.10.0"),), imports=("a.test/b",)),
    ]
    joint = together(rows, Level.CLOSED)
    assert joint.modules == (ModuleVersion("a.test", "v1.10.0"),)
    assert joint.imports == ("a.test", "a.test/b")


@pytest.mark.parametrize(
    ("level", "tried"),
    [(Level.BUILD, set[str]()), (Level.GRAPH, set[str]()), (Level.CLOSED, {"get -u", "go 1.16"})],
)
def test_upgrades_and_old_main_modules_are_promised_by_closed_alone(
    level: Level, tried: set[str]
) -> None:
    row = Subject("x", "l:1", (TOOLS,), level=level)
    assert {"get -u", "go 1.16"} & set(names(row)) == tried


def test_commands_that_could_not_be_found_out_are_told_so() -> None:
    row = replace(subject("a.test/tools"), is_guessed=True)
    assert untried(row)["install"] == "its packages could not be found out"


def test_tests_are_compiled_and_not_run() -> None:
    """A test binary runs every init of the packages, whether it has a test or not."""
    [step] = [step for step in MAIN.steps if step.name == "test"]
    [arguments] = step.commands(subject("a.test/tools"))
    assert arguments[:2] == ("test", "-c")


def test_main_module_imports_where_the_scenario_says_so() -> None:
    row = Subject("x", "l:1", (TOOLS,), imports=("a.test/tools",))
    pattern = next(s for s in SCENARIOS if s.name == "pattern")
    assert '_ "a.test/tools"' in main_files(row, MAIN, "1.26")["main.go"]
    assert "import" not in main_files(row, pattern, "1.26")["main.go"]
    old = next(s for s in SCENARIOS if s.name == "go 1.16")
    assert "go 1.16\n" in main_files(row, old, "1.26")["go.mod"]


def test_answer_forgets_folders_and_times_only() -> None:
    text = '{"Path": "a", "Version": "v1.0.0", "Dir": "/x", "GoMod": "/x/go.mod", "Time": "2020"}\n'
    get = MAIN.steps[0]
    told = answer_of(get, text)
    assert told == answer_of(get, text.replace("/x", "/y").replace("2020", "2021"))
    assert told != answer_of(get, text.replace("v1.0.0", "v1.1.0"))
