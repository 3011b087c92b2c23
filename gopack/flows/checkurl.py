"""Asking a running proxy for one version, as the go command would, and looking at its settings.

Rules kept:
- The three files come back byte for byte as the storage has them, and the list names the version.
- A sealed Athens answers `@latest` and what it does not have with 404 at once, and lists what its
  storage has; a redirect, a server error, a slow 404 or a longer list show that it asks, or could
  ask, an upstream. What cannot be seen from outside is not claimed.
- A checksum database that is said to be supported answers.

Spec: Athens pkg/download (protocol.go, mode); go.dev/ref/mod#goproxy-protocol.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import BinaryIO

from gopack.plan.layout import FileKind, goproxy_key
from gopack.plan.urlreport import Kind, Said, UrlFinding, UrlReport
from gopack.ports import State, Store
from gopack.spec.module import ModuleVersion, escape_path

PROBE = ModuleVersion("gopack-check.invalid/nobody/has/this", "v1.0.0")
"""A module that cannot be anywhere: no name ends in .invalid (RFC 2606)."""

SLOW_S = 0.003
"""How much longer than what is there something missing may take, at best of TIMES: looking for it
takes less, starting a go command to fetch it takes more (measured: 0.3 and 5 to 8 ms)."""
TIMES = 5

_SEALED = (
    "ATHENS_STORAGE_TYPE=disk ATHENS_NETWORK_MODE=offline ATHENS_DOWNLOAD_MODE=none ATHENS_SUM_DBS="
)


Ask = Callable[[str], Said]
"""Asks the proxy for a path below its URL and gets the answer whole; redirects are not followed.
UpstreamError where there is no answer."""


def check_url(
    ask: Ask, store: Store | None, module: ModuleVersion, *, sumdb: str = ""
) -> UrlReport:
    """Ask a proxy for a version, compare with the storage if there is one, and look for a way out.

    `sumdb` is the checksum database's name, empty where there is none.

    Raises:
        UpstreamError: the proxy does not answer.
        InputError: the module's path or version is not valid.
        StoreError: the storage cannot be read.
    """
    run = _Run(ask, store, module)
    run.files()
    run.versions()
    run.latest()
    run.missing()
    if sumdb:
        run.database(sumdb)
    return UrlReport(run.asked, run.findings)


def check_served(ask: Ask, store: Store, modules: Iterable[ModuleVersion]) -> UrlReport:
    """Ask a proxy for versions that it must have: their files, and its lists of versions.

    Raises:
        UpstreamError: the proxy does not answer.
        StoreError: the storage cannot be read.
    """
    asked: list[tuple[str, int]] = []
    findings: list[UrlFinding] = []
    lists: dict[str, set[str] | None] = {}
    for module in modules:
        run = _Run(ask, store, module, asked, findings)
        run.files()
        if module.path not in lists:
            lists[module.path] = run.listed()
        run.must_be_in(lists[module.path])
    return UrlReport(asked, findings)


@dataclass(slots=True)
class _Run:
    """One check: what was asked and found so far."""

    ask: Ask
    store: Store | None
    module: ModuleVersion
    asked: list[tuple[str, int]] = field(default_factory=list)
    findings: list[UrlFinding] = field(default_factory=list)

    def files(self) -> None:
        """Compare the three files; a mod-only version has no zip."""
        state = self.store.state(self.module) if self.store else State.COMPLETE
        if state is State.ABSENT:
            self._wrong(str(self.module), "the storage does not have it", "gopack fetch or add it.")
        for kind in FileKind:
            path = f"/{goproxy_key(self.module, kind)}"
            said = self._get(path)
            wanted = 404 if kind is FileKind.ZIP and state is State.MOD_ONLY else 200
            if said.status != wanted:
                hint = "Does the server have this storage mounted, and may it read the files?"
                self._wrong(path, f"status {said.status} instead of {wanted}", hint)
            elif said.status == 200 and self.store and state is not State.ABSENT:
                self._compare(path, kind, said, self.store)

    def _compare(self, path: str, kind: FileKind, said: Said, store: Store) -> None:
        with store.open(self.module, kind) as file:
            digest, size = _digest(file)
        if digest != said.sha256:
            what = (
                f"the answer ({said.size_bytes} bytes, sha256 {said.sha256}) is not the storage's "
                f"({size} bytes, sha256 {digest})"
            )
            self._wrong(path, what, "The server has another storage than the one given here.")

    def versions(self) -> None:
        """Compare the list with the storage."""
        listed = self.listed()
        self.must_be_in(listed)
        if self.store is None or listed is None:
            return
        stored = {m.version for m, _ in self.store.versions() if m.path == self.module.path}
        more = sorted(listed - stored)
        if more and stored:
            what = f"it lists versions that the storage does not have, such as {more[0]}"
            self._open(self._list, f"{what}: it has asked an upstream, or serves another storage")

    def listed(self) -> set[str] | None:
        """Ask for the module's list of versions; None if there is none."""
        said = self._get(self._list)
        if said.status != 200:
            self._wrong(self._list, f"status {said.status} instead of 200")
            return None
        return {line.split()[0] for line in said.text.splitlines() if line.split()}

    def must_be_in(self, listed: Collection[str] | None) -> None:
        """The version must be in its module's list, if there is one."""
        if listed is not None and self.module.version not in listed:
            self._wrong(self._list, f"{self.module.version} is not in the list")

    @property
    def _list(self) -> str:
        return f"/{escape_path(self.module.path)}/@v/list"

    def latest(self) -> None:
        """A sealed Athens has no @latest; one that has an upstream asks it."""
        path = f"/{escape_path(self.module.path)}/@latest"
        said = self._get(path)
        if said.status == 200:
            self._open(path, "it answers, so ATHENS_NETWORK_MODE is not offline")
        elif said.status not in {404, 410}:
            self._open(path, f"status {said.status} instead of 404: it tried to ask an upstream")

    def missing(self) -> None:
        """Ask for what nobody has, and see what that takes."""
        path = f"/{goproxy_key(PROBE, FileKind.INFO)}"
        said = self._get(path)
        if 300 <= said.status < 400:
            self._open(path, "it redirects to an upstream: ATHENS_DOWNLOAD_MODE is not none")
        elif said.status not in {404, 410}:
            self._open(path, f"status {said.status} for a module that nobody has, instead of 404")
        elif (longer := self._longer()) > SLOW_S:
            what = f"the 404 takes {longer * 1000:.0f} ms longer than an answer from the storage"
            self._open(path, f"{what}: it seems to look further, ATHENS_DOWNLOAD_MODE may be sync")

    def _longer(self) -> float:
        """Compare the quickest of several answers, since a busy machine slows any one of them."""
        there = f"/{goproxy_key(self.module, FileKind.INFO)}"
        nowhere = [PROBE._replace(version=f"v1.0.{n}") for n in range(1, TIMES + 1)]
        missing = min(self.ask(f"/{goproxy_key(m, FileKind.INFO)}").seconds for m in nowhere)
        return missing - min(self.ask(there).seconds for _ in nowhere)

    def database(self, name: str) -> None:
        """A checksum database that is said to be there must answer, else go stops."""
        path = f"/sumdb/{name}/supported"
        if self._get(path).status != 200:
            return
        path = f"/sumdb/{name}/latest"
        said = self._get(path)
        if said.status != 200 or "go.sum database tree" not in said.text:
            what = (
                f"the checksum database is said to be supported and does not answer ({said.status})"
            )
            self._open(path, f"{what}: ATHENS_SUM_DBS is not empty, and go stops at it")

    def _get(self, path: str) -> Said:
        said = self.ask(path)
        self.asked.append((path, said.status))
        return said

    def _wrong(self, path: str, what: str, hint: str = "") -> None:
        self.findings.append(UrlFinding(Kind.WRONG, path, what, hint))

    def _open(self, path: str, what: str) -> None:
        self.findings.append(UrlFinding(Kind.OPEN, path, what, f"Seal it: {_SEALED}"))


def _digest(file: BinaryIO) -> tuple[str, int]:
    digest, size = sha256(), 0
    for piece in _pieces(file):
        digest.update(piece)
        size += len(piece)
    return digest.hexdigest(), size


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(1 << 20):
        yield piece
