"""Imports compared with the go command's own reader, file by file."""

import os
import random
import subprocess
from pathlib import Path

import pytest

from gopack.plan.inputs.golist import read_go_list
from gopack.spec.imports import read_source
from gopack.spec.packages import is_source_name, list_packages
from tests.cachefolder import cache_dir
from tests.oracle import gocommand
from tests.spec.odd_sources import CLAUSES, DECLARATIONS, HEADS, TAILS

pytestmark = pytest.mark.oracle


def differences(directory: Path, scanned: gocommand.ScannedDirectory) -> list[str]:
    found = []
    for name, expected in scanned.files.items():
        data = (directory / name).read_bytes()
        read = read_source(data)
        assert read is not None
        same_built = read.built == expected.built or b"\0" in data
        if tuple(sorted(set(read.imports))) != expected.imports or not same_built:
            found.append(f"{directory / name}: {read} is not {expected}")
        if read_source(data[:4096], whole=len(data) <= 4096) not in {read, None}:
            found.append(f"{directory / name}: read otherwise from its first bytes")
    return found


@pytest.mark.parametrize("tree", ["src", "test"])
def test_read_source_every_file_of_go_itself_as_the_go_command(tree: str) -> None:
    done = subprocess.run(["go", "env", "GOROOT"], check=True, capture_output=True, text=True)
    root = Path(done.stdout.strip()) / tree
    directories = sorted({file.parent for file in root.rglob("*.go") if file.is_file()})
    if not directories:
        pytest.skip(f"this Go comes without its {tree}")
    scanned = gocommand.scan(directories)
    assert sum(len(s.files) for s in scanned) > 1000
    wrong = [w for d, s in zip(directories, scanned, strict=True) for w in differences(d, s)]
    assert wrong == []


MODULES = [
    "github.com/docker/docker@v27.1.1+incompatible",
    "github.com/spf13/cobra@v1.8.1",
    "go.uber.org/zap@v1.27.0",
    "golang.org/x/tools@v0.24.0",
]


@pytest.mark.e2e
def test_read_source_every_file_of_real_modules_as_the_go_command() -> None:
    env = os.environ | {
        "GOMODCACHE": str(cache_dir() / "modcache"),
        "GOFLAGS": "-modcacherw",
        "GOTOOLCHAIN": "local",
    }
    command = ["go", "mod", "download", "-json", *MODULES]
    done = subprocess.run(command, env=env, check=True, capture_output=True, timeout=300)
    read = read_go_list(done.stdout)
    assert len(read.roots) == len(MODULES)
    roots = [
        Path(line.split('"')[3]) for line in done.stdout.decode().splitlines() if '"Dir"' in line
    ]
    directories = sorted({f.parent for root in roots for f in root.rglob("*.go") if f.is_file()})
    scanned = gocommand.scan(directories)
    assert sum(len(s.files) for s in scanned) > 3000
    wrong = [w for d, s in zip(directories, scanned, strict=True) for w in differences(d, s)]
    assert wrong == []


def test_list_packages_every_directory_of_go_itself_as_the_go_command() -> None:
    done = subprocess.run(["go", "env", "GOROOT"], check=True, capture_output=True, text=True)
    root = Path(done.stdout.strip()) / "src" / "go"
    directories = sorted({file.parent for file in root.rglob("*.go") if file.is_file()})
    files = {
        str(f.relative_to(root)): read_source(f.read_bytes())
        for d in directories
        for f in d.iterdir()
        if is_source_name(f.name) and f.is_file()
    }
    packages = list_packages("x.y/go", {name: read for name, read in files.items() if read})
    for directory, scanned in zip(directories, gocommand.scan(directories), strict=True):
        relative = str(directory.relative_to(root)).removeprefix(".")
        path = "x.y/go" + (f"/{relative}" if relative else "")
        assert scanned.is_go == (path in packages)
        if scanned.is_go:
            package = packages[path]
            assert tuple(sorted({*scanned.imports} - {"C"})) == package.imports
            assert scanned.test_imports == package.test_imports
            assert scanned.built == package.built


def odd_sources(count: int) -> list[bytes]:
    """Every piece alone, every pair of declarations, and random heaps of pieces."""
    plain = b'package a\nimport "fmt"\n'
    made = [head + plain for head in HEADS]
    made += [clause + plain[10:] + tail for clause in CLAUSES for tail in TAILS]
    made += [plain[:10] + a + b for a in DECLARATIONS for b in [*TAILS, *DECLARATIONS]]
    choose = random.Random(count)
    for _ in range(count):
        heads = choose.choices(HEADS, k=choose.randrange(3))
        declarations = choose.choices(DECLARATIONS, k=choose.randrange(4))
        clause = choose.choice(CLAUSES[:3] * 6 + CLAUSES)
        made.append(b"".join([*heads, clause, *declarations, choose.choice(TAILS)]))
    # After a second semicolon Go's two readers part ways; gopack does not follow them to the byte.
    return [m for m in made if b";;" not in m or not any(c in m for c in b"\0\f\xff")]


def test_read_source_odd_sources_as_the_go_command(tmp_path: Path) -> None:
    for number, source in enumerate(odd_sources(1500)):
        (tmp_path / f"f{number}.go").write_bytes(source)
    [scanned] = gocommand.scan([tmp_path])
    assert len(scanned.files) > 3000
    wrong = differences(tmp_path, scanned)
    assert wrong == [], "\n".join(
        repr((tmp_path / w.split(":")[0]).read_bytes()) + w for w in wrong[:5]
    )
