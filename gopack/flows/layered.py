"""Sources that look into the storage first: what is there and sound is not fetched again."""

from collections.abc import Callable, Sequence

from gopack.plan.query import is_exact
from gopack.ports import Attempt, FileKind, ModuleSource, Sources, ZipTarget
from gopack.spec.goproxy import GoMod, Info, Request
from gopack.spec.module import ModuleVersion

ReadStored = Callable[[ModuleVersion, FileKind], bytes | None]
"""Reads a small file of a stored version; None when it is not there or not what it was."""


class StoredFirst:
    """Sources of which each answers from the storage what the storage has."""

    def __init__(self, sources: Sources, read_stored: ReadStored) -> None:
        self._sources = sources
        self._read_stored = read_stored

    def attempts(self, path: str) -> Sequence[Attempt]:
        """Tell the sources to try for this module path, each behind the storage."""
        return [
            Attempt(_StoredSource(source, self._read_stored), falls_back)
            for source, falls_back in self._sources.attempts(path)
        ]


class _StoredSource:
    """One source behind the storage."""

    def __init__(self, source: ModuleSource, read_stored: ReadStored) -> None:
        self._source = source
        self._read_stored = read_stored

    @property
    def name(self) -> str:
        return self._source.name

    def read(self, request: Request) -> bytes:
        stored = self._stored(request)
        return self._source.read(request) if stored is None else stored

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
