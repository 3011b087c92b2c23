"""What is tried of each line: go command lines, in scenarios that each begin with nothing.

A subject is a line of the list, or all of them together. A scenario is a new main module and an
empty module cache; its steps run in order. What a step leaves behind must be the same connected.

Spec: `go help get`, `go help mod`, go.dev/ref/mod#graph-pruning (why a `go 1.16` main module).
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gopack.plan.closure import Level
from gopack.plan.items import Item, ModuleItem, PatternItem, VersionsItem
from gopack.plan.manifest import Manifest
from gopack.plan.missing import Asked
from gopack.spec import semver
from gopack.spec.module import ModuleVersion

JOINT = "all together"
MAX_IMPORTS = 30
"""Packages of a line that the program imports, those nearest to the module's root first: compiling
hundreds proves nothing that loading them with `get pattern` does not."""

MAX_COMMANDS = 3
"""Commands of a line that are installed, unless it names one itself."""

LIST_ALL = ("list", "-m", "-json", "all")
NOT_COMPARED = frozenset({"Dir", "GoMod", "Time"})
"""Fields of `go list -m -json` that name this machine's folders, or a time."""

Arguments = Sequence[str]


@dataclass(frozen=True, slots=True)
class Ran:
    """A go command that ended, and what the proxy was asked meanwhile, where that is known.

    One that `is_timed_out` was ended before it was done, so that nobody knows what it would do.
    """

    exit_status: int
    stdout: str
    stderr: str
    asked: tuple[Asked, ...] = ()
    is_timed_out: bool = False


