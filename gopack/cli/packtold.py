"""What `pack` and `add` tell: lines for a person, JSON for a program."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from gopack.cli.failing import print_error
from gopack.cli.jsonreport import error_json, write_json
from gopack.cli.units import human_bytes
from gopack.errors import GopackError
from gopack.flows.byhand import HandMade
from gopack.flows.pack import Packed
from gopack.plan.packing import told

MAX_OMITTED_SHOWN = 8


class Teller:
    """Tells of versions as they are done, and remembers them for --json."""

    def __init__(self, console: Console, output: Console, *, quiet: bool) -> None:
        self._console = console
        self._output = output
        self._quiet = quiet
        self._versions: list[Mapping[str, Any]] = []
        self._omitted: dict[str, list[str]] = {}
        self._notes: list[str] = []
        self._errors: list[GopackError] = []

    @property
    def exit_status(self) -> int:
        """0 where nothing failed, else the highest of the errors'."""
        return max((error.exit_status for error in self._errors), default=0)

    def note(self, text: str) -> None:
        """Tell something worth knowing."""
        self._notes.append(text)
        self._console.print(f"note: {text}", markup=False, highlight=False)

    def failed(self, error: GopackError) -> None:
        """Tell what could not be done."""
        self._errors.append(error)
        print_error(self._console, error)

    def notes_of(self, version: HandMade) -> None:
        """Tell what a person should know of a version."""
        for each in version.notes:
            self.note(f"{version.module}: {each}")

    def packed(self, packed: Packed) -> None:
        """Tell what was left out of a zip."""
        self.notes_of(packed.version)
        omitted = [told(finding) for finding in packed.packing.omitted]
        self._omitted[str(packed.version.module)] = omitted
        for line in omitted[:MAX_OMITTED_SHOWN]:
            self._console.print(f"left out: {line}", markup=False, highlight=False)
        if len(omitted) > MAX_OMITTED_SHOWN:
            more = len(omitted) - MAX_OMITTED_SHOWN
            self._console.print(f"left out: {more} more (--json names them)", highlight=False)

    def became(self, packed: Packed, became: str) -> None:
        """Tell where a packed version went."""
        files = f"{len(packed.packing.files)} files, "
        self.put(packed.version, became, files=files)

    def put(self, version: HandMade, became: str, *, files: str = "") -> None:
        """Tell what became of a version."""
        size = human_bytes(version.zip.size_bytes) if version.zip else "go.mod alone"
        h1 = version.zip.h1 if version.zip else version.sums.mod
        if not self._quiet:
            text = f"{version.module}: {became}, {files}{size}, {h1}"
            self._output.print(text, markup=False, highlight=False)
        self._versions.append(
            {
                "module": version.module.path,
                "version": version.module.version,
                "became": became,
                "h1": version.sums.zip,
                "mod_h1": version.sums.mod,
                "zip_bytes": version.zip.size_bytes if version.zip else None,
                "zip_sha256": version.zip.sha256 if version.zip else None,
                "omitted": self._omitted.get(str(version.module), []),
            }
        )

    def write_json(self, file: Path | None) -> None:
        """Write it all where --json says.

        Raises:
            StoreError: that cannot be written.
        """
        report = {
            "exit_status": self.exit_status,
            "versions": self._versions,
            "notes": self._notes,
            "errors": [error_json(error) for error in self._errors],
        }
        write_json(file, report)
