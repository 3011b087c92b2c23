"""The GOPROXY protocol's requests, as values, and the paths they have below a proxy's URL.

A resolver or a graph walk says what it needs next as one of these values and is fed the answer's
bytes; who answers (an HTTP proxy, a file tree, the go command, the storage) is not its business.

Spec: go.dev/ref/mod#goproxy-protocol.
"""

from dataclasses import dataclass

from gopack.spec.module import ModuleVersion, escape_path, escape_version


@dataclass(frozen=True, slots=True)
class VersionList:
    """`$module/@v/list`: known versions, one a line, pseudo-versions left out by most proxies."""

    path: str


@dataclass(frozen=True, slots=True)
class Latest:
    """`$module/@latest`: the info of what the proxy thinks latest; optional, often 404."""

    path: str


@dataclass(frozen=True, slots=True)
class Info:
    """`$module/@v/$query.info`: JSON with Version and Time; a query may be a branch or commit."""

    path: str
    query: str


@dataclass(frozen=True, slots=True)
class GoMod:
    """`$module/@v/$version.mod`: the go.mod file of that version."""

    module: ModuleVersion


Request = VersionList | Latest | Info | GoMod
"""What a step machine may ask for; the answer is at most MAX_ANSWER_BYTES long."""

MAX_ANSWER_BYTES = 16 << 20
"""x/mod zip.MaxGoMod: no go.mod is larger, and no list or info has reason to be."""


def path_of(request: Request) -> str:
    """Name the request's file below a proxy's URL.

    Raises:
        InputError: the module path, version or query has no place in a path (`a/b` as a query).

    >>> path_of(Info("example.com/Big", "v1.0.0-RC1"))
    'example.com/!big/@v/v1.0.0-!r!c1.info'
    """
    match request:
        case VersionList(path):
            return f"{escape_path(path)}/@v/list"
        case Latest(path):
            return f"{escape_path(path)}/@latest"
        case Info(path, query):
            return f"{escape_path(path)}/@v/{escape_version(query)}.info"
        case GoMod(module):
            return f"{escape_path(module.path)}/@v/{escape_version(module.version)}.mod"


def zip_path_of(module: ModuleVersion) -> str:
    """Name the zip's file below a proxy's URL; raises as `path_of`."""
    return f"{escape_path(module.path)}/@v/{escape_version(module.version)}.zip"


def name_of(request: Request) -> str:
    """Name what is asked for as a person would: `path` or `path@version`."""
    match request:
        case VersionList(path) | Latest(path):
            return path
        case Info(path, query):
            return f"{path}@{query}"
        case GoMod(module):
            return str(module)
