"""Judges of a storage: what Athens would show of it, and whether it is what it should be."""

import json
import re
from pathlib import Path

from tests import athens_layout
from tests.upstream import escape

REQUIRED = re.compile(r"^require (\S+) (\S+)$", re.MULTILINE)

Snapshot = dict[str, tuple[bytes, int, int]]
"""Name to content, mode and time: of every file of a version, the manifest and go.sum."""


def snapshot(storage: Path) -> Snapshot:
    """All that must be the same after a fault and a run: the rest of `.gopack` is gopack's own."""
    found: Snapshot = {}
    for path in sorted(storage.rglob("*")):
        name = path.relative_to(storage).as_posix()
        if not path.is_file():
            continue
        status = path.stat()
        if not name.startswith(".gopack/"):
            found[name] = (path.read_bytes(), status.st_mode, status.st_mtime_ns)
        elif name in {".gopack/manifest.json", ".gopack/go.sum"}:
            found[name] = (path.read_bytes(), status.st_mode, 0)
    return found


def versions_of(goal: Snapshot) -> dict[str, list[str]]:
    """Each version of a finished storage, `path@version`, and what of it is there it requires."""
    key = re.compile(r"(?!\.gopack)(.*)/([^/]+)/go\.mod")
    mods = {
        f"{found[1]}@{found[2]}": content[0].decode()
        for name, content in goal.items()
        if (found := key.fullmatch(name))
    }
    return {
        version: [
            f"{path}@{wanted}"
            for path, wanted in REQUIRED.findall(mod)
            if f"{path}@{wanted}" in mods
        ]
        for version, mod in mods.items()
    }


def assert_athens_shows_no_part(
    storage: Path, goal: Snapshot, *, with_requirements: bool = True
) -> None:
    """What Athens offers is whole, right, and has what it requires."""
    shown = set()
    required = versions_of(goal)
    for version in required:
        path, _, number = version.partition("@")
        listed = athens_layout.answer(storage, f"/{escape(path)}/@v/list").content().decode()
        answers = {
            kind: athens_layout.answer(storage, f"/{escape(path)}/@v/{escape(number)}.{kind}")
            for kind in ("info", "mod", "zip")
        }
        there = {kind for kind, answer in answers.items() if answer.status == 200}
        assert there in (set(), {"info", "mod"}, {"info", "mod", "zip"}), f"{version}: {there}"
        assert (number in listed.splitlines()) == bool(there), f"{version} is in the list"
        for kind in there:
            name = f"{path}/{number}/{athens_layout.FILES[kind].format(version=number)}"
            assert answers[kind].content() == goal[name][0], f"{version}: another {kind}"
        if there:
            shown.add(version)
    for version in shown if with_requirements else ():
        lacking = set(required[version]) - shown
        assert not lacking, f"{version} is there, {lacking} is not"


def assert_same(storage: Path, goal: Snapshot) -> None:
    """The storage is what an undisturbed run makes, and nothing is left over."""
    found = snapshot(storage)
    assert found.keys() == goal.keys(), sorted(found.keys() ^ goal.keys())
    for name, content in goal.items():
        assert found[name] == content, f"{name} differs"
    own = storage / ".gopack"
    for name in ("staging", "incoming"):
        left = [path.name for path in (own / name).iterdir()]
        assert not left, f"{name} holds {left}"


def verified(storage: Path) -> set[str]:
    """How the versions in the manifest were verified."""
    manifest = json.loads((storage / ".gopack/manifest.json").read_text())
    return {entry["verified"] for entry in manifest["versions"].values()}
