"""`gopack pack`: modules from their sources."""

from contextlib import ExitStack
from pathlib import Path

import click

from gopack.adapters.zipwriter import create_module_zip
from gopack.cli import options
from gopack.cli.console import make_console, make_output
from gopack.cli.failing import end, ends_well, sigterm_interrupts
from gopack.cli.packing import Request, find_tasks
from gopack.cli.packsinks import Sink, folder_sink, storage_sink
from gopack.cli.packtold import Teller
from gopack.cli.wiring import make_progress
from gopack.errors import GopackError, InputError
from gopack.flows.pack import Packed, pack
from gopack.plan.closure import Level
from gopack.spec.module import ModuleVersion

USAGE = "Say `gopack pack [MODULE] VERSION OUTPUT_DIR`, or give --storage instead of OUTPUT_DIR."


@click.command("pack")
@click.argument("words", nargs=-1, metavar="[MODULE] [VERSION] [OUTPUT_DIR]")
@click.option(
    "--source",
    type=click.Path(path_type=Path, file_okay=False),
    default=".",
    show_default=True,
    envvar="GOPACK_SOURCE",
    show_envvar=True,
    metavar="DIR",
    help="The module's top folder.",
)
@click.option(
    "--git",
    "ref",
    metavar="REF",
    help="Pack this tag, branch or commit of the repository that DIR is in, as the go command "
    "would; VERSION may be left out then.",
)
@click.option(
    "--all-tags",
    is_flag=True,
    help="Pack every version that the repository has tags for.",
)
@click.option(
    "--recursive",
    is_flag=True,
    help="Pack every module below DIR, or in the repository, and those of go.work.",
)
@click.option(
    "--storage",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="ROOT",
    help="Put the versions straight into this storage, instead of OUTPUT_DIR.",
)
@click.option(
    "--with-deps",
    is_flag=True,
    help="Fetch into ROOT what the packed modules need, too.",
)
@click.option(
    "--replace",
    "may_replace",
    is_flag=True,
    help="Put other content into the place of a version that is there already.",
)
@options.closure_option
@options.jobs_option
@options.json_option
def command(
    words: tuple[str, ...],
    source: Path,
    ref: str | None,
    all_tags: bool,
    recursive: bool,
    storage: Path | None,
    with_deps: bool,
    may_replace: bool,
    closure: str,
    jobs: int,
    json_file: Path | None,
) -> None:
    """Pack a module from its source: go.mod, VERSION.info and VERSION.zip in OUTPUT_DIR.

    MODULE may be left out where go.mod names it. With --git, VERSION may be, too: it is a tag on
    the commit, else the pseudo-version that the go command gives it. Several versions (--all-tags,
    --recursive) go to OUTPUT_DIR/MODULE/VERSION each.

    The exit status is 0 when all is packed, else the highest of 2 for what was asked and the
    sources, 3 for an upstream, 4 for data that is not what it must be, 5 for the disk.
    """
    console = make_console()
    with ends_well(console), sigterm_interrupts():
        module, version, output = _read_words(
            words, may_leave_version=bool(ref or all_tags), has_storage=storage is not None
        )
        if ref == "":
            hint = "Give the tag, branch or commit; an empty variable, perhaps?"
            raise InputError("--git needs a tag, branch or commit", hint=hint)
        if with_deps and storage is None:
            raise InputError("--with-deps needs a storage", hint="Give --storage ROOT.")
        request = Request(source, module, version, ref or "", all_tags, recursive)
        level = Level(closure) if with_deps else None
        teller = Teller(console, make_output(), quiet=str(json_file) == "-")
        with make_progress(console) as progress, ExitStack() as stack:
            sink = stack.enter_context(
                folder_sink(Path(output), is_single=not (all_tags or recursive))
                if storage is None
                else storage_sink(storage, level=level, jobs=jobs, progress=progress)
            )
            packed = _pack_all(request, sink, teller)
            for error in sink.finish(packed, may_replace=may_replace, told=teller.became):
                teller.failed(error)
        teller.write_json(json_file)
        end(teller.exit_status)


def _pack_all(request: Request, sink: Sink, teller: Teller) -> list[Packed]:
    """Pack what was asked for; what cannot be packed leaves the rest as it is."""
    packed: list[Packed] = []
    names: dict[ModuleVersion, str] = {}
    for found in find_tasks(request, sink.own_paths, teller.note):
        try:
            with found.task() as task:
                if task.module in names:
                    raise _twice(task.module, names[task.module], found.name)
                names[task.module] = found.name
                done = pack(task, sink.staged_path(task.module), create_module_zip)
        except GopackError as error:
            teller.failed(error)
            continue
        teller.packed(done)
        packed.append(done)
    return packed


def _twice(module: ModuleVersion, one: str, other: str) -> InputError:
    what = f"two folders are this module: {one} and {other}, which is left out"
    return InputError(what, where=str(module), hint="Mend the module line of one of the two.")


def _read_words(
    words: tuple[str, ...], *, may_leave_version: bool, has_storage: bool
) -> tuple[str, str, str]:
    """Tell MODULE, VERSION and OUTPUT_DIR apart; what is left out is an empty text."""
    rest = list(words)
    output = "" if has_storage else (rest.pop() if rest else "")
    if not has_storage and not output:
        raise InputError("OUTPUT_DIR is missing", hint=USAGE)
    if len(rest) > 2:
        raise InputError(f"too many words: {' '.join(words)}", hint=USAGE)
    if len(rest) == 2:
        return rest[0], rest[1], output
    if rest and (not may_leave_version or _looks_like_version(rest[0])):
        if "/" in rest[0]:
            raise InputError("VERSION is missing", where=rest[0], hint=USAGE)
        return "", rest[0], output
    if not rest and not may_leave_version:
        hint = f"{USAGE} With --git REF, VERSION is the commit's."
        raise InputError("VERSION is missing", hint=hint)
    return rest[0] if rest else "", "", output


def _looks_like_version(word: str) -> bool:
    return "/" not in word and word.removeprefix("v")[:1].isdigit()
