"""The data a benchmark runs on: real modules with their graphs, as a GOPROXY tree on disk.

The real set is fetched once, through the GOPROXY of this machine, into the cache; the go command's
own download cache has the shape of a GOPROXY tree, so it is served as it is. Larger sets are made
of the real one by giving its modules new paths (see multiply/main.go).
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
BATCH = 60
"""Module versions per `go mod download`: each holds its go.mod files and progress in memory."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A GOPROXY tree and what is in it.

    Attributes:
        name: as the table shows it.
        tree: the folder that a GOPROXY URL points at.
        roots: `module@version`, what a person would list; their closure is `versions`.
        versions: every complete version in the tree, `module@version`, sorted.

    """

    name: str
    tree: Path
    roots: tuple[str, ...]
    versions: tuple[str, ...]

    def files(self) -> Iterator[str]:
        """The .info, .mod and .zip of each version, as paths below the tree."""
        for item in self.versions:
            path, version = item.split("@")
            for suffix in ("info", "mod", "zip"):
                yield f"{escape(path)}/@v/{escape(version)}.{suffix}"

    def size_bytes(self) -> int:
        """The packed size of all zips."""
        return sum((self.tree / f).stat().st_size for f in self.files() if f.endswith(".zip"))


def cache_dir() -> Path:
    """Where data that must not be fetched twice is kept, outside the repository."""
    default = Path.home() / ".cache" / "gopack-tests"
    folder = Path(os.environ.get("GOPACK_TEST_CACHE") or default) / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def escape(text: str) -> str:
    """`!x` for each capital X, as on a proxy's disk. Spec: go.dev/ref/mod#goproxy-protocol."""
    return "".join(f"!{c.lower()}" if c.isupper() else c for c in text)


def unescape(text: str) -> str:
    """Undo `escape`."""
    first, *rest = text.split("!")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)


def real() -> Dataset:
    """The modules of roots.txt with their graphs, from the cache or else from upstream."""
    folder = cache_dir() / "real"
    roots = _read_lines(HERE / "roots.txt")
    listed = folder / "versions.txt"
    asked = folder / "roots.txt"
    if not listed.exists() or _read_lines(asked) != roots:
        versions = _fetch(folder, roots)
        asked.write_text("\n".join(roots) + "\n")
        listed.write_text("\n".join(versions) + "\n")
    items = tuple(root.split()[0] for root in roots)
    return Dataset("real", folder / "modcache" / "cache" / "download", items, _read_lines(listed))


def multiplied(base: Dataset, copies: int) -> Dataset:
    """`copies` times as many versions: the base and its modules under new paths."""
    folder = cache_dir() / f"{base.name}-x{copies}"
    listed = folder / "versions.txt"
    if not listed.exists():
        work = cache_dir() / "versions.in"
        work.write_text("\n".join(base.versions) + "\n")
        program = built_program("multiply")
        command: list[str | Path] = [
            *(program, "-from", base.tree, "-to", folder / "tree", "-copies", str(copies))
        ]
        with work.open() as text:
            done = subprocess.run(command, stdin=text, stdout=subprocess.PIPE, check=True)
        listed.write_bytes(done.stdout)
    roots = [r for item in base.roots for r in (item, *_renamed(item, copies))]
    return Dataset(f"{base.name} x{copies}", folder / "tree", tuple(roots), _read_lines(listed))


def _renamed(item: str, copies: int) -> Iterator[str]:
    """The new names of one root; multiply/main.go has the same rule."""
    first, _, rest = item.partition("/")
    for number in range(1, copies):
        yield f"{first}/copy{number}/{rest}"


def built_program(name: str) -> Path:
    """Build one of the Go programs beside this file (standard library only) into the cache."""
    target = cache_dir() / f"bench-{name}"
    go(["build", "-o", str(target), "."], cwd=HERE / name, env={"GOFLAGS": "-buildvcs=false"})
    return target


