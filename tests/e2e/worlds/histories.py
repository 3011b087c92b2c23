"""Histories of a storage: whatever led to it, it has what one run makes of an empty one.

    difference = tried(draw_usable(7, folder, runner), "levels", folder, runner)

What is tried, and where it is promised:

- `again`: a second run fetches nothing and changes nothing, nor does `--prune`; where all lines are
  exact it asks for nothing (docs/performance.md, "Promised").
- `growing`: a list that got its lines one by one, in two orders, and then lost one (docs/list.md,
  "What leaves: --prune").
- `killed`: a run that is broken off at random moments and run again (docs/faults.md).
- `planning`: `gopack plan` stores nothing; before a fetch it tells what that stores, all of it
  where it names no line whose imports only the zips tell, and afterwards always (docs/list.md).
- `levels`: one `--closure` after another, pruned (docs/list.md, "How much is stored").
- `bundles`: what bundles bring to another side, all at first and later what is new
  (docs/bundles.md).

`gopack check` finds nothing after any of it. Left out, since nothing promises it:

- Zips of versions that a later list or level wants without: `--prune` removes versions.
- What the manifest says beside the versions it has: the reasons why they are there, and what runs
  came to of lists and levels of before.
- Requests of patterns, `@all` and `closed`, which ask what is newest.
"""

import contextlib
import hashlib
import itertools
import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from gopack.spec.dirhash import hash1, hash_go_mod
from gopack.spec.module import ModuleVersion
from tests.cli import program
from tests.e2e.worlds.modules import Version, publish
from tests.e2e.worlds.worlds import World, draw_line, draw_world
from tests.fakes_sumdb import FakeSumDB
from tests.faults.world import Runner, publish_log
from tests.upstream import Upstream

LEVELS = ("build", "graph", "closed")
UNSIGNED = "--insecure-unsigned"


class NotUsableError(Exception):
    """gopack refuses the list."""


class DifferenceError(Exception):
    """A storage is another than promised, or a run ends badly."""


@dataclass(frozen=True)
class History:
    """A world's upstream, list and level; `is_logged` if a checksum database vouches for all."""

    world: World
    is_logged: bool

    def random(self, name: str) -> Random:
        """Draw for one property, whatever others draw."""
        return Random(f"{self.world.seed} {name}")

    def __str__(self) -> str:
        return str(replace(self.world, steps=()))


def draw_history(seed: int, turn: int = 0) -> History:
    """Draw a history of one to a few lines, always the same of a seed."""
    world = draw_world(seed, turn)
    random = Random(f"history {seed}.{turn}")
    lines = list(world.lines)
    for _ in range(random.choice([1, 1, 2, 3])):
        line = draw_line(random, world.versions).text
        if random.random() < 0.1:
            line = f"{line.partition('@')[0].removesuffix('/...')}@all"
        if random.random() < 0.12:
            line += f" closure={random.choice(LEVELS)}"
        lines.append(line)
    lines = list({line.partition(" closure=")[0]: line for line in lines}.values())
    random.shuffle(lines)
    return History(replace(world, lines=tuple(lines)), is_logged=random.random() < 0.5)


@dataclass(frozen=True)
class Stored:
    """A storage: every file of its versions, the manifest as it is written, and go.sum."""

    files: Mapping[str, bytes]
    manifest: bytes
    go_sum: bytes

    @classmethod
    def of(cls, storage: Path) -> "Stored":
        names = {path.relative_to(storage).as_posix(): path for path in storage.rglob("*")}
        files = {n: p.read_bytes() for n, p in names.items() if p.is_file()}
        found = {name: data for name, data in files.items() if not name.startswith(".gopack/")}
        return cls(found, files[".gopack/manifest.json"], files[".gopack/go.sum"])

    @property
    def versions(self) -> dict[str, dict[str, Any]]:
        """What the manifest says of each version, but why it is there."""
        entries = json.loads(self.manifest)["versions"]
        return {name: entry | {"why": []} for name, entry in entries.items()}

    @property
    def states(self) -> dict[str, str]:
        return {name: entry["state"] for name, entry in self.versions.items()}


def assert_same(found: Stored, goal: Stored, when: str) -> None:
    """All is the same, to the last byte."""
    assert_same_versions(found, goal, when)
    if found.manifest != goal.manifest:
        raise DifferenceError(f"{when}: the manifest is another")


def assert_same_versions(found: Stored, goal: Stored, when: str) -> None:
    assert_equal(found.states, goal.states, f"{when}: versions")
    assert_equal(found.files, goal.files, f"{when}: files")
    assert_equal(found.versions, goal.versions, f"{when}: entries in the manifest")
    if found.go_sum != goal.go_sum:
        raise DifferenceError(f"{when}: go.sum is another")


def assert_pruned(found: Stored, goal: Stored, when: str) -> None:
    """The same versions are there; what has a zip from before may keep it."""
    kept = {n for n, state in goal.states.items() if state == "mod-only"}
    states = {n: "mod-only" if n in kept else state for n, state in found.states.items()}
    assert_equal(states, goal.states, f"{when}: versions")
    files = {name: found.files.get(name) for name in goal.files}
    assert_equal(files, goal.files, f"{when}: files")
    alike = {name: found.versions[name] for name in goal.versions.keys() - kept}
    assert_equal(alike, {n: goal.versions[n] for n in alike}, f"{when}: entries in the manifest")


