"""A proxy on 127.0.0.1 in front of a storage or a running proxy, which writes down what is asked.

Rules:
- Each run has a path of its own below the URL, so that it is known who asked for what.
- Over a storage it is as sparing as a sealed Athens: `@latest` is refused, the list decides.
- It answers loopback alone, and reads; nothing is written.

Spec: go.dev/ref/mod#goproxy-protocol.
"""

import io
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import BinaryIO, cast
from urllib.parse import unquote

from gopack.adapters.goproxy import MAX_ZIP_BYTES
from gopack.adapters.serve_site import Site
from gopack.adapters.web import Web
from gopack.errors import UpstreamError
from gopack.plan.missing import RUN_MARK, Asked
from gopack.plan.serving import route

_SPOOLED_BYTES = 1 << 20

Content = tuple[int, int, BinaryIO]
"""Status, bytes, body."""

Answerer = Callable[[str], Content]
"""Answers a path as it was sent, with its leading slash; the body is closed by the caller."""


def from_storage(site: Site) -> Answerer:
    """Answer from a storage."""

    def answer(path: str) -> Content:
        if path.endswith("/@latest"):
            return _text(404, "not found: the list decides")
        said = site.answer(route("GET", path.encode("latin-1")), {}, "prove")
        if said.file is None:
            return said.status, len(said.body), io.BytesIO(said.body)
        return said.status, said.file.count, os.fdopen(said.file.descriptor, "rb")

    return answer


def from_proxy(web: Web, url: str) -> Answerer:
    """Answer what a proxy at this URL answers."""

    def answer(path: str) -> Content:
        body = cast("BinaryIO", tempfile.SpooledTemporaryFile(_SPOOLED_BYTES))  # noqa: SIM115
        too_large = UpstreamError("the answer is too large", where=path)
        try:
            size = web.copy(
                url.rstrip("/") + path, body, where=path, limit=MAX_ZIP_BYTES, too_large=too_large
            )
        except UpstreamError as error:
            body.close()
            return _text(error.status or 502, str(error))
        body.seek(0)
        return 200, size, body

    return answer


class Gateway:
    """A running gateway: its URL, and what each run asked for."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._lock = threading.Lock()
        self._asked: dict[str, list[Asked]] = {}

    def new_run(self) -> str:
        """Begin a run and give its name; its URL is `url_of` that name."""
        with self._lock:
            name = f"{RUN_MARK}{len(self._asked)}"
            self._asked[name] = []
            return name

    def url_of(self, run: str) -> str:
        """Give the GOPROXY of a run."""
        return f"{self.url}/{run}"

    def asked(self, run: str) -> list[Asked]:
        """Tell what a run has asked for so far."""
        with self._lock:
            return list(self._asked.get(run, ()))

    def note(self, run: str, asked: Asked) -> None:
        """Write down a request."""
        with self._lock:
            self._asked.setdefault(run, []).append(asked)


@contextmanager
def gateway(answer: Answerer) -> Iterator[Gateway]:
    """Run a gateway on a free port until the block ends."""

    class Handler(_Handler):
        answerer = staticmethod(answer)

    server = _Server(("127.0.0.1", 0), Handler)
    with _served(server):
        Handler.state = Gateway(f"http://127.0.0.1:{server.server_port}")
        yield Handler.state


@contextmanager
def _served(server: ThreadingHTTPServer) -> Iterator[None]:
    """Serve on a thread until the block ends."""
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="gateway")
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that hang up: a go command that ended does."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    answerer: Answerer
    state: Gateway

    def do_GET(self) -> None:
        """Answer and write down."""
        run, _, path = self.path.lstrip("/").partition("/")
        status, size, body = type(self).answerer("/" + path)
        with closing(body):
            self.state.note(run, Asked(unquote(path), status))
            self.send_response(status)
            self.send_header("Content-Length", str(size))
            self.end_headers()
            shutil.copyfileobj(body, self.wfile)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing: what was asked for is written down."""


def _text(status: int, text: str) -> Content:
    data = text.encode("utf-8", "replace")
    return status, len(data), io.BytesIO(data)
