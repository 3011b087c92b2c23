"""Wiring for versions that are put into a storage by hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gopack.adapters.disk import DiskStore
from gopack.adapters.ledger import DiskLedger
from gopack.adapters.zips import read_module_zip
from gopack.cli.wiring import LOCK_WAIT_S, WatchedProgress
from gopack.flows.byhand import Shelf, StoredFiles
from gopack.plan.layout import FileKind, athens_disk_key
from gopack.ports import FetchedZip, State
from gopack.spec.dirhash import hash_go_mod
from gopack.spec.module import ModuleVersion


@dataclass(frozen=True, slots=True)
class OpenShelf:
    """A locked storage and what puts versions into it."""

    store: DiskStore
    ledger: DiskLedger
    shelf: Shelf


def make_shelf(store: DiskStore, ledger: DiskLedger) -> OpenShelf:
    """Put the parts together; the storage is the caller's to lock."""
    return OpenShelf(store, ledger, Shelf(store, ledger, partial(stored_files, store)))


@contextmanager
def open_shelf(storage: Path, *, progress: WatchedProgress) -> Iterator[OpenShelf]:
    """Lock a storage, and write its manifest and go.sum in the end, whatever happened.

    Raises:
        StoreError: the storage cannot be used.
    """
    store = DiskStore(storage)
    with store.locked(wait_s=LOCK_WAIT_S, on_wait=progress.note):
        opened = make_shelf(store, DiskLedger(store.own_folder))
        try:
            yield opened
        finally:
            opened.ledger.save()


def stored_files(store: DiskStore, module: ModuleVersion) -> StoredFiles:
    """Read what a stored version's files are.

    Raises:
        IntegrityError: its zip is none.
        StoreError: it cannot be read.
    """
    with store.open(module, FileKind.MOD) as file:
        mod_h1 = hash_go_mod(file.read())
    if store.state(module) is not State.COMPLETE:
        return StoredFiles(mod_h1, None)
    path = store.root / athens_disk_key(module, FileKind.ZIP)
    receipt = read_module_zip(path, module)
    found = FetchedZip(None, receipt.size_bytes, receipt.sha256, receipt.h1)
    return StoredFiles(mod_h1, found)