def assert_equal(found: Mapping[str, Any], goal: Mapping[str, Any], what: str) -> None:
    told = [
        f"    {name}: {str(found.get(name, 'not there'))[:200]}, "
        f"not {str(goal.get(name, 'not there'))[:200]}"
        for name in sorted(found.keys() | goal.keys())
        if found.get(name) != goal.get(name)
    ]
    if told:
        raise DifferenceError("\n".join([f"{what} are others", *told]))


@dataclass
class Trial:
    """A history under way: its upstream, and folders to run gopack in."""

    history: History
    upstream: Upstream
    log: FakeSumDB
    runner: Runner
    folder: Path
    _places: Iterator[int] = field(default_factory=itertools.count)
    _made: dict[tuple[tuple[str, ...], str], Stored] = field(default_factory=dict)

    def place(self) -> "Place":
        folder = self.folder / f"place{next(self._places)}"
        folder.mkdir()
        for name, text in self.history.world.listed_files().items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        return Place(self, folder)

    def from_nothing(self, lines: Sequence[str], level: str = "") -> Stored:
        """What one run of these lines makes of an empty storage."""
        key = (tuple(lines), level)
        if key not in self._made:
            place = self.place()
            place.fetch(lines, level)
            self._made[key] = place.stored()
        return self._made[key]


@dataclass
class Place:
    """A folder with a list and a storage."""

    trial: Trial
    folder: Path

    @property
    def storage(self) -> Path:
        return self.folder / "ATHENS_STORAGE"

    def environment(self) -> dict[str, str]:
        trial = self.trial
        database = str(trial.log.verifier) if trial.history.is_logged else "off"
        return program.environment(self.folder, trial.upstream.url, GOSUMDB=database)

    def run(self, *arguments: str) -> None:
        """Run gopack; it must end well."""
        status = self.trial.runner.run(self.folder, self.environment(), *arguments)
        if status:
            said = (self.folder / "stdout.txt", self.folder / "stderr.txt")
            text = "".join(path.read_text() for path in said)
            raise DifferenceError(f"gopack {' '.join(arguments)} ends with {status}:\n{text}")

    def at_level(self, lines: Sequence[str], level: str) -> tuple[str, str]:
        """Write the list; tell the options for its level, the history's unless given."""
        (self.folder / "goget.txt").write_text("".join(f"{line}\n" for line in lines))
        return ("--closure", level or self.trial.history.world.level)

    def fetch(self, lines: Sequence[str], level: str = "", *options: str) -> None:
        self.run("fetch", *self.at_level(lines, level), *options)
        self.run("check")

    def fetch_killed(self, lines: Sequence[str], after_s: float) -> None:
        """Start to fetch, and end that with SIGKILL."""
        runner, options = self.trial.runner, self.at_level(lines, "")
        run = runner.start(self.folder, self.environment(), "fetch", *options)
        time.sleep(after_s)
        with contextlib.suppress(ProcessLookupError):  # it was quicker
            os.killpg(run.group, signal.SIGKILL)
        runner.finish()

    def plan(self, lines: Sequence[str]) -> dict[str, Any]:
        self.run("plan", *self.at_level(lines, ""), "--json", "plan.json")
        told = json.loads((self.folder / "plan.json").read_text())
        assert isinstance(told, dict)
        return told

    def stored(self) -> Stored:
        return Stored.of(self.storage)

    def import_from(self, other: "Place", name: str) -> None:
        shutil.copy(other.folder / name, self.folder / name)
        self.run("bundle", "verify", name, UNSIGNED)
        self.run("bundle", "import", name, UNSIGNED)
        self.run("check")


def try_again(trial: Trial) -> None:
    lines, place = trial.history.world.lines, trial.place()
    place.fetch(lines)
    goal = place.stored()
    trial.upstream.log.clear()
    place.fetch(lines)
    asked = trial.upstream.paths()
    assert_same(place.stored(), goal, "run again")
    if asked and _are_exact(trial.history):
        raise DifferenceError(f"exact lines with nothing new ask for {asked}")
    place.fetch(lines, "", "--prune")
    assert_same(place.stored(), goal, "pruned")


def _are_exact(history: History) -> bool:
    """Whether each line names a version by itself: none is a query, a pattern or closed."""
    versions = {each.version for each in history.world.versions}
    words = [line.split() for line in history.world.lines]
    exact = all(
        word[0] == "-r" or (word[0].partition("@")[2] in versions and "..." not in word[0])
        for word in words
    )
    return exact and history.world.level != "closed" and "closure=closed" not in str(words)


def try_growing(trial: Trial) -> None:
    lines = trial.history.world.lines
    random = trial.history.random("growing")
    for order in (lines, random.sample(lines, len(lines))):
        place = trial.place()
        for count in range(1, len(order)):
            place.fetch(order[:count])
        place.fetch(order, "", "--prune")
        assert_pruned(place.stored(), trial.from_nothing(order), "line by line")
        if order[1:]:
            place.fetch(order[1:], "", "--prune")
            assert_pruned(place.stored(), trial.from_nothing(order[1:]), "a line less")


