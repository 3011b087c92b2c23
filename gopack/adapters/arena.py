"""How much memory threads leave unused: with the GNU C library, each has a heap of its own.

Threads that take and give back buffers of a MiB leave as much in each heap as ever was in it
(measured: 268 MB instead of 173 for a fetch of 505 versions). Here one thread at a time holds the
interpreter, so they lose nothing by sharing one.

Spec: mallopt(3), M_ARENA_MAX.
"""

import ctypes

_M_ARENA_MAX = -8


def share_one_arena() -> None:
    """Have the threads of this process that begin from now on share one heap, where that is known.

    The setting is the process's own and cannot be undone.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # another C library
        return
    mallopt(_M_ARENA_MAX, 1)
