"""Every go.mod of a real module graph, compared with `go mod edit -json` and with x/mod."""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gopack.errors import InputError
from gopack.spec import gomod
from gopack.spec.gomod import GoMod
from tests.cachefolder import cache_dir
from tests.oracle import oracle
from tests.spec.go_rules import described

pytestmark = pytest.mark.oracle

ROOTS = (
    "github.com/gin-gonic/gin@v1.10.0",
    "github.com/spf13/cobra@v1.8.1",
    "k8s.io/client-go@v0.31.0",
)
WAIT_S = 300


@pytest.fixture(scope="module")
def real_files() -> list[Path]:
    """Every go.mod of the graph of the roots, through the go command into the test cache."""
    work = cache_dir() / "gomod-graph"
    cache = cache_dir() / "gomod-modcache"
    work.mkdir(exist_ok=True)
    # Before 1.17 graphs are not pruned: hundreds of files instead of a dozen.
    (work / "go.mod").write_text("module gopack.invalid/graph\n\ngo 1.16\n")
    environment = [
        "env",
        f"GOMODCACHE={cache}",
        "GOFLAGS=-mod=mod",
        "GOTOOLCHAIN=local",
        "GOWORK=off",
    ]
    requires = [f"-require={root}" for root in ROOTS]
    for command in (["go", "mod", "edit", *requires], ["go", "mod", "graph"]):
        subprocess.run(
            [*environment, *command],
            cwd=work,
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=WAIT_S,
        )
    return sorted((cache / "cache" / "download").rglob("@v/*.mod"))


def edit_json(file: Path) -> dict[str, Any] | None:
    done = subprocess.run(
        ["go", "mod", "edit", "-json", file],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=WAIT_S,
        check=False,
    )
    return json.loads(done.stdout) if done.returncode == 0 else None


def as_edit_json(mod: GoMod) -> dict[str, Any]:
    """A file as `go mod edit -json` describes it, nulls and empty fields left out."""

    def pair(path: str, version: str) -> dict[str, str]:
        return {"Path": path, **({"Version": version} if version else {})}

    module = {"Path": mod.module}
    if mod.deprecated:
        module["Deprecated"] = mod.deprecated
    said: dict[str, Any] = {
        "Module": module,
        "Go": mod.go,
        "Toolchain": mod.toolchain,
        "GoDebug": [{"Key": g.key, "Value": g.value} for g in mod.godebug],
        "Require": [
            {**pair(r.path, r.version), **({"Indirect": True} if r.indirect else {})}
            for r in mod.require
        ],
        "Exclude": [pair(*e) for e in mod.exclude],
        "Replace": [{"Old": pair(*r.old), "New": pair(*r.new)} for r in mod.replace],
        "Retract": [
            {"Low": r.low, "High": r.high, **({"Rationale": r.rationale} if r.rationale else {})}
            for r in mod.retract
        ],
        "Tool": [{"Path": t} for t in mod.tool],
        "Ignore": [{"Path": i} for i in mod.ignore],
    }
    return {key: value for key, value in said.items() if value}


def test_parse_real_graph_same_as_go_mod_edit(real_files: list[Path]) -> None:
    assert len(real_files) > 300
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(edit_json, real_files))
    for file, answer in zip(real_files, answers, strict=True):
        if answer is None:
            with pytest.raises(InputError):
                gomod.parse(file.read_bytes(), strict=True)
            continue
        ours = as_edit_json(gomod.parse(file.read_bytes(), strict=True))
        assert ours == {key: value for key, value in answer.items() if value}, file


def test_parse_real_graph_lax_same_as_modfile(real_files: list[Path]) -> None:
    texts = [file.read_bytes().decode("utf-8", "surrogateescape") for file in real_files]
    asked = [{"Text": oracle.raw(text)} for text in texts]
    for text, answer in zip(texts, oracle.ask_each("modfile.parse", asked), strict=True):
        assert described(gomod.parse(text)) == answer.value