def try_killed(trial: Trial) -> None:
    lines, place = trial.history.world.lines, trial.place()
    random = trial.history.random("killed")
    started = time.monotonic()
    goal = trial.from_nothing(lines)
    lasts_s = time.monotonic() - started
    for _ in range(3):
        place.fetch_killed(lines, random.random() * lasts_s)
    place.fetch(lines)
    assert_same(place.stored(), goal, "broken off and run again")


def try_planning(trial: Trial) -> None:
    lines, place = trial.history.world.lines, trial.place()
    before = place.plan(lines)
    if place.storage.exists():
        raise DifferenceError("plan makes a storage")
    place.fetch(lines)
    stored = place.stored()
    after = place.plan(lines)
    assert_same(place.stored(), stored, "planned")
    if not _counts_all(after):
        raise DifferenceError(f"plan does not count what was read: {after['imports_not_counted']}")
    assert_equal(_planned(after), stored.states, "plan after fetch: versions")
    if not all(each["there"] for each in after["versions"]):
        raise DifferenceError("plan after fetch: not all is there")
    known = _planned(before)
    if not _counts_all(before):  # what comes on top may need zips of them, too
        known = {name: stored.states.get(name, "not stored") for name in known} | {
            name: state for name, state in stored.states.items() if name not in known
        }
    assert_equal(known, stored.states, "plan before fetch: versions")
    for told in (before, after):
        assert_equal(told["levels"][trial.history.world.level], told["total"], "plan: its totals")


def _counts_all(told: Mapping[str, Any]) -> bool:
    return not (told["imports_not_counted"]["lines"] or told["imports_not_counted"]["together"])


def _planned(told: Mapping[str, Any]) -> dict[str, str]:
    return {f"{each['module']}@{each['version']}": each["state"] for each in told["versions"]}


def try_levels(trial: Trial) -> None:
    lines, place = trial.history.world.lines, trial.place()
    random = trial.history.random("levels")
    order = [*LEVELS, *LEVELS[-2::-1]] if random.random() < 0.5 else random.sample(LEVELS, 3)
    for level in order:
        place.fetch(lines, level, "--prune")
        assert_pruned(place.stored(), trial.from_nothing(lines, level), f"{level} of {order}")


def try_bundles(trial: Trial) -> None:
    lines, place, other = trial.history.world.lines, trial.place(), trial.place()
    cut = trial.history.random("bundles").randint(1, len(lines))
    for name, some, since in (("1.bundle", lines[:cut], ()), ("2.bundle", lines, ("--since", "1"))):
        place.fetch(some)
        place.run("bundle", "create", name, *since)
        for _ in range(2):  # importing again does no harm
            other.import_from(place, name)
            assert_same_versions(other.stored(), place.stored(), name)


PROPERTIES: Mapping[str, Callable[[Trial], None]] = {
    "again": try_again,
    "growing": try_growing,
    "killed": try_killed,
    "planning": try_planning,
    "levels": try_levels,
    "bundles": try_bundles,
}


def draw_usable(seed: int, folder: Path, runner: Runner) -> History:
    """Draw the first history of a seed whose list gopack takes."""
    for turn in itertools.count():
        history = draw_history(seed, turn)
        with contextlib.suppress(NotUsableError), trial_of(history, folder / f"{turn}", runner):
            return history
    raise AssertionError  # it counts on


def tried(history: History, name: str, folder: Path, runner: Runner) -> DifferenceError | None:
    """Try a property of a history in a new folder; None where all is as promised.

    Raises:
        NotUsableError: gopack refuses the list.
    """
    with trial_of(history, folder, runner) as trial:
        try:
            PROPERTIES[name](trial)
        except DifferenceError as difference:
            return difference
    return None


@contextlib.contextmanager
def trial_of(history: History, folder: Path, runner: Runner) -> Iterator[Trial]:
    """Serve what is upstream, if gopack takes the list."""
    folder.mkdir(parents=True)
    with Upstream() as upstream:
        publish(history.world.versions, upstream)
        log = _logged(history.world.versions)
        publish_log(log, upstream)
        trial = Trial(history, upstream, log, runner, folder)
        try:
            trial.place().fetch(history.world.lines)
        except DifferenceError as refusal:
            raise NotUsableError from refusal
        yield trial


def _logged(versions: Sequence[Version]) -> FakeSumDB:
    """Make a checksum database that vouches for all versions, and for others."""
    log = FakeSumDB()
    log.grow(20)
    for each in versions:
        mod = each.go_mod().encode()
        files = {**({"go.mod": mod} if each.has_go_mod else {}), **each.files()}
        prefix = f"{each.path}@{each.version}"
        sums = [(f"{prefix}/{n}".encode(), hashlib.sha256(d).hexdigest()) for n, d in files.items()]
        log.add(ModuleVersion(each.path, each.version), hash1(sums), hash_go_mod(mod))
    return log
