"""What every way of trying a storage needs: its manifest, and the sealed world as it was opened."""

from dataclasses import dataclass
from pathlib import Path

from gopack.adapters.ledger import DiskLedger
from gopack.flows.prove import World
from gopack.plan.layout import OWN_FOLDER
from gopack.plan.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed world, its Go version, and what a reader of the result should know."""

    world: World
    go_version: str
    notes: list[str]


def read_manifest(storage: Path) -> Manifest:
    """Read what is known of a storage; nothing where there is no manifest."""
    return DiskLedger(storage / OWN_FOLDER).manifest
