"""Sources for queries: a go.mod that decides what a query means is verified before it counts.

A query reads the go.mod of a module's highest version for the retractions in it, and such versions
need not be stored; so nothing else would ever hold them against the checksum database. One that
does not pass counts as unreadable, as with the go command: it retracts nothing.

Spec: modload rawGoModData reads through modfetch GoMod, which verifies; CheckRetractions.
"""

from collections.abc import Sequence

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
        return [
            Attempt(_VouchedSource(source, self), falls_back)
            for source, falls_back in self._sources.attempts(path)
        ]

    def read(self, module: ModuleVersion, source: ModuleSource) -> bytes:
        """Read a go.mod and verify it.

        Raises:
            GopackError: it cannot be had, or not verified.
        """
        self._verifier.prefetch(module)
        data = source.read(GoMod(module))
        outcome = self._verifier.vouch(module, hash_go_mod(data))
        if isinstance(outcome, IntegrityError):
            self.lies[module] = outcome
        if isinstance(outcome, GopackError):
            raise outcome
        return data


class _VouchedSource:
    """One source among them."""

    def __init__(self, source: ModuleSource, vouched: VouchedSources) -> None:
        self._source = source
        self._vouched = vouched

    @property
    def name(self) -> str:
        return self._source.name

    def read(self, request: Request) -> bytes:
        if isinstance(request, GoMod):
            return self._vouched.read(request.module, self._source)
        return self._source.read(request)

    def zip_size(self, module: ModuleVersion) -> int | None:
        return self._source.zip_size(module)

    def copy_zip(self, module: ModuleVersion, target: ZipTarget) -> int:
        return self._source.copy_zip(module, target)
