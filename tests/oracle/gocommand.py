"""Ask the go command's own code, where no public package has it.

Small files of ours are laid over the source of the installed go command (`go build -overlay`), so
they may import its internal packages; the program built so answers like the oracle.
"""

import functools
import hashlib
import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cachefolder import cache_dir
from tests.oracle.oracle import ASK_TIMEOUT_S, BUILD_TIMEOUT_S, built_once

TESTDATA = Path(__file__).parent / "testdata"
PACKAGE = "cmd/go/internal/gopackscan"


@dataclass(frozen=True, slots=True)
class ScannedFile:
    """What the go command takes from one file."""

    imports: tuple[str, ...]
    built: bool


@dataclass(frozen=True, slots=True)
class ScannedDirectory:
    """What the go command takes from the files of one directory."""

    is_go: bool
    built: bool
    imports: tuple[str, ...]
    test_imports: tuple[str, ...]
    files: dict[str, ScannedFile]


def _go_env(name: str) -> str:
    done = subprocess.run(["go", "env", name], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@functools.cache
def program() -> Path:
    """Build the program unless it is built already for this Go."""
    source = Path(_go_env("GOROOT")) / "src"
    laid_over = {
        source / PACKAGE / "main.go": TESTDATA / "goscan" / "main.go",
        source / "cmd/go/internal/modindex/gopackscan.go": TESTDATA / "modindex" / "scan.go",
    }
    digest = hashlib.sha256(_go_env("GOVERSION").encode())
    for file in laid_over.values():
        digest.update(file.read_bytes())
    target = cache_dir() / f"goscan-{digest.hexdigest()[:16]}"

    def build(staged: Path) -> None:
        overlay = staged.with_suffix(".json")
        overlay.write_text(json.dumps({"Replace": {str(k): str(v) for k, v in laid_over.items()}}))
        command = ["go", "build", "-overlay", str(overlay), "-o", str(staged), PACKAGE]
        subprocess.run(command, cwd=source, check=True, timeout=BUILD_TIMEOUT_S)
        overlay.unlink()

    return built_once(target, build)


def scan(directories: Sequence[Path]) -> list[ScannedDirectory]:
    """Tell how the go command reads the Go files of each directory."""
    done = subprocess.run(
        [program()],
        input="".join(f"{directory}\n" for directory in directories),
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        encoding="utf-8",
        timeout=ASK_TIMEOUT_S,
    )
    answers = [_directory(json.loads(line)) for line in done.stdout.splitlines()]
    assert len(answers) == len(directories)
    return answers


def _directory(answer: dict[str, Any]) -> ScannedDirectory:
    files = {
        file["Name"]: ScannedFile(
            tuple(file["Imports"] or ()) + tuple(file["TestImports"] or ()), file["Built"]
        )
        for file in answer["Files"] or ()
        if file["Name"].endswith(".go")
    }
    return ScannedDirectory(
        answer["IsGoDir"],
        answer["Built"],
        tuple(answer["Imports"] or ()),
        tuple(answer["TestImports"] or ()),
        files,
    )
