"""Projects that use a part of a module without go.mod: what they need beside what all does."""

from dataclasses import replace

import pytest

from gopack.plan.closure import Level
from gopack.plan.items import ModuleItem
from gopack.plan.lineclosures import closures_of, part_closures
from gopack.plan.lines import LinePlan
from gopack.plan.query import Resolution
from gopack.plan.survey import Contents, Part, Survey
from gopack.spec.info import parse_info
from gopack.spec.packages import Package
from tests.plan.graphs import drive, graph, mv, names

INFO = b'{"Version":"v1.1.0"}'
GRAPH = graph({"a1!": "", "b1": "d1", "c1": "d2", "d1": "", "d2": ""})


def line(*extras: str) -> LinePlan:
    """A line that lists a1, whose packages import these."""
    item = ModuleItem(name="goget.txt", line=1, text="a.b/a", path="a.b/a", query="latest")
    root = Resolution(mv("a1"), parse_info(INFO, where=""), INFO)
    found = LinePlan(item, Level.GRAPH, roots=(root,), extras=tuple(map(mv, extras)))
    closure, *_ = closures_of(found)
    drive(closure, GRAPH)
    return LinePlan(item, Level.GRAPH, (root,), closure=closure, extras=found.extras)


def package(path: str, *imports: str, tests: tuple[str, ...] = ()) -> Package:
    return Package(path, imports, tests)


def surveyed(contents: dict[str, list[Package]]) -> Survey:
    """A survey of a.b/a over modules at v1.1.0 and their packages."""
    survey = Survey(dict.fromkeys(contents, "v1.1.0"), {"a.b/a": ()})
    while needed := survey.needs():
        for module in needed:
            packages = {p.path: p for p in contents[module.path]}
            survey.feed(module, Contents(frozenset(packages), packages))
    return survey


def test_part_tells_who_provides_and_who_uses_whom() -> None:
    survey = surveyed(
        {
            "a.b/a": [
                package("a.b/a/one", "a.b/b", tests=("a.b/t",)),
                package("a.b/a/two", "a.b/c/x"),
                replace(package("a.b/a/cmd", "a.b/u"), name="main"),
            ],
            "a.b/b": [package("a.b/b", tests=("a.b/u",))],
            "a.b/c": [package("a.b/c")],
            "a.b/c/x": [package("a.b/c/x")],
            "a.b/t": [package("a.b/t", "a.b/b", tests=("a.b/u",))],
            "a.b/u": [package("a.b/u")],
        }
    )
    plain, imported, tested, alone, one, _, two, _, command = survey.parts()
    # Before the tests are looked at, all packages at once.
    assert plain.providers == {"a.b/a", "a.b/b", "a.b/c/x", "a.b/u"}
    # A project imports no command.
    assert imported.providers == {"a.b/a", "a.b/b", "a.b/c/x"}
    assert tested.providers == {"a.b/a", "a.b/b", "a.b/c/x", "a.b/t", "a.b/u"}
    assert command.providers == {"a.b/a", "a.b/u"}
    # Nor are tests before go mod tidy.
    assert alone.providers == {"a.b/a", "a.b/b"}
    # The tests of b are looked at, those of t are not: t is only needed by tests.
    assert one.providers == {"a.b/a", "a.b/b", "a.b/t", "a.b/u"}
    assert ("a.b/a", "a.b/b") in one.uses
    assert two.providers == {"a.b/a", "a.b/c/x"}


def test_part_selects_the_lower_versions_that_everything_at_once_does_not() -> None:
    whole = line("b1", "c1")
    assert whole.closure is not None
    assert names(whole.closure.complete()) == "a1 b1 c1 d2"
    part = Part(
        providers=frozenset({"a.b/a", "a.b/b", "a.b/d"}),
        uses=frozenset({("a.b/a", "a.b/b"), ("a.b/b", "a.b/d")}),
    )
    [found] = part_closures(whole, [part])
    drive(found, GRAPH)
    assert names(found.complete()) == "a1 b1 d1"


