"""Fuzz targets with atheris: python -m tests.faults.guided SECONDS FOLDER TARGET...

To make the parsers tell which branches they take costs seconds, so that is done once, and each
target is fuzzed in a fork. What a fork says is in `FOLDER/NUMBER/told.txt`, with the target's place
as NUMBER; a line `NUMBER STATUS` on standard output tells of each that has ended.
"""

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from tests.faults.target import Target


def main(seconds: str, folder: str, *names: str) -> None:
    atheris = import_module("atheris")
    with atheris.instrument_imports(include=["gopack"]):
        targets = import_module("tests.faults.targets")
    for number, name in enumerate(names):
        place = Path(folder) / str(number)
        place.mkdir()
        pid = os.fork()
        if pid == 0:
            _fuzz(atheris, targets.TARGETS[name], seconds, place)
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{number} {os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _fuzz(atheris: Any, target: "Target", seconds: str, place: Path) -> NoReturn:
    """Be the process that fuzzes one target."""
    told = os.open(place / "told.txt", os.O_WRONLY | os.O_CREAT)
    os.dup2(told, sys.stdout.fileno())
    os.dup2(told, sys.stderr.fileno())
    corpus = place / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(target.seeds):
        (corpus / str(number)).write_bytes(seed)
    limits = [f"-max_total_time={seconds}", "-timeout=5", "-rss_limit_mb=700", "-max_len=4096"]
    atheris.Setup(["guided", *limits, f"-artifact_prefix={place}/", str(corpus)], target)
    atheris.Fuzz()
    raise AssertionError  # it ends the process


if __name__ == "__main__":
    main(*sys.argv[1:])
