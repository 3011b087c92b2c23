"""What a list asks for, as values.

Two items are equal when they ask for the same, wherever they stand.

Spec: go.dev/ref/mod#version-queries, go.dev/doc/toolchain#name.
"""

from dataclasses import dataclass, field

from gopack.errors import GopackError
from gopack.plan.findings import Finding
from gopack.plan.inputs.roots import InputRoots


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing the list asks for, and where it asks for it.

    Args:
        name: the list's file name as the person calls it.
        line, column: where the item starts, from 1.
        text: the item as it is written.
        closure: `build`, `graph` or `closed` where the line says so.

    """

    name: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)
    column: int = field(default=0, compare=False)
    text: str = field(default="", compare=False)
    closure: str | None = None

    @property
    def where(self) -> str:
        """The place, `goget.txt:12`, as messages begin; of a whole file its name."""
        return f"{self.name}:{self.line}" if self.line else self.name


@dataclass(frozen=True, slots=True)
class ModuleItem(Item):
    """A module or package path at the version a query chooses."""

    path: str
    query: str = "latest"

    @property
    def needs_base(self) -> bool:
        """Whether the query means something only beside a version from another line."""
        return self.query == "patch"


@dataclass(frozen=True, slots=True)
class PatternItem(Item):
    """A pattern with `...`: every package it matches, in the module that holds it."""

    path: str
    query: str = "latest"


@dataclass(frozen=True, slots=True)
class VersionsItem(Item):
    """Several versions of a module: all that satisfy every bound, `>=v1.40` or `<v2`."""

    path: str
    bounds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GoItem(Item):
    """A Go version, `go@1.26.x`; the query is one toolchain.match_go_version takes."""

    query: str = "latest"


@dataclass(frozen=True, slots=True)
class ToolchainItem(Item):
    """A Go toolchain for platforms; no platforms means the ones the run is set to."""

    query: str = "latest"
    platforms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IncludeItem(Item):
    """Another file to read: a list, a go.mod or the like."""

    file: str


@dataclass(frozen=True, slots=True)
class InputItem(Item):
    """A file that is no list: a go.mod, a go.sum, an SBOM.

    Args:
        roots: what it says.
        members: what the go.mod files of a workspace say, each.
        fault: why it cannot be read at all.

    """

    roots: InputRoots
    members: tuple[InputRoots, ...] = ()
    fault: GopackError | None = None


@dataclass(frozen=True, slots=True)
class ModList:
    """A list that can be used: its items in order, and what a person should still look at."""

    items: tuple[Item, ...]
    warnings: tuple[Finding, ...] = ()
