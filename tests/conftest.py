"""Fixtures that every room uses."""

from collections.abc import Generator, Iterator

import pytest
from _pytest.doctest import DoctestModule
from hypothesis import settings

from tests.examples import QUICK
from tests.faults.report import pytest_terminal_summary as pytest_terminal_summary  # noqa: PLC0414
from tests.scheduling import make_scheduler
from tests.upstream import Upstream, serve

pytest_xdist_make_scheduler = pytest.hookimpl(make_scheduler, optionalhook=True)

# A busy machine is no failure: a slow example says nothing of the rule it tests.
settings.register_profile("gopack", deadline=None)
settings.register_profile(QUICK, deadline=None, max_examples=25)
settings.load_profile("gopack")


@pytest.hookimpl(wrapper=True)
def pytest_collect_file() -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    """Leave the doctests of tests out: there are none, and to look takes each worker a second."""
    return [each for each in (yield) if not isinstance(each, DoctestModule)]


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A module proxy on 127.0.0.1; see tests/upstream.py."""
    yield from serve()
