"""The storage as `gopack serve` answers from it: what a request asks for, read from the disk.

Rules:
- Nothing is written and nothing but the sizes of the checksum database's folders is remembered, so
  a storage that grows, or is copied in, is seen at once, and a read-only medium serves.
- `@v/list` offers every folder of a version that has its go.mod and .info, mod-only ones too, as
  Athens does; a module of which nothing is there is 404.
- `@latest` is what the go command would choose from that list.
- Only regular files are opened, and past no symbolic link but the root; whatever else lies there
  is 404, as it is to gopack's other commands.

Calls block on the disk; the server makes them on threads.

Spec: go.dev/ref/mod#goproxy-protocol; Athens pkg/storage/fs.
"""

import errno
import os
import stat
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path

from gopack.adapters.beneath import open_file, opened_folder
from gopack.adapters.nested import nested_storage
from gopack.adapters.serve_sumdb import ServedSumdb
from gopack.errors import GopackError, NotFoundError, StoreError
from gopack.plan.layout import DISK_GO_MOD, OWN_FOLDER, FileKind, athens_disk_key
from gopack.plan.layout import is_version_folder_name as is_version
from gopack.plan.query import Resolution, Steps, resolve
from gopack.plan.ranges import FileFacts, choose_part
from gopack.plan.serving import Health, Refusal, StoredKey, SumdbRequest, Wanted
from gopack.spec.goproxy import MAX_ANSWER_BYTES, GoMod, Info, Latest, Request, VersionList
from gopack.spec.module import ModuleVersion

_ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EISDIR, errno.ELOOP, errno.ENXIO}
_TEXT = "text/plain; charset=utf-8"
_MAX_DATABASES = 64


@dataclass(slots=True)
class OpenFile:
    """An open file, and the part of it that is to be sent; whoever has it closes it."""

    descriptor: int
    first: int
    count: int

    def close(self) -> None:
        """Close the file, once."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


@dataclass(slots=True)
class Answer:
    """A status, headers, and a body: in memory, or a file's part."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    file: OpenFile | None = None


class Site:
    """What a storage has to say.

    Args:
        root: the storage's root.
        warn: told what an operator should know; one line each.
    """

    def __init__(self, root: Path, warn: Callable[[str], None]) -> None:
        self._root = root
        self._warn = warn
        self._lock = threading.Lock()
        self._databases: dict[str, ServedSumdb] = {}

    def answer(self, wanted: Wanted, headers: Mapping[str, str], client: str) -> Answer:
        """Answer a request; `headers` are the request's, in lower case. Never raises."""
        try:
            return self._answer(wanted, headers, client)
        except NotFoundError as error:
            return _text(404, f"not found: {error}")
        except OSError as error:
            if error.errno in _ABSENT:
                return _text(404, "not found")
            self._warn(f"the storage cannot be read: {error}")
        except GopackError as error:
            self._warn(f"{error}" + (f"; {error.hint}" if error.hint else ""))
        return _text(500, "the storage cannot be read; the server's log says why")

    def _answer(self, wanted: Wanted, headers: Mapping[str, str], client: str) -> Answer:
        match wanted:
            case Refusal(status, reason):
                return _text(status, reason)
            case Health():
                with os.scandir(self._root):
                    return _text(200, "ok")
            case VersionList(path):
                return _text(200, self._list(path).decode())
            case Latest():
                return Answer(200, {"content-type": "application/json"}, self._latest(wanted))
            case SumdbRequest(name):
                body = self._database(name).answer(wanted, client)
                return Answer(200, {"content-type": "application/octet-stream"}, body)
            case StoredKey(key, media_type):
                return self._file(key, media_type, headers)

    # Versions

    def _list(self, path: str) -> bytes:
        with opened_folder(self._root, path) as folder:
            with os.scandir(folder) as entries:
                found = (e for e in entries if is_version(e.name))
                names = [e.name for e in found if e.is_dir(follow_symlinks=False)]
            whole = sorted(name for name in names if _is_whole(folder, name))
        if not whole:
            raise NotFoundError("no version of this module is stored", where=path)
        return "".join(f"{name}\n" for name in whole).encode()

    def _latest(self, wanted: Latest) -> bytes:
        found = _run(resolve(wanted.path, "latest"), self._read)
        return found.info_bytes

    def _read(self, request: Request) -> bytes:
        match request:
            case VersionList(path):
                return self._list(path)
            case Latest(path):
                raise NotFoundError("@latest comes from the list here", where=path)
            case Info(path, query):
                key = athens_disk_key(ModuleVersion(path, query), FileKind.INFO)
            case GoMod(module):
                key = athens_disk_key(module, FileKind.MOD)
        try:
            descriptor, facts = _open(self._root, key)
            with os.fdopen(descriptor, "rb") as file:
                if facts.size_bytes > MAX_ANSWER_BYTES:
                    raise NotFoundError("too large", where=key)
                return file.read(MAX_ANSWER_BYTES)
        except OSError as error:
            raise NotFoundError("not in the storage", where=key) from error

    # The checksum database

    def _database(self, name: str) -> ServedSumdb:
        with self._lock:
            found = self._databases.get(name)
            if found is None:
                key = f"{OWN_FOLDER}/sumdb/{name}"
                with opened_folder(self._root, f"{key}/heads"):
                    if len(self._databases) >= _MAX_DATABASES:
                        raise NotFoundError("this checksum database is not carried", where=name)
                found = self._databases[name] = ServedSumdb(self._root / key, self._warn)
            return found

    # Files

    def _file(self, key: str, media_type: str, headers: Mapping[str, str]) -> Answer:
        descriptor, facts = _open(self._root, key)
        part = choose_part(headers, facts)
        shown = {
            "content-type": media_type,
            "etag": facts.etag,
            "last-modified": facts.modified,
            "accept-ranges": "bytes",
        }
        if part.status == 206:
            last = part.first + part.count - 1
            shown["content-range"] = f"bytes {part.first}-{last}/{facts.size_bytes}"
        if part.status == 416:
            shown["content-range"] = f"bytes */{facts.size_bytes}"
        return Answer(part.status, shown, file=OpenFile(descriptor, part.first, part.count))


