"""No query ends in a 404: the real go command asks generated storages, behind a sealed Athens.

Each module is of a kind whose `latest` is not simply its highest version. Athens answers no
`@latest`, so the go command chooses from the list of what is stored.
"""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.athens_layout import served
from tests.e2e.sealed import run_go
from tests.e2e.test_prove import gopack
from tests.upstream import Upstream

pytestmark = pytest.mark.e2e

OLD = "v0.1.1-0.20210101000000-bbbbbbbbbbbb"
NEW = "v0.0.0-20230101000000-aaaaaaaaaaaa"
KINDS = {
    # module: its versions, the go.mod lines of some, and the two that the list's lines require
    "pseudo": ([OLD, NEW], {}, (OLD, NEW)),
    "retracted": (
        ["v1.0.0", "v1.1.0", "v1.2.0"],
        {"v1.2.0": "retract v1.1.0\n"},
        ("v1.0.0", "v1.1.0"),
    ),
    "itself": (
        ["v1.0.0", "v1.1.0", "v1.2.0"],
        {"v1.2.0": "retract [v1.1.0, v1.2.0]\n"},
        ("v1.0.0", "v1.1.0"),
    ),
    "incompatible": (
        ["v1.0.0", "v1.1.0", "v2.0.0+incompatible"],
        {"v1.0.0": "go 1.16\n", "v1.1.0": "go 1.16\n"},
        ("v1.0.0", "v2.0.0+incompatible"),
    ),
    "unreleased": (["v1.0.0-rc.1", "v1.0.0-rc.2"], {}, ("v1.0.0-rc.1", "v1.0.0-rc.2")),
    "patched": (["v1.0.0", "v1.0.1", "v1.1.0-rc.1"], {}, ("v1.0.1", "v1.1.0-rc.1")),
}


def path_of(kind: str) -> str:
    return f"example.com/{kind}"


def fill(upstream: Upstream) -> None:
    """An old module over two that require a version each of every kind: one is not selected."""
    for kind, (versions, mods, _) in KINDS.items():
        for version in versions:
            text = f"module {path_of(kind)}\n\n{mods.get(version, '')}"
            files = {"m.go": b"package m\n"}
            upstream.add(path_of(kind), version, mod=text, files=files)
    for number, name in enumerate(("low", "high")):
        lines = "".join(f"\t{path_of(k)} {two[number]}\n" for k, (_, _, two) in KINDS.items())
        mod = f"module example.com/{name}\n\nrequire (\n{lines})\n"
        upstream.add(f"example.com/{name}", "v1.0.0", mod=mod, files={"m.go": b"package m\n"})
    needs = "".join(f"require example.com/{name} v1.0.0\n" for name in ("low", "high"))
    mod = f"module example.com/top\n\n{needs}"
    upstream.add("example.com/top", "v1.0.0", mod=mod, files={"m.go": b"package m\n"})


@dataclass(frozen=True)
class Sealed:
    root: Path
    url: str
    folder: Path

    def go(self, *words: str, requires: str = "") -> subprocess.CompletedProcess[str]:
        """Run go in a new main module that requires this; the storage does not change meanwhile."""
        (self.folder / "go.mod").write_text(f"module x.invalid/x\n\ngo 1.20\n\n{requires}\n")
        return run_go(self.folder, self.url, words)

    def latest(self, kind: str) -> str:
        shown = self.go("list", "-m", "-json", f"{path_of(kind)}@latest")
        assert shown.returncode == 0, shown.stderr
        version: str = json.loads(shown.stdout)["Version"]
        return version

    def stored(self, kind: str) -> list[str]:
        folder = self.root / path_of(kind)
        return sorted(each.name for each in folder.iterdir()) if folder.is_dir() else []


@pytest.fixture(scope="module", params=["build", "graph", "closed"])
def sealed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sealed]:
    folder = tmp_path_factory.mktemp("queries")
    with Upstream() as upstream:
        fill(upstream)
        (folder / "goget.txt").write_text("example.com/top\n")
        done = gopack(folder, upstream.url, "fetch", "--closure", request.param)
        assert done.returncode == 0, done.stderr
    (folder / "main").mkdir()
    root = folder / "ATHENS_STORAGE"
    with served(root) as athens:
        yield Sealed(root, athens.url, folder / "main")


@pytest.mark.parametrize("kind", KINDS)
def test_latest_upgrade_and_patch_are_there(sealed: Sealed, kind: str) -> None:
    path = path_of(kind)
    whole = [v for v in sealed.stored(kind) if (sealed.root / path / v / "source.zip").exists()]
    assert whole
    tries = [(f"{path}@latest", "")]
    tries += [(f"{path}@{q}", f"require {path} {v}") for v in whole for q in ("upgrade", "patch")]
    for query, requires in tries:
        ran = sealed.go("get", query, requires=requires)
        assert ran.returncode == 0, (query, requires, ran.stderr)
        downloaded = sealed.go("mod", "download", f"{path}@{_chosen(sealed, path)}")
        assert downloaded.returncode == 0, (query, requires, downloaded.stderr)


def _chosen(sealed: Sealed, path: str) -> str:
    words = (sealed.folder / "go.mod").read_text().replace("(", " ").split()
    return words[words.index(path) + 1]


def test_retracted_version_is_not_latest(sealed: Sealed) -> None:
    assert sealed.latest("retracted") != "v1.1.0"
    assert sealed.latest("itself") == "v1.0.0"
