"""Packages that several modules have: which go takes, and which it cannot tell."""

from gopack.plan.survey import Contents, Survey
from gopack.spec.module import ModuleVersion
from gopack.spec.packages import Package

OUTER, INNER, USER = "a.b/o", "a.b/o/i", "a.b/a"
HAVE = {OUTER: [OUTER, INNER], INNER: [INNER, f"{INNER}/s"]}
"""Both have the package o/i."""


def fed(survey: Survey, module: ModuleVersion, imports: str) -> None:
    """Feed all packages of a module; those of `a` import these, the others nothing."""
    packages = {path: Package(path, ()) for path in HAVE.get(module.path, ())}
    packages = packages or {USER: Package(USER, tuple(imports.split()))}
    survey.feed(module, Contents(frozenset(packages), packages))


def surveyed(imports: str, *required: str) -> Survey:
    """A survey of a.b/a, which imports these; all modules are at v1.0.0."""
    survey = Survey(dict.fromkeys((*HAVE, USER), "v1.0.0"), {USER: ()}, required)
    while needed := survey.needs():
        for module in needed:
            fed(survey, module, imports)
    assert survey.is_done
    return survey


def test_package_is_looked_for_in_a_module_that_nothing_is_imported_from() -> None:
    modules = tuple(ModuleVersion(path, "v1.0.0") for path in (OUTER, INNER))
    assert surveyed(INNER).ambiguous() == {INNER: modules}
    assert surveyed(INNER).untaken() == {INNER}


def test_package_is_taken_from_the_module_that_the_project_names() -> None:
    assert surveyed(f"{INNER} {INNER}/s").ambiguous() == {}
    assert surveyed(f"{INNER} {OUTER}").ambiguous() == {}
    assert surveyed(INNER, INNER).ambiguous() == {}
    assert surveyed(INNER, INNER).untaken() == frozenset()


def test_package_of_two_modules_that_the_project_names_is_in_none_for_go() -> None:
    found = surveyed(f"{INNER} {INNER}/s {OUTER}")
    assert found.ambiguous().keys() == {INNER}
    assert found.untaken() == frozenset()


def test_module_that_is_started_from_is_not_looked_into_before_it_is_read() -> None:
    survey = Survey(dict.fromkeys((*HAVE, USER), "v1.0.0"), {USER: (), OUTER: ()})
    user, outer, inner = (ModuleVersion(path, "v1.0.0") for path in (USER, OUTER, INNER))
    assert survey.needs().keys() == {user, outer}
    fed(survey, user, INNER)
    assert survey.needs().keys() == {inner}
    fed(survey, inner, "")
    assert survey.needs() == {}
    assert not survey.is_done


def test_rest_of_what_is_started_from_may_come_after_what_is_imported_of_it() -> None:
    """What is known of it answers first where another module imports that."""
    survey = Survey(dict.fromkeys((*HAVE, USER), "v1.0.0"), {USER: (), OUTER: ()})
    survey.needs()
    user, outer = (ModuleVersion(path, "v1.0.0") for path in (USER, OUTER))
    fed(survey, user, OUTER)
    paths = frozenset({OUTER, f"{OUTER}/q"})
    read = {OUTER: Package(OUTER, ())}
    survey.feed(outer, Contents(paths, read))
    read |= {f"{OUTER}/q": Package(f"{OUTER}/q", ("a.b/gone",))}
    survey.feed(outer, Contents(paths, read, is_whole=True))
    assert survey.missing() == {"a.b/gone": f"{OUTER}/q"}
    every = [sorted(part.providers) for part in survey.parts()]
    assert every[-6:] == 2 * [[USER, OUTER]] + 4 * [[OUTER]]
