"""What a running flow tells whoever watches; the command line shows it, tests record it."""

from typing import Protocol

from gopack.spec.module import ModuleVersion


class Progress(Protocol):
    """Watches a run. Calls come from one thread; they MUST return at once and MUST NOT raise."""

    def phase(self, name: str) -> None:
        """A new phase begins: `resolving`, `reading the graphs`, `fetching`."""

    def resolved(self, done: int, total: int) -> None:
        """So many of the list's lines are resolved."""

    def read(self, gomods: int) -> None:
        """So many go.mod files have been read."""

    def planned(self, versions: int, size_bytes: int) -> None:
        """This many versions and bytes are to be fetched."""

    def fetched(self, module: ModuleVersion, size_bytes: int) -> None:
        """A version's files are here and checked."""

    def note(self, text: str) -> None:
        """Say something that a person should read now: a warning, a wait for the lock."""


class Silent:
    """Nobody watches."""

    def phase(self, name: str) -> None:
        """Say nothing."""

    def resolved(self, done: int, total: int) -> None:
        """Say nothing."""

    def read(self, gomods: int) -> None:
        """Say nothing."""

    def planned(self, versions: int, size_bytes: int) -> None:
        """Say nothing."""

    def fetched(self, module: ModuleVersion, size_bytes: int) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""
