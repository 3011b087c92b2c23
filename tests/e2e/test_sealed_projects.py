"""Projects that use more than what is listed: the real go command, connected and sealed.

Each world is a few generated modules, a list, a level, and a project that the level promises to
serve. What go does with the project connected, it does sealed, and go.mod is the same afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.athens_layout import served
from tests.e2e.sealed import run_go
from tests.e2e.test_prove import gopack
from tests.upstream import Upstream

pytestmark = pytest.mark.e2e

HOST = "example.com"
TIDY, BUILD = ["mod", "tidy"], ["build", "./..."]


@dataclass(frozen=True)
class Module:
    """A version: its Go version, what it requires (`b@v1.0.0`), and its packages' imports.

    `tests` is what a test of the package in its root imports.
    """

    name: str
    requires: str = ""
    go: str = "1.17"
    packages: dict[str, str] | None = None  # "" is the package in its root
    tests: str = ""


@dataclass(frozen=True)
class World:
    modules: tuple[Module, ...]
    listed: str
    project: Module
    level: str = "graph"


def module(name: str, requires: str = "", go: str = "1.17", **packages: str) -> Module:
    """Make one; a keyword is a package's folder, `root` the module's own."""
    found = {("" if folder == "root" else folder): what for folder, what in packages.items()}
    return Module(name, requires, go, found)


def project(requires: str, imports: str, go: str = "1.21") -> Module:
    return Module("main@", requires, go, {"": imports})


def two_old(name: str) -> tuple[Module, ...]:
    """Three modules below each other that do not prune."""
    return (
        module(f"{name}@v1.0.0", f"{name}1@v1.0.0", "1.12"),
        module(f"{name}1@v1.0.0", f"{name}2@v1.0.0", "1.12"),
        module(f"{name}2@v1.0.0", "", "1.12"),
    )


CHAIN = tuple(module(f"{a}@v1.0.0", f"{b}@v1.0.0") for a, b in ("bc", "cd", "de"))
PARENT = (
    module("par@v1.0.0"),
    module("par@v1.2.0"),
    module("par@v1.3.0"),
    module("par/sub@v1.0.0", "d@v1.0.0", x="d"),
    module("d@v1.0.0", "e@v1.0.0", x="e"),
    module("e@v1.0.0", "f@v1.0.0", x="f"),
    module("f@v1.0.0", "par@v1.0.0 g@v1.0.0", root="par g"),
    module("g@v1.0.0", "par@v1.2.0", x="par"),
)
WORLDS = {
    "a package of a module that a line brings in imports of one that does not prune": World(
        (
            module("b@v1.0.0", "r@v1.0.0", root="r"),
            module("r@v1.0.0", "s@v1.0.0", other="s"),
            *two_old("s"),
        ),
        "b",
        project("b@v1.0.0", "b r/other"),
    ),
    "two of three lines select together what neither selects alone": World(
        (
            *(module(f"q@v1.{n}.0") for n in range(3)),
            *(module(f"p@v1.{n}.0", f"q@v1.{n}.0", root="q", x="") for n in range(3)),
            module("a@v1.0.0", "p@v1.0.0 q@v1.0.0", root="p"),
            module("s@v1.0.0", "p@v1.1.0", root="p/x"),
            module("r@v1.0.0", "s@v1.0.0 p@v1.1.0", other="s"),
            module("b@v1.0.0", "r@v1.0.0", root="r"),
            module("c@v1.0.0", "p@v1.2.0 q@v1.2.0", root="p"),
        ),
        "a b c",
        project("a@v1.0.0 b@v1.0.0", "a b"),
    ),
    "an old project selects of a module what only the whole graph names": World(
        (
            *(module(f"c@v1.{n}.0") for n in (0, 2, 3)),
            module("b@v1.0.0", "c@v1.2.0", x="c"),
            module("b@v1.9.0", "c@v1.3.0"),
            module("e@v1.0.0", "b@v1.0.0", x="b"),
            module("a@v1.0.0", "e@v1.0.0 c@v1.0.0", root="c e"),
        ),
        "a",
        project("a@v1.0.0", "a", "1.16"),
        "closed",
    ),
    "an old project has go look into a module above the one that it imports": World(
        (*PARENT, *(module(f"{name}@v1.9.0") for name in "defg")),
        "par/sub",
        project("par/sub@v1.0.0", "par/sub", "1.16"),
        "closed",
    ),
    "go.mod of a promoted module tells of a module that nothing above it names": World(
        (
            module("f@v1.0.0", "c@v1.0.0", root="c"),
            module("c@v1.0.0", "g@v1.0.0", root="g"),
            module("g@v1.0.0", "h@v1.0.0", root="h"),
            module("h@v1.0.0"),
            module("h@v1.1.0"),
        ),
        "f",
        project("f@v1.0.0", "f"),
    ),
    "go.mod of a promoted module tells of one where a line has what another would look up": World(
        (
            module("a@v1.0.0", root="x"),
            module("b@v1.0.0", "x@v1.0.0"),
            module("x@v1.0.0", "y@v1.0.0", root="y"),
            module("x@v1.1.0"),
            module("y@v1.0.0", "z@v1.0.0", root="z"),
            module("z@v1.0.0"),
            module("z@v1.1.0"),
        ),
        "a b",
        project("a@v1.0.0 b@v1.0.0", "a b"),
    ),
    "the smallest level has what tests of a module import that a line brings in": World(
        (
            module("b@v1.0.0", "c@v1.0.0", root="c"),
            replace(module("c@v1.0.0", "t@v1.0.0"), tests="t"),
            module("t@v1.0.0"),
            module("t@v1.1.0"),
        ),
        "b",
        project("b@v1.0.0", "b"),
        "build",
    ),
    "the smallest level has what go get reads of an old module below the only line": World(
        (module("b@v1.0.0", "s@v1.0.0", root="s"), *two_old("s")),
        "b",
        project("b@v1.0.0", "b"),
        "build",
    ),
    "go mod tidy of a project at go 1.17 reads the graph of go 1.16": World(
        (*CHAIN, module("e@v1.0.0")), "b", project("b@v1.0.0", "b", "1.17"), "closed"
    ),
}


@pytest.mark.parametrize("name", WORLDS)
def test_project_is_loaded_sealed_as_it_is_connected(name: str, tmp_path: Path) -> None:
    world = WORLDS[name]
    lines = [f"{HOST}/{line}" for line in world.listed.split()]
    assert_same_sealed(world, lines, tmp_path)


def test_file_at_go_1_17_has_what_go_mod_tidy_compares_with(tmp_path: Path) -> None:
    world = World(PARENT, "", project("par/sub@v1.0.0", "par/sub", "1.17"))
    (tmp_path / "listed").mkdir()
    (tmp_path / "listed" / "go.mod").write_text(go_mod(world.project))
    lines = ["-r listed/go.mod", f"{HOST}/par@v1.3.0"]
    assert_same_sealed(world, lines, tmp_path)


@pytest.mark.parametrize("level", ["build", "graph"])
def test_project_that_uses_a_part_of_a_line_downloads_all(level: str, tmp_path: Path) -> None:
    """It selects f@v1.0.0, which nothing is loaded from; one that uses y has v1.1.0."""
    modules = (
        module("i@v1.0.0", root="e", y="f"),
        module("e@v1.0.0", "f@v1.0.0", "1.16"),
        module("f@v1.0.0"),
        module("f@v1.1.0"),
    )
    world = World(modules, "", project("i@v1.0.0", "i"), level)
    steps = (TIDY, BUILD, ["mod", "download", "all"])
    assert_same_sealed(world, [f"{HOST}/i@v1.0.0"], tmp_path, steps)


def assert_same_sealed(
    world: World, lines: list[str], folder: Path, steps: Sequence[list[str]] = (TIDY, BUILD)
) -> None:
    with Upstream() as upstream:
        for each in world.modules:
            path, _, version = each.name.partition("@")
            upstream.add(f"{HOST}/{path}", version, mod=go_mod(each), files=sources(each))
        (folder / "goget.txt").write_text("".join(f"{line}\n" for line in lines))
        done = gopack(folder, upstream.url, "fetch", "--closure", world.level)
        assert done.returncode == 0, done.stderr
        connected = tried(world.project, upstream.url, folder / "connected", steps)
    with served(folder / "ATHENS_STORAGE") as athens:
        sealed = tried(world.project, athens.url, folder / "sealed", steps)
    assert {code for code, _ in connected} == {0}, connected
    assert sealed == connected


def go_mod(module: Module) -> str:
    lines = "".join(f"require {HOST}/{r.replace('@', ' ')}\n" for r in module.requires.split())
    return f"module {HOST}/{module.name.partition('@')[0]}\n\ngo {module.go}\n\n{lines}"


def sources(module: Module) -> dict[str, bytes]:
    """The files of a module: each package imports what it says and nothing else."""
    found = {"a.go": b"package a\n"}
    for folder, imports in (module.packages or {}).items():
        found[f"{folder}/a.go".lstrip("/")] = source(imports)
    return found | ({"a_test.go": source(module.tests)} if module.tests else {})


def source(imports: str) -> bytes:
    lines = "".join(f'import _ "{HOST}/{path}"\n' for path in imports.split())
    return f"package a\n\n{lines}".encode()


def tried(
    main: Module, proxy: str, folder: Path, steps: Sequence[list[str]]
) -> list[tuple[int, str]]:
    """Run steps of the go command on a project in a new folder.

    Give the exit statuses, and what went wrong or go.mod says.
    """
    folder.mkdir()
    (folder / "go.mod").write_text(go_mod(main))
    for name, data in sources(main).items():
        (folder / name).write_bytes(data)
    results = []
    for words in steps:
        ran = run_go(folder, proxy, words)
        told = ran.stderr if ran.returncode else (folder / "go.mod").read_text()
        results.append((ran.returncode, told))
    return results


@pytest.mark.parametrize("level", ["build", "graph"])
def test_pattern_at_a_version_moves_modules_below_it_to_that(level: str, tmp_path: Path) -> None:
    modules = (
        module("o@v1.0.0", "o/t@v0.9.0", root="o/t"),
        *(module(f"o/t@v{version}") for version in ("0.9.0", "1.0.0", "1.1.0")),
    )
    listed = f"{HOST}/o/...@v1.0.0"
    main = project("", "")
    world = World(modules, "", main, level)
    assert_same_sealed(world, [listed], tmp_path, steps=(["get", listed], BUILD))
    assert "o/t v1.0.0" in (tmp_path / "sealed" / "go.mod").read_text()


RAISING = (
    *(module(f"b@v1.{n}.0") for n in (0, 1)),
    module("g@v1.0.0", root="f"),
    *(module(f"f@v0.{n}.0") for n in (7, 8)),
    module("f@v0.9.0", "c@v1.1.0"),
    module("f@v1.0.0", "b@v1.1.0"),
    *(module(f"c@v1.{n}.0") for n in (0, 1)),
)
"""What `g` imports requires more of `b` at v1.0.0, and more of `c` at v0.9.0."""


@pytest.mark.parametrize(
    ("listed", "asked", "level", "taken"),
    [
        ("b g", "b g", "build", "v0.9.0"),
        ("b g c", "b g c", "build", "v0.8.0"),
        ("b g c", "b g", "graph", "v0.9.0"),
        ("b g c", "g b c", "closed", "v0.8.0"),
    ],
)
def test_import_that_raises_another_line_is_held_back_where_both_are_asked_for(
    listed: str, asked: str, level: str, taken: str, tmp_path: Path
) -> None:
    lines, words = (
        [f"{HOST}/{name}@v1.0.0" for name in names.split()] for names in (listed, asked)
    )
    world = World(RAISING, "", project("", asked), level)
    assert_same_sealed(world, lines, tmp_path, steps=(["get", *words], BUILD))
    assert f"f {taken}" in (tmp_path / "sealed" / "go.mod").read_text()


@pytest.mark.parametrize("raised", ["b", "h"])
def test_import_that_requires_one_that_is_held_back_is_held_back_with_it(
    raised: str, tmp_path: Path
) -> None:
    """`k` at v1.1.0 itself requires nothing of the lines."""
    modules = (
        *(module(f"b@v1.{n}.0") for n in (0, 1)),
        *(module(f"h@v1.{n}.0", root="k l") for n in (0, 1)),
        *(module(f"{name}@v1.0.0") for name in "kl"),
        module("k@v1.1.0", "l@v1.1.0"),
        module("l@v1.1.0", f"{raised}@v1.1.0"),
    )
    lines = [f"{HOST}/{name}@v1.0.0" for name in ("b", "h")]
    world = World(modules, "", project("", "b h"))
    assert_same_sealed(world, lines, tmp_path, steps=(["get", *lines], BUILD))
    assert "k v1.0.0" in (tmp_path / "sealed" / "go.mod").read_text()


def test_import_that_requires_a_lower_version_of_another_is_not_held_back(tmp_path: Path) -> None:
    """`k` at v1.1.0 requires l@v1.0.0, which requires more of `b`; the project has l@v1.1.0."""
    modules = (
        *(module(f"b@v1.{n}.0") for n in (0, 1)),
        module("h@v1.0.0", root="k l"),
        *(module(f"k@v1.{n}.0", "l@v1.0.0") for n in (0, 1)),
        module("k@v1.2.0", "b@v1.1.0"),
        module("l@v1.0.0", "b@v1.1.0"),
        module("l@v1.1.0"),
    )
    lines = [f"{HOST}/{name}@v1.0.0" for name in ("b", "h")]
    assert_same_sealed(
        World(modules, "", project("", "b h")), lines, tmp_path, steps=(["get", *lines], BUILD)
    )
    assert "k v1.1.0" in (tmp_path / "sealed" / "go.mod").read_text()


TWICE = (
    *(module(f"o@v1.{n}.0", root="", i="") for n in (0, 1)),
    module("o@v1.2.0", root=""),
    module("o/i@v1.0.0", root="", s=""),
    module("o/i@v1.1.0", "o@v1.2.0", root="", s=""),
    module("beside@v1.0.0", "o@v1.0.0", root=""),
    module("above@v1.0.0", "o@v1.0.0", root="o"),
    module("inside@v1.0.0", "o/i@v1.0.0", root="o/i"),
    module("below@v1.0.0", "o/i@v1.0.0", root="o/i o/i/s"),
    module("one@v1.0.0", "o@v1.1.0 o/i@v1.0.0", root="o/i"),
    module("both@v1.0.0", "o@v1.0.0 o/i@v1.0.0", root="o o/i o/i/s"),
)
"""The package o/i is in `o` as well as in `o/i`, until v1.2.0 of `o`."""


@pytest.mark.parametrize("level", ["build", "graph"])
@pytest.mark.parametrize("asked", ["one", "both", "beside inside", "above below"])
def test_package_in_two_modules_is_taken_as_go_get_does(
    asked: str, level: str, tmp_path: Path
) -> None:
    """`go mod tidy` alone fails on each of these projects; `go get` takes o/i@v1.1.0."""
    lines = [f"{HOST}/{name}@v1.0.0" for name in asked.split()]
    world = World(TWICE, "", project("", asked), level)
    assert_same_sealed(world, lines, tmp_path, steps=(["get", *lines], BUILD))
    assert "o/i v1.1.0" in (tmp_path / "sealed" / "go.mod").read_text()
