"""Asking again: what failed for a moment is asked again, later, and never impatiently.

Rules kept:
- only retryable UpstreamErrors are asked again, at most `tries` times in all; what a server refuses
  for being asked too much (429) is no failure of the answer, and gets `refusals` tries;
- waits grow exponentially, with jitter, so that threads do not come back all at once;
- Retry-After is obeyed (up to a cap), and then, as after any 429, every thread of this process that
  asks this source waits, not only the one that was told;
- a set stop event ends every wait at once.
"""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar

from gopack.errors import UpstreamError
from gopack.ports import ModuleSource, ZipTarget
from gopack.spec.goproxy import Request
from gopack.spec.module import ModuleVersion

Answer = TypeVar("Answer")

_JITTER = random.SystemRandom().random


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long; the defaults give up after about five seconds, after 429 fifteen.

    `spread_s` is how far apart threads may come back from a pause that they sat out together.
    """

    tries: int = 5
    refusals: int = 7
    first_delay_s: float = 0.25
    max_delay_s: float = 8.0
    max_retry_after_s: float = 60.0
    spread_s: float = 0.5


class Patience:
    """When to ask again; one for each source, shared by its threads."""

    def __init__(
        self,
        policy: RetryPolicy,
        stop: threading.Event,
        *,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], bool] | None = None,
        jitter: Callable[[], float] = _JITTER,
    ) -> None:
        """Wait with `wait` (seconds; true means stop); `jitter` gives numbers from 0 to 1."""
        self._policy = policy
        self._stop = stop
        self._clock = clock
        self._wait = wait or stop.wait
        self._jitter = jitter
        self._lock = threading.Lock()
        self._resume_at = clock()

    def ask(self, call: Callable[[], Answer]) -> Answer:
        """Call until it answers or there is no point in another try.

        Raises:
            UpstreamError: the last failure, or that the run was stopped.

        """
        failed = refused = 0
        while True:
            self._sit_out_pause()
            try:
                return call()
            except UpstreamError as error:
                is_refused = error.status == HTTPStatus.TOO_MANY_REQUESTS
                refused, failed = refused + is_refused, failed + (not is_refused)
                is_last = failed >= self._policy.tries or refused >= self._policy.refusals
                if is_last or not error.retryable or self._stop.is_set():
                    raise
                self._after(error, failed + refused - 1)

    def _after(self, error: UpstreamError, failed: int) -> None:
        """Wait as the failure asks for; `failed` tries came before it."""
        delay = min(self._policy.max_delay_s, self._policy.first_delay_s * 2.0**failed)
        delay *= 0.5 + 0.5 * self._jitter()
        if error.retry_after_s is not None:
            delay = max(delay, min(error.retry_after_s, self._policy.max_retry_after_s))
        if error.retry_after_s is not None or error.status == HTTPStatus.TOO_MANY_REQUESTS:
            with self._lock:
                self._resume_at = max(self._resume_at, self._clock() + delay)
        elif self._wait(delay):
            raise error

    def _sit_out_pause(self) -> None:
        """Wait while the source has asked for quiet; the pause may grow meanwhile."""
        while (left := self._resume_at - self._clock()) > 0:
            if self._wait(left + self._policy.spread_s * self._jitter()):
                break
        if self._stop.is_set():
            raise UpstreamError("not asked: the run was stopped")


class RetryingSource:
    """A source that is asked again with patience; a ModuleSource itself."""

    def __init__(self, source: ModuleSource, patience: Patience) -> None:
        self._source = source
        self._patience = patience

    def __repr__(self) -> str:
        return f"RetryingSource({self._source!r})"

    @property
    def name(self) -> str:
        """The name of the source inside."""
        return self._source.name

    def read(self, request: Request) -> bytes:
        """Answer a small request; see ModuleSource."""
        return self._patience.ask(lambda: self._source.read(request))

    def zip_size(self, module: ModuleVersion) -> int | None:
        """Tell the zip's size; see ModuleSource."""
        return self._patience.ask(lambda: self._source.zip_size(module))

    def copy_zip(self, module: ModuleVersion, target: ZipTarget) -> int:
        """Stream the zip, each try from the start of `target`; see ModuleSource.

        Into a PartFile a try may go on where the one before broke off.
        """

        def copy() -> int:
            target.seek(0)
            target.truncate()
            return self._source.copy_zip(module, target)

        return self._patience.ask(copy)
