"""The checksum database over HTTP: through a module proxy that offers it, else at its own URL.

Rules, the go command's own:
- A URL that GOSUMDB gives is used, and no proxy is asked.
- Else GOPROXY's entries are asked in turn for `/sumdb/<name>/supported`. The first that answers
  is used for everything, and nothing else is. After 404 and 410 the next is asked, after any
  other failure only where a `|` follows.
- `direct` and `off`, or the end of the list with no other failure than 404 and 410, lead to the
  database itself, at https://<name>.
- A partial tile that is not there is cut from the full one.

Spec: cmd/go/internal/modfetch sumdb.go (dbDial, initBase); x/mod sumdb Client.readTile;
golang.org/design/25530-sumdb#proxying-a-checksum-database.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote

from gopack.errors import GopackError, InputError, NotFoundError, UpstreamError
from gopack.spec import gourl
from gopack.spec.goenv import ProxyEntry
from gopack.spec.module import ModuleVersion
from gopack.spec.sumdb import LATEST_PATH, SUPPORTED_PATH, lookup_path
from gopack.spec.tiles import Tile

MAX_TEXT_BYTES = 1_000_000  # x/mod note and tlog.ParseTree take no more
MAX_SUPPORTED_BYTES = 1 << 16  # only the status counts
_NOT_PROXIES = frozenset({"noproxy", "off"})


class Reader(Protocol):
    """What reads a small body from a URL; adapters.web.Web is one."""

    def read(self, url: str, *, where: str, limit: int) -> bytes:
        """Give the body of a 200 answer; raise UpstreamError for anything else."""


def _once(call: Callable[[], bytes]) -> bytes:
    return call()


class ChecksumDatabase:
    """The database called `name`; ports.ChecksumLog, safe from many threads.

    Args:
        name: as its key has it.
        web: reads http and https URLs.
        proxies: the entries of GOPROXY, in order.
        url: the URL that GOSUMDB gives, if it gives one; file:// is read from the disk.
        ask: runs each request, again where that may help; adapters.retry.Patience.ask.

    """

    def __init__(
        self,
        name: str,
        *,
        web: Reader,
        proxies: Sequence[ProxyEntry] = (),
        url: str | None = None,
        ask: Callable[[Callable[[], bytes]], bytes] = _once,
    ) -> None:
        self._name = name
        self._web = web
        self._proxies = proxies
        self._url = url
        self._ask = ask
        self._lock = threading.Lock()
        self._base: Future[str] | None = None

    @property
    def name(self) -> str:
        """The database's name."""
        return self._name

    def latest(self) -> bytes:
        """Ask for the newest head; see ChecksumLog."""
        return self._get(LATEST_PATH, f"{self._name}/{LATEST_PATH}", MAX_TEXT_BYTES)

    def lookup(self, module: ModuleVersion) -> bytes:
        """Look a version up; see ChecksumLog.

        Raises:
            InputError: the module path or version is malformed.
        """
        return self._get(lookup_path(module), str(module), MAX_TEXT_BYTES)

    def tile(self, tile: Tile) -> bytes:
        """Ask for a tile, or for the full one that begins with it; see ChecksumLog."""
        try:
            return self._get_tile(tile)
        except UpstreamError as error:
            if tile.is_full:
                raise
            try:
                return self._get_tile(tile.full)[: tile.size_bytes]
            except GopackError:
                raise error from None

    def _get_tile(self, tile: Tile) -> bytes:
        # One byte more than it may be long, so that a longer one is seen to be spoilt.
        return self._get(tile.path, f"{self._name}/{tile.path}", tile.full.size_bytes + 1)

    def _get(self, path: str, where: str, limit: int) -> bytes:
        base = self._find_base()
        return self._ask(lambda: self._read(_join(base, path), where, limit))

    def _find_base(self) -> str:
        """Find out once where it is asked; who asks meanwhile waits for what comes of it.

        What failed for a moment is found out again by who asks next.
        """
        with self._lock:
            base, is_first = self._base, self._base is None
            if base is None:
                base = self._base = Future()
        if is_first:
            self._settle_base(base)
        return base.result()

    def _settle_base(self, base: Future[str]) -> None:
        try:
            base.set_result(self._url or self._proxied() or f"https://{self._name}")
        except Exception as error:  # noqa: BLE001 - whoever waits must see it
            if isinstance(error, UpstreamError) and error.retryable:
                self._base = None
            base.set_exception(error)

    def _proxied(self) -> str | None:
        """The URL of the database on the first proxy that has it; None for its own URL.

        Raises:
            UpstreamError: a proxy failed and the list went no further.
        """
        failure: UpstreamError | None = None
        for entry in self._proxies:
            if entry.url in _NOT_PROXIES:
                continue
            if entry.url == "direct":
                return None
            base = _join(entry.url, f"sumdb/{self._name}")
            try:
                self._is_supported(base)
            except NotFoundError:
                continue
            except UpstreamError as error:
                failure = error
                if not entry.falls_back_on_error:
                    break
            else:
                return base
        if failure is not None:
            raise failure
        return None

    def _is_supported(self, base: str) -> bytes:
        url = _join(base, SUPPORTED_PATH)
        where = f"{self._name}/{SUPPORTED_PATH}"
        return self._ask(lambda: self._read(url, where, MAX_SUPPORTED_BYTES))

    def _read(self, url: str, where: str, limit: int) -> bytes:
        if not url.startswith("file://"):
            return self._web.read(url, where=where, limit=limit)
        return _read_file(url, where, limit)


def _join(base: str, path: str) -> str:
    """The URL of a path below another URL, whose query is kept (cmd/go web.Join)."""
    bare, mark, query = base.partition("?")
    return f"{bare.rstrip('/')}/{path}{mark}{query}"


def _read_file(url: str, where: str, limit: int) -> bytes:
    try:
        path = Path(unquote(gourl.parse(url).path))
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except InputError as error:
        raise UpstreamError(error.what, where=where) from None
    except (FileNotFoundError, NotADirectoryError):
        raise NotFoundError(f"no such file: {url}", where=where, url=url) from None
    except OSError as error:
        raise UpstreamError(
            f"cannot read the file: {error.strerror}: {url}", where=where, url=url
        ) from error
    if len(data) > limit:
        raise UpstreamError(f"the file is larger than {limit} bytes", where=where, url=url)
    return data
