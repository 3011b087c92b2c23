"""The contestants: each turns a data set and an upstream into one command that fetches it all.

Every run starts cold: its output folder and, for go, its module cache are new.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.dataset import Dataset
from bench.measure import Run, run

PARALLEL = 64
"""Transfers at once for curl: more gain nothing on the loopback interface."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be fetched, from where, into which new folder."""

    data: Dataset
    url: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Command:
    """What a contestant runs."""

    words: Sequence[str]
    env: dict[str, str]


Peer = Callable[[Job], Command]


def gopack_fetch(job: Job) -> Command:
    """`gopack fetch` of the roots: it finds their graphs itself."""
    return _gopack("fetch", job)


def gopack_plan(job: Job) -> Command:
    """`gopack plan`: the graphs alone, of each root and of all together."""
    return _gopack("plan", job)


def _gopack(verb: str, job: Job) -> Command:
    listed = job.folder / "goget.txt"
    listed.write_text("\n".join(job.data.roots) + "\n")
    storage = job.folder / "storage"
    words = [sys.executable, "-m", "gopack", verb, str(listed), "--storage", str(storage)]
    env = {"GOPROXY": job.url, "GOSUMDB": "off", "PYTHONPATH": os.getcwd()}  # noqa: PTH109
    return Command(words, env)


def go_mod_download(job: Job) -> Command:
    """`go mod download` of every version of the data set that it does not refuse."""
    versions = [item for item in job.data.versions if item not in job.data.refused]
    return Command(["go", "mod", "download", *versions], _go_settings(job, "-modcacherw"))


def _go_settings(job: Job, flags: str) -> dict[str, str]:
    return {
        "GOMODCACHE": str(job.folder / "modcache"),
        "GOPROXY": job.url,
        "GOSUMDB": "off",
        "GOFLAGS": flags,
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }


def curl(job: Job) -> Command:
    """`curl --parallel` of every file of the data set: fetches, verifies nothing."""
    config = job.folder / "curl.config"
    lines = (
        f'url = "{job.url}/{file}"\noutput = "{job.folder / "files" / file}"\n'
        for file in job.data.files()
    )
    config.write_text("".join(lines))
    words = ["curl", "--silent", "--show-error", "--fail", "--create-dirs", "--parallel"]
    return Command([*words, "--parallel-max", str(PARALLEL), "--config", str(config)], {})


ALL: dict[str, Peer] = {
    "gopack fetch": gopack_fetch,
    "go mod download": go_mod_download,
    "curl --parallel": curl,
    "gopack plan": gopack_plan,
}


def once(peer: Peer, data: Dataset, url: str) -> Run:
    """Run one contestant once, in a new folder that is removed afterwards.

    What earlier runs left to be written is written first: it must not slow this one.
    """
    os.sync()
    with new_folder() as folder:
        command = peer(Job(data, url, folder))
        return run(command.words, env=command.env, cwd=folder, log=folder / "output.log")


@contextmanager
def new_folder() -> Iterator[Path]:
    """A folder on the disk that holds temporary files, removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="gopack-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