def go(
    arguments: Sequence[str], *, cwd: Path, env: dict[str, str], check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run the go command; its complaint is the error's text where it fails and `check` is true."""
    full = {**os.environ, "GOTOOLCHAIN": "local", "GOWORK": "off", **env}
    command = ["go", *arguments]
    done = subprocess.run(command, cwd=cwd, env=full, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise RuntimeError(f"go {' '.join(arguments[:3])}: {done.stderr.strip()[-2000:]}")
    return done


def _fetch(folder: Path, roots: Sequence[str]) -> list[str]:
    env = {
        "GOMODCACHE": str(folder / "modcache"),
        "GOFLAGS": "-mod=mod -modcacherw",
        "GOPROXY": _proxies(),
    }
    main = folder / "main"
    main.mkdir(parents=True, exist_ok=True)
    for group in (*([root] for root in roots), roots):
        print("reading the graph of", *(root.split()[0] for root in group), flush=True)
        _read_graph(main, group, env)
    wanted = sorted(_versions_in(folder / "modcache" / "cache" / "download"))
    complete: list[str] = []
    for start in range(0, len(wanted), BATCH):
        print(f"fetching the data set, once: {start} of {len(wanted)} versions", flush=True)
        words = ["mod", "download", "-json", *wanted[start : start + BATCH]]
        complete += _downloaded(go(words, cwd=folder, env=env, check=False).stdout)
    _remove_unpacked(folder / "modcache")
    return sorted(complete)


def _downloaded(text: str) -> Iterator[str]:
    """The versions that go has whole, in the output of `go mod download -json`.

    Some it has not: those that need a newer go than this one.
    """
    decoder, at = json.JSONDecoder(), 0
    while (at := text.find("{", at)) >= 0:
        shown, at = decoder.raw_decode(text, at)
        if not shown.get("Error") and all(shown.get(key) for key in ("Info", "GoMod", "Zip")):
            yield f"{shown['Path']}@{shown['Version']}"


def _read_graph(main: Path, roots: Sequence[str], env: dict[str, str]) -> None:
    """Let go read all that it needs to get these roots and to tidy a program that imports them.

    Patterns and tests may need what cannot be had (a newer go, a package that is gone): they only
    widen the set, so their failures are let pass.
    """
    items, packages = zip(*((root + " ").split(" ", 1) for root in roots), strict=True)
    paths = [
        package.strip() or item.split("@")[0] for item, package in zip(items, packages, strict=True)
    ]
    imports = "".join(f'import _ "{path}"\n' for path in paths)
    (main / "go.mod").write_text("module bench.test/main\n\ngo 1.24\n")
    (main / "main.go").write_text(f"package main\n\n{imports}\nfunc main() {{}}\n")
    (main / "go.sum").unlink(missing_ok=True)
    go(["get", *items], cwd=main, env=env)
    go(["mod", "tidy"], cwd=main, env=env)
    for item in items:
        go(["get", "-t", item.replace("@", "/...@")], cwd=main, env=env, check=False)
    go(["mod", "download", "all"], cwd=main, env=env, check=False)


def _proxies() -> str:
    """This machine's GOPROXY, less `direct`: the set must come from a proxy."""
    shown = subprocess.run(["go", "env", "GOPROXY"], capture_output=True, text=True, check=True)
    return shown.stdout.strip().removesuffix(",direct")


def _remove_unpacked(modcache: Path) -> None:
    """Keep the packed half of a module cache; its unpacked files are three times as big."""
    for entry in modcache.iterdir():
        if entry.name != "cache":
            shutil.rmtree(entry)


def _versions_in(tree: Path) -> Iterator[str]:
    for file in tree.glob("**/@v/*.mod"):
        path = file.parent.parent.relative_to(tree).as_posix()
        yield f"{unescape(path)}@{unescape(file.stem)}"


def _read_lines(file: Path) -> tuple[str, ...]:
    if not file.exists():
        return ()
    lines = (line.strip() for line in file.read_text().splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))
