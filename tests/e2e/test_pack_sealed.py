"""Packed modules and those that use them build sealed, with the real go command."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gopack.adapters.disk import DiskStore
from gopack.ports import State
from tests.athens_layout import served
from tests.e2e.caching_proxy import CachingProxy, caching_proxy
from tests.gitrepo import GitRepo
from tests.gobuild import compiling
from tests.gosettings import go_settings

pytestmark = pytest.mark.e2e

ROOT = "corp.example/lib"
STEPS = ("build ./...", "mod tidy", "mod download all", "mod verify", "vet ./...")
UUID = "github.com/google/uuid v1.6.0"


@pytest.fixture(scope="module")
def upstream() -> Iterator[CachingProxy]:
    with caching_proxy() as proxy:
        yield proxy


@pytest.fixture(scope="module")
def storage(upstream: CachingProxy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Packed with all it needs: a module with modules in it, v2 in a folder, a retraction."""
    folder = tmp_path_factory.mktemp("packed")
    repo = GitRepo(folder / "lib")
    root: dict[str, str | bytes | None] = {
        "go.mod": f"module {ROOT}\n\ngo 1.21\n\nrequire {UUID}\n",
        "lib.go": 'package lib\n\nimport "github.com/google/uuid"\n\nvar ID = uuid.Nil\n',
        "LICENSE": "MIT\n",
    }
    repo.commit(root, "v1.0.0")
    repo.commit({"more.go": "package lib\n\nconst More = 1\n"}, "v1.1.0")
    text = f"module {ROOT}\n\ngo 1.21\n\nretract [v1.1.0, v1.1.1]\n\nrequire {UUID}\n"
    sub = f"module {ROOT}/sub\n\ngo 1.21\n\nrequire {ROOT} v1.0.0\n\nrequire {UUID} // indirect\n"
    later: dict[str, str | bytes | None] = {
        "go.mod": text,
        "sub/go.mod": sub,
        "sub/sub.go": f'package sub\n\nimport "{ROOT}"\n\nvar ID = lib.ID\n',
        "v2/go.mod": f"module {ROOT}/v2\n\ngo 1.21\n",
        "v2/lib.go": "package lib\n\nconst Two = 2\n",
    }
    repo.commit(later, "v1.1.1", "sub/v0.1.0", "v2.0.0")
    bare = GitRepo(folder / "bare")
    bare.commit({"bare.go": "package bare\n\nconst Bare = 1\n"}, "v1.2.3", "v3.0.0")
    into = ("--all-tags", "--storage", folder / "st", "--with-deps", "--source")
    gopack(upstream, "pack", "--recursive", *into, repo.folder)
    gopack(upstream, "pack", "corp.example/bare", *into, bare.folder)
    return folder / "st"


def gopack(upstream: CachingProxy, *arguments: str | Path) -> None:
    env = {**os.environ, "GOPROXY": upstream.url, "GOPRIVATE": ""}
    command = [sys.executable, "-m", "gopack", *map(str, arguments)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def sealed(storage: Path, folder: Path, item: str, package: str) -> str:
    """Use a package in a new project with this storage alone; gives what `go list -m all` says."""
    main = folder / "main"
    main.mkdir()
    (main / "go.mod").write_text("module sealed.test/main\n\ngo 1.24\n")
    (main / "main.go").write_text(f'package main\n\nimport _ "{package}"\n\nfunc main() {{}}\n')
    said = ""
    with served(storage) as athens:
        env = go_settings(folder, athens.url, **compiling("-mod=mod", "-modcacherw"))
        for words in (f"get {item}", *STEPS, f"get {package}@latest", "list -m all"):
            command = ["go", *words.split()]
            done = subprocess.run(
                command, cwd=main, env=env, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"go {words}: {done.stderr}"
            said = done.stdout
    return said


@pytest.mark.parametrize(
    ("item", "package"),
    [
        (f"{ROOT}@v1.0.0", ROOT),
        (f"{ROOT}/sub", f"{ROOT}/sub"),
        (f"{ROOT}/v2", f"{ROOT}/v2"),
        ("corp.example/bare@v1.2.3", "corp.example/bare"),
        ("corp.example/bare@v3.0.0+incompatible", "corp.example/bare"),
    ],
)
def test_packed_module_builds_sealed(
    item: str, package: str, storage: Path, tmp_path: Path
) -> None:
    assert package.removesuffix("/v2") in sealed(storage, tmp_path, item, package)


def test_retracted_versions_are_passed_by_sealed(storage: Path, tmp_path: Path) -> None:
    assert f"{ROOT} v1.0.0\n" in sealed(storage, tmp_path, ROOT, ROOT)


def test_what_packed_modules_need_came_with_them(storage: Path) -> None:
    found = {str(module): state for module, state in DiskStore(storage).versions()}
    assert found["github.com/google/uuid@v1.6.0"] is State.COMPLETE
    assert {name for name in found if name.startswith("corp.example/")} == {
        f"{ROOT}@v1.0.0", f"{ROOT}@v1.1.0", f"{ROOT}@v1.1.1", f"{ROOT}/sub@v0.1.0",
        f"{ROOT}/v2@v2.0.0", "corp.example/bare@v1.2.3",
        "corp.example/bare@v3.0.0+incompatible",
    }  # fmt: skip
