"""What a request to `gopack serve` asks for: from its method and raw path alone, without I/O.

Rules:
- The path is unescaped once. An escape that is none, or a path that is too long, is refused; so is
  every method but GET and HEAD.
- A path may come with the server's address before it, any that it may have; `//host/path` is none.
- A module path, version or query must be one that the go command could ask for, in its `!`-escaped
  form; whatever is not (`..`, empty elements, backslashes, other alphabets) names nothing: 404. So
  no key that comes out of here leaves the root or names a file of gopack's own.
- A tile is one of the height that the go command uses, and of a tree that a log can have: its
  numbers are small enough to reckon with.
- Nothing lists folders.

Spec: go.dev/ref/mod#goproxy-protocol, golang.org/design/25530-sumdb#proxying-a-checksum-database;
Athens pkg/storage/fs for the files.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from gopack.errors import InputError
from gopack.plan.layout import FileKind, athens_disk_key, is_version_folder_name
from gopack.spec import sumdb
from gopack.spec.goproxy import Latest, VersionList
from gopack.spec.module import ModuleVersion, unescape_path, unescape_version
from gopack.spec.tiles import SUMDB_HEIGHT, Tile

MAX_PATH_BYTES = 2048
"""Module paths and versions are file names, so each is 255 bytes at most; four times `%21` fit."""

_MEDIA_TYPES = {
    FileKind.INFO: "application/json",
    FileKind.MOD: "text/plain; charset=utf-8",
    FileKind.ZIP: "application/zip",
}
_ADDRESS = re.compile(rb"https?://[^/]+(?=/)", re.IGNORECASE)  # RFC 9112 3.2.2: absolute-form
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_FILE = re.compile(r"(?P<path>.+)/@v/(?P<version>[^/]+)\.(?P<kind>info|mod|zip)")
_SUMDB = re.compile(r"(?P<name>.+?)/(?P<request>supported|latest|(?:lookup|tile)/.+)")
_MAX_TREE_BITS = 63  # x/mod tlog.Tree: N is an int64
_SUMDB_ELEMENT = re.compile(r"(?!\.)[0-9A-Za-z._~:-]+")


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A file of a version: its key below the root."""

    key: str
    media_type: str


@dataclass(frozen=True, slots=True)
class SumdbRequest:
    """A request to the checksum database called `name`: see spec.sumdb.parse_request."""

    name: str
    request: str | ModuleVersion | Tile


@dataclass(frozen=True, slots=True)
class Health:
    """`/healthz`: whether the storage can be read."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is answered without a look at the storage."""

    status: int
    reason: str


Wanted = VersionList | Latest | StoredKey | SumdbRequest | Health | Refusal

_NOT_FOUND = Refusal(404, "not found")
BODY_REFUSED = Refusal(413, "a request with a body is not answered")


def route(method: str, raw_path: bytes) -> Wanted:
    """Tell what a request asks for; `raw_path` is as it was sent, without the query string.

    >>> route("GET", b"/github.com/%21burnt!sushi/toml/@v/v1.0.0.zip")
    StoredKey(key='github.com/BurntSushi/toml/v1.0.0/source.zip', media_type='application/zip')
    >>> route("GET", b"/example.com/../.gopack/@v/list")
    Refusal(status=404, reason='not found')
    """
    if method not in {"GET", "HEAD"}:
        return Refusal(405, "only GET and HEAD are answered")
    if len(raw_path) > MAX_PATH_BYTES:
        return Refusal(414, "the path is too long")
    if _BAD_ESCAPE.search(raw_path):
        return Refusal(400, "malformed escape in the path")
    address = _ADDRESS.match(raw_path)
    path = unquote_to_bytes(raw_path[address.end() :] if address else raw_path)
    if not path.isascii() or not path.startswith(b"/"):
        return _NOT_FOUND
    try:
        return _routed(path[1:].decode("ascii"))
    except InputError:
        return _NOT_FOUND


def _routed(path: str) -> Wanted:
    if path == "healthz":
        return Health()
    if path.startswith("sumdb/"):
        return _sumdb(path.removeprefix("sumdb/"))
    if path.endswith("/@v/list"):
        return VersionList(unescape_path(path.removesuffix("/@v/list")))
    if path.endswith("/@latest"):
        return Latest(unescape_path(path.removesuffix("/@latest")))
    found = _FILE.fullmatch(path)
    if found is None:
        return _NOT_FOUND
    module = ModuleVersion(unescape_path(found["path"]), unescape_version(found["version"]))
    kind = FileKind(found["kind"])
    if kind is not FileKind.INFO and not is_version_folder_name(module.version):
        return _NOT_FOUND  # only an info may be asked for by a branch or commit name
    return StoredKey(athens_disk_key(module, kind), _MEDIA_TYPES[kind])


def _sumdb(path: str) -> Wanted:
    found = _SUMDB.fullmatch(path)
    if found is None or not all(map(_SUMDB_ELEMENT.fullmatch, found["name"].split("/"))):
        return _NOT_FOUND
    request = sumdb.parse_request(found["request"])
    if isinstance(request, Tile) and not _is_askable(request):
        return _NOT_FOUND
    return SumdbRequest(found["name"], request)


def _is_askable(tile: Tile) -> bool:
    """Tell whether a go command could ask for a tile; spec.tiles reads any level, as x/mod does."""
    if tile.height != SUMDB_HEIGHT or tile.level * tile.height > _MAX_TREE_BITS:
        return False
    return tree_size_seen(tile).bit_length() <= _MAX_TREE_BITS


def tree_size_seen(tile: Tile) -> int:
    """Tell how many records, about, the tree had at the least where a client learned of this tile.

    >>> tree_size_seen(Tile(8, 1, 2, 7))
    132864
    """
    return ((tile.number << tile.height) + tile.width) << (tile.height * max(tile.level, 0))
