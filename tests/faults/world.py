"""A module proxy with its checksum database, a list, and runs of gopack against them."""

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, Self

from gopack.spec.dirhash import hash1, hash_go_mod
from gopack.spec.module import ModuleVersion
from gopack.spec.sumdb import lookup_path
from gopack.spec.tiles import SUMDB_HEIGHT, new_tiles
from tests.cli import program
from tests.fakes_sumdb import FakeSumDB
from tests.faults import injected
from tests.faults.judging import Snapshot, assert_athens_shows_no_part, assert_same
from tests.faults.report import Tally
from tests.launching import launch
from tests.upstream import Upstream

REPOSITORY = Path(__file__).parents[2]
ENDED_S = 60.0
NO_FILES: Mapping[str, bytes] = {}
OTHERS = 300
"""Records of other modules in the log, so that its tree has tiles of two levels."""


@dataclass
class World:
    """What is upstream, and the list that asks for it."""

    upstream: Upstream
    lines: str
    log: FakeSumDB = field(default_factory=FakeSumDB)

    def add(
        self, path: str, version: str, *requires: str, files: Mapping[str, bytes] = NO_FILES
    ) -> None:
        """Serve a version that requires `path@version`s."""
        text = f"module {path}\n\ngo 1.16\n"
        text += "".join(f"\nrequire {required.replace('@', ' ')}\n" for required in requires)
        self.serve(path, version, text, files)

    def serve(self, path: str, version: str, mod: str, files: Mapping[str, bytes]) -> None:
        """Serve a version, its sums in the log."""
        package = path.rpartition("/")[2].lower()
        contents = {f"{package}.go": f"package {package}\n".encode(), **files}
        self.upstream.add(path, version, mod=mod, files=contents)
        every = {"go.mod": mod.encode(), **contents}
        zip_sum = hash1(
            (f"{path}@{version}/{name}".encode(), _sha256(data)) for name, data in every.items()
        )
        self.log.add(ModuleVersion(path, version), zip_sum, hash_go_mod(mod.encode()))

    def publish_log(self) -> None:
        """Serve the log as it is now."""
        publish_log(self.log, self.upstream)

    def environment(self, folder: Path, **more: str) -> dict[str, str]:
        settings = {"GOSUMDB": str(self.log.verifier), **more}
        return program.environment(folder, self.upstream.url, **settings)


def publish_log(log: FakeSumDB, upstream: Upstream) -> None:
    """Serve a log as it is now, as static files of a proxy."""
    base = f"sumdb/{log.name}/"
    upstream.put(base + "supported", b"")
    upstream.put(base + "latest", log.head())
    for module in log.ids:
        upstream.put(base + lookup_path(module), log.lookup(module))
    for tile in new_tiles(SUMDB_HEIGHT, 0, len(log.texts)):
        upstream.put(base + tile.path, log.tile_data(tile))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@contextlib.contextmanager
def small_world(*, tags: bool = False) -> Iterator[World]:
    """Seven versions: complete and mod-only ones, a retraction, a capital, a floating line."""
    with Upstream(tags=tags) as upstream:
        world = World(upstream, "example.com/app\nexample.com/Tool@v0.1.0\n")
        world.log.grow(OTHERS)
        world.add("example.com/base", "v1.0.0")
        world.add("example.com/base", "v1.0.1")
        world.add("example.com/lib", "v1.0.0", "example.com/base@v1.0.0")
        world.add("example.com/util", "v1.1.0", "example.com/base@v1.0.1")
        world.add("example.com/app", "v1.0.0", "example.com/lib@v1.0.0", "example.com/util@v1.1.0")
        world.add("example.com/Tool", "v0.1.0", files={"data.bin": bytes(100_000)})
        mod = "module example.com/lib\n\nretract [v1.0.0, v1.2.0]\n"
        world.serve("example.com/lib", "v1.2.0", mod, {})
        world.publish_log()
        yield world


@contextlib.contextmanager
def big_world(modules: int) -> Iterator[World]:
    """A chain of diamonds: each version requires the two before it; every tenth is listed."""
    with Upstream() as upstream:
        world = World(upstream, "")
        world.log.grow(OTHERS)
        names = [f"example.com/m{number:03}" for number in range(modules)]
        for number, name in enumerate(names):
            required = [f"{names[n]}@v1.0.0" for n in (number - 1, number - 7) if n >= 0]
            content = {"data.txt": os.urandom(500) * (number % 40)}
            world.add(name, "v1.0.0", *required, files=content)
        world.lines = "".join(f"{name}@v1.0.0\n" for name in names[9::10])
        world.publish_log()
        yield world


