"""Reading versions for `gopack add`: from a folder, a GOPROXY tree, a module cache or a proxy."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from gopack.adapters import goenv
from gopack.adapters.disk import DiskStore
from gopack.adapters.diskerrors import disk_errors
from gopack.adapters.fileproxy import FileSource
from gopack.adapters.goproxy import HttpSource
from gopack.adapters.proxytree import download_cache, versions_in, zip_hash
from gopack.adapters.web import Web
from gopack.adapters.zips import read_module_zip
from gopack.cli.packtold import Teller
from gopack.errors import (
    GopackError,
    InputError,
    IntegrityError,
    NotFoundError,
    UpstreamError,
)
from gopack.flows.add import CheckedZip, assemble
from gopack.flows.byhand import HandMade
from gopack.plan.layout import FileKind
from gopack.plan.packing import check_version
from gopack.plan.query import parse_versions
from gopack.ports import FetchedZip, ModuleSource
from gopack.spec.goproxy import GoMod, Info, VersionList
from gopack.spec.module import ModuleVersion

MAX_CATALOG_BYTES = 16 << 20
MAX_CATALOG_PAGES = 1000
_NO_CATALOG = frozenset({400, 404, 405, 410, 422, 501})
"""What servers answer to a path that they do not know; the others are about who asks, or later."""

_WHERE_MODULES = "Name the modules behind the option: gopack add --from-goproxy URL MODULE..."


class Adding:
    """Brings zips into the staging folder and checks them; what fails is told and passed by."""

    def __init__(self, store: DiskStore, teller: Teller) -> None:
        self._store = store
        self._teller = teller

    def staged(self, module: ModuleVersion, copy: Callable[[BinaryIO], object]) -> CheckedZip:
        """Copy a zip into the staging folder and check it; nothing is left of a bad one.

        Raises:
            IntegrityError: it breaks the rules.
            StoreError: the storage refuses.
        """
        path = self._store.staged_path()
        try:
            with disk_errors("write a zip", path), path.open("xb") as file:
                copy(file)
            receipt = read_module_zip(path, module)
        except BaseException:
            with suppress(OSError):
                path.unlink()
            raise
        fetched = FetchedZip(path, receipt.size_bytes, receipt.sha256, receipt.h1)
        return CheckedZip(fetched, receipt.go_mod)

    def from_source(
        self, source: ModuleSource, module: ModuleVersion, *, has_zip: bool, how: str, h1: str = ""
    ) -> HandMade:
        """Read one version from a source; `h1` is what its zip must have, if that is known.

        Raises:
            UpstreamError: the source does not give it.
            IntegrityError: it is not what it must be.
        """
        info, mod = source.read(Info(module.path, module.version)), source.read(GoMod(module))
        checked = None
        if has_zip:
            checked = self.staged(module, lambda file: source.copy_zip(module, file))
        try:
            if checked and h1 and checked.fetched.h1 != h1:
                raise IntegrityError(  # noqa: TRY301 - the zip goes as it came
                    "the zip is not the one that the go command put there",
                    where=str(module),
                    expected=h1,
                    got=checked.fetched.h1,
                    hint="go clean -modcache, and download it again.",
                )
            return assemble(module, info=info, mod=mod, zip_file=checked, how=how)
        except BaseException:
            if checked and checked.fetched.path:
                checked.fetched.path.unlink()
            raise

    def each(
        self, modules: Iterable[ModuleVersion], bring: Callable[[ModuleVersion], HandMade]
    ) -> list[HandMade]:
        """Bring versions in one after the other; failures are told."""
        found = []
        for module in modules:
            try:
                found.append(bring(module))
            except GopackError as error:
                error.where = error.where or str(module)
                self._teller.failed(error)
        return found

    def failed(self, error: GopackError) -> None:
        """Tell what could not be done."""
        self._teller.failed(error)

    def note(self, text: str) -> None:
        """Tell something worth knowing."""
        self._teller.note(text)


def from_folder(adding: Adding, path: str, version: str, folder: Path) -> list[HandMade]:
    """Read the three files of one version, under pacmod's names or Athens'.

    Raises:
        InputError: files are missing, or the version is none.
        IntegrityError: they are not what they must be.
    """
    module = check_version(path, version, has_go_mod=False)
    files = {
        FileKind.INFO: _file(folder, f"{version}.info"),
        FileKind.MOD: _file(folder, "go.mod", f"{version}.mod"),
        FileKind.ZIP: _file(folder, f"{version}.zip", "source.zip"),
    }
    with disk_errors("read the version's files", folder):
        info, mod = files[FileKind.INFO].read_bytes(), files[FileKind.MOD].read_bytes()
        source = files[FileKind.ZIP].open("rb")
    with source:
        checked = adding.staged(module, lambda file: _copy(source, file))
    try:
        how = "added from a folder"
        return [assemble(module, info=info, mod=mod, zip_file=checked, how=how)]
    except BaseException:
        assert checked.fetched.path
        checked.fetched.path.unlink()
        raise


def from_tree(
    adding: Adding, root: Path, words: Sequence[str], *, how: str = "added from a GOPROXY tree"
) -> list[HandMade]:
    """Read what a GOPROXY file tree has, or of it what is wanted.

    Raises:
        InputError: there is no version in it, or nothing that is wanted.
    """
    if not root.is_dir():
        hint = "Give a folder, or the http:// or https:// URL of a proxy."
        raise InputError("there is no such folder", where=str(root), hint=hint)
    there = versions_in(root)
    wanted = _chosen(there, words, where=str(root))
    bare = [m for m in wanted if not {FileKind.INFO, FileKind.MOD} <= there[m]]
    if bare:
        adding.note(
            f"{len(bare)} versions have no .info and are left out, such as {bare[0]}: "
            "the go command has read no more than their go.mod"
        )
    source = FileSource(f"file://{quote(str(root.resolve()))}")
    whole = [module for module in wanted if module not in set(bare)]

    def bring(module: ModuleVersion) -> HandMade:
        has_zip = FileKind.ZIP in there[module]
        h1 = zip_hash(root, module) if has_zip else ""
        return adding.from_source(source, module, has_zip=has_zip, how=how, h1=h1)

    return adding.each(whole, bring)


def from_cache(adding: Adding, folder: Path, words: Sequence[str]) -> list[HandMade]:
    """Read what a module cache has, or of it what is wanted.

    Raises:
        InputError: there is no version in it, or nothing that is wanted.
    """
    return from_tree(adding, download_cache(folder), words, how="added from a module cache")


def from_url(adding: Adding, url: str, words: Sequence[str]) -> list[HandMade]:
    """Read what a running proxy has of the modules that are wanted, or all that an Athens has.

    Raises:
        InputError: no module is named, and the proxy cannot list all it has.
        UpstreamError: it does not answer.
    """
    web = Web(goenv.load(has_upstream=False))
    try:
        source = HttpSource(url, web)
        found = _asked(adding, source, words) if words else _catalog(web, url, shown=source.name)
        how = f"added from {source.name}"

        def bring(module: ModuleVersion) -> HandMade:
            try:
                return adding.from_source(source, module, has_zip=True, how=how)
            except NotFoundError:
                return adding.from_source(source, module, has_zip=False, how=how)

        return adding.each(found, bring)
    finally:
        web.close()


def _asked(adding: Adding, source: ModuleSource, words: Sequence[str]) -> list[ModuleVersion]:
    found = []
    for word in words:
        try:
            found += _versions(source, word)
        except GopackError as error:
            error.where = error.where or word
            adding.failed(error)
    return found


def _versions(source: ModuleSource, word: str) -> list[ModuleVersion]:
    """Read MODULE@VERSION, or ask for all versions of MODULE."""
    path, at, version = word.partition("@")
    if at:
        return [check_version(path, version, has_go_mod=False)]
    versions = parse_versions(source.read(VersionList(path)))
    if not versions:
        hint = "Name the version: MODULE@VERSION; lists leave pseudo-versions out."
        raise InputError("the proxy lists no version of it", where=path, hint=hint)
    return [ModuleVersion(path, each) for each in versions]


def _catalog(web: Web, url: str, *, shown: str) -> list[ModuleVersion]:
    """Ask an Athens for all it has, page by page."""
    found, token = [], ""
    for _ in range(MAX_CATALOG_PAGES):
        query = f"?token={quote(token, safe='')}" if token else ""
        try:
            page = json.loads(
                web.read(f"{url.rstrip('/')}/catalog{query}", where=shown, limit=MAX_CATALOG_BYTES)
            )
            found += [_listed(entry) for entry in page["modules"] or []]
            token = _text(page.get("next", ""))
        except (UpstreamError, ValueError, KeyError, TypeError) as error:
            if isinstance(error, UpstreamError) and error.status not in _NO_CATALOG:
                raise
            text = "the proxy cannot list all that it has"
            raise InputError(text, where=shown, hint=_WHERE_MODULES) from error
        if not token:
            break
    return sorted(set(found))


def _listed(entry: Mapping[str, object]) -> ModuleVersion:
    return ModuleVersion(_text(entry["module"]), _text(entry["version"]))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _chosen(
    there: Iterable[ModuleVersion], words: Sequence[str], *, where: str
) -> list[ModuleVersion]:
    found = sorted(there)
    if not found:
        hint = "The tree has MODULE/@v/VERSION.info, .mod and .zip."
        raise InputError("there is no module version in this tree", where=where, hint=hint)
    chosen = []
    for word in words:
        path, at, version = word.partition("@")
        matching = [m for m in found if m.path == path and (not at or m.version == version)]
        if not matching:
            raise InputError("the tree does not have it", where=f"{where}: {word}")
        chosen += matching
    return sorted(set(chosen)) if words else found


def _file(folder: Path, *names: str) -> Path:
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise InputError(
        f"there is no {' or '.join(names)}",
        where=str(folder),
        hint="A version is go.mod, VERSION.info, and VERSION.zip or source.zip.",
    )


def _copy(source: BinaryIO, target: BinaryIO) -> None:
    while piece := source.read(1 << 20):
        target.write(piece)
