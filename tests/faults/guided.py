"""Fuzz one target with atheris: python -m tests.faults.guided TARGET SECONDS FOLDER."""

import sys
from importlib import import_module
from pathlib import Path


def main(name: str, seconds: str, folder: str) -> None:
    atheris = import_module("atheris")
    with atheris.instrument_imports(include=["gopack"]):
        targets = import_module("tests.faults.targets")
    target = targets.TARGETS[name]
    corpus = Path(folder) / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(target.seeds):
        (corpus / str(number)).write_bytes(seed)
    limits = [f"-max_total_time={seconds}", "-timeout=5", "-rss_limit_mb=700", "-max_len=4096"]
    found = f"-artifact_prefix={folder}/"
    atheris.Setup(["guided", *limits, found, str(corpus)], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
