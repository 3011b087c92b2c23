"""The go command as the judge: the same steps sealed (one proxy, nothing else) and connected.

A project imports packages of some modules; each step is one go command on it. A run is a list of
results, two runs make a matrix: equal means the same exit status and, step by step, byte-identical
go.mod and go.sum and the same `go list -m -json all` (less folders and times). What `@latest` and
`-versions` answer depends on which versions are there, so of these only the exit status counts.
"""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TIMEOUT_S = 300
OUTPUT_CHARS = 3000
NOT_COMPARED = {"Dir", "Time", "GoMod"}
"""Fields of `go list -m -json` that name this machine's folders or a time."""


@dataclass(frozen=True, slots=True)
class Project:
    """What a person wants to use.

    Attributes:
        name: as the matrix shows it.
        items: `module[@query]`, what is asked of `go get`.
        imports: packages that the program imports.
        commands: `package@version` for `go install`.

    """

    name: str
    items: tuple[str, ...]
    imports: tuple[str, ...]
    commands: tuple[str, ...] = ()

    def paths(self) -> list[str]:
        """The module paths without their queries."""
        return [item.split("@")[0] for item in self.items]


@dataclass(frozen=True, slots=True)
class Step:
    """One go command; `compared` says whether its effects must be the same connected."""

    name: str
    command: Callable[[Project], Sequence[str]]
    compared: bool = True


def _fixed(*words: str) -> Callable[[Project], Sequence[str]]:
    return lambda _: words


STEPS = (
    Step("get", lambda p: ["get", *p.items]),
    Step("build", _fixed("build", "./...")),
    Step("tidy", _fixed("mod", "tidy")),
    Step("download all", _fixed("mod", "download", "all")),
    Step("verify", _fixed("mod", "verify")),
    Step("list all", _fixed("list", "-m", "-json", "all")),
    Step("list deps", _fixed("list", "-deps", "-test", "./...")),
    Step("vet", _fixed("vet", "./...")),
    Step("test", _fixed("test", "-run=^$", "-vet=off", "./...")),
    Step("vendor", _fixed("mod", "vendor")),
    Step("install", lambda p: ["install", *p.commands] if p.commands else []),
    Step("versions", lambda p: ["list", "-m", "-versions", *p.paths()], compared=False),
    Step("latest", lambda p: ["get", *(f"{x}@latest" for x in p.paths())], compared=False),
)


@dataclass(frozen=True, slots=True)
class Result:
    """What one step did.

    `effects` maps `go.mod`, `go.sum` and `stdout` to digests or texts that must be equal between
    two runs; it is empty for steps that are not compared.
    """

    step: str
    exit_status: int
    output: str
    effects: dict[str, str]


def run_steps(project: Project, proxy_url: str, *, steps: Sequence[Step] = STEPS) -> list[Result]:
    """Run the steps in order on a new project with an empty module cache and this proxy alone."""
    with _workplace(project) as folder:
        env = environment(proxy_url, folder)
        return [
            _run(step, project, folder / "main", env) for step in steps if step.command(project)
        ]


def environment(proxy_url: str, folder: Path) -> dict[str, str]:
    """Settings of a sealed machine: this proxy, no other way out, caches below `folder`."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GOCACHE": os.environ.get("GOCACHE") or str(Path.home() / ".cache" / "go-build"),
        "GOENV": "off",
        "GOPATH": str(folder / "gopath"),
        "GOMODCACHE": str(folder / "modcache"),
        "GOPROXY": proxy_url,
        "GOSUMDB": "off",
        "GOVCS": "*:off",
        "GOFLAGS": "-mod=mod -modcacherw -trimpath",  # trimmed builds are shared between runs
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "CGO_ENABLED": "0",
    }


@contextmanager
def _workplace(project: Project) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="gopack-sealed-"))
    main = folder / "main"
    main.mkdir()
    imports = "".join(f'import _ "{path}"\n' for path in project.imports)
    (main / "go.mod").write_text("module sealed.test/main\n\ngo 1.24\n")
    (main / "main.go").write_text(f"package main\n\n{imports}\nfunc main() {{}}\n")
    (main / "main_test.go").write_text("package main\n")
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _run(step: Step, project: Project, main: Path, env: dict[str, str]) -> Result:
    done = subprocess.run(
        ["go", *step.command(project)],
        cwd=main,
        env=env,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    effects: dict[str, str] = {}
    if step.compared:
        effects = {name: _digest(main / name) for name in ("go.mod", "go.sum")}
        if step.name == "list all":
            effects["stdout"] = without_machine(done.stdout)
    return Result(step.name, done.returncode, done.stderr[-OUTPUT_CHARS:], effects)


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else "absent"


def without_machine(text: str) -> str:
    """The objects of `go list -m -json` without the fields that differ between machines."""
    decoder, at, kept = json.JSONDecoder(), 0, []
    while (at := text.find("{", at)) >= 0:
        shown, at = decoder.raw_decode(text, at)
        kept.append({key: value for key, value in shown.items() if key not in NOT_COMPARED})
    return json.dumps(kept, indent=1, sort_keys=True)


@dataclass(frozen=True, slots=True)
class Cell:
    """One step of one project, sealed beside connected."""

    project: str
    sealed: Result
    connected: Result

    @property
    def differences(self) -> list[str]:
        """What is not equal; a step that fails in both worlds alike is no difference."""
        found = [
            name
            for name, value in self.connected.effects.items()
            if self.sealed.effects.get(name) != value
        ]
        if self.sealed.exit_status != self.connected.exit_status:
            found.insert(0, "exit status")
        return found


def compare(
    project: Project, sealed_url: str, connected_url: str, *, steps: Sequence[Step] = STEPS
) -> list[Cell]:
    """Run the steps in both worlds; one row of the matrix."""
    sealed = run_steps(project, sealed_url, steps=steps)
    connected = run_steps(project, connected_url, steps=steps)
    return [Cell(project.name, s, c) for s, c in zip(sealed, connected, strict=True)]


def render(cells: Sequence[Cell]) -> str:
    """The matrix as text: a line a step that differs, with what the go command said."""
    good = sum(not cell.differences for cell in cells)
    impossible = sum(cell.connected.exit_status != 0 for cell in cells)
    lines = [f"{good} of {len(cells)} steps equal, {impossible} fail connected too"]
    for cell in cells:
        if cell.differences:
            lines += [
                f"{cell.project}: {cell.sealed.step}: {', '.join(cell.differences)}",
                f"  sealed ended with {cell.sealed.exit_status}: {cell.sealed.output}",
                f"  connected ended with {cell.connected.exit_status}: {cell.connected.output}",
            ]
    return "\n".join(lines)
