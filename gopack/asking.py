"""Asking the entries of GOPROXY in turn.

Spec: cmd/go/internal/modfetch/proxy.go TryProxies.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from gopack.errors import (
    GopackError,
    InputError,
    NoMatchingVersionError,
    NotFoundError,
    UpstreamError,
)
from gopack.ports import Attempt, ModuleSource

Answer = TypeVar("Answer")

# Which failure is told in the end: the higher, the more it helps (TryProxies' ranks).
_NOT_FOUND, _PROXY, _DIRECT = range(3)


def first_answer(attempts: Sequence[Attempt], ask: Callable[[ModuleSource], Answer]) -> Answer:
    """Return the first answer that a source gives to `ask`.

    After NotFoundError the next source is asked; after any other UpstreamError, or where no version
    matches, or the source cannot be asked for that (InputError), only where a `|` follows. Data
    that lies ends the search at once, whatever follows.

    Raises:
        UpstreamError, InputError: the most helpful failure: of `direct`, else the last that is not
            "not found", else the last.
        IntegrityError: as raised by a source.

    """
    best: UpstreamError | InputError | None = None
    best_rank = _NOT_FOUND
    for attempt in attempts:
        try:
            return ask(attempt.source)
        except (UpstreamError, InputError) as error:
            rank = _rank(attempt.source, error)
            if best is None or rank >= best_rank:
                best, best_rank = error, rank
            if not attempt.falls_back_on_error and not is_absent(error):
                break
    if best is None:
        raise UpstreamError("no module proxy to ask", hint="set GOPROXY")
    raise best


def _rank(source: ModuleSource, error: GopackError) -> int:
    if source.name == "direct":
        return _DIRECT
    return _NOT_FOUND if is_absent(error) else _PROXY


def is_absent(error: GopackError) -> bool:
    """Whether a source has nothing of what it was asked for, so that the next one is asked."""
    return isinstance(error, NotFoundError) and not isinstance(error, NoMatchingVersionError)
