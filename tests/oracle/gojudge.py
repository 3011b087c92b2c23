"""The go command, asked about modules that a test's own proxy serves."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.gosettings import go_settings

WAIT_S = 120


class GoJudge:
    """A main module of its own, a module cache of its own, one proxy."""

    def __init__(self, folder: Path, proxy: str, *, go: str = "1.21") -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.mod = folder / "go.mod"
        self.mod.write_text(f"module example.org/main\n\ngo {go}\n")
        self.settings = go_settings(
            folder,
            proxy,
            GOFLAGS="-mod=mod -modcacherw",
            # Beside the main module: `./...` would take in what has no go.mod of its own.
            GOMODCACHE=f"{folder}.modules",
            GOCACHE=f"{folder}.build",
            GOTELEMETRY="off",
        )

    def require(self, modules: Sequence[tuple[str, str]]) -> None:
        lines = "".join(f"require {path} {version}\n" for path, version in modules)
        self.mod.write_text(self.mod.read_text() + lines)

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["go", *arguments],
            cwd=self.folder,
            env=self.settings,
            capture_output=True,
            text=True,
            timeout=WAIT_S,
            check=False,
        )

    def objects(self, *arguments: str) -> list[dict[str, Any]]:
        """The JSON objects that a command prints one after another."""
        done = self.run(*arguments)
        text, decoder, found = done.stdout.strip(), json.JSONDecoder(), []
        while text:
            value, end = decoder.raw_decode(text)
            found.append(value)
            text = text[end:].lstrip()
        assert found, done.stderr
        return found
