"""Fixtures that every room uses."""

from collections.abc import Iterator

import pytest

from tests.upstream import Upstream, serve


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A module proxy on 127.0.0.1; see tests/upstream.py."""
    yield from serve()
