"""How many files may be open: requests take a connection each, and a slot.

Spec: setrlimit(2), RLIMIT_NOFILE; the go command raises its limit, too (os/rlimit.go).
"""

import resource
from contextlib import suppress

ENOUGH = 4096
FILES_A_REQUEST = 4
"""Its connection, and its slot (see slots.py): one for a proxy, one for a checksum database."""

OTHERS = 72
"""Modules, locks, pipes to workers, the zips that a worker reads."""


def affordable(jobs: int) -> int:
    """Raise the limit of open files where that is allowed; give how many requests it bears.

    >>> affordable(1)
    1
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < ENOUGH:
        raised = ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH)
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
            soft = raised
    if soft == resource.RLIM_INFINITY:
        return jobs
    return max(1, min(jobs, (soft - OTHERS) // FILES_A_REQUEST))