@dataclass(frozen=True, slots=True)
class Started:
    """A run that was started; `group` is its process group."""

    group: int


class Runner:
    """Runs gopack by tests.faults.zygote; use it as a context manager."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.faults.zygote"],
            cwd=REPOSITORY,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def start(self, folder: Path, env: Mapping[str, str], *arguments: str) -> Started:
        """Start a run in a folder; `finish` must be called before the next one."""
        request = {"folder": str(folder), "env": dict(env), "arguments": arguments}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return Started(self._answer()["pid"])

    def finish(self) -> int:
        """The run's exit status; the number of a signal, negative, if one ended it."""
        return self._answer()["status"]

    def run(self, folder: Path, env: Mapping[str, str], *arguments: str) -> int:
        self.start(folder, env, *arguments)
        return self.finish()

    def _answer(self) -> dict[str, int]:
        assert self._process.stdout is not None
        answer = json.loads(self._process.stdout.readline())
        assert isinstance(answer, dict)
        return answer


class Runs(Protocol):
    """What runs gopack in a folder and tells its exit status."""

    def run(self, folder: Path, env: Mapping[str, str], *arguments: str) -> int:
        """Run to the end; what it says is in `stderr.txt`."""


class Overlapping:
    """Runs gopack by tests.launching: runs of several threads are under way at once."""

    def run(self, folder: Path, env: Mapping[str, str], *arguments: str) -> int:
        started = launch(arguments, folder=folder, env=env)
        _, said = started.communicate(timeout=program.STARTED_S)
        (folder / "stderr.txt").write_text(said)
        assert isinstance(started.returncode, int)
        return started.returncode


@dataclass(frozen=True, slots=True)
class Place:
    """A folder with the world's list, where runs happen."""

    world: World
    runner: Runs
    folder: Path

    @classmethod
    def new(cls, world: World, runner: Runs, folder: Path) -> "Place":
        folder.mkdir()
        (folder / "goget.txt").write_text(world.lines)
        return cls(world, runner, folder)

    @property
    def storage(self) -> Path:
        return self.folder / "ATHENS_STORAGE"

    @property
    def text(self) -> str:
        """What the last run said."""
        return (self.folder / "stderr.txt").read_text()

    def fetch(self, *options: str, **env: str) -> int:
        """Run `gopack fetch` to its end."""
        status = self.runner.run(
            self.folder, self.world.environment(self.folder, **env), "fetch", *options
        )
        assert "Traceback" not in self.text, self.text
        return status

    def counted(self, *options: str) -> int:
        """Run to the end and count the steps."""
        assert self.fetch(*options, **self.faults()) == 0, self.text
        return self.steps_taken()

    def steps_taken(self) -> int:
        """Tell how many steps the last run that counted them took."""
        return (self.folder / "steps").stat().st_size

    def faults(self, at: int = 0, kind: str = injected.KILL) -> dict[str, str]:
        """The environment in which step `at` fails."""
        return {
            injected.ROOT: str(self.storage),
            injected.STEPS: str(self.folder / "steps"),
            injected.AT: str(at),
            injected.KIND: kind,
        }


@dataclass
class Lab:
    """A world, what an undisturbed run makes of it, and places for disturbed ones."""

    world: World
    runner: Runs
    folder: Path
    tally: Callable[[str], Tally]
    goal: Snapshot
    _places: int = 0

    @property
    def upstream(self) -> Upstream:
        return self.world.upstream

    def place(self) -> Place:
        """A new folder to run in."""
        self._places += 1
        return Place.new(self.world, self.runner, self.folder / f"place{self._places}")

    def heals(self, place: Place, *, with_requirements: bool = True) -> None:
        """Nothing partial is there; once the fault is gone a plain run mends everything."""
        assert_athens_shows_no_part(place.storage, self.goal, with_requirements=with_requirements)
        assert place.fetch() == 0, place.text
        assert_same(place.storage, self.goal)
        shutil.rmtree(place.folder)

    def beside(self, world: World, number: int) -> "Lab":
        """Another one, with an upstream like this one's: what one spoils the other is spared."""
        folder = self.folder / f"beside{number}"
        folder.mkdir()
        return Lab(world, Overlapping(), folder, self.tally, self.goal)
