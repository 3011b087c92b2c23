"""go.sum files: `module version hash` and `module version/go.mod hash`, a line each.

Spec: go.dev/ref/mod#go-sum-files; order: modfetch.tidyGoSum by x/mod module.Sort.
"""

from collections.abc import Iterable
from typing import NamedTuple

from gopack.errors import InputError
from gopack.spec import semver
from gopack.spec.module import ModuleVersion

GO_MOD_SUFFIX = "/go.mod"


class SumLine(NamedTuple):
    """One line: `is_gomod` tells the sum of the go.mod file from that of the zip."""

    module: ModuleVersion
    is_gomod: bool
    h1: str

    def __str__(self) -> str:
        suffix = GO_MOD_SUFFIX if self.is_gomod else ""
        return f"{self.module.path} {self.module.version}{suffix} {self.h1}"


def parse_line(text: str) -> SumLine | None:
    """Read one line; None for a blank one.

    Raises:
        InputError: it has not three fields.
    """
    fields = text.split()
    if not fields:
        return None
    if len(fields) != 3:
        raise InputError(
            "malformed go.sum line",
            expected="module version hash",
            got=repr(text),
            hint="Remove the line, or run `go mod tidy`.",
        )
    path, version, digest = fields
    is_gomod = version.endswith(GO_MOD_SUFFIX)
    return SumLine(ModuleVersion(path, version.removesuffix(GO_MOD_SUFFIX)), is_gomod, digest)


def parse(text: str, *, name: str = "go.sum") -> list[SumLine]:
    """Read a whole file.

    Raises:
        InputError: the first malformed line, with its number.
    """
    lines = []
    for number, line in enumerate(text.split("\n"), 1):
        try:
            found = parse_line(line)
        except InputError as error:
            error.where = f"{name}:{number}"
            raise
        if found is not None:
            lines.append(found)
    return lines


def format_lines(lines: Iterable[SumLine]) -> str:
    """Write lines in go.sum's order, each once."""
    ordered = sorted(set(lines), key=_order)
    return "".join(f"{line}\n" for line in ordered)


def _order(line: SumLine) -> tuple[str, object, bool, str]:
    return (line.module.path, semver.sort_key(line.module.version), line.is_gomod, line.h1)
