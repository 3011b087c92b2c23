"""What gopack looks at and does not store: each module's highest version, for what it retracts.

The checksum database of the data set must know its go.mod, too: else no run could remember what it
says, and each would ask for all of them again.
"""

import os
import threading
from pathlib import Path

from bench.programs import VERIFYING
from gopack.adapters import goenv
from gopack.adapters.ledger import DiskLedger
from gopack.adapters.quick import QuickReader
from gopack.adapters.web import Web
from gopack.cli.sumcheck import make_verifier
from gopack.flows.verify import Verified
from gopack.spec.dirhash import hash_go_mod
from gopack.spec.module import ModuleVersion, escape_path, escape_version
from gopack.spec.sumdb import Sums


def keep_proofs(storage: Path, proxy_url: str) -> None:
    """Prove what a run looked at, and keep the records beside those of what is stored."""
    env = goenv.load({**os.environ, **VERIFYING, "GOPROXY": proxy_url})
    known = DiskLedger(storage / ".gopack").manifest.modules
    looked_at = [ModuleVersion(path, facts.carrier) for path, facts in known.items()]
    web = Web(env)
    quick = QuickReader(web)
    with make_verifier(env, storage / ".gopack", quick, stop=threading.Event(), jobs=8) as verifier:
        sums = {m: Sums(hash_go_mod(_go_mod(quick, proxy_url, m))) for m in looked_at}
        outcomes = verifier.prove(sums)
        verifier.finish()
    web.close()
    failed = {m: outcome for m, outcome in outcomes.items() if not isinstance(outcome, Verified)}
    assert not failed, failed


def _go_mod(quick: QuickReader, proxy_url: str, module: ModuleVersion) -> bytes:
    path = f"{escape_path(module.path)}/@v/{escape_version(module.version)}.mod"
    return quick.read(f"{proxy_url}/{path}", where=str(module), limit=1 << 24)
