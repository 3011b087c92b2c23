"""Answers for the checksum database, composed from what the storage keeps of it.

Rules:
- Every lookup carries one head: the newest whose tiles are all there, so that a storage that is
  being copied in serves the former head until the new one is whole.
- What is there is looked at again whenever a folder of it changed; nothing is written.
- Nothing is verified here: the go command verifies all it is given, with a key it brings along.

Spec: golang.org/x/mod/sumdb Client; plan.sumtree for which tiles a client asks for.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from gopack.adapters.sumdb_store import SumdbStore
from gopack.errors import IntegrityError, NotFoundError
from gopack.plan.serving import SumdbRequest, tree_size_seen
from gopack.plan.sumtree import plan_tiles
from gopack.spec.module import ModuleVersion
from gopack.spec.sumdb import (
    LATEST_PATH,
    SUPPORTED_PATH,
    SignedHead,
    format_lookup,
    read_head,
)
from gopack.spec.tiles import Tile, widest
from gopack.spec.tlog import Record

_LOOK_AGAIN_S = 1.0
"""How often a head that is not whole yet is looked at again."""

_MAX_WARNED = 1000
"""Warnings a run gives: a hostile client cannot fill the log or the memory with them."""


@dataclass(frozen=True, slots=True)
class _Tree:
    """What is served at a moment; `lacking` are tiles that it needs and that are not there."""

    store: SumdbStore
    head: SignedHead
    heads: tuple[SignedHead, ...]
    records: Mapping[ModuleVersion, Record]
    lacking: frozenset[Tile] = frozenset()


class ServedSumdb:
    """One checksum database, below `.gopack/sumdb/<name>/`; safe from many threads.

    Args:
        folder: the database's folder.
        warn: told, once for each size of tree, of clients that saw a head nobody carried.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        folder: Path,
        warn: Callable[[str], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._warn = warn
        self._clock = clock
        self._lock = threading.Lock()
        self._tree: _Tree | None = None
        self._seen: tuple[int, ...] = ()
        self._look_again_at = 0.0
        self._warned: set[tuple[str, int]] = set()

    def answer(self, wanted: SumdbRequest, client: str) -> bytes:
        """Answer a request; `client` is who asks, for the log.

        Raises:
            NotFoundError: it is not there.
            StoreError: it cannot be read.
        """
        tree = self._current()
        if tree is None:
            raise NotFoundError("nothing is kept of this checksum database", where=wanted.name)
        if wanted.request == SUPPORTED_PATH:
            return b""
        if wanted.request == LATEST_PATH:
            return tree.head.message
        if isinstance(wanted.request, ModuleVersion):
            return _lookup(tree, wanted.request)
        assert isinstance(wanted.request, Tile)
        data = _tile(tree, wanted.request)
        if data is None:
            self._explain(tree, wanted.name, wanted.request, client)
            raise NotFoundError("this tile was not carried", where=wanted.request.path)
        return data

    def _current(self) -> _Tree | None:
        with self._lock:
            seen = self._fingerprint()
            if seen != self._seen and self._clock() >= self._look_again_at:
                self._tree, is_newest = _load(SumdbStore(self._folder))
                # What is still arriving changes all the time: once a second is often enough.
                self._look_again_at = 0.0 if is_newest else self._clock() + _LOOK_AGAIN_S
                self._seen = seen if is_newest else ()
            return self._tree

    def _fingerprint(self) -> tuple[int, ...]:
        found: list[int] = []
        for name in ("heads", "tiles", "records"):
            try:
                status = (self._folder / name).stat()
            except OSError:
                found.append(0)
            else:
                found += [status.st_mtime_ns, status.st_size, status.st_ino]
        return tuple(found)

    def _explain(self, tree: _Tree, name: str, tile: Tile, client: str) -> None:
        if len(self._warned) >= _MAX_WARNED:
            return
        size = tree_size_seen(tile)
        if (client, size) in self._warned:
            return
        self._warned.add((client, size))
        if tree.lacking:
            self._warn(
                f"{client} asks for {tile.path}: the proofs of {name} are not whole here, "
                f"{len(tree.lacking)} tiles are missing, so the go command fails there. Remedy: "
                "copy the storage whole (cp -a ROOT/. TARGET/); gopack check names what is missing"
            )
            return
        kind = "a newer" if size > tree.head.tree.size else "another"
        self._warn(
            f"{client} asks for {tile.path}, which was not carried: it saw {kind} tree head of "
            f"{name} than those here (the newest has {tree.head.tree.size} records), so the go "
            "command fails there. Remedy: bring its file $(go env GOPATH)/pkg/sumdb/"
            f"{name}/latest to the connected side, run `gopack fetch --head FILE` and deliver "
            "again; or delete that file there, and the client starts from the head here"
        )


def _load(store: SumdbStore) -> tuple[_Tree | None, bool]:
    """Take the newest head that is whole, else the oldest; tell whether it is whole and newest."""
    heads = [head for head in map(read_head, store.heads().values()) if head is not None]
    tree = None
    for index in reversed(range(len(heads))):
        head = heads[index]
        records = {m: r for m, r in store.records().items() if r.id < head.tree.size}
        try:
            tree = _with_lacking(_Tree(store, head, tuple(heads[: index + 1]), records))
        except IntegrityError:
            continue  # that head is none
        if not tree.lacking:
            return tree, index == len(heads) - 1
    return tree, False


def _with_lacking(tree: _Tree) -> _Tree:
    wanted = plan_tiles(tree.head, tree.records.values(), tree.heads)
    lacking = frozenset(tile for tile in wanted if not tree.store.has_tile(tile))
    return replace(tree, lacking=lacking)


def _lookup(tree: _Tree, module: ModuleVersion) -> bytes:
    record = tree.records.get(module)
    if record is None:
        raise NotFoundError("no record of this version was carried", where=str(module))
    return format_lookup(record, tree.head)


def _tile(tree: _Tree, tile: Tile) -> bytes | None:
    """Read a tile, or cut it from a wider one that a later head has."""
    if tile.level < 0:
        return None  # the go command asks for no records by tile
    for head in (None, *reversed(tree.heads)):
        wide = tile if head is None else widest(tile, head.tree.size)
        if wide is not None and wide.width >= tile.width:
            data = tree.store.tile(wide)
            if data is not None:
                return data[: tile.size_bytes]
    return None
