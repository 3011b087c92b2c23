"""The fault report: what was tried of each class of faults, what was survived, what was lost."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

PROPERTY = "faults"


@dataclass
class Tally:
    """Counts one class of faults; what is lost is told, with how to see it again."""

    counts: dict[str, Any]
    lost: list[str] = field(default_factory=list)

    def tried(self, trial: Callable[[], None], what: str) -> None:
        """Try one fault: what `trial` asserts holds, or it is lost."""
        self.counts["tried"] += 1
        try:
            trial()
        except AssertionError as error:
            self.counts["lost"] += 1
            self.lost.append(f"{what}: {error}")
        else:
            self.counts["survived"] += 1

    def nothing_is_lost(self) -> None:
        assert self.counts["tried"] > 0
        assert not self.lost, "\n\n".join(self.lost[:5])


def new_tally(name: str, record: Callable[[str, object], None]) -> Tally:
    """A tally whose counts reach the report, from whichever process they are counted in."""
    counts: dict[str, Any] = {"class": name, "tried": 0, "survived": 0, "lost": 0}
    record(PROPERTY, counts)
    return Tally(counts)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table, where any class was tried."""
    table: dict[str, list[int]] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", "") != "call":
                continue
            for name, counts in report.user_properties:
                if name == PROPERTY:
                    row = table.setdefault(counts["class"], [0, 0, 0])
                    for at, column in enumerate(("tried", "survived", "lost")):
                        row[at] += counts[column]
    if not table:
        return
    terminalreporter.section("fault report")
    terminalreporter.write_line(f"{'class':<58}{'tried':>8}{'survived':>10}{'lost':>6}")
    for name, (tried, survived, lost) in sorted(table.items()):
        terminalreporter.write_line(f"{name:<58}{tried:>8}{survived:>10}{lost:>6}")
