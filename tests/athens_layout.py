"""Athens' disk storage as a sealed Athens answers from it, in a few lines and without Athens.

Settings it stands for: disk storage, network mode offline, download mode none, no checksum
databases. `answer` is the lookup; `serving` puts it on 127.0.0.1; `served` does too, or starts the
real Athens where ATHENS_BIN names its binary. A contract test compares the two.

Spec: Athens pkg/download (routes, status codes), pkg/paths (unescaping), pkg/storage/fs (files),
and gorilla/mux (clean paths, methods).
Differs: texts of 5xx answers, the home page, /catalog, /version and health pages are left out.
"""

import os
import posixpath
import re
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

FILES = {"info": "{version}.info", "mod": "go.mod", "zip": "source.zip"}
"""Kind of request to file name. Source: pkg/storage/fs/getter.go."""

NOT_FOUND_PAGE = b"404 page not found\n"
SAFE_IN_LOCATION = "/$&+,;=:@~"
START_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A status with a body, or with a file whose content is the body."""

    status: int
    body: bytes = b""
    file: Path | None = None
    location: str = ""

    def content(self) -> bytes:
        """The whole body, for small answers."""
        return self.file.read_bytes() if self.file else self.body


def answer(root: Path, target: str, *, method: str = "GET") -> Answer:
    """What a sealed Athens over `root` says to a request for `target` (path, maybe a query)."""
    raw, _, query = target.partition("?")
    if re.search(r"%(?![0-9A-Fa-f]{2})", raw):
        return Answer(400, b"400 Bad Request")
    path = unquote_to_bytes(raw).decode("utf-8", "surrogateescape")
    if (clean := _clean(path)) != path:
        return Answer(301, location=quote(clean, SAFE_IN_LOCATION) + (f"?{query}" if query else ""))
    return _routed(root, path, method)


def _routed(root: Path, path: str, method: str) -> Answer:
    if match := re.fullmatch(r"/(.+)/@v/list", path, re.DOTALL):
        return _listed(root, match[1])
    other_method = False
    if match := re.fullmatch(r"/(.+)/@latest", path, re.DOTALL):
        if method == "GET":
            return Answer(500 if unescape(match[1]) is None else 404)
        other_method = True
    if match := re.fullmatch(r"/(.+)/@v/([^/]+)\.(info|mod|zip)", path, re.DOTALL):
        if method == "GET" or (method == "HEAD" and match[3] == "zip"):
            return _stored(root, match[1], match[2], match[3])
        other_method = True
    return Answer(405) if other_method else Answer(404, NOT_FOUND_PAGE)


def _listed(root: Path, escaped: str) -> Answer:
    module = unescape(escaped)
    if module is None:
        return Answer(500)
    try:
        with os.scandir(root / module.lstrip("/")) as entries:
            names = sorted(e.name for e in entries if e.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        names = []
    except (OSError, ValueError):
        return Answer(500)
    return Answer(200, "\n".join(n for n in names if is_listed(n)).encode())


def _stored(root: Path, escaped: str, escaped_version: str, kind: str) -> Answer:
    module, version = unescape(escaped), unescape(escaped_version)
    if module is None or version is None:
        return Answer(400)
    file = root / module.lstrip("/") / version / FILES[kind].format(version=version)
    try:
        return Answer(200, file=file) if file.is_file() else Answer(404)
    except (OSError, ValueError):
        return Answer(404)


def unescape(text: str) -> str | None:
    """The letters behind `!x`, or None where Athens refuses. Source: pkg/paths/decode.go."""
    if not text.isascii() or re.search(r"[A-Z]|!(?![a-z])", text):
        return None
    return re.sub("!([a-z])", lambda m: m[1].upper(), text)


def is_listed(name: str) -> bool:
    """Whether a folder shows in `@v/list`: a full semantic version. Source: fs/lister.go."""
    number = r"(0|[1-9]\d*)"
    identifier = r"(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)"
    pattern = (
        rf"v{number}\.{number}\.{number}(-{identifier}(\.{identifier})*)?"
        r"(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?"
    )
    return re.fullmatch(pattern, name, re.ASCII) is not None


def _clean(path: str) -> str:
    """The path without `.`, `..` and empty parts. Source: gorilla/mux cleanPath."""
    clean = posixpath.normpath("/" + path.lstrip("/"))
    return clean + "/" if path.endswith("/") and clean != "/" else clean


@dataclass(slots=True)
class Serving:
    """A running proxy: its URL, and the requests it was asked (method, target, status)."""

    url: str
    requests: list[tuple[str, str, int]] = field(default_factory=list)

    def missing(self) -> list[str]:
        """What was asked for and not there, less what no sealed Athens has."""
        asked = [t for _, t, status in self.requests if status == HTTPStatus.NOT_FOUND]
        return [t for t in asked if not t.endswith("/@latest") and not t.startswith("/sumdb/")]


@contextmanager
def serving(root: Path) -> Iterator[Serving]:
    """Answer for `root` on a free port of 127.0.0.1 until the block ends."""
    state = Serving("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else a body waits 40 ms for its head to be taken

        def do_GET(self) -> None:
            said = answer(root, self.path, method=self.command)
            state.requests.append((self.command, self.path, said.status))
            length = said.file.stat().st_size if said.file else len(said.body)
            self.send_response(said.status)
            if said.location:
                self.send_header("Location", said.location)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            if self.command != "HEAD":
                self._send_body(said)

        do_HEAD = do_POST = do_GET  # noqa: N815 - names that http.server looks for

        def _send_body(self, said: Answer) -> None:
            if said.file is None:
                self.wfile.write(said.body)
                return
            with said.file.open("rb") as body:
                shutil.copyfileobj(body, self.wfile)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Keep the tests' output clean: the requests are in the log."""

    with threaded(Handler) as url:
        state.url = url
        yield state


@contextmanager
def threaded(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Run a handler on a free port of 127.0.0.1, a thread a connection; gives the URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def served(root: Path) -> Iterator[Serving]:
    """The real Athens where ATHENS_BIN is set (its requests are not logged), else `serving`."""
    binary = os.environ.get("ATHENS_BIN")
    with real_athens(Path(binary), root) if binary else serving(root) as running:
        yield running


@contextmanager
def real_athens(
    binary: Path, root: Path, settings: Mapping[str, str] | None = None
) -> Iterator[Serving]:
    """Athens itself, sealed but for `settings`, on a free port of 127.0.0.1 until the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    env = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ["HOME"],
        "GOPROXY": "off",
        "ATHENS_PORT": address,
        "ATHENS_STORAGE_TYPE": "disk",
        "ATHENS_DISK_STORAGE_ROOT": str(root),
        "ATHENS_NETWORK_MODE": "offline",
        "ATHENS_DOWNLOAD_MODE": "none",
        "ATHENS_SUM_DBS": "",
        "ATHENS_LOG_LEVEL": "error",
        **(settings or {}),
    }
    with subprocess.Popen(
        [binary], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            _wait_until_up(f"http://{address}/healthz", process)
            yield Serving(f"http://{address}")
        finally:
            process.terminate()


def _wait_until_up(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise RuntimeError(f"Athens did not start: exit status {process.poll()}")
