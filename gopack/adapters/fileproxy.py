"""Module proxies that are folders: `file://` entries of GOPROXY.

Spec: cmd/go/internal/web (getFile): a missing file is 404, a forbidden one 403.
"""

import stat
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote

from gopack.adapters.goproxy import MAX_ZIP_BYTES, possible_size, zip_too_large
from gopack.errors import InputError, NotFoundError, UpstreamError
from gopack.ports import ZipTarget
from gopack.spec import goproxy, gourl
from gopack.spec.goproxy import MAX_ANSWER_BYTES, Request
from gopack.spec.module import ModuleVersion

_CHUNK_BYTES = 1 << 20


class FileSource:
    """The tree of files below a folder, laid out as a proxy's URLs."""

    def __init__(self, url: str) -> None:
        path = gourl.parse(url).path
        if not path:
            raise InputError(
                "file URL missing path", where="GOPROXY", hint="write it as file:///path"
            )
        self._root = Path(unquote(path))
        self._name = f"file://{path}"

    def __repr__(self) -> str:
        return f"FileSource({self._name})"

    @property
    def name(self) -> str:
        """The URL."""
        return self._name

    def read(self, request: Request) -> bytes:
        """Answer a small request; see ModuleSource."""
        where = goproxy.name_of(request)
        with self._open(goproxy.path_of(request), where) as file:
            data = _read(file, MAX_ANSWER_BYTES + 1, where)
        if len(data) > MAX_ANSWER_BYTES:
            raise UpstreamError(f"the file is larger than {MAX_ANSWER_BYTES} bytes", where=where)
        return data

    def zip_size(self, module: ModuleVersion) -> int | None:
        """Look at the file; see ModuleSource."""
        with self._open(goproxy.zip_path_of(module), str(module)) as file:
            return possible_size(module, file.seek(0, 2))

    def copy_zip(self, module: ModuleVersion, target: ZipTarget) -> int:
        """Stream the zip; see ModuleSource."""
        size = 0
        with self._open(goproxy.zip_path_of(module), str(module)) as file:
            while chunk := _read(file, _CHUNK_BYTES, str(module)):
                size += len(chunk)
                if size > MAX_ZIP_BYTES:
                    raise zip_too_large(module)
                target.write(chunk)
        return size

    def _open(self, path: str, where: str) -> BinaryIO:
        url = f"{self._name}/{path}"
        file = self._root / path
        try:
            if stat.S_ISDIR(file.stat().st_mode):
                raise UpstreamError("a folder where a file should be", where=where, url=url)
            return file.open("rb")
        except (FileNotFoundError, NotADirectoryError):
            raise NotFoundError(
                f"no such file: {url}",
                where=where,
                url=url,
                hint="check the folder that GOPROXY names, the path and the version",
            ) from None
        except OSError as error:
            raise UpstreamError(
                f"cannot read the file: {error.strerror}: {url}", where=where, url=url
            ) from error


def _read(file: BinaryIO, size: int, where: str) -> bytes:
    try:
        return file.read(size)
    except OSError as error:
        raise UpstreamError(f"cannot read the file: {error.strerror}", where=where) from error
