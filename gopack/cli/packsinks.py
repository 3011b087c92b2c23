"""Where packed versions go: a folder, or a storage."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from gopack.adapters.outfolder import OutFolder
from gopack.cli.byhand import OpenShelf, make_shelf, open_shelf
from gopack.cli.wiring import Session, WatchedProgress, session
from gopack.errors import GopackError
from gopack.flows.fetch import fetch
from gopack.flows.pack import Packed
from gopack.plan.closure import Level
from gopack.plan.items import ModuleItem
from gopack.spec import gomod
from gopack.spec.module import ModuleVersion

Told = Callable[[Packed, str], None]
"""Hears what became of a packed version."""


class Sink(Protocol):
    """Takes packed versions in: all are packed first, then put where they belong."""

    def own_paths(self, source: Path) -> set[Path]:
        """What lies inside the source and is the sink's own."""

    def staged_path(self, module: ModuleVersion) -> Path:
        """A new path to write a zip to."""

    def finish(
        self, packed: Sequence[Packed], *, may_replace: bool, told: Told
    ) -> list[GopackError]:
        """Put the versions where they belong; tell what could not be."""


class _FolderSink:
    def __init__(self, output: Path, *, is_single: bool) -> None:
        self._output = output
        self._is_single = is_single
        self._folders: dict[ModuleVersion, OutFolder] = {}

    def own_paths(self, source: Path) -> set[Path]:
        own = OutFolder(self._output).own_paths(source)
        if self._output.resolve() == source.resolve() and not (source / "go.mod").exists():
            own.add(source.resolve() / "go.mod")
        return own

    def staged_path(self, module: ModuleVersion) -> Path:
        place = self._output if self._is_single else self._output / module.path / module.version
        return self._folders.setdefault(module, OutFolder(place)).staged_path(module)

    def finish(
        self, packed: Sequence[Packed], *, may_replace: bool, told: Told
    ) -> list[GopackError]:
        errors: list[GopackError] = []
        for each in packed:
            version = each.version
            assert version.zip is not None
            assert version.zip.path is not None
            try:
                is_new = self._folders[version.module].put(
                    version.module,
                    info=version.info,
                    mod=version.mod,
                    zip_file=version.zip.path,
                    may_replace=may_replace,
                )
            except GopackError as error:
                errors.append(error)
            else:
                told(each, "written" if is_new else "there already")
        for folder in self._folders.values():
            folder.discard()
        return errors


def folder_sink(output: Path, *, is_single: bool) -> Sink:
    """Leave versions in a folder; several of them in a folder each below it."""
    return _FolderSink(output, is_single=is_single)


@contextmanager
def storage_sink(
    storage: Path, *, level: Level | None, jobs: int, progress: WatchedProgress
) -> Iterator[Sink]:
    """Put versions into a storage, with all they need where a level is given.

    Raises:
        InputError: the go command's settings are malformed or missing, where they are needed.
        StoreError: the storage cannot be used.
    """
    if level is None:
        with open_shelf(storage, progress=progress) as opened:
            yield _StorageSink(opened, None)
        return
    with session(storage, jobs=jobs, progress=progress) as s:
        opened = make_shelf(s.store, s.ledger)
        try:
            yield _StorageSink(opened, _Needs(s, level))
        finally:
            s.ledger.save()


class _StorageSink:
    def __init__(self, opened: OpenShelf, needs: "_Needs | None") -> None:
        self._opened = opened
        self._needs = needs

    def own_paths(self, source: Path) -> set[Path]:
        root = self._opened.store.root.resolve()
        return {root} if root.is_relative_to(source.resolve()) else set()

    def staged_path(self, module: ModuleVersion) -> Path:  # noqa: ARG002 - the store numbers them
        return self._opened.store.staged_path()

    def finish(
        self, packed: Sequence[Packed], *, may_replace: bool, told: Told
    ) -> list[GopackError]:
        errors = self._needs.fetch_requirements(packed) if self._needs else []
        if errors:
            for each in packed:
                _drop(each)
            return errors
        for each in packed:
            try:
                told(each, self._opened.shelf.put(each.version, may_replace=may_replace).value)
            except GopackError as error:
                _drop(each)
                errors.append(error)
        self._opened.ledger.save()
        if self._needs and not errors:
            errors = self._needs.fetch_rest(packed)
        return errors


class _Needs:
    """Fetches what packed modules need: before they appear what they require, then the rest."""

    def __init__(self, session: Session, level: Level) -> None:
        self._session = session
        self._level = level

    def fetch_requirements(self, packed: Sequence[Packed]) -> list[GopackError]:
        own = {each.version.module for each in packed}
        wanted = {
            ModuleVersion(required.path, required.version): each.version.module
            for each in packed
            for required in gomod.parse(each.version.mod).require
        }
        return self._fetch(
            [_item(module, str(by)) for module, by in sorted(wanted.items()) if module not in own]
        )

    def fetch_rest(self, packed: Sequence[Packed]) -> list[GopackError]:
        return self._fetch([_item(each.version.module, "packed") for each in packed])

    def _fetch(self, items: Sequence[ModuleItem]) -> list[GopackError]:
        if not items:
            return []
        s = self._session
        result = fetch(items, self._level, s.planner, s.fetcher, s.completer)
        return result.outcome.errors


def _item(module: ModuleVersion, name: str) -> ModuleItem:
    return ModuleItem(path=module.path, query=module.version, name=name, text=str(module))


def _drop(packed: Packed) -> None:
    zip_file = packed.version.zip
    if zip_file is not None and zip_file.path is not None:
        with suppress(OSError):
            zip_file.path.unlink()
