"""Pushing a storage into Athens' own, through a door that only moves files and runs scripts.

Rules:
- Only what the ledger vouches for is pushed, and only if its bytes are the recorded ones; nothing
  appears there before all of it has arrived and every sum was right.
- What is there stays: the same versions are passed by, others are conflicts and reported.
- The proofs of the checksum database go along where the target's are a part of ours; where it has
  others, only `bundle import` can prove the two together.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from gopack.errors import StoreError
from gopack.flows.bundle_create import Origin, read_small
from gopack.flows.progress import Progress
from gopack.plan import manifest as manifests
from gopack.plan import publishing, pushing
from gopack.plan.bundle.tarball import padding
from gopack.plan.infotime import info_time_ns
from gopack.plan.layout import DISK_GO_MOD, DISK_ZIP, OWN_FOLDER, athens_disk_key
from gopack.plan.manifest import Manifest
from gopack.plan.pushing import Found, Place, Step
from gopack.plan.summary import required_by
from gopack.ports import FileKind
from gopack.spec import gosum
from gopack.spec.module import ModuleVersion

MANIFEST = "manifest.json"
GO_SUM = "go.sum"
_LAST = (GO_SUM, MANIFEST)
_PIECE_BYTES = 1 << 20
_WRITES = {Step.ADD, Step.REPLACE, Step.COMPLETE}
FILES_PER_VERSION = 4
SPARE_BYTES = 16 << 20
"""What file systems take besides the contents."""


class Room(Protocol):
    """Where the target's files are: a running container. Every failure MUST be a GopackError."""

    root: str
    user: str

    def run(self, script: str) -> str:
        """Run a shell script as root and give what it prints; a failing one is a StoreError."""

    def put(self, pieces: Iterable[bytes]) -> None:
        """Unpack a tar, given in pieces, at `/`."""

    def read(self, path: str) -> bytes | None:
        """Read a file; None if there is none."""


