"""What is tried of a subject: go command lines, in scenarios that each begin with nothing.

A scenario is a new main module and an empty module cache; its steps run in order. What a step
leaves behind must be the same connected.

Spec: `go help get`, `go help mod`, go.dev/ref/mod#graph-pruning (why a `go 1.16` main module).
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gopack.plan.closure import Level
from gopack.plan.proving import Project, Subject, parse_objects, targets_of, with_latest

LIST_ALL = ("list", "-m", "-json", "all")
NOT_COMPARED = frozenset({"Dir", "GoMod", "Time"})
"""Fields of `go list -m -json` that name this machine's folders, or a time."""

Arguments = Sequence[str]


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


def _get_latest(subject: Subject) -> list[Arguments]:
    paths = with_latest(subject)
    if not paths:
        return []
    asked = (path for path in _paths(subject) if path not in subject.retracted)
    return [("get", *(f"{path}@latest" for path in paths)), ("list", "-m", "-json", *asked)]


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
        # Compiled and linked alone: what runs it runs every init of the packages.
        Step("test", _fixed("test", "-c", "-o", "/dev/null", "./...")),
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
                _get_latest,
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
        if subject.is_guessed and scenario.name == "install":
            why = "its packages could not be found out"
        if scenario.name == "queries":
            why = "all that is stored of it is retracted: list module@latest beside it"
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
