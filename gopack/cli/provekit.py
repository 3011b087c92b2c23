"""What every way of trying a storage needs: its manifest, and the sealed world as it was opened."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from gopack.adapters.ledger import DiskLedger
from gopack.flows.prove import World
from gopack.plan.layout import OWN_FOLDER
from gopack.plan.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Verifying:
    """How go verifies in a sealed world, and what a reader of the result should know of it.

    Args:
        gosumdb: the database's key; empty where verification is off.
        nosumdb: GONOSUMDB.
        notes: whole sentences.

    """

    gosumdb: str
    nosumdb: str
    notes: tuple[str, ...] = ()


class VerifyingWorld(World, Protocol):
    """A world whose go commands can be told anew how to verify."""

    def verify_by(self, gosumdb: str, nosumdb: str) -> None:
        """Have go commands in new places verify so; an empty `gosumdb` turns it off."""


@dataclass(slots=True)
class Sealed:
    """A sealed world, its Go version, and what a reader of the result should know.

    Args:
        world: where go commands run.
        go_version: such as `1.26.1`.
        notes: whole sentences.
        find_verifying: finds out how to verify what is stored just now.

    """

    world: VerifyingWorld
    go_version: str
    notes: list[str]
    find_verifying: Callable[[], Verifying]
    _last: tuple[str, ...] = field(default=(), init=False)

    def renew(self) -> None:
        """Have go verify by what is stored now: at first, and when more was fetched.

        Raises:
            StoreError, IntegrityError: what is stored of the checksum database is not whole.
        """
        found = self.find_verifying()
        self.world.verify_by(found.gosumdb, found.nosumdb)
        self.notes[:] = [*(note for note in self.notes if note not in self._last), *found.notes]
        self._last = found.notes


def read_manifest(storage: Path) -> Manifest:
    """Read what is known of a storage; nothing where there is no manifest."""
    return DiskLedger(storage / OWN_FOLDER).manifest
