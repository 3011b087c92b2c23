"""go.mod files, compared with golang.org/x/mod/modfile and with `go mod edit -json`."""

import json
import random
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gopack.errors import InputError
from gopack.spec import gomod
from gopack.spec.gomod import GoMod
from tests.oracle import oracle

pytestmark = pytest.mark.oracle

SEEDS = Path(__file__).parent.parent / "data" / "gomod_seeds.txt"
CASES = 6000
ROOTS = (
    "k8s.io/client-go@v0.31.0",
    "google.golang.org/grpc@v1.66.0",
    "github.com/spf13/cobra@v1.8.1",
    "github.com/spf13/viper@v1.19.0",
    "github.com/gin-gonic/gin@v1.10.0",
)
WAIT_S = 300


def seeds() -> list[str]:
    """The texts of gomod_seeds.txt, which are divided by lines of dashes."""
    return SEEDS.read_text(encoding="utf-8").split("-----\n")


def mutated() -> Iterator[bytes]:
    """The seeds, and texts made from them by random edits of characters and lines."""
    dice = random.Random(20)
    texts = seeds()
    yield from (text.encode() for text in texts)
    yield from (text.replace("\n", "\r\n").encode() for text in texts)
    yield from (("\ufeff" + text).encode() for text in texts[:3])
    bits = [
        *'"`()[],/*\\ \t\n\r=>;x0v1.-+',
        "//",
        "\\\n",
        "// indirect",
        "=>",
        "é",
        "\udcff",
        "\u2028",
    ]
    bits += [
        "\x00",
        "\x7f",
        "\xa0",
        "/*",
        "(\n",
        ")\n",
        "v2.0.0",
        " require ",
        "\U00011f04",
        "\ufeff",
    ]
    lines = [line for text in texts for line in text.splitlines(keepends=True)]
    for _ in range(CASES):
        if dice.random() < 0.3:
            text = "".join(dice.choices(lines, k=dice.randint(1, 6)))
        else:
            text = dice.choice(texts)
        for _ in range(dice.randint(0, 3)):
            at = dice.randint(0, len(text))
            text = text[:at] + dice.choice([*bits, ""]) + text[at + dice.randint(0, 2) :]
        yield text.encode("utf-8", "surrogateescape")


def described(mod: GoMod) -> dict[str, Any]:
    """What the oracle says of a file, from ours."""
    text = oracle.text
    return {
        "module": text(mod.module),
        "deprecated": text(mod.deprecated),
        "go": mod.go,
        "toolchain": text(mod.toolchain),
        "godebug": [[text(g.key), text(g.value)] for g in mod.godebug],
        "require": [[text(r.path), text(r.version), r.indirect] for r in mod.require],
        "exclude": [[text(e.path), text(e.version)] for e in mod.exclude],
        "replace": [[text(t) for t in (*r.old, *r.new)] for r in mod.replace],
        "retract": [[text(r.low), text(r.high), text(r.rationale)] for r in mod.retract],
        "tool": [text(t) for t in mod.tool],
        "ignore": [text(i) for i in mod.ignore],
    }


@pytest.mark.parametrize("strict", [False, True], ids=["lax", "strict"])
def test_parse_any_text_same_as_modfile(strict: bool) -> None:  # noqa: FBT001 - parametrized
    files = list(mutated())
    asked = [
        {"Text": oracle.text(f.decode("utf-8", "surrogateescape")), "Strict": strict} for f in files
    ]
    accepted = 0
    for file, answer in zip(files, oracle.ask_each("modfile.parse", asked), strict=True):
        try:
            ours = described(gomod.parse(file, strict=strict))
        except InputError:
            assert answer.refused, file
        else:
            assert not answer.refused, (file, answer.error)
            assert ours == answer.value, file
            accepted += 1
    assert CASES / 10 < accepted < CASES, "the texts are all good or all bad: a weak test"


@pytest.fixture(scope="module")
def real_files() -> list[Path]:
    """Every go.mod of the graph of the roots, through the go command into the test cache."""
    work = oracle.cache_dir() / "gomod-graph"
    cache = oracle.cache_dir() / "gomod-modcache"
    work.mkdir(exist_ok=True)
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
    asked = [{"Text": oracle.text(text)} for text in texts]
    for text, answer in zip(texts, oracle.ask_each("modfile.parse", asked), strict=True):
        assert described(gomod.parse(text)) == answer.value