def test_only_what_has_packages_in_all_comes_to_be_required() -> None:
    """Tests count of the packages in `all` alone, and what these import is not in it."""
    survey = surveyed(
        {
            "a.b/a": [package("a.b/a", "a.b/b", tests=("a.b/t",))],
            "a.b/b": [package("a.b/b", tests=("a.b/u",))],
            "a.b/t": [package("a.b/t", "a.b/v")],
            "a.b/u": [package("a.b/u")],
            "a.b/v": [package("a.b/v")],
        }
    )
    assert survey.providers() == {"a.b/a", "a.b/b"}


def untidy(level: Level) -> tuple[LinePlan, Part]:
    """A line whose packages load d, of which only the go.mod of c tells; a part that does, too."""
    item = ModuleItem(name="goget.txt", line=1, text="a.b/a", path="a.b/a", query="latest")
    root = Resolution(mv("a1"), parse_info(INFO, where=""), INFO)
    every = frozenset({"a.b/a", "a.b/b", "a.b/c", "a.b/d"})
    found = LinePlan(item, level, roots=(root,), providers=every)
    known = graph({"a1": "b1", "b1": "c1 e1", "c1": "d1", "d1": "e2", "e1": "", "e2": ""})
    closures = closures_of(found)
    for closure in closures:
        drive(closure, known)
    uses = frozenset({("a.b/a", "a.b/b"), ("a.b/b", "a.b/c"), ("a.b/c", "a.b/d")})
    part = Part(every - {"a.b/d"}, uses)
    return replace(found, closure=closures[0], others=tuple(closures[1:])), part


def test_part_is_walked_where_the_lines_own_closure_does_not_promote_all_of_it() -> None:
    line, part = untidy(Level.GRAPH)
    [found] = part_closures(line, [part])
    assert names(found.roots) == "a1"
    first = replace(part, providers=frozenset({"a.b/a", "a.b/b"}))
    assert part_closures(line, [first]) == []


def test_build_has_no_parts_of_a_line_without_extras() -> None:
    line, part = untidy(Level.BUILD)
    assert part_closures(line, [part]) == []


def test_part_stores_whole_what_nothing_is_loaded_from() -> None:
    """`go mod download all` asks for the zips of all that is selected."""
    part = Part(frozenset({"a.b/b"}), frozenset({("a.b/a", "a.b/b")}))
    [found] = part_closures(line("b1", "c1"), [part])
    drive(found, GRAPH)
    assert names(found.complete()) == "a1 b1 d1"


def test_part_that_uses_what_its_user_requires_is_no_look_up() -> None:
    uses = frozenset({("a.b/a", "a.b/b"), ("a.b/b", "a.b/d")})
    part = Part(frozenset({"a.b/b"}), uses)
    [found] = part_closures(line("b1", "c1", "d2"), [part])
    assert names(found.roots) == "a1 b1"


@pytest.mark.parametrize(
    ("pattern", "started"),
    [
        ("a.b/a/...", "a.b/a a.b/a/cli a.b/a/cli/x a.b/a/client"),
        ("a.b/a/cli/...", "a.b/a/cli a.b/a/cli/x"),
        ("a.b/a/cli...", "a.b/a/cli a.b/a/cli/x a.b/a/client"),
        ("a.b/a/.../x", "a.b/a/cli/x"),
        ("a.b/a/c.../...", "a.b/a/cli a.b/a/cli/x a.b/a/client"),
        ("a.b/a/cli", "a.b/a/cli"),
    ],
)
def test_survey_starts_from_what_a_pattern_matches(pattern: str, started: str) -> None:
    """Dots stand for anything, wherever they are: pkgpattern.MatchPattern."""
    paths = ("a.b/a", "a.b/a/cli", "a.b/a/cli/x", "a.b/a/client")
    packages = {path: package(path, f"gone.x/{path[-1]}{len(path)}") for path in paths}
    survey = Survey({"a.b/a": "v1.1.0"}, {"a.b/a": (pattern,)})
    while needed := survey.needs():
        for module in needed:
            survey.feed(module, Contents(frozenset(packages), packages))
    wanted = {each for path in started.split() for each in packages[path].imports}
    assert set(survey.missing()) == wanted