@dataclass(frozen=True, slots=True)
class Project:
    """A main module that a file of the list stands for.

    Args:
        files: its go.mod, and empty modules for the folders that it names.
        is_exact: whether the file says just which versions are stored, with no graph.
        has_tools: whether it has tool lines that can be built: no folder has what they may need.

    """

    files: Mapping[str, str]
    is_exact: bool = False
    has_tools: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """A row of the matrix.

    Args:
        name: the line as written.
        where: its place in the list.
        modules: what it stands for; a version may be a query where nobody knows better.
        package: the package path where the line names one inside its module.
        targets: what `go get` is given, if not the modules: a package's or a pattern's path.
        latest: what `latest` was when the storage was filled, by module path.
        imports: the packages its program imports.
        commands: `package@version` to install.
        level: what the storage promises for it.
        is_guessed: whether the packages could not be found out.
        limits: what of it is left out, a clause each.
        project: the main module, where the row is a file's.

    """

    name: str
    where: str
    modules: tuple[ModuleVersion, ...]
    package: str = ""
    targets: tuple[ModuleVersion, ...] = ()
    latest: Mapping[str, str] = field(default_factory=dict)
    imports: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    level: Level = Level.GRAPH
    is_guessed: bool = False
    limits: tuple[str, ...] = ()
    project: Project | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Tell it from every other row."""
        return self.where, self.name


def subjects_of(item: Item, manifest: Manifest, level: Level) -> list[Subject]:
    """Make the rows of a line: one, or one for each of its versions; none if it has no module."""
    if not isinstance(item, ModuleItem | PatternItem | VersionsItem):
        return []
    known = tuple(sorted(m for m, entry in manifest.versions.items() if item.text in entry.why))
    if isinstance(item, VersionsItem) and len(known) > 1:
        return [
            replace(_subject(item, (m,), level), name=f"{item.text}: {m.version}") for m in known
        ]
    return [_subject(item, known, level)]


def _subject(
    item: ModuleItem | PatternItem | VersionsItem, known: tuple[ModuleVersion, ...], level: Level
) -> Subject:
    path = item.path.removesuffix("/...")
    query = "latest" if isinstance(item, VersionsItem) else item.query
    modules = known or (ModuleVersion(path, query),)
    is_inside = bool(known) and all(m.path != path for m in known)
    targets = tuple(ModuleVersion(item.path, m.version) for m in known) if is_inside else ()
    return Subject(
        item.text,
        item.where,
        modules,
        package=path if is_inside and not isinstance(item, PatternItem) else "",
        targets=targets,
        latest={m.path: m.version for m in known} if query == "latest" else {},
        level=Level(item.closure) if item.closure else level,
    )


def together(subjects: Sequence[Subject], level: Level) -> Subject:
    """Make the row of all lines together: of a module listed twice, the highest version."""
    highest: dict[str, str] = {}
    for module in (m for subject in subjects for m in subject.modules):
        known = highest.get(module.path)
        if known is None or semver.compare(module.version, known) > 0:
            highest[module.path] = module.version
    joint = Subject(
        JOINT,
        "",
        tuple(ModuleVersion(*pair) for pair in sorted(highest.items())),
        targets=tuple(t for subject in subjects for t in targets_of(subject)),
        latest={p: v for subject in subjects for p, v in subject.latest.items()},
        imports=tuple(sorted({path for subject in subjects for path in subject.imports})),
        level=level,
    )
    return at_versions(joint, highest)


def at_versions(subject: Subject, versions: Mapping[str, str]) -> Subject:
    """Give a subject with its modules at these versions, by module path."""

    def version_of(target: ModuleVersion) -> str:
        path = max((p for p in versions if _is_in(target.path, p)), key=len, default="")
        return versions.get(path, target.version)

    def raised(modules: Iterable[ModuleVersion]) -> tuple[ModuleVersion, ...]:
        return tuple(dict.fromkeys(ModuleVersion(m.path, version_of(m)) for m in modules))

    return replace(subject, modules=raised(subject.modules), targets=raised(subject.targets))


def targets_of(subject: Subject) -> tuple[ModuleVersion, ...]:
    """Tell what `go get` is given of a subject, with a version each."""
    return subject.targets or subject.modules


def _is_in(path: str, module: str) -> bool:
    return path == module or path.startswith(f"{module}/")


@dataclass(frozen=True, slots=True)
class ListedPackage:
    """A package as `go list` shows it."""

    path: str
    module: str
    is_command: bool


def parse_packages(text: str) -> list[ListedPackage]:
    """Read the JSON of `go list -e -find`, leaving out what no file of is built here."""
    return [
        ListedPackage(p["ImportPath"], p.get("Module", {}).get("Path", ""), p["Name"] == "main")
        for p in parse_objects(text)
        if p.get("GoFiles") and p.get("Name")
    ]


def parse_objects(text: str) -> list[dict[str, Any]]:
    """Read JSON objects that follow each other, as the go command prints them."""
    decoder, at, found = json.JSONDecoder(), 0, []
    while (at := text.find("{", at)) >= 0:
        shown, at = decoder.raw_decode(text, at)
        found.append(shown)
    return found


def with_packages(subject: Subject, listed: Iterable[ListedPackage]) -> Subject:
    """Give a subject what its program imports and what is installed of it."""
    versions = {m.path: m.version for m in subject.modules}
    mine = [p for p in listed if p.module in versions]
    if subject.package:
        mine = [p for p in mine if p.path == subject.package] or mine
    elif subject.targets:
        folders = [m.path.removesuffix("/...") for m in subject.targets]
        mine = [p for p in mine if any(_is_in(p.path, folder) for folder in folders)]
    near = sorted(mine, key=lambda p: (p.path.count("/"), p.path))
    imports = [p.path for p in near if not p.is_command and not _is_internal(p.path)]
    commands = [
        f"{p.path}@{versions[p.module]}"
        for p in near
        if p.is_command and (p.path in {subject.package, p.module} or _is_offered(p.path))
    ]
    limits = (
        (len(imports), MAX_IMPORTS, "packages are imported (`get pattern` loads them all)"),
        (len(commands), MAX_COMMANDS, "commands are installed"),
    )
    return replace(
        subject,
        imports=tuple(imports[:MAX_IMPORTS]),
        commands=tuple(commands[:MAX_COMMANDS]),
        is_guessed=False,
        limits=tuple(f"{most} of {n} {what}" for n, most, what in limits if n > most),
    )


def _is_internal(path: str) -> bool:
    return "internal" in path.split("/")


def _is_offered(path: str) -> bool:
    """Whether a command is meant to be installed: those in cmd/ are, examples are not."""
    return "cmd" in path.split("/") and not _is_internal(path)


@dataclass(frozen=True, slots=True)
class Step:
    """Some go command lines; what counts is the last one's answer and what they leave behind.

    `reads` tells what is compared beside the exit status and go.mod and go.sum: see `answer_of`.
    Where a step that `others_need` fails, those after it have failed as well.
    """

    name: str
    commands: Callable[[Subject], Sequence[Arguments]]
    compares_files: bool = True
    reads: str = ""
    others_need: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """Steps on one new main module; `go_line` is its Go version where it matters."""

    name: str
    steps: tuple[Step, ...]
    imports: bool = True
    go_line: str = ""
    levels: frozenset[Level] = frozenset(Level)
    of_files: bool = False

    def steps_of(self, subject: Subject) -> list[Step]:
        """Tell the steps that there is something to do in."""
        if subject.level not in self.levels or self.of_files is (subject.project is None):
            return []
        return [step for step in self.steps if step.commands(subject)]


def get_arguments(subject: Subject, *flags: str) -> Arguments:
    """Get what a subject names at its versions."""
    return ("get", *flags, *map(str, targets_of(subject)))


def _get_patterns(subject: Subject, *flags: str) -> Arguments:
    """Get all packages of whole modules; a line that names packages promises no others."""
    paths = set(_paths(subject))
    wanted = (
        f"{m.path}/...@{m.version}" if m.path in paths else str(m) for m in targets_of(subject)
    )
    return ("get", *flags, *wanted)


def _fixed(*words: str) -> Callable[[Subject], Sequence[Arguments]]:
    return lambda _: [words]


def _paths(subject: Subject) -> list[str]:
    return [m.path for m in subject.modules]


MAIN = Scenario(
    "main",
    (
        Step(
            "get",
            lambda s: [get_arguments(s), LIST_ALL],
            reads="modules",
            others_need=True,
        ),
        Step("build", _fixed("build", "./...")),
        Step("vet", _fixed("vet", "./...")),
        Step("test", _fixed("test", "-run=^$", "./...")),
        Step("tidy", lambda _: [("mod", "tidy"), LIST_ALL], reads="modules"),
        Step("list deps", _fixed("list", "-deps", "-test", "./...")),
        Step("download all", _fixed("mod", "download", "all")),
        Step("verify", _fixed("mod", "verify")),
        Step("vendor", _fixed("mod", "vendor")),
    ),
)


def _download_project(subject: Subject) -> Sequence[Arguments]:
    if subject.project is not None and subject.project.is_exact:
        return [("mod", "download", *map(str, subject.modules))]
    return [("mod", "download", "all")]


def _of_graph(*words: str) -> Callable[[Subject], Sequence[Arguments]]:
    return lambda s: [] if s.project is not None and s.project.is_exact else [words]


FILE = Scenario(
    "file",
    (
        Step("list all", _of_graph(*LIST_ALL), reads="modules", others_need=True),
        Step("download all", _download_project),
        Step("verify", _of_graph("mod", "verify")),
        Step(
            "tools",
            lambda s: (
                [("install", "tool")] if s.project is not None and s.project.has_tools else []
            ),
        ),
    ),
    of_files=True,
)
SCENARIOS = (
    MAIN,
    FILE,
    Scenario(
        "pattern",
        (Step("get pattern", lambda s: [_get_patterns(s), LIST_ALL], reads="modules"),),
        imports=False,
    ),
    Scenario(
        "tests",
        (Step("get -t", lambda s: [_get_patterns(s, "-t"), LIST_ALL], reads="modules"),),
        imports=False,
    ),
    Scenario(
        "queries",
        (
            Step(
                "-versions",
                lambda s: [("list", "-m", "-json", "-versions", *_paths(s))],
                compares_files=False,
                reads="versions",
            ),
            Step(
                "@latest",
                lambda s: [
                    ("get", *(f"{m.path}@latest" for m in targets_of(s))),
                    ("list", "-m", "-json", *_paths(s)),
                ],
                compares_files=False,
                reads="latest",
            ),
        ),
        imports=False,
    ),
    Scenario(
        "install",
        (
            Step(
                "install",
                lambda s: [("install", command) for command in s.commands],
                compares_files=False,
            ),
        ),
        imports=False,
    ),
    Scenario(
        "go 1.16",
        (
            Step(
                "go 1.16",
                lambda s: [get_arguments(s), ("mod", "tidy"), LIST_ALL],
                reads="modules",
            ),
        ),
        go_line="1.16",
        levels=frozenset({Level.CLOSED}),
    ),
    Scenario(
        "upgrade",
        (
            Step(
                "get -u",
                lambda s: [get_arguments(s), ("get", "-u", "./..."), LIST_ALL],
                reads="modules",
            ),
        ),
        levels=frozenset({Level.CLOSED}),
    ),
)
STEP_NAMES = tuple(dict.fromkeys(s.name for scenario in SCENARIOS for s in scenario.steps))


def untried(subject: Subject) -> dict[str, str]:
    """Tell the steps that a subject is not tried in, and why."""
    if subject.project is not None:
        return _untried_of(subject.project)
    found = {}
    for scenario in SCENARIOS:
        if scenario.of_files:
            continue
        names = [step.name for step in scenario.steps]
        if subject.level not in scenario.levels:
            why = f"only the closed level promises it, and this is {subject.level.value}"
            found.update(dict.fromkeys(names, why))
            continue
        tried = {step.name for step in scenario.steps_of(subject)}
        why = (
            "it offers no command, neither at a module's root nor in its cmd/"
            if subject.where
            else "commands are installed alone, as the lines' own rows have it"
        )
        found.update((name, why) for name in names if name not in tried)
    return found


def _untried_of(project: Project) -> dict[str, str]:
    own = {step.name for step in FILE.steps}
    why = "a file's packages are not here: its modules are tried, as its main module selects them"
    found = dict.fromkeys((name for name in STEP_NAMES if name not in own), why)
    if project.is_exact:
        found |= dict.fromkeys(("list all", "verify"), "the file has no graph")
    return (
        found
        if project.has_tools
        else {**found, "tools": "the file names none that can be built here"}
    )


def survey_arguments(subject: Subject) -> Arguments:
    """List the packages of a subject's modules, once they are required."""
    fields = "-json=ImportPath,Name,Module,GoFiles"
    return ("list", "-e", "-find", fields, *(f"{path}/..." for path in _paths(subject)))


