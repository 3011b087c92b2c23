"""What a fetch needs, over fakes: modules in a few characters, zips that are only bytes."""

import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gopack.adapters.ledger import DiskLedger
from gopack.errors import GopackError
from gopack.flows.completing import Completer
from gopack.flows.fetch import FetchResult, fetch
from gopack.flows.fetching import Fetcher
from gopack.flows.importing import Importer
from gopack.flows.layered import StoredFirst
from gopack.flows.planning import Planner
from gopack.flows.progress import Silent
from gopack.flows.verify import SumVerifier
from gopack.plan.closure import Level
from gopack.plan.items import ModuleItem
from gopack.plan.query import Resolution
from gopack.plan.room import Room
from gopack.plan.survey import Contents
from gopack.ports import Attempt, FetchedZip, FileKind, State
from gopack.spec.goproxy import Request, path_of
from gopack.spec.module import ModuleVersion
from tests.fake_source import FakeSource
from tests.fakes import FakeStore
from tests.plan.graphs import mv


class Breaking(FakeSource):
    """A source that raises what `breaks` says for a proxy path."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        super().__init__(files)
        self.breaks: dict[str, Exception] = {}

    def read(self, request: Request) -> bytes:
        if (error := self.breaks.get(path_of(request))) is not None:
            raise error
        return super().read(request)


def module_files(requirements: Mapping[str, str]) -> dict[str, bytes]:
    """Serve `{"a1": "b1 c1"}`, see tests/plan/graphs.py, with lists and zips."""
    files: dict[str, bytes] = {}
    for key, text in requirements.items():
        module = mv(key.rstrip("!"))
        go = "1.16" if key.endswith("!") else "1.20"
        lines = [f"module {module.path}", f"go {go}"]
        lines += [f"require {mv(name).path} {mv(name).version}" for name in text.split()]
        base = f"{module.path}/@v/"
        files[f"{base}{module.version}.mod"] = "".join(f"{line}\n" for line in lines).encode()
        files[f"{base}{module.version}.info"] = json.dumps({"Version": module.version}).encode()
        files[f"{base}{module.version}.zip"] = f"zip of {module}".encode()
        files[f"{base}list"] = files.get(f"{base}list", b"") + f"{module.version}\n".encode()
    return files


class FakeZips:
    """ports.ZipFetcher: zips are whatever the source has; `errors` fail; left-overs are used."""

    def __init__(self, source: FakeSource, incoming: Path) -> None:
        self._source = source
        self._incoming = incoming
        self.errors: dict[ModuleVersion, GopackError] = {}
        self.broken: dict[ModuleVersion, BaseException] = {}
        self.fetched: list[ModuleVersion] = []
        self.sizes: dict[ModuleVersion, int] = {}
        self.checked: list[ModuleVersion] = []
        self.stored_h1: dict[ModuleVersion, str] = {}
        self.read: list[ModuleVersion] = []
        self.unreadable: dict[ModuleVersion, GopackError] = {}
        self.contents: dict[ModuleVersion, Contents] = {}
        self.forgotten_bytes = 0

    can_begin = True

    def expect(self, count: int) -> None:
        self.expected = count

    def fetch(self, module: ModuleVersion, *, size_bytes: int = 0) -> "Future[FetchedZip]":
        self.sizes[module] = size_bytes
        self.fetched.append(module)
        future: Future[FetchedZip] = Future()
        path = self._path(module)
        error = self.broken.get(module) or self.errors.get(module)
        if error is not None:
            future.set_exception(error)
            return future
        try:
            with path.open("wb") as file:
                size = self._source.copy_zip(module, file)
            future.set_result(FetchedZip(path, size, "sha", f"h1:{module}"))
        except GopackError as missing:
            future.set_exception(missing)
        return future

    def arrived_bytes(self, module: ModuleVersion) -> int:
        try:
            return self._path(module).stat().st_size
        except FileNotFoundError:
            return 0

    def forget_all_but(self, wanted: Iterable[ModuleVersion]) -> None:
        kept = {self._path(module) for module in wanted}
        for path in self._incoming.glob("*.zip"):
            if path not in kept:
                self.forgotten_bytes += path.stat().st_size
                path.unlink()

    def _path(self, module: ModuleVersion) -> Path:
        return self._incoming / f"{module.path.replace('/', '_')}-{module.version}.zip"

    def packages(self, module: ModuleVersion, wanted: frozenset[str]) -> "Future[Contents]":
        self.read.append(module)
        future: Future[Contents] = Future()
        if module in self.unreadable:
            future.set_exception(self.unreadable[module])
        else:
            future.set_result(self.contents.get(module, Contents(frozenset(), {})))
        return future

    def discard(self, fetched: FetchedZip) -> None:
        if fetched.path is not None:
            fetched.path.unlink()

    def check(self, module: ModuleVersion) -> "Future[FetchedZip]":
        self.checked.append(module)
        future: Future[FetchedZip] = Future()
        if module in self.errors:
            future.set_exception(self.errors[module])
        else:
            h1 = self.stored_h1.get(module, f"h1:{module}")
            future.set_result(FetchedZip(None, 3, "sha", h1))
        return future


@dataclass
class Kit:
    """One storage and one upstream; `run` is a run of its own, with a ledger read anew."""

    source: Breaking
    store: FakeStore
    folder: Path
    zips: FakeZips
    room_bytes: int = 10**9
    known: dict[str, Resolution] = field(default_factory=dict)

    def attempts(self, _path: str) -> list[Attempt]:
        return [Attempt(self.source, falls_back_on_error=False)]

    def ledger(self) -> DiskLedger:
        return DiskLedger(self.folder)

    def run(self, *texts: str, level: Level = Level.GRAPH) -> FetchResult:
        ledger = self.ledger()

        def read_stored(module: ModuleVersion, kind: FileKind) -> bytes | None:
            if self.store.state(module) is State.ABSENT:
                return None
            data = self.store.open(module, kind).read()
            return data if ledger.is_as_recorded(module, kind, data) else None

        with (
            ThreadPoolExecutor(4) as executor,
            SumVerifier(None, exempt=lambda _path: "GOSUMDB=off") as verifier,
        ):
            sources = StoredFirst(self, read_stored)
            planner = Planner(sources, executor, lambda item: self.known.get(item.text), Silent())
            fetcher = Fetcher(
                sources=sources,
                store=self.store,
                ledger=ledger,
                zips=self.zips,
                executor=executor,
                progress=Silent(),
                room=lambda: Room("the disk", self.room_bytes + self.zips.forgotten_bytes, None),
                verifier=verifier,
                incoming=self.zips,
                jobs=4,
            )
            importer = Importer(sources, executor, self.zips.packages, lambda _modules: {})
            completer = Completer(planner, importer, ledger.manifest, Silent())
            return fetch(items(*texts), level, planner, fetcher, completer)

    def stored(self) -> dict[str, str]:
        """`a1` to `complete` or `mod-only`."""
        found = sorted(self.store.versions())
        return {m.path[-1] + m.version.split(".")[1]: state.value for m, state in found}


def items(*texts: str) -> list[ModuleItem]:
    """Lines: `a` is `a.b/a`, `a@v1.0.0` asks for a version."""
    found = []
    for number, text in enumerate(texts, 1):
        name, _, query = text.partition("@")
        path = f"a.b/{name}"
        found.append(
            ModuleItem(name="goget.txt", line=number, text=text, path=path, query=query or "latest")
        )
    return found


def make_kit(folder: Path, requirements: Mapping[str, str]) -> Kit:
    for name in ("staging", "own"):
        (folder / name).mkdir()
    source = Breaking(module_files(requirements))
    store = FakeStore(folder / "staging")
    return Kit(source, store, folder / "own", FakeZips(source, folder / "staging"))


@contextmanager
def counting(source: FakeSource) -> Iterator[list[str]]:
    """What is asked for inside."""
    source.asked.clear()
    yield source.asked
