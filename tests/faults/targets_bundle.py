"""The parsers of what crosses the gap: bundles, inventories, volumes' checksum files, a target."""

import hashlib

from gopack.flows import bundle_sumdb
from gopack.flows.bundle_sumdb import Holdings
from gopack.plan import pushing
from gopack.plan.bundle import index, inventory, volumes
from gopack.plan.bundle.index import Carried, Chunk, Database, Head, Index, Member
from gopack.plan.bundle.inventory import Held, Inventory, Proofs
from gopack.plan.bundle.volumes import Sidecar
from gopack.plan.manifest import Entry, ZipEntry
from gopack.spec import note, sumdb
from gopack.spec.module import ModuleVersion
from gopack.spec.tiles import Tile
from tests.fakes_sumdb import FakeSumDB
from tests.faults.target import Target, text

MODULE = ModuleVersion("example.com/m", "v1.0.0")
SIGNER = note.Signer("gopack-test", bytes(32))
DIGEST = "0" * 64
UNPACKED_BYTES = 1 << 16
SIDECAR = Sidecar(DIGEST, 1, 2, 9, DIGEST, "a.001")
HELD = Inventory({MODULE: Held(is_complete=True, print="0" * 8)}, {})
ENTRY = Entry(
    info_sha256=DIGEST,
    mod_sha256=DIGEST,
    mod_h1="h1:x",
    zip=ZipEntry(9, DIGEST, "h1:y"),
    verified="sumdb x",
)
INDEX = Index(
    1,
    None,
    HELD,
    (Carried(MODULE, ENTRY, 5, 7, "MIT"),),
    (Member("README.txt", 3, DIGEST),),
    (Chunk(Member("small/0000.tar", 9, DIGEST), 1, 12),),
    Database("db.example", "db.example+0+x", Proofs(frozenset({1, 2}), frozenset({9}), "x"), 5),
)


def _index_of(data: bytes) -> Index:
    """An index whose head is right, since whoever forges one writes both."""
    packed = index.pack(data)
    head = Head(1, None, len(packed), len(data), hashlib.sha256(data).hexdigest())
    return index.loads(head, packed, where="x")


def _records(log: FakeSumDB) -> bytes:
    record = sumdb.parse_lookup(log.lookup(log_module(log))).record
    heads = (sumdb.open_head(log.head(), log.verifier),)
    held = Holdings(log.verifier, {log_module(log): record}, heads, (Tile(8, 0, 0, 9),))
    return bundle_sumdb.dumps(held)


def log_module(log: FakeSumDB) -> ModuleVersion:
    return next(iter(log.ids))


def targets(log: FakeSumDB) -> dict[str, Target]:
    key = log.verifier
    return {
        "bundle head": Target(
            lambda d: index.parse_head(text(d), where="x"),
            (index.format_head(Head(2, None, 9, 9, DIGEST)).encode(),),
        ),
        "bundle index": Target(_index_of, (index.dumps(INDEX),)),
        "packed index": Target(
            lambda d: index.unpack(d, UNPACKED_BYTES, where="x"),
            (index.pack(bytes(UNPACKED_BYTES)),),
        ),
        "inventory": Target(lambda d: inventory.loads(d, where="x"), (inventory.dumps(HELD),)),
        "checksum records": Target(
            lambda d: bundle_sumdb.loads(d, key, where="x"), (_records(log),)
        ),
        "checksum file": Target(
            lambda d: volumes.parse_sidecar(d, where="x"), (volumes.format_sidecar(SIDECAR),)
        ),
        "look at a target": Target(
            lambda d: pushing.parse_look(text(d)), (b"0\n0\n/dev/a 9 1 8 1% /\n./a/v1/go.mod\n",)
        ),
        "sums of a target": Target(lambda d: pushing.parse_sums(text(d)), (b"00  ./a/go.mod\n",)),
        "signer": Target(lambda d: note.parse_signer(text(d)), (SIGNER.secret_text().encode(),)),
    }
