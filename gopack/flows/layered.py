"""Sources that look into the storage first: what is there and sound is not fetched again."""

from collections.abc import Callable, Sequence
from typing import Protocol

from gopack.plan.query import is_exact
from gopack.ports import Attempt, FileKind, ModuleSource, Sources, ZipTarget
from gopack.spec.goproxy import GoMod, Info, Request
from gopack.spec.module import ModuleVersion

ReadStored = Callable[[ModuleVersion, FileKind], bytes | None]
"""Reads a small file of a stored version; None when it is not there or not what it was."""


class Mods(Protocol):
    """Where go.mod files are kept that the storage has no place for."""

    def get(self, module: ModuleVersion) -> bytes | None:
        """Give what is kept of a version."""

    def put(self, module: ModuleVersion, data: bytes) -> None:
        """Keep a version's go.mod."""


class StoredFirst:
    """Sources of which each answers from the storage what the storage has.

    With `mods` a go.mod is kept there and asked for once: for what resolves lines, of sources that
    verify what they read.
    """

    def __init__(
        self, sources: Sources, read_stored: ReadStored, *, mods: Mods | None = None
    ) -> None:
        self._sources = sources
        self._read_stored = read_stored
        self._mods = mods

    def attempts(self, path: str) -> Sequence[Attempt]:
        """Tell the sources to try for this module path, each behind the storage."""
        return [
            Attempt(_StoredSource(source, self._read_stored, self._mods), falls_back)
            for source, falls_back in self._sources.attempts(path)
        ]


class _StoredSource:
    """One source behind the storage."""

    def __init__(self, source: ModuleSource, read_stored: ReadStored, mods: Mods | None) -> None:
        self._source = source
        self._read_stored = read_stored
        self._mods = mods

    @property
    def name(self) -> str:
        return self._source.name

    def read(self, request: Request) -> bytes:
        stored = self._stored(request)
        if stored is None and self._mods is not None and isinstance(request, GoMod):
            return self._kept(request, self._mods)
        return self._source.read(request) if stored is None else stored

    def _kept(self, request: GoMod, mods: Mods) -> bytes:
        data = mods.get(request.module)
        if data is None:
            data = self._source.read(request)
            mods.put(request.module, data)
        return data

    def zip_size(self, module: ModuleVersion) -> int | None:
        return self._source.zip_size(module)

    def copy_zip(self, module: ModuleVersion, target: ZipTarget) -> int:
        return self._source.copy_zip(module, target)

    def _stored(self, request: Request) -> bytes | None:
        match request:
            case GoMod(module):
                return self._read_stored(module, FileKind.MOD)
            case Info(path, query) if is_exact(path, query):
                return self._read_stored(ModuleVersion(path, query), FileKind.INFO)
            case _:
                return None
