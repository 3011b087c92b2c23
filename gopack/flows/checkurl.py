"""Asking a running proxy for one version, as the go command would, and looking at its settings.

Rules kept:
- The three files come back byte for byte as the storage has them, and the list names the version.
- A sealed Athens answers `@latest` and what it does not have with 404 at once, and lists what its
  storage has; a redirect, a server error, a slow 404, no list of what it has or a longer one show
  that it asks, or could ask, an upstream. What cannot be seen from outside is not claimed.
- A server may choose `@latest` from its storage: then it names a version that the storage has (or
  the server's list, where none is given), and a module that nobody has gets a quick 404 there, too.
  Athens has it from a go command that asks an upstream.
- A server that wants a user and a password first shows nothing else.
- A checksum database that is said to be supported answers.

Spec: Athens pkg/download (protocol.go, mode); go.dev/ref/mod#goproxy-protocol.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import BinaryIO

from gopack.errors import IntegrityError
from gopack.plan.layout import FileKind, goproxy_key
from gopack.plan.urlreport import Kind, Said, UrlFinding, UrlReport
from gopack.ports import State, Store
from gopack.spec.info import parse_info
from gopack.spec.module import ModuleVersion, escape_path

PROBE = ModuleVersion("gopack-check.invalid/nobody/has/this", "v1.0.0")
"""A module that cannot be anywhere: no name ends in .invalid (RFC 2606)."""

SLOW_S = 0.003
"""How much longer than what is there an answer may take that needs no more than a look into the
storage, at best of TIMES and in each of ROUNDS: such a look takes less, starting a go command to
ask an upstream takes more (measured with Athens: 0.3 to 1.5 ms, and 5 to 40 ms)."""
TIMES = 5
ROUNDS = 4

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
    if run.is_locked():
        return UrlReport(run.asked, run.findings)
    run.files()
    run.versions()
    run.latest()
    run.missing()
    if sumdb:
        run.database(sumdb)
    return UrlReport(run.asked, run.findings)


def check_served(
    ask: Ask, store: Store, modules: Iterable[ModuleVersion], infos: Mapping[ModuleVersion, str]
) -> UrlReport:
    """Ask a proxy for versions that it must have: their files, and its lists of versions.

    `infos` are the SHA-256 of `.info` files that are its own, not the storage's.

    Raises:
        UpstreamError: the proxy does not answer.
        StoreError: the storage cannot be read.
    """
    asked: list[tuple[str, int]] = []
    findings: list[UrlFinding] = []
    lists: dict[str, set[str] | None] = {}
    for module in modules:
        run = _Run(ask, store, module, asked, findings, infos.get(module, ""))
        run.files()
        if module.path not in lists:
            lists[module.path] = run.listed()
        run.must_be_in(lists[module.path])
    return UrlReport(asked, findings)


@dataclass(slots=True)
class _Run:
    """One check: what was asked and found so far.

    `info_sha256` is what the proxy's `.info` must have where that is its own.
    """

    ask: Ask
    store: Store | None
    module: ModuleVersion
    asked: list[tuple[str, int]] = field(default_factory=list)
    findings: list[UrlFinding] = field(default_factory=list)
    info_sha256: str = ""

    def is_locked(self) -> bool:
        """Whether the server wants a user and a password first."""
        path = self._path(FileKind.INFO)
        said = self.ask(path)
        if said.status not in {401, 407}:
            return False
        self.asked.append((path, said.status))
        hint = "Give both in the URL: http://USER:PASSWORD@HOST:PORT."
        self._wrong(path, f"status {said.status}: the server wants a user and a password", hint)
        return True

    def files(self) -> None:
        """Compare the three files; a mod-only version has no zip, an absent one nothing."""
        state = self.store.state(self.module) if self.store else State.COMPLETE
        if state is State.ABSENT:
            self._wrong(str(self.module), "the storage does not have it", "gopack fetch or add it.")
        for kind in FileKind:
            path = self._path(kind)
            said = self._get(path)
            wanted = 200 if _is_there(kind, state) else 404
            if said.status != wanted:
                hint = "Does the server have this storage mounted, and may it read the files?"
                self._wrong(path, f"status {said.status} instead of {wanted}", hint)
            elif said.status == 200 and self.store:
                self._compare(path, kind, said, self.store)

    def _path(self, kind: FileKind) -> str:
        return f"/{goproxy_key(self.module, kind)}"

    def _compare(self, path: str, kind: FileKind, said: Said, store: Store) -> None:
        if kind is FileKind.INFO and said.sha256 == self.info_sha256:
            return
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
        if listed is None:
            return
        stored = set(self._there()) if self.store else {self.module.version}
        missing, more = sorted(stored - listed), sorted(listed - stored)
        if missing:
            what = f"{len(missing)} versions of the storage are not in it, such as {missing[0]}"
            self._wrong(self._list, what, "The server has another storage than the one given here.")
        if more and stored and self.store is not None:
            what = f"it lists versions that the storage does not have, such as {more[0]}"
            self._open(self._list, f"{what}: it has asked an upstream, or serves another storage")

    def listed(self) -> set[str] | None:
        """Ask for the module's list of versions; None if there is none.

        A server that has the version and no list asks an upstream for lists.
        """
        said = self._get(self._list)
        if said.status == 200:
            return {line.split()[0] for line in said.text.splitlines() if line.split()}
        what = f"status {said.status} instead of 200"
        if self._has_info():
            what += ", and the server has the version: it asks an upstream for lists"
            self._open(self._list, f"{what}, ATHENS_NETWORK_MODE may be strict")
        else:
            self._wrong(self._list, what)
        return None

    def must_be_in(self, listed: Collection[str] | None) -> None:
        """The version must be in its module's list, if there is one."""
        if listed is not None and self.module.version not in listed:
            self._wrong(self._list, f"{self.module.version} is not in the list")

    @property
    def _list(self) -> str:
        return f"/{escape_path(self.module.path)}/@v/list"

    def _has_info(self) -> bool:
        return (self._path(FileKind.INFO), 200) in self.asked

    def latest(self) -> None:
        """A sealed Athens has no @latest; one with an upstream asks that; others may choose it."""
        path = f"/{escape_path(self.module.path)}/@latest"
        said = self._get(path)
        if said.status == 200:
            self._latest_answer(path, said)
        elif said.status not in {404, 410}:
            self._open(path, f"status {said.status} instead of 404: it tried to ask an upstream")
        else:
            self._expect_quick(
                path, [path] * TIMES, "ATHENS_NETWORK_MODE may be strict or fallback"
            )

    def _latest_answer(self, path: str, said: Said) -> None:
        """Tell an answer that the server chose from its storage from an upstream's.

        An upstream may answer with what the storage has. It is seen where nothing is to be chosen
        from: at a module that nobody has.
        """
        try:
            version = parse_info(said.text.encode(), where=path).version
        except IntegrityError:
            version = ""
        if version not in self._there():
            named = f"{version}, which the storage does not have" if version else "no version"
            what = f"it answers with {named}, so ATHENS_NETWORK_MODE is not offline"
            self._open(path, what)
            return
        nowhere = f"/{escape_path(PROBE.path)}/@latest"
        asked = self._get(nowhere)
        may_be = "ATHENS_NETWORK_MODE may be strict or fallback"
        if asked.status not in {404, 410}:
            what = f"status {asked.status} for a module that nobody has, instead of 404: {may_be}"
            self._open(nowhere, what)
        else:
            self._expect_quick(nowhere, [nowhere] * TIMES, may_be)

    def _there(self) -> Collection[str]:
        """The module's versions in the storage; where there is none, in the server's list."""
        if self.store is None:
            said = self._get(self._list)
            return said.text.split() if said.status == 200 else ()
        return {m.version for m, _ in self.store.versions() if m.path == self.module.path}

    def missing(self) -> None:
        """Ask for what nobody has, and see what that takes."""
        path = f"/{goproxy_key(PROBE, FileKind.INFO)}"
        said = self._get(path)
        if 300 <= said.status < 400:
            self._open(path, "it redirects to an upstream: ATHENS_DOWNLOAD_MODE is not none")
        elif said.status not in {404, 410}:
            self._open(path, f"status {said.status} for a module that nobody has, instead of 404")
        else:
            others = [PROBE._replace(version=f"v1.0.{n}") for n in range(1, TIMES + 1)]
            nowhere = [f"/{goproxy_key(module, FileKind.INFO)}" for module in others]
            self._expect_quick(path, nowhere, "ATHENS_DOWNLOAD_MODE may be sync")

    def _expect_quick(self, path: str, like: Sequence[str], may_be: str) -> None:
        """Compare the quickest of several answers, since a busy machine slows any one of them."""
        if not self._has_info():
            return
        there, missing = [], []
        for _ in range(ROUNDS):
            for each in like:
                missing.append(self.ask(each).seconds)
                there.append(self.ask(self._path(FileKind.INFO)).seconds)
            longer = min(missing) - min(there)
            if longer <= SLOW_S:
                return
        what = f"the 404 takes {longer * 1000:.0f} ms longer than an answer from the storage"
        self._open(path, f"{what}: it seems to look further, {may_be}")

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


def _is_there(kind: FileKind, state: State) -> bool:
    return state is State.COMPLETE or (state is State.MOD_ONLY and kind is not FileKind.ZIP)


def _digest(file: BinaryIO) -> tuple[str, int]:
    digest, size = sha256(), 0
    for piece in _pieces(file):
        digest.update(piece)
        size += len(piece)
    return digest.hexdigest(), size


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(1 << 20):
        yield piece
