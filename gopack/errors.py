"""The error tree: one root, one family for each party who must act.

    GopackError
    ├── InputError       the list, a file or an option: the user mends it     (exit 2)
    ├── UpstreamError    a proxy or the network; `retryable` says if to wait  (exit 3)
    │   └── NotFoundError    the upstream answered: there is no such thing
    ├── IntegrityError   data that lies; never retried, never downgraded      (exit 4)
    └── StoreError       the storage or a bundle: disk, lock, permission      (exit 5)
        └── OtherFilesError  somebody else put other files of a version there

An error's text is made from its fields: `where: what failed: expected X, got Y`; `hint` is the
next step for the person who reads it.
"""

from collections.abc import Sequence
from copy import copy
from typing import ClassVar, Self


class GopackError(Exception):
    """The root of everything gopack raises on purpose.

    Args:
        what: what failed, a clause without a full stop.
        where: the line, `module@version`, URL or file it failed at; empty if the caller adds it.
        expected, got: the two sides of a comparison, if it was one.
        hint: the next step, one sentence.

    """

    exit_status: ClassVar[int] = 1
    _otherwise: ClassVar[str] = "run again; if it stays so, report it with the list and this text"

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        expected: str | None = None,
        got: str | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(what, where, expected, got, hint)
        self.what = what
        self.where = where
        self.expected = expected
        self.got = got
        self.hint = hint

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        if self.expected is not None:
            text += f": expected {self.expected}, got {self.got}"
        return text

    @property
    def next_step(self) -> str:
        """The hint; where there is none, what helps with errors of this family."""
        return self.hint or self._otherwise

    def told(self, chain: Sequence[object]) -> Self:
        """Give the same error, saying what led to it: a chain of requirements, outermost first."""
        if len(chain) < 2:
            return self
        told = copy(self)
        told.what += f" ({' requires '.join(str(link) for link in chain)})"
        return told

    def __reduce__(self) -> tuple[object, ...]:
        """Errors cross process boundaries whole, fields and all."""
        return (_rebuild, (type(self), self.__dict__))


def _rebuild(kind: type[GopackError], fields: dict[str, object]) -> GopackError:
    error = kind.__new__(kind)
    Exception.__init__(error, fields.get("what"))
    error.__dict__.update(fields)
    return error


class InputError(GopackError):
    """The list, a file the user gave, or an option is wrong."""

    exit_status = 2
    _otherwise = "correct it and run again"


class UpstreamError(GopackError):
    """A proxy, the checksum database or the network failed.

    `retryable` is true when the same request may succeed later (a 5xx, a reset, a time-out);
    `retry_after_s` is what the upstream asked for, in seconds, if it did.
    """

    exit_status = 3
    _otherwise = "check GOPROXY and the path, or ask who runs the server"

    def __init__(  # noqa: PLR0913 - an error's fields, all by keyword
        self,
        what: str,
        *,
        where: str = "",
        url: str = "",
        status: int | None = None,
        retryable: bool = False,
        retry_after_s: float | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(what, where=where, hint=hint)
        self.url = url
        self.status = status
        self.retryable = retryable
        self.retry_after_s = retry_after_s


class NotFoundError(UpstreamError):
    """The upstream answered that it does not have this (404, 410).

    It is what lets the go command move on past a `,` in GOPROXY (fs.ErrNotExist there).
    """


class NoMatchingVersionError(NotFoundError):
    """The upstream has the module, and no version of it that is wanted.

    The go command asks no other proxy then: what a name means must not be up to the next one.
    Source: modload NoMatchingVersionError, ModuleRetractedError; modfetch TryProxies.
    """


class IntegrityError(GopackError):
    """Data is not what it must be: a sum, a signature, a zip rule, a name inside a file.

    `evidence` is what shows the lie to others (signed notes, proofs), as text; empty where the
    message says it all.
    """

    exit_status = 4
    _otherwise = "nothing of this version is stored: tell the module's author or who runs the proxy"

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        expected: str | None = None,
        got: str | None = None,
        hint: str = "",
        evidence: str = "",
    ) -> None:
        super().__init__(what, where=where, expected=expected, got=got, hint=hint)
        self.evidence = evidence


class StoreError(GopackError):
    """The storage (or a bundle) cannot be read or written as it must be."""

    exit_status = 5
    _otherwise = "look at the storage with gopack check, mend what it names, and run again"


class OtherFilesError(StoreError):
    """A version is in the storage already, with other files than those that were to be published.

    Whoever publishes has not looked at them; nothing must be said of them that holds for its own.
    """
