"""The least pace of an answer that has begun: one that trickles is given up.

A time-out on each read alone lets a server that sends a byte now and then keep a run for ever.
Here the time spent waiting for an answer's bytes is counted, from its first byte on. How long the
first byte may take, and how long silence may last, the read time-out says; time in which nobody
reads does not count.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LeastPace:
    """The least that an answer must bring: this many bytes in this much waiting.

    The default is generous: 32 jobs that share a line of 70 kbit/s reach it.
    """

    bytes: int = 16 << 10
    seconds: float = 60.0


LEAST = LeastPace()


class TrickleError(Exception):
    """An answer trickles; the text says how little came in how long."""


class Pacer:
    """Counts what comes on one connection, and how long that is waited for."""

    def __init__(self, pace: LeastPace) -> None:
        self._pace = pace
        self.sent()

    def sent(self) -> None:
        """Something was sent: the next answer is counted anew."""
        self._has_begun = False
        self._waited_s = 0.0
        self._bytes = 0

    def came(self, size: int, waited_s: float) -> None:
        """Count bytes that came after so much waiting.

        Raises:
            TrickleError: that was too slow.
        """
        if self._has_begun:
            self._waited_s += waited_s
        self._has_begun = True
        self._bytes += size
        if self._bytes >= self._pace.bytes:
            self._waited_s, self._bytes = 0.0, 0
        elif size and self._waited_s >= self._pace.seconds:
            raise TrickleError(f"{self._bytes} bytes in {self._waited_s:.0f} s")
