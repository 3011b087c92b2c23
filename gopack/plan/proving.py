"""What is proven: the lines of a list as rows, alone and together, with their packages.

A subject is a line of the list, a version or a file of it, or all lines together.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gopack.plan.closure import Level
from gopack.plan.items import Item, ModuleItem, PatternItem, VersionsItem
from gopack.plan.manifest import Manifest
from gopack.plan.missing import Asked
from gopack.plan.summary import retraction_of
from gopack.spec import semver
from gopack.spec.module import ModuleVersion

JOINT = "all together"
MAX_IMPORTS = 30
"""Packages of a line that the program imports, those nearest to the module's root first: compiling
hundreds proves nothing that loading them with `get pattern` does not."""

MAX_COMMANDS = 3
"""Commands of a line that are installed, unless it names one itself."""


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
        retracted: the modules of which all that is stored is retracted, so that nothing is latest.
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
    retracted: frozenset[str] = frozenset()
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
            replace(_subject(item, (m,), manifest, level), name=f"{item.text}: {m.version}")
            for m in known
        ]
    if not isinstance(item, VersionsItem):
        known = _chosen(known, item.query, manifest)
    return [_subject(item, known, manifest, level)]


def _chosen(
    known: Iterable[ModuleVersion], query: str, manifest: Manifest
) -> tuple[ModuleVersion, ...]:
    """Take one version of each module: those that a line chose earlier stay noted as its own.

    It is the highest, which was chosen last; a retracted one, or a pre-release as `latest`, only
    where there is no other.
    """

    def rank(module: ModuleVersion) -> tuple[bool, bool, tuple[semver.Precedence, bytes]]:
        facts = manifest.modules.get(module.path)
        is_retracted = facts is not None and retraction_of(facts.retract, module.version)
        is_passed_by = query == "latest" and bool(semver.prerelease(module.version))
        return not is_retracted, not is_passed_by, semver.sort_key(module.version)

    last: dict[str, ModuleVersion] = {}
    for module in sorted(known, key=rank):
        last[module.path] = module
    return tuple(sorted(last.values()))


def _subject(
    item: ModuleItem | PatternItem | VersionsItem,
    known: tuple[ModuleVersion, ...],
    manifest: Manifest,
    level: Level,
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
        retracted=frozenset(m.path for m in known if _is_all_retracted(m.path, manifest)),
        level=Level(item.closure) if item.closure else level,
    )


def _is_all_retracted(path: str, manifest: Manifest) -> bool:
    facts = manifest.modules.get(path)
    if facts is None or not facts.retract:
        return False
    stored = (module.version for module in manifest.versions if module.path == path)
    return all(retraction_of(facts.retract, version) for version in stored)


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
        retracted=frozenset().union(*(subject.retracted for subject in subjects)),
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


def with_latest(subject: Subject) -> tuple[str, ...]:
    """Tell the paths of a subject that there is a latest version of."""
    paths = (target.path for target in targets_of(subject))
    return tuple(p for p in paths if not any(_is_in(p, module) for module in subject.retracted))


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
