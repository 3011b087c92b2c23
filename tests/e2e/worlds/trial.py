"""What becomes of a random world: the real go command tries it connected, and sealed.

    difference = tried_seed(7, folder)

The world's modules are served by an upstream on 127.0.0.1, the storage is filled by `gopack fetch`,
and behind the gap Athens' layout answers alone.
"""

import contextlib
import itertools
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from tests.athens_layout import served
from tests.e2e.sealed import run_go
from tests.e2e.test_prove import gopack
from tests.e2e.worlds.modules import HOST, publish
from tests.e2e.worlds.promise import promised_imports
from tests.e2e.worlds.worlds import Project, Step, World, draw_world
from tests.gobuild import build_cache
from tests.upstream import Upstream

COMPARED = ("go.mod", "go.sum", "go.work", "go.work.sum", "modules.txt")
"""The files that go may change, in whichever folder of the project."""

DOWNLOADING = "go: downloading "


@dataclass(frozen=True)
class Ran:
    """A step: how it ended, what it said, how the project's files are, what has been downloaded."""

    step: Step
    status: int
    output: str
    errors: str
    files: dict[str, str]
    zips: frozenset[str]
    """Those of all steps so far."""
    new_zips: frozenset[str]

    def difference(self, sealed: "Ran") -> tuple[str, str]:
        """Tell the first respect in which it is otherwise sealed, and how; or nothing."""
        if self.status != sealed.status:
            return "the exit status is another", f"    {sealed.status}, not {self.status}"
        for name in sorted(self.files.keys() | sealed.files.keys()):
            if told := _lines_apart(self.files.get(name, ""), sealed.files.get(name, "")):
                return f"{name} is another", told
        if told := _lines_apart(self.output, sealed.output):
            return "the output is another", told
        if told := _lines_apart(self.messages(), sealed.messages()):
            return "go says something else", told
        zips = (self.new_zips - sealed.zips) | (sealed.new_zips - self.zips)
        if zips and not self.may_look_up:
            return "zips come to only one of the two", f"    {' '.join(sorted(zips))}"
        return "", ""

    def messages(self) -> str:
        """What go says beside its output; downloads, which come in any order, have their own."""
        lines = self.errors.splitlines()
        return "".join(f"{line}\n" for line in sorted(lines) if DOWNLOADING not in line)

    @property
    def may_look_up(self) -> bool:
        """Whether go may look for a package, which it does in every module that might have it.

        Of those that do not have it some may not be there sealed, or their latest may be another.
        """
        return self.step[0] == "get" or self.step[:2] == ("mod", "tidy")


def _lines_apart(connected: str, sealed: str) -> str:
    """Tell the lines that only one has, nothing where all are the same."""
    if connected == sealed:
        return ""
    one, other = connected.splitlines(), sealed.splitlines()
    told = [f"    only connected: {line}" for line in one if line not in other]
    told += [f"    only sealed: {line}" for line in other if line not in one]
    return "\n".join(told or ["    the same lines in another order"])


@dataclass(frozen=True)
class Difference:
    """The first step that goes otherwise sealed, in a world as it was tried."""

    world: World
    step: Step
    respect: str
    told: str
    connected: str
    sealed: str

    def __str__(self) -> str:
        said = f"connected go said:\n{self.connected}\nsealed it said:\n{self.sealed}"
        at = f"sealed, at `go {' '.join(self.step)}`, {self.respect}:"
        return f"{self.world}\n\n{at}\n{self.told}\n\n{said}"


def tried_seed(seed: int, folder: Path) -> Difference | None:
    """Try the first of a seed's worlds of which anything is promised; see `tried`."""
    for turn in itertools.count():
        with contextlib.suppress(NotPromisedError):
            return tried(draw_world(seed, turn), folder / str(turn))
    raise AssertionError  # it counts on


class NotPromisedError(Exception):
    """No level promises anything of this world."""


def tried(world: World, folder: Path) -> Difference | None:
    """Try a world in a new folder; None where all goes the same.

    Raises:
        AssertionError: gopack fails at the world's list.
        NotPromisedError: go fails connected, or imports what nobody promises.
    """
    folder.mkdir(parents=True)
    with Upstream() as upstream:
        publish(world.versions, upstream)
        world = prepared(world, upstream.url, folder / "prepared")
        ran = steps_run(world, upstream.url, folder / "connected")
        connected = [each for each in ran if not each.status]
        if not connected:
            raise NotPromisedError(f"go fails at `go {' '.join(world.steps[0])}`, connected")
        fill(world, upstream.url, folder)
    with served(folder / "ATHENS_STORAGE") as athens:
        behind = steps_run(world, athens.url, folder / "sealed")
        for one, other in zip(connected, behind, strict=False):
            respect, told = one.difference(other)
            if respect:
                return Difference(world, one.step, respect, told, one.errors, other.errors)
    return None


