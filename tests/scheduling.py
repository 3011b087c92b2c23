"""How tests are dealt to pytest-xdist's workers: one at a time, except where a fixture is dear.

- The tests under tests/e2e/container/ share one Docker engine, so one worker runs them all.
- Another file under tests/e2e/ stays with one worker, since its fixtures fill storages; so do a few
  fast files whose fixture is a long run.
"""

import pytest
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

WHOLE_FILES = ("tests/e2e/", "tests/cli/test_bad_answers.py", "tests/cli/test_check.py")


class BySharedFixture(LoadScopeScheduling):  # type: ignore[misc] # xdist carries no types
    """Tests of one scope run on one worker."""

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith("tests/e2e/container/"):
            return "tests/e2e/container/"
        if nodeid.startswith(WHOLE_FILES):
            return nodeid.partition("::")[0]
        return nodeid


def make_scheduler(config: pytest.Config, log: Producer) -> BySharedFixture:
    """Make the scheduler for pytest_xdist_make_scheduler."""
    return BySharedFixture(config, log)
