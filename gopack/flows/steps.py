"""Driving step machines: ask a source for what a machine needs, until it has its result."""

from typing import Protocol, TypeVar

from gopack.errors import GopackError
from gopack.plan.query import Steps
from gopack.spec.goproxy import Request

T = TypeVar("T")


class Reader(Protocol):
    """What of a ports.ModuleSource a machine needs."""

    def read(self, request: Request) -> bytes:
        """Answer a small request, unparsed."""


def run_steps(steps: Steps[T], source: Reader) -> T:
    """Run one machine against one source.

    Raises:
        GopackError: what the machine raised, or what the source raised and the machine let pass.
    """
    try:
        request = next(steps)
        while True:
            try:
                answer = source.read(request)
            except GopackError as error:
                request = steps.throw(error)
            else:
                request = steps.send(answer)
    except StopIteration as result:
        return result.value  # type: ignore[no-any-return]  # StopIteration.value is Any
