"""The data a benchmark runs on: real modules with their graphs, as a GOPROXY tree on disk.

The tree is filled once, through the GOPROXY of this machine: gopack fetches roots.txt, pinned and
floating, by way of an upstream that keeps all it is asked for. The tree of the checksum database in
it is what gopack proves and exports: all lookups at one head, with which a go command that has seen
no other verifies everything. Larger sets are made of the real one by giving its modules new paths
(see multiply/main.go); no public database knows them, so nothing of them is verified.
`--refill` completes the tree for a gopack that asks for more.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import lookedat
from bench.programs import HERE, VERIFYING, built_program, cache_dir, go
from bench.upstream import serving

BATCH = 60
"""Module versions per trial `go mod download`, to keep the unpacked files few."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A GOPROXY tree and what is in it.

    Attributes:
        name: as the table shows it.
        tree: the folder that a GOPROXY URL points at.
        roots: `module@version`, what a person would list; gopack finds the others itself.
        versions: what gopack stores whole for these roots, `module@version`, sorted.
        refused: those of `versions` that this machine's go will not download: they say that they
            need a newer go.

    """

    name: str
    tree: Path
    roots: tuple[str, ...]
    versions: tuple[str, ...]
    refused: tuple[str, ...]

    @property
    def floating(self) -> tuple[str, ...]:
        """The roots without their versions."""
        return tuple(root.partition("@")[0] for root in self.roots)

    def files(self) -> Iterator[str]:
        """The .info, .mod and .zip of each version, as paths below the tree."""
        return files_of(self.versions)

    def size_bytes(self) -> int:
        """The packed size of all zips."""
        return sum((self.tree / f).stat().st_size for f in self.files() if f.endswith(".zip"))


def files_of(versions: Iterable[str]) -> Iterator[str]:
    """The .info, .mod and .zip of each `module@version`, as paths below a tree."""
    for item in versions:
        path, version = item.split("@")
        for suffix in ("info", "mod", "zip"):
            yield f"{escape(path)}/@v/{escape(version)}.{suffix}"


def escape(text: str) -> str:
    """`!x` for each capital X, as on a proxy's disk. Spec: go.dev/ref/mod#goproxy-protocol."""
    return "".join(f"!{c.lower()}" if c.isupper() else c for c in text)


def real(*, refill: bool = False) -> Dataset:
    """The modules of roots.txt with their graphs, from the cache or else from upstream.

    With `refill` gopack is run again over the tree, for a gopack that asks for more than before.
    """
    folder = cache_dir() / "real"
    roots = read_lines(HERE / "roots.txt")
    is_filled = read_lines(folder / "roots.txt") == roots
    if refill or not is_filled or not (folder / "tree" / "sumdb").exists():
        stored = _fill(folder / "tree", roots)
        (folder / "versions.txt").write_text("".join(f"{item}\n" for item in stored))
        refused = _refused(folder / "tree", stored)
        (folder / "refused.txt").write_text("".join(f"{item}\n" for item in refused))
        (folder / "roots.txt").write_text("\n".join(roots) + "\n")
    names = (folder / "versions.txt", folder / "refused.txt")
    return Dataset("real", folder / "tree", roots, *map(read_lines, names))


