"""The difference between two inventories."""

from dataclasses import dataclass

from gopack.plan.bundle.inventory import Inventory
from gopack.spec.module import ModuleVersion


@dataclass(frozen=True, slots=True)
class Diff:
    """What the second has and the first has not, and the other way round.

    `completed` are mod-only in the first and complete in the second, `reduced` the reverse;
    `different` have other sums under one name. `records` counts checksum records, by database.
    """

    added: tuple[ModuleVersion, ...]
    removed: tuple[ModuleVersion, ...]
    completed: tuple[ModuleVersion, ...]
    reduced: tuple[ModuleVersion, ...]
    different: tuple[ModuleVersion, ...]
    records: tuple[tuple[str, int, int], ...]

    @property
    def is_empty(self) -> bool:
        """Whether both have the same versions."""
        return not (self.added or self.removed or self.completed or self.reduced or self.different)


def compare(first: Inventory, second: Inventory) -> Diff:
    """Compare two inventories."""
    old, new = first.versions, second.versions
    both = sorted(old.keys() & new.keys())
    names = sorted(first.sumdbs.keys() | second.sumdbs.keys())
    return Diff(
        added=tuple(sorted(new.keys() - old.keys())),
        removed=tuple(sorted(old.keys() - new.keys())),
        completed=tuple(m for m in both if new[m].is_complete > old[m].is_complete),
        reduced=tuple(m for m in both if new[m].is_complete < old[m].is_complete),
        different=tuple(
            m
            for m in both
            if new[m].is_complete == old[m].is_complete and new[m].print != old[m].print
        ),
        records=tuple((name, *_records(name, first, second)) for name in names),
    )


def _records(name: str, first: Inventory, second: Inventory) -> tuple[int, int]:
    old, new = first.sumdbs.get(name), second.sumdbs.get(name)
    return (len(old.records) if old else 0, len(new.records) if new else 0)
