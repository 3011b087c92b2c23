"""The GOPROXY protocol's requests, as values, and the paths they have below a proxy's URL.

A resolver or a graph walk says what it needs next as one of these values and is fed the answer's
bytes; who answers (an HTTP proxy, a file tree, the go command, the storage) is not its business.

Spec: go.dev/ref/mod#goproxy-protocol.
"""

from dataclasses import dataclass

from gopack.spec.module import ModuleVersion


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
