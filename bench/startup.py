"""How long `gopack --help` takes."""

import os
import sys

from bench import measure, peers
from bench.leftovers import new_folder
from bench.peers import Command
from bench.report import Row

HELP = "gopack --help"
RUNS = 15


def rows() -> list[Row]:
    """The median of many runs: each is short."""
    with new_folder() as folder:
        command = Command([sys.executable, "-m", "gopack", "--help"], {"PYTHONPATH": os.getcwd()})  # noqa: PTH109
        measured = [peers.command_run(command, folder) for _ in range(RUNS)]
    middle = measure.middle(measured)
    print(f"  {HELP}: {middle.wall_s:.3f} s", flush=True)
    return [Row(HELP, "", 0, 0, middle)]
