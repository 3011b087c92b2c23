"""Stand-ins behind the ports, for tests of flows; tests/contract runs the ports' suites on them."""

import io
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from gopack.errors import OtherFilesError, StoreError
from gopack.plan.layout import FileKind
from gopack.ports import Publication, State
from gopack.spec.module import ModuleVersion


class FakeStore:
    """ports.Store in memory; only zips pass through a real staging folder."""

    def __init__(self, staging: Path) -> None:
        self.staging = staging
        self.files: dict[ModuleVersion, dict[FileKind, bytes]] = {}
        self.published: list[tuple[ModuleVersion, State]] = []
        self._numbers = itertools.count()

    def staged_path(self) -> Path:
        return self.staging / f"{next(self._numbers)}.part"

    def state(self, module: ModuleVersion) -> State:
        files = self.files.get(module)
        if files is None:
            return State.ABSENT
        return State.COMPLETE if FileKind.ZIP in files else State.MOD_ONLY

    def versions(self) -> Iterator[tuple[ModuleVersion, State]]:
        for module in list(self.files):
            yield module, self.state(module)

    def open(self, module: ModuleVersion, kind: FileKind) -> BinaryIO:
        try:
            return io.BytesIO(self.files[module][kind])
        except KeyError as error:
            raise StoreError(f"no {kind.value} in the storage", where=str(module)) from error

    def publish(
        self, module: ModuleVersion, *, info: bytes, mod: bytes, zip_file: Path | None
    ) -> None:
        found = self.files.get(module, {FileKind.INFO: info, FileKind.MOD: mod})
        if module in self.files and (zip_file is None or FileKind.ZIP in found):
            wanted = {FileKind.INFO: info, FileKind.MOD: mod}
            if zip_file is not None:
                wanted[FileKind.ZIP] = zip_file.read_bytes()
                zip_file.unlink()
            if not wanted.items() <= found.items():
                raise OtherFilesError("the storage has it with other files", where=str(module))
        elif zip_file is not None:
            if found[FileKind.MOD] != mod:
                raise StoreError("the stored go.mod differs", where=str(module))
            found = {FileKind.ZIP: zip_file.read_bytes(), **found}
            zip_file.unlink()
        if self.state(module) is not State.COMPLETE:
            self.files[module] = found
            self.published.append((module, self.state(module)))

    def publish_all(self, wanted: Sequence[Publication]) -> dict[ModuleVersion, StoreError]:
        refused = {}
        for module, info, mod, zip_file in wanted:
            try:
                self.publish(module, info=info, mod=mod, zip_file=zip_file)
            except StoreError as error:
                refused[module] = error
        return refused

    def remove(self, module: ModuleVersion) -> None:
        self.files.pop(module, None)
