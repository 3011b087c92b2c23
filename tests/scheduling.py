"""How tests are dealt to pytest-xdist's workers: one at a time, except where a fixture is dear.

- The tests under tests/e2e/container/ share one Docker engine, so one worker runs them all.
- Another file under tests/e2e/ stays with one worker, since its fixtures fill storages.
"""

import pytest
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]


class BySharedFixture(LoadScopeScheduling):  # type: ignore[misc] # xdist carries no types
    """Tests of one scope run on one worker."""

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith("tests/e2e/container/"):
            return "tests/e2e/container/"
        if nodeid.startswith("tests/e2e/"):
            return nodeid.partition("::")[0]
        return nodeid


def make_scheduler(config: pytest.Config, log: Producer) -> BySharedFixture:
    """Make the scheduler for pytest_xdist_make_scheduler."""
    return BySharedFixture(config, log)
