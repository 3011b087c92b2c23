"""Fetch tiles once each, from what is kept or from the log, and have a head prove them.

A tile that is kept but does not prove is fetched from the log once more; what the log then gives
is final. One that did not come, for a moment, is asked for again by whoever wants it after that was
told: so each wave asks once.
"""

import threading
from collections.abc import Collection, Iterable
from concurrent.futures import Executor, Future
from typing import NamedTuple

from gopack.errors import GopackError, IntegrityError, UpstreamError
from gopack.ports import ChecksumLog, ProofStore
from gopack.spec.sumdb import HeadProver
from gopack.spec.tiles import Tile


class _Fetched(NamedTuple):
    data: bytes
    is_kept: bool


class TileFetch:
    """Tiles on their way; safe from many threads at once."""

    def __init__(self, log: ChecksumLog, store: ProofStore, pool: Executor) -> None:
        self._log = log
        self._store = store
        self._pool = pool
        self._lock = threading.Lock()
        self._tiles: dict[Tile, Future[_Fetched]] = {}

    def start(self, tiles: Collection[Tile]) -> None:
        """Begin to fetch these, unless that has begun; does not wait."""
        self._begun(tiles)

    def wait(self, tiles: Collection[Tile]) -> dict[Tile, GopackError]:
        """Wait until these have come or failed; give the error of each that failed."""
        failures: dict[Tile, GopackError] = {}
        self._wait(tiles, failures)
        return failures

    def _begun(self, tiles: Collection[Tile]) -> dict[Tile, Future[_Fetched]]:
        with self._lock:
            for tile in tiles:
                if tile not in self._tiles:
                    self._tiles[tile] = self._pool.submit(self._fetch, tile)
            return {tile: self._tiles[tile] for tile in tiles}

    def _fetch(self, tile: Tile) -> _Fetched:
        kept = self._store.tile(tile)
        if kept is not None:
            return _Fetched(kept, is_kept=True)
        return self._fetch_anew(tile)

    def _fetch_anew(self, tile: Tile) -> _Fetched:
        return _Fetched(self._log.tile(tile), is_kept=False)

    def admit(
        self, prover: HeadProver, tiles: Collection[Tile], lock: threading.RLock
    ) -> dict[Tile, GopackError]:
        """Wait for these tiles and have them proven; give the error of each that failed.

        `lock` guards the prover.

        Raises:
            IntegrityError: the tiles under the head itself do not hash to it.
            UpstreamError: one of those is not reachable.
        """
        failures: dict[Tile, GopackError] = {}
        spoilt = self._admit_once(prover, tiles, lock, failures)
        for tile in spoilt:
            failures[tile] = IntegrityError(
                "a tile of the checksum database is not what its signed head says",
                where=tile.path,
                hint="it is spoilt on its way or at its source; try again later, and report it",
            )
        return failures

    def _admit_once(
        self,
        prover: HeadProver,
        tiles: Collection[Tile],
        lock: threading.RLock,
        failures: dict[Tile, GopackError],
    ) -> list[Tile]:
        fetched = self._wait(tiles, failures)
        _check_roots(prover, failures)
        suspects: Collection[Tile]
        try:
            with lock:
                suspects = prover.admit({tile: got.data for tile, got in fetched.items()})
        except IntegrityError:
            suspects = prover.root_tiles
            if not any(fetched[tile].is_kept for tile in suspects):
                raise
        again = [tile for tile in suspects if fetched[tile].is_kept]
        if not again:
            return list(suspects)
        self._fetch_again(again)
        fetched |= self._wait(again, failures)
        _check_roots(prover, failures)
        with lock:
            data = {tile: got.data for tile, got in fetched.items() if tile not in failures}
            return prover.admit({t: d for t, d in data.items() if t not in prover.proven})

    def _fetch_again(self, tiles: Iterable[Tile]) -> None:
        """Have these fetched from the log, whatever is kept."""
        with self._lock:
            for tile in tiles:
                self._tiles[tile] = self._pool.submit(self._fetch_anew, tile)

    def _wait(
        self, tiles: Collection[Tile], failures: dict[Tile, GopackError]
    ) -> dict[Tile, _Fetched]:
        fetched: dict[Tile, _Fetched] = {}
        for tile, job in self._begun(tiles).items():
            try:
                fetched[tile] = job.result()
            except GopackError as error:
                failures[tile] = error
                if is_momentary(error):
                    self._forget(tile, job)
        return fetched

    def _forget(self, tile: Tile, job: Future[_Fetched]) -> None:
        with self._lock:
            if self._tiles.get(tile) is job:
                del self._tiles[tile]


def is_momentary(error: GopackError) -> bool:
    """Whether a failure is one of the moment."""
    return isinstance(error, UpstreamError) and error.retryable


def _check_roots(prover: HeadProver, failures: dict[Tile, GopackError]) -> None:
    """Without all the tiles under the head there is nothing to prove by."""
    for tile in prover.root_tiles:
        if tile in failures:
            raise failures[tile]
