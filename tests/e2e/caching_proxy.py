"""A loopback proxy in front of this machine's GOPROXY that remembers every answer on disk.

Tests run often; the public Go module proxy is asked once. Files of versions, lookups and tiles
never change and are kept for good; `@v/list`, `@latest` and infos of branches are kept for a day,
and longer while upstream cannot be reached; a checksum database's `latest` always passes through.

    with caching_proxy() as proxy:
        run(env={"GOPROXY": proxy.url})
"""

import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from tests.athens_layout import threaded
from tests.cachefolder import cache_dir

KEEP_S = 24 * 3600.0
TIMEOUT_S = 60.0
ATTEMPTS = 3
VERSION = r"v\d+\.\d+\.\d+[^/]*"
LASTING = re.compile(rf"/@v/{VERSION}\.(info|mod|zip)$|^/sumdb/[^/]+/(lookup|tile)/|/supported$")
REFUSALS = (400, 403, 404, 410)  # some proxies say 400 or 403 of what cannot be a module
NEVER_KEPT = re.compile(r"^/sumdb/[^/]+/latest$")


def upstream_urls() -> list[str]:
    """The proxies in this machine's GOPROXY, in order."""
    shown = subprocess.run(["go", "env", "GOPROXY"], capture_output=True, text=True, check=True)
    words = re.split(r"[,|]", shown.stdout.strip())
    return [word.rstrip("/") for word in words if word not in {"direct", "off", ""}]


@dataclass(slots=True)
class Cache:
    """Answers on disk. A refusal is kept as an empty file whose name ends in its status."""

    folder: Path
    upstream: str
    fetched: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, path: str) -> tuple[int, Path]:
        """Status and body file for a path below the proxy's URL.

        Raises:
            OSError: upstream failed and there is nothing kept.
        """
        file = self.folder / path.lstrip("/")
        kept = self._kept(file)
        if kept and (LASTING.search(path) or _is_young(kept[1])):
            return kept
        try:
            return self._fetch(path, file)
        except OSError:
            if kept and not NEVER_KEPT.search(path):
                return kept
            raise

    def _kept(self, file: Path) -> tuple[int, Path] | None:
        if file.is_file() and not NEVER_KEPT.search(f"/{file.relative_to(self.folder)}"):
            return 200, file
        for status in REFUSALS:
            if (refusal := _refusal(file, status)).is_file():
                return status, refusal
        return None

    def _fetch(self, path: str, file: Path) -> tuple[int, Path]:
        with self._lock:
            self.fetched.append(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".part-", dir=file.parent)
        try:
            with os.fdopen(handle, "wb") as part:
                status = _download(self.upstream + path, part.fileno())
            target = file if status == 200 else _refusal(file, status)
            Path(name).replace(target)
            return status, target
        finally:
            Path(name).unlink(missing_ok=True)


def _refusal(file: Path, status: int) -> Path:
    return file.with_name(f"{file.name}.refused-{status}")


def _is_young(file: Path) -> bool:
    return time.time() - file.stat().st_mtime < KEEP_S


def _download(url: str, target: int) -> int:
    """Copy a body into an open file; 200 or a refusal, anything else raises OSError."""
    for attempt in range(ATTEMPTS):
        os.ftruncate(target, 0)
        os.lseek(target, 0, os.SEEK_SET)
        try:
            with (
                urllib.request.urlopen(url, timeout=TIMEOUT_S) as body,
                os.fdopen(target, "wb", closefd=False) as out,
            ):
                shutil.copyfileobj(body, out)
                return 200
        except urllib.error.HTTPError as error:
            with error:
                if error.code in REFUSALS:
                    return error.code
                why = str(error)
        except OSError as error:
            why = str(error)
        time.sleep(attempt * 0.5)
    raise OSError(f"{url}: {why}")


@dataclass(frozen=True, slots=True)
class CachingProxy:
    """A running caching proxy.

    `asked` grows by each path that it was asked for, `fetched` by those that it had to ask for.
    """

    url: str
    asked: list[str]
    fetched: list[str]


@contextmanager
def caching_proxy(
    *, folder: Path | None = None, upstream: str | None = None
) -> Iterator[CachingProxy]:
    """Serve on 127.0.0.1 until the block ends, keeping answers in `folder`."""
    asked: list[str] = []
    cache = Cache(folder or cache_dir() / "proxy", upstream or upstream_urls()[0])

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            asked.append(self.path)
            try:
                status, file = cache.answer(self.path)
            except OSError as error:
                self.send_error(502, str(error))
                return
            length = file.stat().st_size if status == 200 else 0
            self.send_response(status)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            if self.command == "GET" and length:
                with file.open("rb") as body:
                    shutil.copyfileobj(body, self.wfile)

        do_HEAD = do_GET  # noqa: N815 - a name that http.server looks for

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Keep the tests' output clean."""

    with threaded(Handler) as url:
        yield CachingProxy(url, asked, cache.fetched)