def fill(world: World, url: str, folder: Path) -> None:
    """Fill the storage as an operator does.

    Raises:
        AssertionError: gopack fails, and go can get each line.
        NotPromisedError: go cannot, either.
    """
    _write(folder, {**world.listed_files(), "goget.txt": "".join(f"{x}\n" for x in world.lines)})
    done = gopack(folder, url, "fetch", "--closure", world.level)
    if done.returncode == 0:
        return
    for number, line in enumerate(world.lines):
        if not line.startswith("-r "):
            _get_alone(line.split()[0], world, url, folder / f"line{number}")
    raise AssertionError(f"{world}\n\ngopack fetch: {done.stdout}{done.stderr}")


def _get_alone(line: str, world: World, url: str, folder: Path) -> None:
    project = Project(f"{HOST}/main", "1.21", ())
    [ran] = steps_run(replace(world, projects=(project,), steps=(("get", line),)), url, folder)
    if ran.status:
        raise NotPromisedError(f"go fails at `go get {line}`, connected")


def steps_run(world: World, proxy: str, folder: Path) -> Iterator[Ran]:
    """Run the steps of a world in a new folder, one after the other, to the first that fails."""
    project = folder / "project"
    _write(project, world.files())
    settings = {
        "GOFLAGS": "-modcacherw",
        "GOMODCACHE": str(folder / "cache"),
        "GOCACHE": str(build_cache()),
        "GOWORK": "",
    }
    zips: frozenset[str] = frozenset()
    for step in world.steps:
        done = run_go(project, proxy, step, settings)
        before, zips = zips, _zips(folder / "cache")
        told = (done.returncode, done.stdout, done.stderr)
        yield Ran(step, *told, _files(project), zips, zips - before)
        if done.returncode:
            return
        shutil.rmtree(project / "vendor", ignore_errors=True)


def _files(project: Path) -> dict[str, str]:
    found = sorted(path for path in project.rglob("*") if path.name in COMPARED)
    return {path.relative_to(project).as_posix(): path.read_text() for path in found}


def _zips(cache: Path) -> frozenset[str]:
    downloads = cache / "cache" / "download"
    return frozenset(path.relative_to(downloads).as_posix() for path in downloads.rglob("*.zip"))


def _write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def prepared(world: World, proxy: str, folder: Path) -> World:
    """Give the world with what only go can say of it, connected.

    That is a go.mod of the list as `go mod tidy` leaves it, and which modules come along with the
    lines that a project gets: of these it may import packages, and of no others.

    Raises:
        NotPromisedError: go fails, or the project imports others.
    """
    if world.is_listed:
        tidied = (
            _tidied(project, world, proxy, folder / project.path) for project in world.projects
        )
        return replace(world, projects=tuple(tidied))
    getting = tuple(step for step in world.steps if step[0] == "get" and "-u" not in step)
    asked = replace(world, steps=(*getting, ("list", "-mod=mod", "-m", "all")))
    *_, last = steps_run(asked, proxy, folder)
    if last.status:
        raise NotPromisedError(f"go fails at `go {' '.join(last.step)}`, connected")
    return _importing_further(world, last.output)


def _tidied(project: Project, world: World, proxy: str, folder: Path) -> Project:
    alone = replace(world, projects=(project,), steps=(("mod", "tidy"),), is_listed=False)
    [ran] = steps_run(alone, proxy, folder)
    if ran.status:
        raise NotPromisedError("go fails to tidy the project, connected")
    return replace(project, tidied=ran.files["go.mod"])


def _importing_further(world: World, build_list: str) -> World:
    """Have the project import packages of its build list's modules, beside those that it does."""
    selected = {tuple(line.split()[:2]) for line in build_list.splitlines()}
    found = [each for each in world.versions if (each.path, each.version) in selected]
    promised = promised_imports(world, found)
    [project] = world.projects
    if not promised.issuperset(project.imports):
        raise NotPromisedError("the project imports what its lines do not bring in")
    further = Random(world.seed).choices(sorted(promised), k=world.further)
    imports = tuple(sorted({*project.imports, *further}))
    return replace(world, projects=(replace(project, imports=imports),), further=0)
