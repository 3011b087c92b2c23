"""The JSON of `go list -m -json all` (or `go mod download -json`) as a list.

Rules kept here:
- The text is JSON objects one after another; a fault in one ends the reading, what came before
  still counts.
- The main module is told by `Main` and not fetched; a module with an `Error` is a warning.

Spec: go.dev/ref/mod#go-list-m, `go help list` (type Module).
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from gopack.errors import InputError
from gopack.plan.findings import Finding, Severity
from gopack.plan.inputs.gomodfile import local_findings
from gopack.plan.inputs.roots import Format, InputRoots, check_exact, is_local, replacement, unique
from gopack.spec.gomod import Replace
from gopack.spec.module import ModuleVersion

_HINT = "Write the file anew: go list -m -json all > FILE"


def read_go_list(data: bytes, *, name: str = "modules.json") -> InputRoots:
    """Read concatenated JSON objects that tell modules; bad ones become findings."""
    text = data.removeprefix(b"\xef\xbb\xbf").decode(errors="replace")
    reader = _Reader(name, text)
    for at, value in reader.values():
        reader.read(at, value)
    if not reader.roots and not reader.main and not reader.findings:
        reader.report(0, "no modules in it", _HINT)
    kept = (root for root in reader.roots if not is_local(root, reader.replace))
    local = local_findings(reader.replace, name, text.splitlines())
    return InputRoots(
        name,
        Format.GO_LIST,
        unique(kept),
        main=reader.main,
        go=reader.go,
        replace=tuple(reader.replace),
        findings=(*reader.findings, *local),
    )


class _Reader:
    """Collects what the objects tell."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.main = ""
        self.go = ""
        self.roots: list[ModuleVersion] = []
        self.replace: list[Replace] = []
        self.findings: list[Finding] = []

    def values(self) -> Iterator[tuple[int, object]]:
        """Yield each JSON value and its offset."""
        decoder = json.JSONDecoder()
        at = _past_space(self.text, 0)
        while at < len(self.text):
            try:
                value, end = decoder.raw_decode(self.text, at)
            except (ValueError, RecursionError) as error:  # ValueError: endless digits, too
                where = error.pos if isinstance(error, json.JSONDecodeError) else at
                self.report(where, f"no JSON: {error}", _HINT)
                return
            yield at, value
            at = _past_space(self.text, end)

    def report(
        self, at: int, what: str, hint: str = "", severity: Severity = Severity.ERROR
    ) -> None:
        line = self.text.count("\n", 0, at) + 1
        start = self.text.rfind("\n", 0, at) + 1
        shown = self.text[start:].partition("\n")[0]
        self.findings.append(Finding(self.name, line, at - start + 1, shown, what, hint, severity))

    def read(self, at: int, value: object) -> None:
        """Read one object."""
        if not isinstance(value, dict) or not _text(value, "Path"):
            self.report(at, "an object without the Path of a module", _HINT)
            return
        path, version = _text(value, "Path"), _text(value, "Version")
        if value.get("Main") is True:
            self.main, self.go = self.main or path, self.go or _text(value, "GoVersion")
            return
        root = ModuleVersion(path, version)
        self._read_replace(root, value.get("Replace"))
        if error := _error_text(value.get("Error")):
            self.report(at, f"{root}: {error}", "", Severity.WARNING)
        elif replacement(root, self.replace) is None:
            try:
                check_exact(path, version)
            except InputError as fault:
                self.report(at, str(fault) if version else f"{path} has no version", _HINT)
                return
        if version and not error:
            self.roots.append(root)

    def _read_replace(self, old: ModuleVersion, new: object) -> None:
        if isinstance(new, dict) and _text(new, "Path"):
            target = ModuleVersion(_text(new, "Path"), _text(new, "Version"))
            self.replace.append(Replace(old, target))


def _past_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _text(value: Mapping[Any, object], key: str) -> str:
    found = value.get(key)
    return found if isinstance(found, str) else ""


def _error_text(error: object) -> str:
    if isinstance(error, dict):
        return _text(error, "Err")
    return error if isinstance(error, str) else ""
