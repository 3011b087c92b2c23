"""`gopack serve`: the storage as a module proxy."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

from gopack.adapters.serve_app import App
from gopack.adapters.serve_http import Limits, bind, run
from gopack.adapters.serve_site import Site, storage_warnings
from gopack.adapters.serve_tls import Tls
from gopack.cli import options
from gopack.cli.console import make_console
from gopack.cli.failing import ends_well
from gopack.errors import InputError

DEFAULT_LISTEN = "127.0.0.1:3000"
"""Only this machine, until the operator says who else; 3000 is Athens' port."""

_PEM = click.Path(path_type=Path, dir_okay=False)


@click.command("serve")
@options.storage_option
@click.option(
    "--listen",
    default=DEFAULT_LISTEN,
    show_default=True,
    envvar="GOPACK_LISTEN",
    show_envvar=True,
    metavar="HOST:PORT",
    help="Where to listen; 0.0.0.0:3000 or [::]:3000 is every address of this machine, port 0 "
    "a free one.",
)
@click.option(
    "--tls-cert",
    type=_PEM,
    envvar="GOPACK_TLS_CERT",
    show_envvar=True,
    metavar="FILE",
    help="Serve https with this certificate (PEM, with its chain).",
)
@click.option(
    "--tls-key",
    type=_PEM,
    envvar="GOPACK_TLS_KEY",
    show_envvar=True,
    metavar="FILE",
    help="The certificate's key (PEM); --tls-cert's file if not given.",
)
@click.option(
    "--connections",
    type=click.IntRange(1, 30_000),
    default=Limits().connections,
    show_default=True,
    envvar="GOPACK_CONNECTIONS",
    show_envvar=True,
    metavar="N",
    help="How many connections are served at once; more are told to come again.",
)
def command(
    storage: Path,
    listen: str,
    tls_cert: Path | None,
    tls_key: Path | None,
    connections: int,
) -> None:
    """Serve the storage as a Go module proxy, with its checksum database.

    Clients set GOPROXY=http://HOST:PORT and nothing else: checksum verification stays on. The
    storage is only read, and may grow meanwhile. Ends on SIGTERM or Ctrl-C, after the answers
    under way. The access log goes to standard output.
    """
    console = make_console()
    tell = partial(console.print, markup=False, highlight=False)
    with ends_well(console):
        host, port = parse_listen(listen)
        if tls_key and not tls_cert:
            raise InputError("--tls-key without --tls-cert", hint="give both")
        warnings = storage_warnings(storage)
        listener = bind(host, port)
        for text in warnings:
            _warn(tell, text)
        name, number = listener.getsockname()[:2]
        shown = f"[{name}]" if ":" in name else name
        tell(f"serving {storage} at {'https' if tls_cert else 'http'}://{shown}:{number}")
        warn = partial(_warn, tell)
        app = App(Site(storage, warn), _log)
        tls = Tls(tls_cert, tls_key) if tls_cert else None
        run(app, listener, limits=Limits(connections=connections), warn=warn, tls=tls)
        tell("stopped")


def parse_listen(text: str) -> tuple[str, int]:
    """Take HOST:PORT apart.

    >>> parse_listen("[::1]:3000"), parse_listen(":80")
    (('::1', 3000), ('0.0.0.0', 80))

    Raises:
        InputError: it is none.
    """
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise InputError(
            "not an address to listen on",
            where=f"--listen {text}",
            hint="say HOST:PORT, such as 0.0.0.0:3000",
        )
    return host or "0.0.0.0", int(port)  # noqa: S104 - what an empty host means everywhere


def _warn(tell: Callable[..., None], text: str) -> None:
    tell(f"warning: {text}", style="yellow")


def _log(line: str) -> None:
    if sys.stdout is None:  # closed by who started the server
        return
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
