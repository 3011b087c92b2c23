"""The contestants: each turns a data set and an upstream into one command that fetches it all.

Every run starts cold: its output folder and, for go, its module cache and what it knows of the
checksum database are new. What verifies has GOSUMDB and its like at their defaults.
"""

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.dataset import Dataset
from bench.leftovers import new_folder
from bench.measure import Run, run
from bench.programs import UNVERIFIED, VERIFYING

PARALLEL = 64
"""Transfers at once for curl: more gain nothing on the loopback interface."""

BARE = "bare h1, two processes"
CURL = "curl --parallel"
GO = "go mod download"
GO_UNVERIFIED = "go mod download, unverified"
GOPACK = "gopack fetch"
GOPACK_UNVERIFIED = "gopack fetch, unverified"
PLAN = "gopack plan"


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
    env: Mapping[str, str]


Peer = Callable[[Job], Command]


def gopack(verb: str, job: Job, settings: Mapping[str, str], *options: str) -> Command:
    """`gopack VERB` of the roots: it finds their graphs itself."""
    listed = write_list(job.folder / "goget.txt", job.data.roots)
    return gopack_command(verb, listed, job.folder / "storage", job.url, settings, *options)


def gopack_command(
    verb: str, listed: Path, storage: Path, url: str, settings: Mapping[str, str], *options: str
) -> Command:
    words = [sys.executable, "-m", "gopack", verb, str(listed), "--storage", str(storage), *options]
    return Command(words, {**settings, "GOPROXY": url, "PYTHONPATH": os.getcwd()})  # noqa: PTH109


def write_list(file: Path, lines: Iterable[str]) -> Path:
    file.write_text("".join(f"{line}\n" for line in lines))
    return file


def go_mod_download(job: Job, settings: Mapping[str, str]) -> Command:
    """`go mod download` of every version of the data set that it does not refuse."""
    versions = [item for item in job.data.versions if item not in job.data.refused]
    return Command(["go", "mod", "download", *versions], go_settings(job.folder, job.url, settings))


def go_settings(folder: Path, url: str, settings: Mapping[str, str]) -> dict[str, str]:
    """The settings of a go command that has nothing yet."""
    return {
        **settings,
        "GOPATH": str(folder / "gopath"),  # it keeps tree heads in pkg/sumdb
        "GOMODCACHE": str(folder / "modcache"),
        "GOPROXY": url,
        "GOFLAGS": "-modcacherw",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }


def curl(job: Job) -> Command:
    """`curl --parallel` of every file of the data set: fetches, verifies nothing."""
    return curl_of(job.data.files(), job.url, job.folder)


def curl_of(files: Iterable[str], url: str, folder: Path) -> Command:
    config = folder / "curl.config"
    lines = (f'url = "{url}/{file}"\noutput = "{folder / "files" / file}"\n' for file in files)
    config.write_text("".join(lines))
    words = ["curl", "--silent", "--show-error", "--fail", "--create-dirs", "--parallel"]
    return Command([*words, "--parallel-max", str(PARALLEL), "--config", str(config)], {})


def bare_h1(job: Job) -> Command:
    """The zips' sums where they lie: what whoever verifies must at least do."""
    zips = (file for file in job.data.files() if file.endswith(".zip"))
    listed = write_list(job.folder / "zips.txt", zips)
    words = [sys.executable, "-m", "bench.bareh1", str(job.data.tree), str(listed)]
    return Command(words, {"PYTHONPATH": os.getcwd()})  # noqa: PTH109


ALL: dict[str, Peer] = {
    GOPACK: lambda job: gopack("fetch", job, VERIFYING),
    GOPACK_UNVERIFIED: lambda job: gopack("fetch", job, UNVERIFIED),
    GO: lambda job: go_mod_download(job, VERIFYING),
    GO_UNVERIFIED: lambda job: go_mod_download(job, UNVERIFIED),
    CURL: curl,
    BARE: bare_h1,
    PLAN: lambda job: gopack("plan", job, UNVERIFIED),
}


def once(peer: Peer, data: Dataset, url: str) -> Run:
    """Run one contestant once, in a new folder."""
    with new_folder() as folder:
        return command_run(peer(Job(data, url, folder)), folder)


def command_run(command: Command, folder: Path) -> Run:
    """Run a command and measure it.

    What earlier runs left to be written is written first: it must not slow this one.
    """
    os.sync()
    return run(command.words, env=command.env, cwd=folder, log=folder / "output.log")
