"""Which imports of a project are promised, once go has said which modules come along.

- Those of the lines' own packages: what no go.mod covers is looked up (docs/list.md, "Imports that
  no go.mod covers"). A line with a package names only that one.
- From `graph` on those of any module that comes along, "as far as go.mod files say what it
  imports": each package that is reached must import only what its own module requires. Of a project
  that upgrades all this must be so in each version.
"""

from collections.abc import Sequence

from tests.e2e.worlds.modules import Version
from tests.e2e.worlds.worlds import World


def promised_imports(world: World, selected: Sequence[Version]) -> set[str]:
    """Tell what the world's project may import, of the versions that go selects."""
    paths = {path for each in selected for path in each.import_paths()}
    listed = [line.split()[0].partition("@")[0].removesuffix("/...") for line in world.lines]
    own = {p for p in paths if p in listed or _module_path(p, selected) in listed}
    if world.level == "build":
        return own
    is_upgraded = any("-u" in step for step in world.steps)
    known = world.versions if is_upgraded else selected
    return own | {path for path in paths if _is_covered(path, known)}


def _module_path(import_path: str, versions: Sequence[Version]) -> str:
    """Tell the module that has a package; the one with the longest path, of several."""
    found = [each.path for each in versions if import_path in each.import_paths()]
    return max(found, key=len, default="")


def _is_covered(import_path: str, versions: Sequence[Version]) -> bool:
    """Whether all that is reached from a package, tests among it, is required by who imports it."""
    waiting, seen = [import_path], {import_path}
    while waiting:
        path = waiting.pop()
        for version in versions:
            for imported in _imports(version, path):
                by = _module_path(imported, versions)
                if by not in {version.path, *(each.path for each in version.requires)}:
                    return False
                if imported not in seen:
                    seen.add(imported)
                    waiting.append(imported)
    return True


def _imports(version: Version, import_path: str) -> list[str]:
    found = [
        p for folder, p in version.packages.items() if version.import_path(folder) == import_path
    ]
    return [path for package in found for path in (*package.imports, *package.test_imports)]