def storage_warnings(root: Path) -> list[str]:
    """Say what an operator should know of a storage before it is served.

    Raises:
        StoreError: there is no such folder, or it cannot be read.
    """
    try:
        with os.scandir(root):
            pass
    except OSError as error:
        raise StoreError(
            f"cannot be served: {error.strerror}",
            where=str(root),
            hint="give the storage's folder with --storage",
        ) from error
    if not (root / OWN_FOLDER).is_dir():
        deeper = nested_storage(root)
        if deeper:
            return [
                f"{root} has no {OWN_FOLDER} folder, but there is one in {deeper}: the storage was "
                "copied into a folder that was there. Serve that one, or copy it with "
                "`cp -a ROOT/. TARGET/`"
            ]
        return [
            f"{root} has no {OWN_FOLDER} folder: the checksum database is missing and clients "
            "need GONOSUMDB. Copy the storage whole, with `cp -a ROOT/. TARGET/`; `cp ROOT/*` "
            "leaves it behind"
        ]
    if not any((root / OWN_FOLDER / "sumdb").glob("**/heads")):
        return [f"{root} carries no checksum database: clients need GONOSUMDB for all modules"]
    return []


def _is_whole(folder: int, version: str) -> bool:
    """Tell whether a version's folder has what makes it one; a list of thousands asks this."""
    names = (f"{version}/{version}.info", f"{version}/{DISK_GO_MOD}")
    try:
        found = [os.stat(each, dir_fd=folder, follow_symlinks=False) for each in names]
    except OSError:
        return False
    return all(stat.S_ISREG(each.st_mode) for each in found)


def _open(root: Path, key: str) -> tuple[int, FileFacts]:
    """Open a regular file."""
    descriptor = open_file(root, key)
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode):
        return descriptor, _facts(status)
    os.close(descriptor)
    raise NotFoundError("not a file", where=key)


def _facts(status: os.stat_result) -> FileFacts:
    # A version's files all bear its commit's time; the change time tells a replaced one apart.
    etag = f'"{status.st_size:x}-{status.st_mtime_ns:x}-{status.st_ctime_ns:x}"'
    # RFC 9110 8.8.2.1: never later than now.
    modified = min(max(status.st_mtime, status.st_ctime), time.time())
    return FileFacts(status.st_size, etag, formatdate(modified, usegmt=True))


def _text(status: int, text: str) -> Answer:
    body = (text if status == 200 else text + "\n").encode("utf-8", "replace")
    return Answer(status, {"content-type": _TEXT}, body)


def _run(steps: Steps[Resolution], read: Callable[[Request], bytes]) -> Resolution:
    try:
        request = next(steps)
        while True:
            try:
                data = read(request)
            except GopackError as error:
                request = steps.throw(error)
            else:
                request = steps.send(data)
    except StopIteration as result:
        found = result.value
        assert isinstance(found, Resolution)
        return found