def multiplied(base: Dataset, copies: int) -> Dataset:
    """`copies` times as many versions: the base and its modules under new paths."""
    folder = cache_dir() / f"{base.name}-x{copies}"
    mark = folder / "versions.txt"
    if read_lines(mark) != base.versions:
        print(f"making {copies} copies of the data set, once", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        program = built_program("multiply")
        words = [program, "-from", base.tree, "-to", folder / "tree", "-copies", str(copies)]
        subprocess.run([str(word) for word in words], check=True)
        mark.write_text("\n".join(base.versions) + "\n")
    names = (base.roots, base.versions, base.refused)
    roots, versions, refused = (tuple(_renamed(items, copies)) for items in names)
    return Dataset(f"{base.name} x{copies}", folder / "tree", roots, versions, refused)


def _renamed(items: Sequence[str], copies: int) -> Iterator[str]:
    """The items and their copies' names; multiply/main.go has the same rule."""
    for number in range(copies):
        for item in items:
            path, _, version = item.partition("@")
            first, _, rest = path.partition("/")
            words = [first, *([f"copy{number}"] if number else []), *([rest] if rest else [])]
            yield f"{'/'.join(words)}@{version}"


def _fill(tree: Path, roots: Sequence[str]) -> list[str]:
    """Let gopack fetch the roots through an upstream that keeps what passes; what it stored.

    What the floating roots bring beside is kept and proven too, and not among what is told.
    """
    print("filling the data set: some minutes the first time", flush=True)
    shutil.rmtree(tree / "sumdb", ignore_errors=True)
    tree.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="gopack-bench-"))
    storage = folder / "root"
    try:
        with serving(tree, fill_from=this_proxy()) as source:
            _gopack(source.url, "fetch", _listed(folder, roots), storage)
            stored = sorted(stored_versions(storage))
            floating = [root.partition("@")[0] for root in roots]
            _gopack(source.url, "fetch", _listed(folder, floating), storage)
            lookedat.keep_proofs(storage, source.url)
        shutil.rmtree(tree / "sumdb")  # lookups at many heads become lookups at one
        _gopack("off", "export", "sumdb", tree / "sumdb", storage)
        for name in (tree / "sumdb").iterdir():
            (name / "supported").touch()
        return stored
    finally:
        shutil.rmtree(folder)


def _gopack(proxy: str, *words: str | Path) -> None:
    """Run gopack with this GOPROXY; the last word is the storage."""
    *rest, storage = map(str, words)
    command = [sys.executable, "-m", "gopack", *rest, "--storage", storage]
    subprocess.run(command, env={**os.environ, **VERIFYING, "GOPROXY": proxy}, check=True)


def _listed(folder: Path, lines: Iterable[str]) -> Path:
    file = folder / "goget.txt"
    file.write_text("".join(f"{line}\n" for line in lines))
    return file


def stored_versions(storage: Path, file: str = "source.zip") -> Iterator[str]:
    """What a storage holds: whole versions, or with `go.mod` all of them."""
    for found in storage.glob(f"**/{file}"):
        folder = found.parent.relative_to(storage)
        if ".gopack" not in folder.parts:
            yield f"{folder.parent.as_posix()}@{folder.name}"


def _refused(tree: Path, versions: Sequence[str]) -> list[str]:
    """The versions for which `go mod download` ends in an error."""
    complete: set[str] = set()
    for start in range(0, len(versions), BATCH):
        folder = Path(tempfile.mkdtemp(prefix="gopack-bench-"))
        env = {"GOPROXY": tree.as_uri(), "GOSUMDB": "off", "GOFLAGS": "-modcacherw"}
        env["GOMODCACHE"] = str(folder)
        words = ["mod", "download", "-json", *versions[start : start + BATCH]]
        complete.update(_downloaded(go(words, cwd=folder, env=env, check=False).stdout))
        shutil.rmtree(folder)
    return [item for item in versions if item not in complete]


def _downloaded(text: str) -> Iterator[str]:
    """The versions that go has whole, in the output of `go mod download -json`."""
    decoder, at = json.JSONDecoder(), 0
    while (at := text.find("{", at)) >= 0:
        shown, at = decoder.raw_decode(text, at)
        if not shown.get("Error"):
            yield f"{shown['Path']}@{shown['Version']}"


def this_proxy() -> str:
    """The first proxy of this machine's GOPROXY."""
    shown = subprocess.run(["go", "env", "GOPROXY"], capture_output=True, text=True, check=True)
    return re.split(r"[,|]", shown.stdout.strip())[0].rstrip("/")


def read_lines(file: Path) -> tuple[str, ...]:
    if not file.exists():
        return ()
    lines = (line.strip() for line in file.read_text().splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))
