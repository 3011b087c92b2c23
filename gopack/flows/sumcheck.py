"""Checking sums: what the list's go.sum files say of versions, and what the checksum database does.

What was just fetched is proven in waves; what was stored before is proven where nobody has yet, and
held against the go.sum files, which this run may be the first to be given.
"""

from collections.abc import Mapping, Set
from copy import copy
from dataclasses import dataclass

from gopack.errors import GopackError, UpstreamError
from gopack.flows.verify import Outcome, SumVerifier, Unverified, Verified
from gopack.plan.expectedsums import mismatch
from gopack.plan.layout import athens_disk_folder
from gopack.plan.lines import Plan
from gopack.plan.manifest import Annotations, vouched_by
from gopack.ports import Ledger
from gopack.spec.module import ModuleVersion
from gopack.spec.sumdb import Sums


@dataclass(frozen=True, slots=True)
class SumChecker:
    """Checks sums of what a storage holds, or will; `verifies_by_hand` as in Fetcher."""

    verifier: SumVerifier
    ledger: Ledger
    verifies_by_hand: bool

    @property
    def seal(self) -> str:
        """What is noted of a version that the checksum database vouches for."""
        return vouched_by(self.verifier.name)

    def prove(
        self, wave: Mapping[ModuleVersion, Sums], plan: Plan
    ) -> Mapping[ModuleVersion, Outcome]:
        """Tell of each version what the list's go.sum files say, else the checksum database."""
        expected = plan.expected_sums()
        refused = {m: error for m in wave if (error := mismatch(expected.get(m, ()), wave[m]))}
        rest = {module: sums for module, sums in wave.items() if module not in refused}
        return {**(self.verifier.prove(rest) if rest else {}), **refused}

    def stored_faults(
        self, stored: Set[ModuleVersion], plan: Plan
    ) -> list[tuple[ModuleVersion, GopackError]]:
        """Tell what is wrong with the sums of what was stored before; note what is verified now."""
        return [*self._unproven(stored, plan), *self._mismatches(stored, plan)]

    def _unproven(
        self, stored: Set[ModuleVersion], plan: Plan
    ) -> list[tuple[ModuleVersion, GopackError]]:
        """Verify what an earlier run could not or was told not to, and what a person put in.

        What a person put in and the database does not know is their own: it stays as it is. Some
        databases refuse to be asked for a host that nobody knows.
        """
        wave = {m: sums for m, sums in self.ledger.unverified().items() if m in stored}
        if not self.verifies_by_hand:
            wave = {m: sums for m, sums in wave.items() if not self.ledger.is_by_hand(m)}
        due = {m: sums for m, sums in wave.items() if self.verifier.exemption(m.path) is None}
        verified, faults = {}, []
        for module, outcome in self.prove(due, plan).items():
            match outcome:
                case Verified():
                    verified[module] = self.seal
                case Unverified():
                    pass
                case UpstreamError(retryable=False) if self.ledger.is_by_hand(module):
                    pass
                case error:
                    faults.append((module, _told_of_stored(error, module)))
        self.ledger.annotate(Annotations(verified=verified))
        return faults

    def _mismatches(
        self, stored: Set[ModuleVersion], plan: Plan
    ) -> list[tuple[ModuleVersion, GopackError]]:
        """Compare what an earlier run stored with the go.sum files that this one was given."""
        faults: list[tuple[ModuleVersion, GopackError]] = []
        for module, expected in plan.expected_sums().items():
            sums = self.ledger.sums(module) if module in stored else None
            if sums and (error := mismatch(expected, sums)):
                faults.append((module, error))
        return faults


def _told_of_stored(error: GopackError, module: ModuleVersion) -> GopackError:
    """Say what to do where a version that lies in the storage has other sums than it must have."""
    if error.expected is None:
        return error
    told = copy(error)
    told.hint = (
        "it was put into the storage unverified, from another place or under other settings: "
        f"delete {athens_disk_folder(module)} there and fetch again, or, if it is a module of your "
        f"own, name it in GONOSUMDB: GONOSUMDB={module.path}"
    )
    return told
