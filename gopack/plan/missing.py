"""Which file a go command did not find, and the line of the list that would bring it.

Two witnesses: what the proxy was asked for and did not have, and what the go command says. The go
command looks for a package in every module its path may lie in, so most of what it does not find is
of no matter; what it names in the end is. The proxy's record counts where it names nothing.

Spec: the go command's modfetch (proxyRepo), modload (ImportMissingError, NoMatchingVersionError).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from gopack.errors import InputError
from gopack.plan.layout import FileKind, athens_disk_key, parse_goproxy_key
from gopack.plan.manifest import Manifest
from gopack.spec.module import ModuleVersion, unescape_path

RUN_MARK = "~"
"""Begins the path element by which a proxy in front tells one run from another."""

_READING = re.compile(rf"reading https?://[^/\s]+(?:/{RUN_MARK}\w+)?/(\S+?): (?:404|410)\b")
_NO_VERSION = re.compile(r'(?:^|\s)([^\s:@]+)(?:@\S+)?: no matching versions for query "([^"]+)"')
_NO_MODULE = re.compile(
    r"(?:cannot find module providing package|no required module provides package) ([^\s:;]+)"
)
_PROXY_PATH = r"/(?:@v/[^\s\"]+?|@latest|lookup/[^\s\"]+?|tile/[^\s\"]+?|latest|supported)"
_OUTAGES = tuple(
    re.compile(pattern)
    for pattern in (
        # No answer at all. What `direct` asks for has no such path: a host that is gone stays so.
        rf'Get "https?://[^\s"]+{_PROXY_PATH}": [^\n]+',
        rf"reading https?://\S+?{_PROXY_PATH}: (?:401|403|407|408|429|5\d\d)\b[^\n]*",
        rf"reading https?://\S+?{_PROXY_PATH}: [^\n]*(?:EOF|connection reset|stream error)[^\n]*",
        # Nobody was asked.
        r"module lookup disabled by GOPROXY=off",
        # What a proxy says with a 404 when its own look-up took too long.
        r"server response: [^\n]*timed out[^\n]*",
    )
)
_HINDRANCES = tuple(
    re.compile(pattern)
    for pattern in (
        r"[^\n]*\bsignal: (?:killed|terminated|interrupt|hangup)\b[^\n]*",
        r"[^\n]*: (?:no space left on device|disk quota exceeded|cannot allocate memory)\b",
        r"was ended by signal \d+",  # as the step that ran it says
        r"[^\n]*: too many open files\b",
        r'exec: "(?:git|hg|svn|bzr|fossil)": executable file not found[^\n]*',
    )
)
"""What the go command says where the machine that it runs on lets it down."""

_NEWER_GO = re.compile(r"requires go >= ([0-9a-z.]+)")


MISMATCH = "checksum mismatch"
"""What the go command says where a file is not what go.sum or the checksum database has."""

_SPOILT = re.compile(
    r"\bzip: (?:checksum error|not a valid zip file|unsupported compression algorithm)"
    r"|flate: corrupt input|unexpected EOF|\bunzip \S+: "
    r"|parsing \S*\.mod: \S|invalid response from proxy "
)
"""What it says where a file cannot be read. Source: archive/zip, x/mod/zip, modfetch, modload."""


def is_another(output: str) -> bool:
    """Tell whether the go command was given a file that is not what it must be.

    >>> is_another("go: zip: checksum error"), is_another("go: x.go:1: undefined: y")
    (True, False)
    """
    return MISMATCH in output or _SPOILT.search(output) is not None


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that reached the proxy: its path, unescaped once, and the answer's status."""

    path: str
    status: int

    @property
    def is_missing(self) -> bool:
        """Whether the proxy said that there is no such thing."""
        return self.status in {404, 410}


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that was not there.

    Args:
        file: what to look for: a file of the storage by its key, else what the proxy was asked.
        path: the module's (or package's) path.
        query: the version it takes, or `latest`.
        module: the version, where it is a file of one.

    """

    file: str
    path: str
    query: str
    module: ModuleVersion | None = None

    @property
    def line(self) -> str:
        """The line of the list that would bring it.

        >>> Missing("a.b/c/v1.0.0/source.zip", "a.b/c", "v1.0.0").line
        'a.b/c@v1.0.0'
        """
        return self.path if self.query == "latest" else f"{self.path}@{self.query}"

    def remedy(self, manifest: Manifest) -> str:
        """Say what to do, knowing what was put into the storage."""
        entry = manifest.versions.get(self.module) if self.module else None
        if entry is None:
            return f"add the line {self.line}"
        if self.file.endswith(f".{FileKind.ZIP.value}") and entry.zip is None:
            return f"it is stored as go.mod only: add the line {self.line}"
        return f"it was stored and is gone: fetch again, or add the line {self.line}"


def of_request(path: str) -> Missing | None:
    """Tell what a request below a proxy's URL asks for; None if it is nothing one can list.

    >>> of_request("example.com/!big/@v/v1.0.0.mod").file
    'example.com/Big/v1.0.0/go.mod'
    """
    stored = parse_goproxy_key(path)
    if stored is not None:
        module = stored.module
        file = athens_disk_key(module, stored.kind)
        return Missing(file, module.path, module.version, module)
    if path.startswith("sumdb/"):
        return _of_sumdb(path)
    for end in ("/@v/list", "/@latest"):
        if path.endswith(end):
            return _named(path, path.removesuffix(end), "latest")
    escaped, found, name = path.partition("/@v/")
    return _named(path, escaped, name.removesuffix(".info")) if found else None


def _of_sumdb(path: str) -> Missing | None:
    _, found, looked_up = path.partition("/lookup/")
    escaped, _, version = looked_up.rpartition("@")
    return _named(path, escaped, version.removesuffix("/go.mod")) if found else None


def _named(file: str, escaped: str, query: str) -> Missing | None:
    try:
        path = unescape_path(escaped)
    except InputError:
        return None
    return Missing(file, path, query)


def named_by_go(output: str) -> list[Missing]:
    """Find what the go command says it did not find, in its order, each once."""
    found = [of_request(unquote(path)) for path in _READING.findall(output)]
    found += [
        Missing(f"{path}/@v/list", path, query) for path, query in _NO_VERSION.findall(output)
    ]
    found += [Missing(f"package {path}", path, "latest") for path in _NO_MODULE.findall(output)]
    return list(dict.fromkeys(each for each in found if each is not None))


def find_missing(output: str, asked: Iterable[Asked]) -> list[Missing]:
    """Tell what a failed go command lacked: what it names, else what the proxy did not have.

    Nothing where a file was there and is another than it was: what go looked for beside it is no
    matter.
    """
    if is_another(output):
        return []
    if named := named_by_go(output):
        return named
    every = [(each.is_missing, of_request(each.path)) for each in asked]
    found = {each.path for is_missing, each in every if each is not None and not is_missing}
    absent = [each for is_missing, each in every if each is not None and is_missing]
    lacked = [each for each in dict.fromkeys(absent) if not _is_probe(each.path, found)]
    files = [each for each in lacked if each.module is not None]
    return files or lacked


def _is_probe(path: str, found: Iterable[str]) -> bool:
    """Tell whether a path was only tried, being below or above a module that was found."""
    return any(path.startswith(f"{each}/") or each.startswith(f"{path}/") for each in found)


def needed_go(output: str) -> str:
    """Tell the Go version that the go command says is needed, and it is not; empty if it is not.

    >>> needed_go("go: a.b/c@v1.0.0 requires go >= 1.99 (running go 1.26.0)")
    '1.99'
    """
    found = _NEWER_GO.search(output)
    return found[1] if found else ""


def outage_told(output: str) -> str:
    """Tell how a proxy or checksum database failed, other than by a 404; empty if none did.

    One that wants a password, or another, does not say whether there is such a thing.

    >>> outage_told('go: Get "https://a.test/x.y/z/@v/list": dial tcp 10.0.0.1:443: i/o timeout')
    'Get "https://a.test/x.y/z/@v/list": dial tcp 10.0.0.1:443: i/o timeout'
    >>> outage_told("go: x.y/z: reading https://a.test/x.y/z/@v/list: 404 Not Found")
    ''
    """
    found = (pattern.search(output) for pattern in _OUTAGES)
    return next((match[0] for match in found if match), "")


def hindrance_told(output: str) -> str:
    """Tell what the machine lacks on which the go command runs; empty if that is not why it failed.

    >>> hindrance_told("go: writing go.mod cache: write /t/c.mod: no space left on device")
    'go: writing go.mod cache: write /t/c.mod: no space left on device'
    >>> hindrance_told("a.go:1: undefined: y")
    ''
    """
    found = (pattern.search(output) for pattern in _HINDRANCES)
    return next((match[0].strip() for match in found if match), "")
