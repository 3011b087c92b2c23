"""How many examples a law is tried with: all of them, or a quarter for `make check`."""

from hypothesis import settings

QUICK = "quick"
"""The profile of `make check`; `make test` runs the same tests with every example."""


def examples(count: int) -> int:
    """Give the number of examples under the profile that is loaded."""
    return count // 4 if settings.get_current_profile_name() == QUICK else count
