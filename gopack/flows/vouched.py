"""Sources for queries: a go.mod that decides what a query means is verified before it counts.

A query reads the go.mod of a module's highest version for the retractions in it, and such versions
need not be stored; so nothing else would ever hold them against the checksum database. One that
does not pass counts as unreadable, as with the go command: it retracts nothing.

VouchedSources verifies while it reads, NotedSources afterwards: what has hundreds of modules to ask
need not have a thread wait for each answer of the database.

Spec: modload rawGoModData reads through modfetch GoMod, which verifies; CheckRetractions.
"""

from collections.abc import Callable, Sequence, Set

from gopack.errors import GopackError, IntegrityError
from gopack.flows.verify import SumVerifier
from gopack.ports import Attempt, ModuleSource, Sources, ZipTarget
from gopack.spec.dirhash import hash_go_mod
from gopack.spec.goproxy import GoMod, Request
from gopack.spec.module import ModuleVersion


class VouchedSources:
    """Sources whose go.mod files are verified as they are read; safe from many threads."""

    def __init__(self, sources: Sources, verifier: SumVerifier) -> None:
        self._sources = sources
        self._verifier = verifier
        self.lies: dict[ModuleVersion, IntegrityError] = {}
        """The versions whose go.mod is not what it must be; it grows."""

    def attempts(self, path: str) -> Sequence[Attempt]:
        """Tell the sources to try for this module path, each with its go.mod files verified."""
        return _each(self._sources.attempts(path), self._read)

    def _read(self, module: ModuleVersion, source: ModuleSource) -> bytes:
        self._verifier.prefetch(module)
        data = source.read(GoMod(module))
        error = self.error_of(module, hash_go_mod(data))
        if error is not None:
            raise error
        return data

    def error_of(self, module: ModuleVersion, mod_h1: str) -> GopackError | None:
        """Verify a go.mod that was read; None if it may count."""
        outcome = self._verifier.vouch(module, mod_h1)
        if isinstance(outcome, IntegrityError):
            self.lies[module] = outcome
        return outcome if isinstance(outcome, GopackError) else None

    def noted(self) -> "NotedSources":
        """Give the same sources, to be verified afterwards."""
        return NotedSources(self._sources, self._verifier, self)


class NotedSources:
    """Sources that note the go.mod files they read; `is_sound` verifies one of them."""

    def __init__(self, sources: Sources, verifier: SumVerifier, vouched: VouchedSources) -> None:
        self._sources = sources
        self._verifier = verifier
        self._vouched = vouched
        self._read_h1: dict[ModuleVersion, str] = {}

    def attempts(self, path: str) -> Sequence[Attempt]:
        """Tell the sources to try for this module path."""
        return _each(self._sources.attempts(path), self._read)

    def is_sound(self, module: ModuleVersion) -> bool:
        """Tell whether a version's go.mod may count, if it was read here."""
        mod_h1 = self._read_h1.get(module)
        return mod_h1 is None or self._vouched.error_of(module, mod_h1) is None

    def check_read(self, paths: Set[str]) -> None:
        """Verify all that was read of modules of which it told nothing: was it a lie?"""
        for module in [module for module in self._read_h1 if module.path in paths]:
            self.is_sound(module)

    def _read(self, module: ModuleVersion, source: ModuleSource) -> bytes:
        self._verifier.prefetch(module)
        data = source.read(GoMod(module))
        self._read_h1[module] = hash_go_mod(data)
        return data


Read = Callable[[ModuleVersion, ModuleSource], bytes]


def _each(attempts: Sequence[Attempt], read: Read) -> list[Attempt]:
    return [Attempt(_Source(source, read), falls_back) for source, falls_back in attempts]


class _Source:
    """One source of which go.mod files are read in another way."""

    def __init__(self, source: ModuleSource, read_mod: Read) -> None:
        self._source = source
        self._read_mod = read_mod

    @property
    def name(self) -> str:
        return self._source.name

    def read(self, request: Request) -> bytes:
        if isinstance(request, GoMod):
            return self._read_mod(request.module, self._source)
        return self._source.read(request)

    def zip_size(self, module: ModuleVersion) -> int | None:
        return self._source.zip_size(module)

    def copy_zip(self, module: ModuleVersion, target: ZipTarget) -> int:
        return self._source.copy_zip(module, target)