def requiring(subject: Subject, go_version: str) -> str:
    """Write the go.mod of a main module that requires a subject's modules."""
    lines = "".join(f"\t{m.path} {m.version}\n" for m in subject.modules)
    return f"module gopack.invalid/prove\n\ngo {go_version}\n\nrequire (\n{lines})\n"


def selected_by(text: str) -> dict[str, str]:
    """Read `go list -m -json all`: the version that is selected of each module."""
    return {each["Path"]: each["Version"] for each in parse_objects(text) if each.get("Version")}


def main_files(subject: Subject, scenario: Scenario, go_version: str) -> dict[str, str]:
    """Write the main module that a scenario starts with: file name to text."""
    if subject.project is not None:
        return dict(subject.project.files)
    go_line = scenario.go_line or go_version
    imports = subject.imports if scenario.imports else ()
    program = "".join(f'import _ "{path}"\n' for path in imports)
    return {
        "go.mod": f"module gopack.invalid/prove\n\ngo {go_line}\n",
        "main.go": f"package main\n\n{program}\nfunc main() {{}}\n",
        "main_test.go": "package main\n",
    }


def answer_of(step: Step, stdout: str) -> dict[str, str]:
    """Give what a step's last answer tells that must be equal, as text by name."""
    if not step.reads:
        return {}
    shown = parse_objects(stdout)
    if step.reads == "modules":
        kept = [_comparable(each) for each in shown]
        return {"go list -m -json all": json.dumps(kept, indent=1, sort_keys=True)}
    if step.reads == "versions":
        return {each["Path"]: " ".join(each.get("Versions", ())) for each in shown}
    return {each["Path"]: each.get("Version", "") for each in shown}


def _comparable(module: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is not compared, of a replacement, too."""
    kept = {key: value for key, value in module.items() if key not in NOT_COMPARED}
    new = kept.get("Replace")
    return {**kept, "Replace": _comparable(new)} if isinstance(new, dict) else kept
