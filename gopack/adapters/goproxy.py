"""Module proxies over HTTP.

Spec: go.dev/ref/mod#goproxy-protocol; cmd/go/internal/modfetch/proxy.go (proxyRepo).
"""

import posixpath
from urllib.parse import quote

from gopack.adapters import resuming, weberrors
from gopack.adapters.partfile import PartFile
from gopack.adapters.quick import QuickReader
from gopack.adapters.remembered import RememberedAnswers
from gopack.adapters.resuming import Wanted
from gopack.adapters.web import Web
from gopack.errors import GopackError, IntegrityError
from gopack.plan.query import is_exact
from gopack.ports import ZipTarget
from gopack.spec import goproxy
from gopack.spec.goproxy import MAX_ANSWER_BYTES, GoMod, Info, Request
from gopack.spec.module import ModuleVersion

MAX_ZIP_BYTES = 500 << 20  # x/mod zip.MaxZipFile


class HttpSource:
    """The proxy at a URL; many sources may share one Web and so its connections.

    `quick` asks for what is small; `remembered` spares the bodies of answers that may change and
    did not.
    """

    def __init__(
        self,
        url: str,
        web: Web,
        *,
        quick: QuickReader | None = None,
        remembered: RememberedAnswers | None = None,
    ) -> None:
        bare, mark, query = url.partition("#")[0].partition("?")
        # Go joins paths with path.Join: doubled slashes and a last one make no difference.
        scheme, _, rest = bare.partition("://")
        host, _, path = rest.partition("/")
        self._base = f"{scheme}://{host}{posixpath.normpath('/' + path).rstrip('/')}/"
        self._query = mark + query
        self._web = web
        self._quick = quick or QuickReader(web)
        self._changing = remembered or self._quick
        self._name = weberrors.shown(self._base).rstrip("/")

    def __repr__(self) -> str:
        return f"HttpSource({self._name})"

    @property
    def name(self) -> str:
        """The URL without login and query."""
        return self._name

    def read(self, request: Request) -> bytes:
        """Answer a small request; see ModuleSource."""
        where = goproxy.name_of(request)
        url = self._url(goproxy.path_of(request))
        if _may_change(request):
            return self._changing.read(url, where=where, limit=MAX_ANSWER_BYTES)
        # A go.mod names the next ones: a graph is as quick as its levels.
        urgent = isinstance(request, GoMod)
        return self._quick.read(url, where=where, limit=MAX_ANSWER_BYTES, urgent=urgent)

    def zip_size(self, module: ModuleVersion) -> int | None:
        """Ask for its first byte; see ModuleSource."""
        url = self._url(goproxy.zip_path_of(module))
        return possible_size(module, self._quick.size(url, where=str(module)))

    def copy_zip(self, module: ModuleVersion, target: ZipTarget) -> int:
        """Stream the zip, into a PartFile from where it broke off; see ModuleSource."""
        url = self._url(goproxy.zip_path_of(module))
        wanted = Wanted(url, str(module), MAX_ZIP_BYTES, zip_too_large(module))
        if isinstance(target, PartFile):
            return resuming.copy(self._quick, wanted, target)
        return self._web.copy(target=target, **wanted._asdict())

    def _url(self, path: str) -> str:
        # net/url PathEscape leaves these as they are.
        return f"{self._base}{quote(path, safe='/$&+:=@!~')}{self._query}"


def _may_change(request: Request) -> bool:
    """Whether the same request may be answered otherwise tomorrow."""
    match request:
        case GoMod():
            return False
        case Info(path, query):
            return not is_exact(path, query)
        case _:
            return True


def zip_too_large(module: ModuleVersion) -> GopackError:
    """The error for a zip beyond what the go command takes."""
    return IntegrityError(f"the zip is larger than {MAX_ZIP_BYTES} bytes", where=str(module))


def possible_size(module: ModuleVersion, size_bytes: int | None) -> int | None:
    """Give a zip's size as it was told, unless the go command takes no such zip.

    Raises:
        IntegrityError: it is too large.
    """
    if size_bytes is not None and size_bytes > MAX_ZIP_BYTES:
        raise zip_too_large(module)
    return size_bytes
