"""`gopack push`: the storage into a running Athens, through Docker."""

import os
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import click
import yaml

from gopack.adapters.disk import DiskStore
from gopack.adapters.dockerside import Engine, Target, push_name
from gopack.adapters.ledger import DiskLedger
from gopack.adapters.urlprobe import UrlProbe
from gopack.adapters.weberrors import shown
from gopack.cli import options
from gopack.cli.failing import end, ends_well, print_error, sigterm_interrupts
from gopack.cli.jsonreport import error_json, write_json
from gopack.cli.units import human_bytes
from gopack.cli.wiring import LOCK_WAIT_S, WatchedProgress, make_console, make_progress
from gopack.errors import GopackError, InputError, IntegrityError, StoreError
from gopack.flows.bundle_create import Origin
from gopack.flows.checkurl import check_served
from gopack.flows.push import OwnFile, Pushed, push
from gopack.plan.composefile import Service, find_athens, parse_env
from gopack.plan.pushing import Step
from gopack.plan.urlreport import UrlReport

COMPOSE_FILES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDE_FILES = tuple(name.replace(".", ".override.") for name in COMPOSE_FILES)
"""What Compose lays over a file of these names that it finds by itself."""
_HOW = "say which: --container NAME, --label KEY=VALUE, --volume NAME or --compose FILE"


