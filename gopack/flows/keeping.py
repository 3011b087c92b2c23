"""Keep proofs while the work goes on: what waits is saved together, in a thread of its own."""

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from gopack.ports import ProofStore
from gopack.spec.module import ModuleVersion
from gopack.spec.sumdb import SignedHead
from gopack.spec.tiles import Tile
from gopack.spec.tlog import Record


class ProofKeeper:
    """Saves into a store in the order in which things were given; safe from many threads."""

    def __init__(self, store: ProofStore) -> None:
        self._store = store
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="proofs")
        self._lock = threading.Lock()
        self._records: dict[ModuleVersion, Record] = {}
        self._tiles: dict[Tile, bytes] = {}
        self._heads: list[SignedHead] = []
        self._saving: Future[None] | None = None

    def keep(
        self,
        records: Mapping[ModuleVersion, Record],
        tiles: Mapping[Tile, bytes],
        heads: Sequence[SignedHead],
    ) -> None:
        """Have these saved; does not wait.

        Raises:
            StoreError: what was given before could not be saved.
        """
        with self._lock:
            self._records |= records
            self._tiles |= tiles
            self._heads += heads
            if self._saving is not None and not self._saving.done():
                return  # it looks again when it is done
            if self._saving is not None:
                self._saving.result()
            self._saving = self._pool.submit(self._save)

    def settle(self) -> None:
        """Wait until everything given is on the disk.

        Raises:
            StoreError: it could not be saved.
        """
        saving = self._saving
        if saving is not None:
            saving.result()

    def close(self) -> None:
        """End the thread, once everything given is saved."""
        self._pool.shutdown(wait=True)

    def _save(self) -> None:
        while True:
            with self._lock:
                if not (self._records or self._tiles or self._heads):
                    self._saving = None  # whoever comes now starts anew
                    return
                records, tiles, heads = self._records, self._tiles, self._heads
                self._records, self._tiles, self._heads = {}, {}, []
            self._store.save(records=records, tiles=tiles, heads=heads)
