"""The time a version's files carry: the one its .info names.

Spec: go.dev/ref/mod#goproxy-protocol (`$version.info`: Time is RFC 3339).
"""

import json
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def info_time_ns(info: bytes) -> int:
    """Give the .info's Time in nanoseconds since 1970, in whole microseconds.

    An .info without a readable Time, or with one before 1970 (Go's zero time), gives 0, so that
    the same answer always gives the same files. Whether an .info is right is not asked here.

    >>> info_time_ns(b'{"Version": "v1.0.0", "Time": "1970-01-01T00:00:02Z"}')
    2000000000
    """
    try:
        found = json.loads(info)["Time"]
        time = datetime.fromisoformat(found)
        since = time - _EPOCH
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return 0
    return max(0, since // timedelta(microseconds=1)) * 1000