@click.command("push")
@options.storage_option
@click.option(
    "--container",
    envvar="GOPACK_PUSH_CONTAINER",
    show_envvar=True,
    metavar="NAME",
    help="Athens' container, by name or id.",
)
@click.option(
    "--label",
    envvar="GOPACK_PUSH_LABEL",
    show_envvar=True,
    metavar="KEY[=VALUE]",
    help="Athens' container, by a label that it alone has.",
)
@click.option(
    "--compose",
    "compose_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    envvar="GOPACK_PUSH_COMPOSE",
    show_envvar=True,
    metavar="FILE",
    help="The compose file that has Athens as a service: its container, else its named volume.",
)
@click.option(
    "--service",
    default="",
    envvar="GOPACK_PUSH_SERVICE",
    show_envvar=True,
    metavar="NAME",
    help="Athens' service in the compose file, where it cannot be told.",
)
@click.option(
    "--volume",
    envvar="GOPACK_PUSH_VOLUME",
    show_envvar=True,
    metavar="NAME",
    help="The named volume of Athens' storage; no container need be there.",
)
@click.option(
    "--image",
    default="",
    envvar="GOPACK_PUSH_IMAGE",
    show_envvar=True,
    metavar="NAME",
    help="A local image with a shell, to work in beside the storage; Athens' own unless given.",
)
@click.option(
    "--url",
    envvar="GOPACK_PUSH_URL",
    show_envvar=True,
    metavar="URL",
    help="Where Athens answers; its published port unless given.",
)
@click.option(
    "--no-ask",
    "is_silent",
    is_flag=True,
    help="Do not ask Athens for the new versions afterwards.",
)
@click.option(
    "--dry-run", "is_dry_run", is_flag=True, help="Say what would be done, and change nothing."
)
@options.json_option
def command(
    storage: Path,
    container: str | None,
    label: str | None,
    compose_file: Path | None,
    service: str,
    volume: str | None,
    image: str,
    url: str | None,
    is_silent: bool,
    is_dry_run: bool,
    json_file: Path | None,
) -> None:
    """Push the storage into Athens' own, on this machine's Docker engine.

    Athens is found by --container, --label, --compose or --volume; without one, it is the only
    running container with Athens' disk storage. Versions appear whole, requirements first, so
    Athens may serve meanwhile; they belong to the user that Athens runs as. What is there with
    other bytes is left alone and reported (exit status 5). Then Athens is asked for each new
    version, and its answers are compared with the storage (exit status 4 where they differ).
    """
    console = make_console()
    with ends_well(console), sigterm_interrupts(), make_progress(console) as progress:
        wanted = _Wanted(container, label, compose_file, service, volume)
        is_asked = not (is_dry_run or is_silent)
        engine = Engine()
        try:
            target = wanted.find(engine)
            if is_asked and url is None and target.is_running:
                url = engine.url(target)
            if is_asked and url is not None:
                UrlProbe(url).close()  # what is no URL is refused before anything is sent
            done = _push(storage, engine, target, progress, image=image, is_dry_run=is_dry_run)
        finally:
            engine.close()
        report, failure = UrlReport((), ()), None
        if is_asked and done.written():
            if url is None:
                progress.note("Athens is not running: it was not asked for the new versions")
            else:
                report, failure = _ask(url, storage, done, progress)
        for line in _lines(target, done, report, is_dry_run=is_dry_run):
            console.print(line, markup=False, highlight=False)
        write_json(json_file, _json(target, done, report, failure))
        if failure is not None:
            print_error(console, failure, where="asking Athens")
            end(failure.exit_status)
        if done.conflicts():
            end(StoreError.exit_status)
        end(IntegrityError.exit_status if report.findings else 0)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """How the person names Athens."""

    container: str | None
    label: str | None
    compose_file: Path | None
    service: str
    volume: str | None

    def find(self, engine: Engine) -> Target:
        """Find it.

        Raises:
            InputError: it is not there, or not the only one.
        """
        named = [self.container, self.label, self.compose_file, self.volume]
        if sum(one is not None for one in named) > 1:
            raise InputError("several ways to find Athens at once", hint=_HOW)
        if self.container is not None:
            return engine.by_name(self.container)
        if self.label is not None:
            return _only(engine.by_labels(self.label), f"with the label {self.label}")
        if self.volume is not None:
            return engine.by_volume(self.volume)
        if self.compose_file is not None:
            return self._of_compose(engine, self.compose_file)
        there = next((Path(name) for name in COMPOSE_FILES if Path(name).is_file()), None)
        if there is not None and self.service:
            return self._of_compose(engine, there)
        return _only(engine.that_are_athens(), "that run Athens with its disk storage")

    def _of_compose(self, engine: Engine, path: Path) -> Target:
        service = read_compose(path, self.service)
        found = engine.by_labels(
            f"com.docker.compose.project={service.project}",
            f"com.docker.compose.service={service.name}",
        )
        if found:
            return _only(found, f"of the service {service.name}")
        if service.volume:
            return engine.by_volume(service.volume, root=service.root, below=service.below)
        raise InputError(
            f"the service {service.name} has no container, and no named volume at {service.root}",
            where=str(path),
            hint=f"its storage is the folder {service.folder}: import or copy into it"
            if service.folder
            else "start the service first",
        )


def read_compose(path: Path, wanted: str) -> Service:
    """Find Athens in a compose file.

    Raises:
        InputError: it is no YAML, or Athens is not in it.
    """
    try:
        env = compose_variables(path.parent)
        raw = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InputError(f"cannot be read: {error}", where=str(path)) from error
    folder = path.absolute().parent.name
    return find_athens(raw, folder_name=folder, env=env, wanted=wanted, where=str(path))


def compose_variables(folder: Path) -> dict[str, str]:
    """Tell the variables that Compose fills in beside a compose file: those of .env, and its own.

    Raises:
        OSError: .env cannot be read.
    """
    own, beside = dict(os.environ), folder / ".env"
    return (read_env_file(beside, own) if beside.is_file() else {}) | own


def read_env_file(path: Path, env: Mapping[str, str]) -> dict[str, str]:
    """Read `NAME=value` lines, as in .env and in what `env_file` names: see parse_env.

    Raises:
        OSError: it cannot be read.
    """
    return parse_env(path.read_text("utf-8", "replace"), env)


