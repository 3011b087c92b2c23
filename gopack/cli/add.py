"""`gopack add`: versions that were made elsewhere."""

from pathlib import Path

import click

from gopack.cli import options
from gopack.cli.adding import Adding, from_cache, from_folder, from_tree, from_url
from gopack.cli.byhand import open_shelf
from gopack.cli.console import make_console, make_output
from gopack.cli.failing import end, ends_well
from gopack.cli.packtold import Teller
from gopack.cli.wiring import make_progress
from gopack.errors import GopackError, InputError
from gopack.flows.add import in_order

USAGE = "Say `gopack add MODULE VERSION DIR`, or give --from-goproxy or --from-modcache."


@click.command("add")
@click.argument("words", nargs=-1, metavar="[MODULE VERSION DIR | MODULE[@VERSION]...]")
@options.storage_option
@click.option(
    "--from-goproxy",
    "goproxy",
    metavar="DIR|URL",
    help="Take the versions of a GOPROXY file tree; or of a running proxy, which is asked for "
    "each MODULE[@VERSION], or for all it has if it is an Athens.",
)
@click.option(
    "--from-modcache",
    "modcache",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Take the versions of the go command's module cache, as `go env GOMODCACHE` names it.",
)
@click.option(
    "--replace",
    "may_replace",
    is_flag=True,
    help="Put other content into the place of a version that is there already.",
)
@options.json_option
def command(
    words: tuple[str, ...],
    storage: Path,
    goproxy: str | None,
    modcache: Path | None,
    may_replace: bool,
    json_file: Path | None,
) -> None:
    """Put versions that were made elsewhere into the storage, after checking their files.

    DIR has the files of one version as pacmod or Athens name them: go.mod, VERSION.info, and
    VERSION.zip or source.zip. With --from-goproxy or --from-modcache, MODULE[@VERSION] chooses
    among what is there; without it all is taken.

    The exit status is 0 when all is there, else the highest of 2 for what was asked, 3 for an
    upstream, 4 for files that are not what they must be, 5 for the storage.
    """
    console = make_console()
    with ends_well(console):
        if goproxy is not None and modcache is not None:
            raise InputError("--from-goproxy and --from-modcache exclude each other")
        if goproxy is None and modcache is None and len(words) != 3:
            raise InputError("MODULE, VERSION and DIR are wanted", hint=USAGE)
        teller = Teller(console, make_output(), quiet=str(json_file) == "-")
        with (
            make_progress(console) as progress,
            open_shelf(storage, progress=progress) as opened,
        ):
            adding = Adding(opened.store, teller)
            if modcache is not None:
                found = from_cache(adding, modcache, words)
            elif goproxy is None:
                found = from_folder(adding, words[0], words[1], Path(words[2]))
            elif goproxy.startswith(("http://", "https://")):
                found = from_url(adding, goproxy, words)
            else:
                found = from_tree(adding, Path(goproxy.removeprefix("file://")), words)
            for version in in_order(found):
                teller.notes_of(version)
                try:
                    became = opened.shelf.put(version, may_replace=may_replace)
                except GopackError as error:
                    teller.failed(error)
                else:
                    teller.put(version, became.value)
        teller.write_json(json_file)
        end(teller.exit_status)
