"""Where packed versions go: a folder, or a storage."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from gopack.adapters.outfolder import OutFolder, left_in
from gopack.cli.byhand import OpenShelf, make_shelf, open_shelf
from gopack.cli.wiring import Session, WatchedProgress, session
from gopack.errors import GopackError, InputError
from gopack.flows.fetch import fetch
from gopack.flows.pack import Packed
from gopack.plan.closure import Level
from gopack.plan.items import ModuleItem
from gopack.plan.summary import parse_fault, required_by
from gopack.spec.module import ModuleVersion

MAX_NAMED = 3
"""As many packed versions does an error name that needed the same."""

Told = Callable[[Packed, str], None]
"""Hears what became of a packed version."""


class Sink(Protocol):
    """Takes packed versions in: all are packed first, then put where they belong."""

    def own_paths(self, source: Path) -> set[Path]:
        """What lies inside the source and is the sink's own, or was left there by another run.

        Raises:
            InputError: that cannot be told from the source.
            StoreError: the source cannot be read.
        """

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
        own = OutFolder(self._output).own_paths(source) | left_in(source)
        if self._output.resolve() == source.resolve() and not self._is_single:
            raise _is_the_source("OUTPUT_DIR", self._output)
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
        return errors

    def discard(self) -> None:
        """Leave nothing behind that is no packed version."""
        for folder in reversed(self._folders.values()):  # the first made what they share
            folder.discard()


@contextmanager
def folder_sink(output: Path, *, is_single: bool) -> Iterator[Sink]:
    """Leave versions in a folder; several of them in a folder each below it."""
    sink = _FolderSink(output, is_single=is_single)
    try:
        yield sink
    finally:
        sink.discard()


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
        if root == source.resolve():
            raise _is_the_source("the storage", self._opened.store.root)
        own = {root} if root.is_relative_to(source.resolve()) else set()
        return own | left_in(source)

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


def _is_the_source(what: str, folder: Path) -> InputError:
    return InputError(
        f"{what} is a module's folder, and what is left in it would be packed the next time",
        where=str(folder),
        hint="Give a folder below it, or elsewhere.",
    )


class _Needs:
    """Fetches what packed modules need: before they appear what they require, then the rest."""

    def __init__(self, session: Session, level: Level) -> None:
        self._session = session
        self._level = level

    def fetch_requirements(self, packed: Sequence[Packed]) -> list[GopackError]:
        """Fetch what packed versions require; an error says which of them require it."""
        own = {each.version.module for each in packed}
        wanted: dict[ModuleVersion, list[ModuleVersion]] = {}
        for each in packed:
            for required in required_by(each.version.module, each.version.mod):
                wanted.setdefault(required, []).append(each.version.module)
        return self._fetch({m: by for m, by in wanted.items() if m not in own})

    def fetch_rest(self, packed: Sequence[Packed]) -> list[GopackError]:
        """Fetch what building packed versions takes; of a go.mod that go cannot parse, nothing."""
        usable = [each.version.module for each in packed if not parse_fault(each.version.mod)]
        return self._fetch({module: [module] for module in usable})

    def _fetch(self, wanted: Mapping[ModuleVersion, Sequence[ModuleVersion]]) -> list[GopackError]:
        if not wanted:
            return []
        s = self._session
        items = [_item(module, wanted[module]) for module in sorted(wanted)]
        # What is packed here is nobody else's, and may be packed where no database is in reach.
        fetcher = replace(s.fetcher, verifies_by_hand=False)
        outcome = fetch(items, self._level, s.planner, fetcher, s.completer).outcome
        of_lines = [(line.error, line.where, line.text) for line in outcome.lines if line.error]
        everyone = sorted({packed for by in wanted.values() for packed in by})
        return [
            *(_needed_by(error, by, required) for error, by, required in of_lines),
            *(_needed_by(error, _named(everyone), "") for error in outcome.together),
        ]


def _needed_by(error: GopackError, packed: str, required: str) -> GopackError:
    """Give an error that names the packed versions that led to it, and their requirement."""
    told = copy(error)
    what = f"needs {required}" if required not in {"", packed} else "needs it"
    told.what += f" (the packed {packed} {what})"
    return told


def _named(modules: Sequence[ModuleVersion]) -> str:
    more = f" and {len(modules) - MAX_NAMED} more" if len(modules) > MAX_NAMED else ""
    return ", ".join(map(str, modules[:MAX_NAMED])) + more


def _item(module: ModuleVersion, by: Sequence[ModuleVersion]) -> ModuleItem:
    return ModuleItem(path=module.path, query=module.version, name=_named(by), text=str(module))


def _drop(packed: Packed) -> None:
    zip_file = packed.version.zip
    if zip_file is not None and zip_file.path is not None:
        with suppress(OSError):
            zip_file.path.unlink()
