"""How tests are dealt to pytest-xdist's workers: one at a time, except where a fixture is dear.

- The tests under tests/e2e/container/ share one Docker engine, so one worker runs them all; so do
  those under tests/e2e/delivered/, which share what was delivered.
- Another file under tests/e2e/ stays with one worker, since its fixtures fill storages; so do a few
  fast files whose fixture is a long run.
- What takes long begins first, so that no worker is left with it when the others have ended.
"""

import pytest
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]
from xdist.workermanage import WorkerController  # type: ignore[import-untyped]

CONTAINER = "tests/e2e/container/"
WHOLE_FOLDERS = (CONTAINER, "tests/e2e/delivered/")
WHOLE_FILES = ("tests/e2e/", "tests/cli/test_bad_answers.py", "tests/cli/test_check.py")

LONGEST = (
    CONTAINER,
    "tests/e2e/test_prove.py",
    "tests/e2e/test_sealed.py",
    "tests/faults/test_crash.py",
    "tests/faults/test_storage.py",
    "tests/faults/test_upstream.py",
    "tests/faults/test_fuzz.py::test_long",
    "tests/faults/test_fuzz.py::test_guided",
    "tests/e2e/",
    "tests/faults/test_lies.py",
    "tests/faults/",
    "tests/spec/test_core_coverage.py",
)
"""How the tests begin that take long, those that take longest first; others take seconds."""


class BySharedFixture(LoadScopeScheduling):  # type: ignore[misc] # xdist carries no types
    """Tests of one scope run on one worker; the longest scopes come first."""

    _is_ordered = False

    def _split_scope(self, nodeid: str) -> str:
        for folder in WHOLE_FOLDERS:
            if nodeid.startswith(folder):
                return folder
        if nodeid.startswith(WHOLE_FILES):
            return nodeid.partition("::")[0]
        return nodeid

    def _assign_work_unit(self, node: WorkerController) -> None:
        if not self._is_ordered:
            self._is_ordered = True
            for scope in sorted(self.workqueue, key=rank):
                self.workqueue.move_to_end(scope)
        super()._assign_work_unit(node)


def rank(scope: str) -> int:
    """Where in the order of the longest a scope belongs."""
    places = (place for place, start in enumerate(LONGEST) if scope.startswith(start))
    return next(places, len(LONGEST))


def make_scheduler(config: pytest.Config, log: Producer) -> BySharedFixture:
    """Make the scheduler for pytest_xdist_make_scheduler."""
    return BySharedFixture(config, log)
