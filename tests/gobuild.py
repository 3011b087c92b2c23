"""The build cache of all tests: Go's own packages are compiled in it once, by one process.

The settings under which they are found again are those of a proof; a test that compiles takes them.
"""

import functools
import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from tests.cachefolder import cache_dir
from tests.oracle.oracle import built_once

SETTINGS: Mapping[str, str] = MappingProxyType({"GOFLAGS": "-trimpath", "CGO_ENABLED": "0"})
COMPILED = (("build", "./..."), ("vet", "./..."), ("test", "-run=^$", "./..."))
"""What every proof compiles: a package with its test, and all that they use."""

STANDARD = ("crypto/rand", "database/sql/driver", "encoding/json", "fmt", "net", "text/template")
"""What the modules use that are proven for real, and most of what these use in their turn."""

TIMEOUT_S = 600


@functools.cache
def build_cache() -> Path:
    """GOCACHE, in which what every test compiles is compiled already."""
    _compiled()
    return _folder()


def compiling(*flags: str) -> dict[str, str]:
    """Settings to compile with, and to find again what is compiled; `flags` are GOFLAGS beside."""
    together = " ".join((SETTINGS["GOFLAGS"], *flags))
    return {**SETTINGS, "GOCACHE": str(build_cache()), "GOFLAGS": together}


def compiled_files() -> list[Path]:
    """The files of the cache that were there when it was new, as far as they still are."""
    names = json.loads(_compiled().read_text())
    return [path for name in names if (path := _folder() / name).exists()]


def _folder() -> Path:
    return cache_dir() / "go-build"


@functools.cache
def _compiled() -> Path:
    """The list of those files, which is made with them."""
    asked = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True, check=True)
    return built_once(cache_dir() / f"go-build-{asked.stdout.strip()}.json", _compile)


def _compile(listed: Path) -> None:
    before = set(_files())
    with tempfile.TemporaryDirectory(prefix="gopack-compile-") as name:
        project = Path(name)
        (project / "go.mod").write_text("module p\n")
        imports = "".join(f'import _ "{package}"\n' for package in STANDARD)
        (project / "p.go").write_text(f"package p\n\n{imports}")
        (project / "p_test.go").write_text("package p\n")
        own = {"GOCACHE": str(_folder()), "GOENV": "off", "GOTOOLCHAIN": "local", "GOWORK": "off"}
        for words in COMPILED:
            subprocess.run(
                ["go", *words],
                cwd=project,
                env={**os.environ, **SETTINGS, **own},
                capture_output=True,
                timeout=TIMEOUT_S,
                check=True,
            )
    listed.write_text(json.dumps(sorted(set(_files()) - before)))


def _files() -> list[str]:
    """What `go clean -cache` would delete."""
    folder = _folder()
    return [path.relative_to(folder).as_posix() for path in folder.glob("??/*")]


if __name__ == "__main__":
    build_cache()
