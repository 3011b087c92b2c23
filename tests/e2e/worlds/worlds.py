"""Random worlds: modules, a list, a level, and a project that the level promises to serve.

The promise (docs/list.md, "How much is stored"): each step of the go command that works connected
works sealed, with the same outcome. A world is drawn from its seed alone, within what is promised:

- `build`: the project uses one line, or all of them, and of these no more than the packages that
  the lines name.
- `graph`: it uses any of the lines, and packages of modules that they bring in. Which these are is
  known once go has said it: see `World.further` and tests/e2e/worlds/promise.py.
- `closed`: also `go get -u ./...`, a project at `go 1.16` or `go 1.17`, and `-compat=1.16`.
- A go.mod or go.work of the list is that of the project, as `go mod tidy` leaves it: what packages
  it imports beyond that gopack cannot know.

Left out, since no level promises it:

- A project at `go 1.15` or below, whose `go mod tidy` follows the tests of what tests import.
- A project below `go 1.18`, and `go get -u`, at `build` and `graph`: `closed` is for them.
- Packages beside those of the lines at `build`, which has only the zips that the lines select.
- Queries that no line has (`go get module@latest` beside a line `module@v1.0.0`): they choose from
  what is stored, and that need not be all that the upstream has.
- What go fails at connected: the comparison ends with the step before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from tests.e2e.worlds.modules import HOST, Requirement, Version, draw_versions, import_lines

Step = tuple[str, ...]
LEVELS = ("build", "graph", "graph", "closed", "closed")
GO_OF_PROJECTS = {
    "build": ("1.18", "1.21", "1.21", "1.24"),
    "graph": ("1.18", "1.21", "1.21", "1.24"),
    "closed": ("1.16", "1.17", "1.18", "1.21", "1.21"),
}
GO_OF_FILES = ("1.16", "1.17", "1.18", "1.21", "1.21", "1.21")
GO_OF_MEMBERS = ("1.17", "1.21", "1.21")
QUERIES = ("latest", "latest", "", "v1", "<v1.2.0", ">=v1.0.1")
QUERIES_OF_V2 = ("latest", "")
LISTED = "listed"
"""The folder of a go.mod or go.work that the list names."""


@dataclass(frozen=True)
class Project:
    """A main module: its requirements, and what its only package imports."""

    path: str
    go: str
    imports: tuple[str, ...]
    requires: tuple[Requirement, ...] = ()
    directives: tuple[str, ...] = ()
    """Lines with `exclude` or `replace`."""
    tidied: str = ""
    """Its go.mod as go left it, in place of all this."""

    def go_mod(self) -> str:
        lines = [f"module {self.path}", f"go {self.go}"]
        lines += [*(f"require {each}" for each in self.requires), *self.directives]
        return self.tidied or "".join(f"{line}\n" for line in lines)

    def files(self) -> dict[str, str]:
        return {"go.mod": self.go_mod(), "m.go": f"package m\n\n{import_lines(self.imports)}"}


@dataclass(frozen=True)
class World:
    """What a level promises to serve: the steps, in a project or a workspace of several."""

    seed: int
    versions: tuple[Version, ...]
    level: str
    lines: tuple[str, ...]
    projects: tuple[Project, ...]
    steps: tuple[Step, ...]
    is_listed: bool = False
    """Whether the list names the project's go.mod, or the workspace's go.work."""
    further: int = 0
    """So many packages of what comes along are still to be imported, once go has chosen that."""

    def files(self) -> dict[str, str]:
        """The project as it is at first; of a workspace each member has a folder."""
        if len(self.projects) == 1:
            return self.projects[0].files()
        folders = [f"m{number}" for number, _ in enumerate(self.projects, start=1)]
        files = {"go.work": "go 1.21\n" + "".join(f"use ./{folder}\n" for folder in folders)}
        for folder, project in zip(folders, self.projects, strict=True):
            files |= {f"{folder}/{name}": text for name, text in project.files().items()}
        return files

    def listed_files(self) -> dict[str, str]:
        """What the list names of the project, and what go.work names in its turn."""
        if not self.is_listed:
            return {}
        names = [name for name in self.files() if name.endswith(("go.mod", "go.work"))]
        return {f"{LISTED}/{name}": self.files()[name] for name in names}

    def __str__(self) -> str:
        told = [f"seed {self.seed}, level {self.level}", "", "goget.txt:"]
        told += [f"    {line}" for line in self.lines]
        told += ["", "modules:", *(_indented(str(each)) for each in self.versions), ""]
        for name, text in self.files().items():
            told += [f"project's {name}:", _indented(text)]
        told += ["steps:", *(f"    go {' '.join(step)}" for step in self.steps)]
        return "\n".join(told)


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines() if line)


@dataclass(frozen=True)
class Line:
    """A line of the list, which is an argument of `go get` as well."""

    text: str
    packages: tuple[str, ...]


def draw_world(seed: int, turn: int = 0) -> World:
    """Draw a world of a seed, always the same; the next one where go can do nothing with this."""
    random = Random(f"{seed}.{turn}")
    versions = draw_versions(random)
    level = random.choice(LEVELS)
    if random.random() < 0.72:
        return _draw_with_lines(random, seed, versions, level)
    return _draw_with_file(random, seed, versions, level)


def _draw_with_lines(random: Random, seed: int, versions: Sequence[Version], level: str) -> World:
    """Draw a list of up to three lines, and a project that gets some of them."""
    count = random.choice([1, 1, 2, 2, 3])
    drawn = [draw_line(random, versions) for _ in range(count)]
    lines = list({line.text.partition("@")[0]: line for line in drawn}.values())
    texts = [line.text for line in lines]
    if len(lines) > 1 and random.random() < 0.1:
        texts[0] += " closure=closed"  # a lower level than the list's would promise less
    used = _used(random, level, lines)
    imports: set[str] = set()
    for line in used:
        count = random.randint(1, len(line.packages))
        imports.update(
            line.packages if random.random() < 0.5 else random.sample(line.packages, count)
        )
    go = random.choice(GO_OF_PROJECTS[level])
    project = Project(f"{HOST}/main", go, tuple(sorted(imports)))
    arguments = tuple(line.text for line in used)
    steps = (*_getting(random, arguments), *_working(random, level, go))
    if random.random() < 0.2:
        steps += (("get", *arguments),)
    further = random.choice([0, 0, 1, 2]) if level != "build" else 0
    return World(seed, tuple(versions), level, tuple(texts), (project,), steps, further=further)


def draw_line(random: Random, versions: Sequence[Version]) -> Line:
    """Name a module, a package or a pattern, at a version or with a query."""
    version = random.choice(versions)
    path, query, packages = version.path, version.version, version.import_paths()
    if random.random() < 0.4:
        query = random.choice(QUERIES_OF_V2 if path.endswith("/v2") else QUERIES)
        packages = _of_all(version, versions)
    kind = random.random()
    if kind >= 0.8:
        path += "/..."
    elif kind >= 0.65:
        path = random.choice(packages)
        packages = [path]
    return Line(f"{path}@{query}".rstrip("@"), tuple(packages))


def _of_all(version: Version, versions: Sequence[Version]) -> list[str]:
    """List the packages that each version of the module has: whichever a query chooses."""
    alike = [each.packages for each in versions if each.path == version.path]
    shared = [folder for folder in version.packages if all(folder in each for each in alike)]
    return [version.import_path(folder) for folder in shared]


def _used(random: Random, level: str, lines: Sequence[Line]) -> list[Line]:
    """Choose the lines that the project uses, as many as its level lets it."""
    if level == "build":
        return list(lines) if random.random() < 0.5 else [random.choice(lines)]
    return random.sample(lines, random.randint(1, len(lines)))


def _getting(random: Random, arguments: Step) -> tuple[Step, ...]:
    kind = random.random()
    if kind < 0.3:
        return tuple(("get", argument) for argument in arguments)
    return (("get", "-t", *arguments),) if kind < 0.5 else (("get", *arguments),)


def _working(random: Random, level: str, go: str) -> tuple[Step, ...]:
    """What one does once the modules are there."""
    steps: list[Step] = [("build", "./...")] if random.random() < 0.2 else []
    steps += [("mod", "tidy")]
    if level == "closed" and random.random() < 0.25:
        steps += [("mod", "tidy", "-compat=1.16")] if go != "1.16" else []
    steps += [("build", "./...")]
    if level == "closed" and random.random() < 0.6:
        tests = ("-t",) if random.random() < 0.15 else ()
        steps += [("get", "-u", *tests, "./..."), ("mod", "tidy"), ("build", "./...")]
    steps += [("vet", "./..."), ("list", "-deps", "-test", "./..."), ("list", "-m", "all")]
    steps += [("mod", "download"), ("mod", "vendor")]
    if random.random() < 0.15:
        steps += [("mod", "download", "all")]
    return tuple(steps)


def _draw_with_file(random: Random, seed: int, versions: Sequence[Version], level: str) -> World:
    """Draw a project whose go.mod, or go.work, is on the list, mostly alone."""
    if random.random() < 0.3:
        projects = tuple(
            _draw_project(random, f"{HOST}/main{number}", GO_OF_MEMBERS, versions)
            for number in (1, 2)
        )
        lines = [f"-r {LISTED}/go.work"]
        members = ("./m1/...", "./m2/...")
        steps: tuple[Step, ...] = (
            ("list", "-m", "all"),
            ("work", "sync"),
            ("build", *members),
            ("mod", "download"),
            ("list", "-deps", "-test", *members),
            ("work", "vendor"),
        )
    else:
        project = _draw_project(random, f"{HOST}/main", GO_OF_FILES, versions, is_alone=True)
        projects = (project,)
        lines = [f"-r {LISTED}/go.mod"]
        first = random.choice([("list", "-m", "all"), ("mod", "download"), ("mod", "tidy")])
        steps = (first, *_working(random, level, project.go))
    if random.random() < 0.4:
        other = random.choice(versions)
        lines.append(f"{other.path}@{other.version}")
    return World(seed, tuple(versions), level, tuple(lines), projects, steps, is_listed=True)


def _draw_project(
    random: Random,
    path: str,
    go_versions: Sequence[str],
    versions: Sequence[Version],
    *,
    is_alone: bool = False,
) -> Project:
    """Draw a main module that requires up to three modules, as yet untidy."""
    paths = sorted({each.path for each in versions})
    requires: list[Requirement] = []
    imports: set[str] = set()
    for each in random.sample(paths, min(len(paths), random.randint(1, 3))):
        version = random.choice([v for v in versions if v.path == each])
        requires.append(Requirement(version.path, version.version))
        packages = version.import_paths()
        imports.update(random.sample(packages, random.randint(1, len(packages))))
    directives = [f"exclude {_name(random, versions)}"] if random.random() < 0.3 else []
    if is_alone and random.random() < 0.25:
        directives.append(_replacing(random, versions))
    go = random.choice(go_versions)
    return Project(path, go, tuple(sorted(imports)), tuple(requires), tuple(directives))


def _name(random: Random, versions: Sequence[Version]) -> str:
    version = random.choice(versions)
    return f"{version.path} {version.version}"


def _replacing(random: Random, versions: Sequence[Version]) -> str:
    """Replace all of a module by a version of it, or of another."""
    by = random.choice(versions)
    path = random.choice(versions).path if random.random() < 0.3 else by.path
    return f"replace {path} => {by.path} {by.version}"
