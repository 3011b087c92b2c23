"""`python -m bench pack`: one folder of many files, packed by gopack and by golang.org/x/mod.

    python -m bench pack [--runs N] [--files N]

The folder is made by a seeded generator: Go-like text, half of the files below 2.4 kB.
"""

import argparse
import platform
import random
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import measure
from bench.leftovers import new_folder
from bench.programs import built_program, cache_dir

PATH, VERSION = "bench.test/big", "v1.0.0"
MEMORY_LIMIT_BYTES = 150_000_000
"""What gopack may take; x/mod is the limit for the time."""


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench pack", description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--files", type=int, default=50_000)
    options = parser.parse_args(arguments)
    tree = planted(options.files)
    size_mb = sum(file.stat().st_size for file in tree.rglob("*") if file.is_file()) / 1e6
    print(
        f"{options.files} files, {size_mb:.0f} MB, Python {platform.python_version()}", flush=True
    )
    program = built_program("createfromdir")
    measured: dict[str, list[measure.Run]] = {"gopack pack": [], "x/mod CreateFromDir": []}
    for _ in range(options.runs):
        for name, runs in measured.items():
            runs.append(_once(name, tree, program))
            print(f"  {name}: {runs[-1].wall_s:.2f} s", flush=True)
    print(table({name: measure.middle(runs) for name, runs in measured.items()}, options.files))


def planted(files: int) -> Path:
    """Make the folder, once, in the cache."""
    folder = cache_dir() / f"pack-{files}"
    if folder.is_dir():
        return folder
    part = folder.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    rng = random.Random(6)
    words = [f"name{number}" for number in range(400)]
    words += ["func", "return", "if", "err", "!=", "nil", "{", "}"]
    for number in range(files - 1):
        place = part / f"pkg{number % 500}" / f"sub{number % 7}"
        place.mkdir(parents=True, exist_ok=True)
        count = max(1, int(rng.lognormvariate(7.8, 1.2) / 7))
        lines = " ".join(rng.choices(words, k=count)).replace("} ", "}\n")
        (place / f"file{number}.go").write_text(lines)
    (part / "go.mod").write_text(f"module {PATH}\n\ngo 1.22\n")
    part.rename(folder)
    return folder


def _once(name: str, tree: Path, program: Path) -> measure.Run:
    with new_folder() as folder:
        out = folder / "out"
        ours = [sys.executable, "-m", "gopack", "pack", VERSION, str(out), "--source", str(tree)]
        theirs = [str(program), PATH, VERSION, str(tree), str(folder / "their.zip")]
        command = ours if name.startswith("gopack") else theirs
        root = str(Path(__file__).parent.parent)
        return measure.run(command, env={"PYTHONPATH": root}, cwd=folder, log=folder / "log")


def table(runs: dict[str, measure.Run], files: int) -> str:
    """The medians as a Markdown table, and gopack's promise beside them."""
    lines = ["| what | files | wall | processor | peak memory |", "|---|--:|--:|--:|--:|"]
    for name, run in runs.items():
        lines.append(
            f"| {name} | {files} | {run.wall_s:.1f} s | {run.processor_s:.1f} s "
            f"| {run.peak_bytes / 1e6:.0f} MB |"
        )
    ours, theirs = runs["gopack pack"], runs["x/mod CreateFromDir"]
    is_kept = ours.wall_s <= theirs.wall_s and ours.peak_bytes <= MEMORY_LIMIT_BYTES
    times = f"{theirs.wall_s / ours.wall_s:.1f} times as fast"
    return "\n".join([*lines, "", f"gopack: {times}, promise {'kept' if is_kept else 'BROKEN'}"])