def _only(found: list[Target], which: str) -> Target:
    running = [one for one in found if one.is_running]
    chosen = running or found
    if len(chosen) != 1:
        names = ", ".join(str(one) for one in chosen)
        raise InputError(
            f"{len(chosen)} containers {which}{': ' if names else ''}{names}", hint=_HOW
        )
    return chosen[0]


def _push(
    storage: Path,
    engine: Engine,
    target: Target,
    progress: WatchedProgress,
    *,
    image: str,
    is_dry_run: bool,
) -> Pushed:
    store = DiskStore(storage)
    if not storage.is_dir():
        raise StoreError("no such storage", where=str(storage), hint="give --storage DIR")
    name = push_name()
    with store.locked(wait_s=LOCK_WAIT_S, on_wait=progress.note):
        ledger = DiskLedger(store.own_folder)
        if not ledger.manifest.versions:
            raise InputError(
                "nothing in this storage that gopack recorded",
                where=str(storage),
                hint="fetch or import into it first",
            )
        origin = Origin(store, ledger.manifest, None, None)
        proofs = own_proofs(store.own_folder)
        with engine.room(target, image=image, name=name) as room:
            return push(origin, proofs, room, progress, name=name, is_dry_run=is_dry_run)


def own_proofs(own_folder: Path) -> list[OwnFile]:
    """List what a storage keeps of checksum databases: tiles, then records, then heads."""
    folder = own_folder / "sumdb"
    rank = {"tiles": 0, "records": 1, "heads": 2}
    found = []
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        kind = path.name if path.name == "records" else path.parent.name
        if path.is_file() and kind in rank:
            name = path.relative_to(own_folder).as_posix()
            found.append((rank[kind], name, OwnFile(name, path)))
    return [file for _, _, file in sorted(found, key=lambda one: one[:2])]


def _ask(
    url: str, storage: Path, done: Pushed, progress: WatchedProgress
) -> tuple[UrlReport, GopackError | None]:
    """Ask Athens for what is new; where that fails, the push has still been done, and is told."""
    progress.phase(f"asking {shown(url)}")
    try:
        with closing(UrlProbe(url)) as probe:
            return check_served(probe, DiskStore(storage), done.written(), done.infos), None
    except GopackError as error:
        return UrlReport((), ()), error


def _lines(target: Target, done: Pushed, report: UrlReport, *, is_dry_run: bool) -> Iterator[str]:
    counts = {step: sum(one is step for one in done.steps.values()) for step in Step}
    told = ", ".join(f"{n} {step.value}" for step, n in counts.items() if n or step is Step.ADD)
    yield f"{target}: {'would be: ' if is_dry_run else ''}{told}; {human_bytes(done.size_bytes)}"
    for alias, version in done.aliases.items():
        yield f"{alias}: {'would stand' if is_dry_run else 'stands'} for {version} there"
    for module in done.conflicts():
        yield f"conflict: {module}: is there with other bytes; left as it is"
    if not done.has_proofs:
        yield (
            "note: the checksum database's proofs did not go along; where the target has others, "
            "only `gopack bundle import` can prove the two together"
        )
    if report.asked:
        asked, wrong = len(report.asked), len(report.findings)
        yield f"Athens was asked {asked} times, {wrong} answers are wrong"
    for finding in report.findings:
        yield f"{finding.kind.value}: {finding}"


def _json(
    target: Target, done: Pushed, report: UrlReport, failure: GopackError | None
) -> dict[str, object]:
    return {
        "target": str(target),
        "versions": {str(module): step.value for module, step in sorted(done.steps.items())},
        "conflicts": [str(module) for module in done.conflicts()],
        "aliases": {str(alias): version for alias, version in done.aliases.items()},
        "bytes": done.size_bytes,
        "proofs": done.has_proofs,
        "asked": [{"path": path, "status": status} for path, status in report.asked],
        "findings": [{"where": f.path, "what": f.what} for f in report.findings],
        "error": error_json(failure),
    }