@dataclass(frozen=True, slots=True)
class OwnFile:
    """One of gopack's own files to be pushed: its name below `.gopack`, its bytes or its path."""

    name: str
    content: bytes | Path

    def read(self) -> bytes:
        """Give the bytes."""
        return self.content if isinstance(self.content, bytes) else self.content.read_bytes()


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push did, or would do; `aliases` are the names that are new there.

    `infos` are the SHA-256 of the `.info` files that were there and stay: of completed versions.
    """

    steps: Mapping[ModuleVersion, Step]
    size_bytes: int
    has_proofs: bool
    aliases: Mapping[ModuleVersion, str]
    infos: Mapping[ModuleVersion, str]

    def written(self) -> list[ModuleVersion]:
        """The versions that are new there."""
        return [module for module, step in self.steps.items() if step in _WRITES]

    def conflicts(self) -> list[ModuleVersion]:
        """The versions that are there with other bytes."""
        return sorted(module for module, step in self.steps.items() if step is Step.CONFLICT)


def push(
    origin: Origin,
    proofs: Sequence[OwnFile],
    room: Room,
    progress: Progress,
    *,
    name: str,
    is_dry_run: bool = False,
) -> Pushed:
    """Push what the target lacks.

    Args:
        origin: the storage here.
        proofs: what it keeps of checksum databases, tiles before records before heads.
        room: where the target is.
        progress: who watches.
        name: this push's own, `push-...`.
        is_dry_run: only tell what would be done.

    Raises:
        StoreError: the storage here was edited; the target is full, held by another gopack, or
            lacks the tools.
    """
    progress.phase("looking at the target")
    run = _Push(origin, room, progress, name)
    run.look()
    run.compare_proofs(proofs)
    if not is_dry_run and run.has_work():
        run.send()
    return run.result()


@dataclass(slots=True)
class _Push:
    origin: Origin
    room: Room
    progress: Progress
    name: str
    found: Found = field(init=False)
    sums: dict[str, str] = field(default_factory=dict)
    theirs: Manifest = field(default_factory=Manifest)
    steps: dict[ModuleVersion, Step] = field(default_factory=dict)
    aliases: dict[ModuleVersion, str] = field(default_factory=dict)
    own: list[OwnFile] = field(default_factory=list)
    seen: dict[str, str] = field(default_factory=dict)
    has_proofs: bool = True
    has_more_proofs: bool = False

    def look(self) -> None:
        room, ours = self.room, self.origin.manifest
        self.found = pushing.parse_look(room.run(pushing.look_script(room.root, room.user)))
        keys = pushing.doubtful(ours, self.found.files)
        if keys:
            names = f"tmp/{self.name}-names"
            room.put(self._tar({names: "".join(f"{key}\n" for key in keys).encode()}))
            self.sums = pushing.parse_sums(room.run(pushing.sums_script(room.root, f"/{names}")))
        data = self._read_own(MANIFEST)
        if data is not None:
            self.theirs = manifests.loads(data, where=f"the target's {MANIFEST}")
        decided = pushing.decide(ours, self.found.files, self.sums)
        self.steps = {module: decided[module] for module in self._order(decided)}
        self.aliases = pushing.new_aliases(self.theirs, ours, self.steps, self.found.files)

    def _order(self, decided: Mapping[ModuleVersion, Step]) -> list[ModuleVersion]:
        """Requirements first; that reads every go.mod that is pushed, and holds it to its sum."""
        requires: dict[ModuleVersion, list[ModuleVersion]] = {}
        for module, step in decided.items():
            requires[module] = []
            if step in _WRITES:
                _info, mod = read_small(self.origin, module, self.origin.manifest.versions[module])
                requires[module] = required_by(module, mod)
        return publishing.in_order(requires)

    def compare_proofs(self, proofs: Sequence[OwnFile]) -> None:
        """Take the proofs that the target lacks, if what it has is a part of ours."""
        ours = {file.name for file in proofs}
        folder = f"{OWN_FOLDER}/"
        there = {name.removeprefix(folder) for name in self.found.files if name.startswith(folder)}
        kept = {name for name in there if name.startswith("sumdb/") and "/evidence/" not in name}
        is_part = not {name for name in kept if "/heads/" in name} - ours
        has_more = any(file.name not in there for file in proofs)
        for file in proofs:
            if file.name.endswith("/records"):
                known, records = self._read_own(file.name) or b"", file.read()
                is_part = is_part and records.startswith(known)
                has_more = has_more or len(records) > len(known)
        self.has_proofs = is_part and bool(proofs)
        if is_part:
            self.own = [f for f in proofs if f.name not in there or f.name.endswith("/records")]
            self.has_more_proofs = has_more

    def has_work(self) -> bool:
        writes = any(step in _WRITES for step in self.steps.values())
        if writes or self.aliases or self.has_more_proofs:
            return True
        return manifests.dumps(self._merged()) != self._read_own(MANIFEST)

    def send(self) -> None:
        """Send everything to the staging folder, then have it appear."""
        place = Place(self.room.root, self.name, self.found.owner)
        work = f"tmp/{self.name}-work"
        numbered = [
            (number, module, step)
            for number, (module, step) in enumerate(self.steps.items())
            if step in _WRITES
        ]
        aliases = list(enumerate(self.aliases, len(self.steps)))
        self._check_space(numbered)
        manifest = self._merged()
        last = {
            GO_SUM: gosum.format_lines(manifest.sum_lines()).encode(),
            MANIFEST: manifests.dumps(manifest),
        }
        files = [*self.own, *(OwnFile(name, data) for name, data in last.items())]
        lines = pushing.worklist(numbered, aliases, [file.name for file in self.own], _LAST)
        is_publishing = False
        try:
            self.progress.phase("sending")
            self.room.put(self._pieces(place, numbered, aliases, files, {work: lines}))
            is_publishing = True
            self.progress.phase("publishing")
            self.room.run(pushing.publish_script(place, f"/{work}", self.seen))
        except BaseException:
            self._clean(place, is_publishing=is_publishing)
            raise

    def _clean(self, place: Place, *, is_publishing: bool) -> None:
        """Delete what was staged; a failure at that is a note beside the one that came first."""
        try:
            self.room.run(pushing.clean_script(place))
        except StoreError:
            known = (
                "versions of this push may have appeared, or still appear, each of them whole"
                if is_publishing
                else "nothing of this push appeared"
            )
            self.progress.note(
                f"{place.root}/{place.staging} was not deleted: a push does that a day later; "
                f"{known}. Push again: it goes on"
            )

    def _check_space(self, numbered: Sequence[tuple[int, ModuleVersion, Step]]) -> None:
        needed = self._size_bytes(module for _, module, _ in numbered) + SPARE_BYTES
        if needed > self.found.free_bytes:
            raise StoreError(
                f"too little space: {needed} bytes are needed, {self.found.free_bytes} are free",
                where=self.room.root,
                hint="free space on the disk of the volume; nothing was written",
            )

    def _size_bytes(self, modules: Iterable[ModuleVersion]) -> int:
        entries = (self.origin.manifest.versions[module] for module in modules)
        return sum(entry.zip.size_bytes for entry in entries if entry.zip)

    def _pieces(
        self,
        place: Place,
        numbered: Sequence[tuple[int, ModuleVersion, Step]],
        aliases: Sequence[tuple[int, ModuleVersion]],
        files: Iterable[OwnFile],
        others: Mapping[str, bytes],
    ) -> Iterator[bytes]:
        """Give the tar of everything, its names below `/`."""
        root = place.root.strip("/")
        made: set[str] = set()

        def folders(path: str) -> Iterator[bytes]:
            parts = path.split("/")
            for end in range(1, len(parts) + 1):
                if (name := "/".join(parts[:end])) not in made:
                    made.add(name)
                    yield pushing.tar_folder(f"{root}/{name}", owner=place.owner)

        whole = [m for _, m, _ in numbered if self.origin.manifest.versions[m].zip]
        self.progress.planned(len(whole), self._size_bytes(whole))
        if self.found.is_empty:
            yield pushing.tar_folder(root, owner=place.owner)
        for file in files:
            path = f"{place.staging}/own/{file.name}"
            yield from folders(path.rpartition("/")[0])
            yield from _file(f"{root}/{path}", file.read(), place.owner)
        for number, module, step in numbered:
            folder = place.staged(number, module)
            yield from folders(folder)
            yield from self._version(f"{root}/{folder}", module, step, place.owner)
        for number, alias in aliases:
            folder = place.staged(number, alias)
            yield from folders(folder)
            yield from self._alias(f"{root}/{folder}", alias, place.owner)
        yield from self._tar(others)

    def _version(
        self, folder: str, module: ModuleVersion, step: Step, owner: tuple[int, int]
    ) -> Iterator[bytes]:
        entry = self.origin.manifest.versions[module]
        info, mod = read_small(self.origin, module, entry)
        time_s = info_time_ns(info) // 1_000_000_000
        if step is not Step.COMPLETE:
            yield from _file(f"{folder}/{FileKind.INFO.value}", info, owner, time_s)
            yield from _file(f"{folder}/{DISK_GO_MOD}", mod, owner, time_s)
        if entry.zip is not None:
            size = entry.zip.size_bytes
            yield pushing.tar_file(f"{folder}/{DISK_ZIP}", size, owner=owner, time_s=time_s)
            yield from self._zip(module, size, entry.zip.sha256)
            self.progress.fetched(module, size)

    def _alias(self, folder: str, alias: ModuleVersion, owner: tuple[int, int]) -> Iterator[bytes]:
        module = ModuleVersion(alias.path, self.aliases[alias])
        info, _mod = read_small(self.origin, module, self.origin.manifest.versions[module])
        time_s = info_time_ns(info) // 1_000_000_000
        yield from _file(f"{folder}/{FileKind.INFO.value}", info, owner, time_s)

    def _zip(self, module: ModuleVersion, size_bytes: int, expected: str) -> Iterator[bytes]:
        digest, left = sha256(), size_bytes
        with self.origin.store.open(module, FileKind.ZIP) as file:
            while piece := file.read(min(_PIECE_BYTES, left) if left else 1):
                digest.update(piece)
                left -= len(piece)
                if left < 0:
                    break
                yield piece
        if left or digest.hexdigest() != expected:
            raise StoreError(
                "the stored zip is not the one that was recorded",
                where=str(module),
                expected=expected,
                got=digest.hexdigest(),
                hint="somebody edited the storage: run gopack check, and fetch again; "
                "nothing of this push appeared",
            )
        yield padding(size_bytes)

    def _tar(self, files: Mapping[str, bytes]) -> Iterator[bytes]:
        for name, data in files.items():
            yield from _file(name, data, (0, 0))
        yield bytes(2 * 512)

    def _merged(self) -> Manifest:
        return pushing.merged(
            self.theirs,
            self.origin.manifest,
            self.steps,
            self.sums,
            has_proofs=self.has_proofs,
            aliases=self.aliases,
        )

    def _read_own(self, name: str) -> bytes | None:
        """Read one of gopack's own files there; it must be the same when versions appear."""
        data = None
        if f"{OWN_FOLDER}/{name}" in self.found.files:
            data = self.room.read(f"{self.room.root}/{OWN_FOLDER}/{name}")
        self.seen.setdefault(name, "" if data is None else sha256(data).hexdigest())
        return data

    def result(self) -> Pushed:
        written = (module for module, step in self.steps.items() if step in _WRITES)
        infos = {
            module: self.sums[athens_disk_key(module, FileKind.INFO)]
            for module, step in self.steps.items()
            if step is Step.COMPLETE
        }
        return Pushed(self.steps, self._size_bytes(written), self.has_proofs, self.aliases, infos)


def _file(name: str, data: bytes, owner: tuple[int, int], time_s: int = 0) -> Iterator[bytes]:
    yield pushing.tar_file(name, len(data), owner=owner, time_s=time_s)
    yield data
    yield padding(len(data))
