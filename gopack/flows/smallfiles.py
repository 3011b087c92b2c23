"""The small files of a version: its info and go.mod, read and checked; the size of its zip."""

from concurrent.futures import Future
from dataclasses import dataclass

from gopack.asking import first_answer
from gopack.errors import IntegrityError, StoreError
from gopack.plan.query import checked_info
from gopack.plan.summary import Summary, check_names_module, summarize
from gopack.ports import FileKind, Sources, State, Store
from gopack.spec.goproxy import GoMod, Info
from gopack.spec.module import ModuleVersion


@dataclass(frozen=True, slots=True)
class SmallFiles:
    """The small files of a version, and what its go.mod requires."""

    info: bytes
    mod: bytes
    requires: tuple[ModuleVersion, ...]


@dataclass(frozen=True, slots=True)
class SmallFileReader:
    """Reads small files from the sources, and beside what a storage has already."""

    sources: Sources
    store: Store

    def read(
        self,
        module: ModuleVersion,
        *,
        info: "Future[bytes] | None" = None,
        mod: bytes | None = None,
        summary: Summary | None = None,
    ) -> SmallFiles:
        """Read and check a version's info and go.mod.

        `info` is given where it was asked for before, `mod` and `summary` where a graph has read
        them.

        Raises:
            UpstreamError: no source could answer.
            IntegrityError: an answer is not what it must be.
            StoreError: the storage has something else of this version.
        """
        found = self.info(module) if info is None else info.result()
        checked_info(module.path, module.version, found)
        if mod is None:
            attempts = self.sources.attempts(module.path)
            mod = first_answer(attempts, lambda source: source.read(GoMod(module)))
        if summary is None:
            summary = summarize(module, mod)
            check_names_module(module, summary)
        if self.store.state(module) is not State.ABSENT:
            found = self.stored_info(module, mod)
        return SmallFiles(found, mod, summary.require)

    def info(self, module: ModuleVersion) -> bytes:
        """Ask for a version's info, unchecked.

        Raises:
            UpstreamError: no source could answer.
        """
        attempts = self.sources.attempts(module.path)
        return first_answer(attempts, lambda source: source.read(Info(*module)))

    def zip_size(self, module: ModuleVersion) -> int | None:
        """Ask for the size of a version's zip, in bytes; None where no source tells.

        Raises:
            UpstreamError: no source has it, or could answer.
        """
        attempts = self.sources.attempts(module.path)
        return first_answer(attempts, lambda source: source.zip_size(module))

    def stored_info(self, module: ModuleVersion, mod: bytes) -> bytes:
        """Give the info that lies there already; it stays if the go.mod beside it is right.

        Raises:
            StoreError: the storage has something else of this version.
        """
        with self.store.open(module, FileKind.MOD) as file:
            is_right = file.read() == mod
        with self.store.open(module, FileKind.INFO) as file:
            info = file.read()
        try:
            checked_info(module.path, module.version, info)
        except IntegrityError:
            is_right = False
        if not is_right:
            raise StoreError(
                "what is stored of this version is not what the upstream has",
                where=str(module),
                hint="remove this version's folder from the storage and run again",
            )
        return info
