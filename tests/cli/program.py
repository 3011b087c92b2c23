"""The whole program as a person starts it, and a look at the storage it leaves."""

import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.launching import Run, launch

STARTED_S = 240.0
"""No run of these tests takes longer, however busy the machine."""


@dataclass(frozen=True)
class Ran:
    """A run that ended: its status, what it said, its JSON, the folder it ran in."""

    status: int
    text: str
    report: dict[str, Any]
    folder: Path

    @property
    def storage(self) -> Path:
        return self.folder / "ATHENS_STORAGE"

    def line(self, text: str) -> dict[str, Any]:
        """The JSON of one line of the list."""
        [found] = [line for line in self.report["lines"] if line["text"] == text]
        assert isinstance(found, dict)
        return found

    def message(self, words: str) -> str:
        """The message that has these words, with its hint."""
        lines = self.text.splitlines()
        for number, line in enumerate(lines):
            if words in line and line.startswith("gopack:"):
                return "\n".join(lines[number : number + 2])
        raise AssertionError(f"no message with {words!r} in:\n{self.text}")


def environment(folder: Path, goproxy: str, **more: str) -> dict[str, str]:
    """A person's environment with nothing of this machine in it but the PATH."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "GOENV": "off",
        "GOPROXY": goproxy,
        "GOSUMDB": "off",
        "PYTHONPATH": str(Path(__file__).parents[2]),
        **more,
    }


def start(folder: Path, goproxy: str, *arguments: str, env: Mapping[str, str] | None = None) -> Run:
    """Start `gopack ARGUMENTS` in a folder."""
    return launch(arguments, folder=folder, env=environment(folder, goproxy, **(env or {})))


def fetch(
    folder: Path,
    goproxy: str,
    lines: str | None,
    *options: str,
    env: Mapping[str, str] | None = None,
) -> Ran:
    """Run `gopack fetch` on a goget.txt with these lines (None: there is no such file)."""
    if lines is not None:
        (folder / "goget.txt").write_text(lines)
    process = start(folder, goproxy, "fetch", "--json", "-", *options, env=env)
    try:
        out, text = process.communicate(timeout=STARTED_S)
    finally:
        process.kill()
    assert "Traceback" not in text, text
    return Ran(process.returncode, text, json.loads(out) if out else {}, folder)


def stored(storage: Path) -> dict[str, str]:
    """What lies in a storage, `path@version` to `complete` or `mod-only`; all of it whole."""
    found = {}
    for folder, folders, files in os.walk(storage):
        if Path(folder) == storage and ".gopack" in folders:
            folders.remove(".gopack")
        if not files:
            assert folders or Path(folder) == storage, f"{folder} is empty"
            continue
        place = Path(folder)
        key = f"{place.parent.relative_to(storage)}@{place.name}"
        assert not folders, f"{folder} holds files and folders"
        small = {"go.mod", f"{place.name}.info"}
        assert set(files) in (small, small | {"source.zip"}), f"{folder}: {files}"
        found[key] = "complete" if "source.zip" in files else "mod-only"
        if "source.zip" in files:
            with zipfile.ZipFile(place / "source.zip") as archive:
                assert archive.testzip() is None
    return found


def assert_whole(storage: Path) -> dict[str, str]:
    """Whole versions, the manifest says the same, nothing staged; tells what `stored` tells."""
    found = stored(storage)
    own = storage / ".gopack"
    if (own / "manifest.json").exists():
        manifest = json.loads((own / "manifest.json").read_text())
        assert {key: entry["state"] for key, entry in manifest["versions"].items()} == found
    else:
        assert not found
    assert not list((own / "staging").glob("*")) or not own.exists()
    return found


def quickness_s() -> float:
    """How long this machine takes for next to nothing now: 0.02 s where it has nothing else to do.

    A promise in seconds is meant for such a machine.
    """
    begun = time.monotonic()
    subprocess.run([sys.executable, "-I", "-S", "-c", ""], check=True)
    return time.monotonic() - begun
