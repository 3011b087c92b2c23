"""A smaller world that goes otherwise sealed in the same way: something for a person to begin from.

What is not needed is left out piece by piece, as long as the same step still differs in the same
respect, and go says nothing new. A world that is no longer promised is passed over.
"""

import itertools
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from tests.e2e.worlds.modules import Package, Version
from tests.e2e.worlds.trial import Difference, NotPromisedError, tried
from tests.e2e.worlds.worlds import Project, World

T = TypeVar("T")


def shrunk(difference: Difference, folder: Path) -> Difference:
    """Shrink the world of a difference, until nothing can be left out of it."""
    number = itertools.count()
    place = tries = 0
    worlds = list(smaller_worlds(difference))
    while tries < len(worlds):
        place %= len(worlds)
        found = _tried(worlds[place], folder / f"smaller{next(number)}")
        if found and _is_alike(found, difference):
            difference, tries = found, 0
            worlds = list(smaller_worlds(difference))  # the next one is now at this place
        else:
            place, tries = place + 1, tries + 1
    return difference


def _tried(world: World, folder: Path) -> Difference | None:
    try:
        return tried(world, folder)
    except (AssertionError, NotPromisedError):
        return None  # gopack or go can make nothing of what is left
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_alike(smaller: Difference, difference: Difference) -> bool:
    """Whether the same command differs in the same respect, and go says nothing of another kind."""
    is_same = smaller.step[:2] == difference.step[:2] and smaller.respect == difference.respect
    return is_same and (
        _kinds(smaller.connected) <= _kinds(difference.connected)
        and _kinds(smaller.sealed) <= _kinds(difference.sealed)
    )


def _kinds(messages: str) -> set[str]:
    """Take paths, versions and URLs out of each message."""
    return {re.sub(r"\S*[./@]\S*", "", line) for line in messages.splitlines()}


def smaller_worlds(difference: Difference) -> Iterator[World]:
    """Leave out one thing at a time, the biggest first."""
    world = difference.world
    at = world.steps.index(difference.step)
    if at + 1 < len(world.steps):
        yield replace(world, steps=world.steps[: at + 1])
    for path in sorted({each.path for each in world.versions}):
        rest = tuple(each for each in world.versions if each.path != path)
        yield replace(world, versions=rest)
    for versions in _without_one(world.versions):
        yield replace(world, versions=versions)
    needed = {"-r", *(word for step in world.steps for word in step)}
    for place, line in enumerate(world.lines):
        if line.split()[0] not in needed:
            yield replace(world, lines=(*world.lines[:place], *world.lines[place + 1 :]))
    for steps in _without_one(world.steps[:at]):
        yield replace(world, steps=(*steps, difference.step))
    for projects in _with_one_smaller(world.projects, _smaller_projects):
        yield replace(world, projects=projects)
    for versions in _with_one_smaller(world.versions, _smaller_versions):
        yield replace(world, versions=versions)


def _smaller_projects(project: Project) -> Iterator[Project]:
    """Leave out a line or an import; go tidies it anew where the list has its go.mod."""
    project = replace(project, tidied="")
    for imports in _without_one(project.imports):
        yield replace(project, imports=imports)
    for requires in _without_one(project.requires):
        yield replace(project, requires=requires)
    for directives in _without_one(project.directives):
        yield replace(project, directives=directives)


def _smaller_versions(version: Version) -> Iterator[Version]:
    for requires in _without_one(version.requires):
        yield replace(version, requires=requires)
    for retracts in _without_one(version.retracts):
        yield replace(version, retracts=retracts)
    packages = tuple(version.packages.items())
    for fewer in _without_one(packages):
        yield replace(version, packages=dict(fewer))
    for smaller in _with_one_smaller(packages, _smaller_packages):
        yield replace(version, packages=dict(smaller))


def _smaller_packages(named: tuple[str, Package]) -> Iterator[tuple[str, Package]]:
    folder, package = named
    for imports in _without_one(package.imports):
        yield folder, replace(package, imports=imports)
    for test_imports in _without_one(package.test_imports):
        yield folder, replace(package, test_imports=test_imports)


def _without_one(items: Sequence[T]) -> Iterator[tuple[T, ...]]:
    for place in range(len(items)):
        yield (*items[:place], *items[place + 1 :])


def _with_one_smaller(
    items: Sequence[T], smaller: Callable[[T], Iterator[T]]
) -> Iterator[tuple[T, ...]]:
    for place, item in enumerate(items):
        for other in smaller(item):
            yield (*items[:place], other, *items[place + 1 :])
