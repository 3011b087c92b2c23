"""What a fuzzer drives: a parser that raises GopackErrors only, with right inputs to start from."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from gopack.errors import GopackError


@dataclass(frozen=True)
class Target:
    """A parser, and what it reads when all is well."""

    parse: Callable[[bytes], object]
    seeds: tuple[bytes, ...]

    def __call__(self, data: bytes) -> None:
        """Read foreign bytes: a result or a GopackError, nothing else."""
        with contextlib.suppress(GopackError):
            self.parse(data)


def text(data: bytes) -> str:
    """Foreign bytes as the text that a file with them becomes."""
    return data.decode("utf-8", "replace")
