"""Putting the parts of the checksum database together, from the go command's settings."""

import threading
from functools import partial
from pathlib import Path

from gopack.adapters.checksumdb import ChecksumDatabase
from gopack.adapters.quick import QuickReader
from gopack.adapters.retry import Patience, RetryPolicy
from gopack.adapters.sumdb_store import SumdbStore
from gopack.errors import InputError
from gopack.flows.verify import Database, SumVerifier
from gopack.spec import note
from gopack.spec.goenv import GoEnv, SumDB
from gopack.spec.sumdb import exemption


def make_verifier(
    env: GoEnv, own_folder: Path, quick: QuickReader, *, stop: threading.Event, jobs: int
) -> SumVerifier:
    """Make what verifies versions under these settings; close it in the end.

    `own_folder` is the storage's `.gopack`; `quick`'s Web stays the caller's to close, afterwards.

    Raises:
        InputError: the key in GOSUMDB is malformed.
    """
    database = None
    if env.sumdb is not None:
        log = ChecksumDatabase(
            env.sumdb.name,
            web=quick,
            proxies=env.proxies,
            url=env.sumdb.url,
            ask=Patience(RetryPolicy(), stop).ask,
        )
        store, key = kept_proofs(env.sumdb, own_folder)
        database = Database(log, store, key)
    exempt = partial(
        exemption,
        nosumdb=env.nosumdb,
        is_off=env.sumdb is None,
        proxies=[entry.url for entry in env.proxies],
    )
    return SumVerifier(database, exempt=exempt, jobs=jobs)


def kept_proofs(sumdb: SumDB | None, own_folder: Path) -> tuple[SumdbStore, note.Verifier]:
    """What a storage keeps of the database in force, and the key to prove it with.

    Raises:
        InputError: GOSUMDB is off, or its key is malformed.
    """
    if sumdb is None:
        raise InputError(
            "GOSUMDB=off leaves no checksum database",
            hint="set GOSUMDB to the database whose proofs the storage keeps",
        )
    return SumdbStore.of(own_folder, sumdb.name), note.parse_verifier(sumdb.key)
