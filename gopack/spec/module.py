"""Module paths and versions: what is a valid one, and how it is written in URLs and file names.

Rules kept: paths are plain ASCII with a domain name first; no element is a name that Windows
reserves or shortens, or is made of dots; a major version in the path (`/v2`, `.v2` on gopkg.in)
binds the version; upper-case letters are escaped as `!` and the lower-case one, so that no two
escaped paths differ in case alone.

Text here is str; a str that is not valid Unicode (lone surrogates, as `surrogateescape` leaves
them) is what Go calls invalid UTF-8.

Spec: go.dev/ref/mod#module-path, golang.org/x/mod/module.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

from gopack.errors import InputError
from gopack.spec import glob, runes, semver


class ModuleVersion(NamedTuple):
    """A module path at a version, `path@version` as text.

    Source: x/mod module.Version. The path is unescaped; the version is canonical unless a
    function says otherwise.
    """

    path: str
    version: str

    def __str__(self) -> str:
        return f"{self.path}@{self.version}"


@dataclass(frozen=True, slots=True)
class _Kind:
    """What one kind of path allows; x/mod has module, import and file paths."""

    name: str
    allowed: re.Pattern[str]
    unicode_letters: bool = False
    leading_dot: bool = True
    leading_dash: bool = False
    short_names: bool = False


_MODULE = _Kind("module", re.compile(r"[-._~0-9A-Za-z]*"), leading_dot=False)
_IMPORT = _Kind("import", re.compile(r"[-._~0-9A-Za-z+]*"))
_FILE = _Kind(
    "file",
    re.compile(r"[-!#$%&()+,.=@\[\]^_{}~ 0-9A-Za-z]*"),
    unicode_letters=True,
    leading_dash=True,
    short_names=True,
)
_DOMAIN = re.compile(r"[-.0-9a-z]*")
_SHORT_NAME = re.compile(r"~[0-9]+\Z")
_RESERVED = frozenset(
    ["CON", "PRN", "AUX", "NUL"] + [f"{port}{n}" for port in ("COM", "LPT") for n in range(1, 10)]
)
"""Names that Windows keeps for devices, with any extension (x/mod badWindowsNames)."""


def check_path(path: str) -> None:
    """Check that path is a valid module path.

    >>> check_path("github.com/Azure/azure-sdk-for-go/v68")

    Raises:
        InputError: it is not; the text says why.
    """
    why = _fault(path, _MODULE) or _module_fault(path)
    if why:
        raise _refusal("module", path, why)


def check_import_path(path: str) -> None:
    """Check that path is a valid package import path (`fmt` is one).

    >>> check_import_path("github.com/user/cmd/c++")

    Raises:
        InputError: it is not; the text says why.
    """
    why = _fault(path, _IMPORT)
    if why:
        raise _refusal("import", path, why)


def check_file_path(path: str) -> None:
    """Check that path, with slashes, may name a file inside a module zip.

    >>> check_file_path("docs/Überblick (2).md")

    Raises:
        InputError: it may not; the text says why.
    """
    why = _fault(path, _FILE)
    if why:
        raise _refusal("file", path, why)


def check(path: str, version: str) -> None:
    """Check a module path, a version (short forms and build metadata allowed), and that they fit.

    >>> check("gopkg.in/yaml.v3", "v3.0.1")

    Raises:
        InputError: one of the three is wrong; the text says which.
    """
    check_path(path)
    if not semver.is_valid(version):
        raise InputError(
            "invalid version: not a semantic version",
            where=f"{path}@{runes.shown(version)}",
            hint="a version looks like v1.2.3",
        )
    why = _path_major_fault(version, split_path_version(path)[1])
    if why:
        raise InputError(f"invalid version: {why}", where=f"{path}@{version}")


def split_path_version(path: str) -> tuple[str, str, bool]:
    """Split off the major version suffix: (prefix, `/v2` or `.v2` or empty, whether it is valid).

    >>> split_path_version("example.com/m/v2"), split_path_version("example.com/m/v1")
    (('example.com/m', '/v2', True), ('example.com/m/v1', '', False))
    >>> split_path_version("gopkg.in/yaml.v3")
    ('gopkg.in/yaml', '.v3', True)
    """
    if path.startswith("gopkg.in/"):
        return _split_gopkg_in(path)
    stem = path.rstrip("0123456789.")
    if stem == path or len(stem) < 2 or not stem.endswith("/v"):
        return path, "", True
    number = path[len(stem) :]
    if "." in number or number[0] == "0" or number == "1":
        return path, "", False
    return stem[:-2], f"/v{number}", True


def _split_gopkg_in(path: str) -> tuple[str, str, bool]:
    stem = path.removesuffix("-unstable").rstrip("0123456789")
    suffix = path[len(stem) :]
    number = suffix.removesuffix("-unstable")
    if not stem.endswith(".v") or not suffix[:1].isdigit():
        # The "-unstable" of a path without a number is still part of x/mod's suffix.
        is_bare = stem.endswith(".v") and suffix == "-unstable"
        return (stem[:-2], f".v{suffix}", True) if is_bare else (path, "", False)
    if number[0] == "0" and suffix != "0":
        return path, "", False
    return stem[:-2], f".v{suffix}", True


def check_path_major(v: str, path_major: str) -> None:
    """Check that version v may stand under a path with that major version suffix.

    >>> check_path_major("v2.0.0+incompatible", "")

    Raises:
        InputError: it may not.
    """
    why = _path_major_fault(v, path_major)
    if why:
        raise InputError(f"invalid version: {why}", where=runes.shown(v))


def match_path_major(v: str, path_major: str) -> bool:
    """Whether version v may stand under a path with that major version suffix.

    >>> match_path_major("v2.0.0", "/v2"), match_path_major("v2.0.0", "")
    (True, False)
    """
    return not _path_major_fault(v, path_major)


def canonical_version(v: str) -> str:
    """Write v in full, keeping `+incompatible` but no other build metadata; empty if not valid.

    >>> canonical_version("v2.0+incompatible"), canonical_version("v2.0.0+incompatible")
    ('', 'v2.0.0+incompatible')
    """
    kept = "+incompatible"
    return semver.canonical(v) + (kept if semver.build(v) == kept else "")


def escape_path(path: str) -> str:
    """Write a module path as URLs and the module cache do.

    >>> escape_path("github.com/Azure/go-autorest")
    'github.com/!azure/go-autorest'

    Raises:
        InputError: path is not a valid module path.
    """
    check_path(path)
    return _escaped(path)


def escape_version(v: str) -> str:
    """Write a version, or a query like a branch name, as URLs and the module cache do.

    >>> escape_version("v1.0.0-RC1")
    'v1.0.0-!r!c1'

    Raises:
        InputError: v may not be a file name, or holds a `!` or a letter that is not ASCII.
    """
    if not v.isascii() or "!" in v or _element_fault(v, _FILE):
        raise _refusal("version string", v, "disallowed version string")
    return _escaped(v)


def unescape_path(escaped: str) -> str:
    """The module path of an escaped one.

    >>> unescape_path("github.com/!azure/go-autorest")
    'github.com/Azure/go-autorest'

    Raises:
        InputError: it is not an escaped form, or not of a valid module path.
    """
    path = _unescaped(escaped)
    why = "not an escaped form" if path is None else _fault(path, _MODULE) or _module_fault(path)
    if path is None or why:
        raise _refusal("escaped module", escaped, why)
    return path


def unescape_version(escaped: str) -> str:
    """The version (or query) of an escaped one.

    >>> unescape_version("v1.0.0-!r!c1")
    'v1.0.0-RC1'

    Raises:
        InputError: it is not an escaped form, or not of a valid file name.
    """
    v = _unescaped(escaped)
    why = "not an escaped form" if v is None else _element_fault(v, _FILE)
    if v is None or why:
        raise _refusal("escaped version", escaped, why)
    return v


def match_prefix_patterns(globs: str, target: str) -> bool:
    """Whether a leading part of target matches one of the comma-separated globs (as GOPRIVATE).

    Empty and malformed patterns match nothing; a slash that ends a pattern is ignored.

    >>> match_prefix_patterns("*.corp.example,rsc.io/private", "git.corp.example/team/x")
    True
    >>> match_prefix_patterns("rsc.io/private", "rsc.io/privately")
    False
    """
    elements = target.split("/")
    for pattern in globs.split(","):
        trimmed = pattern.removesuffix("/")
        depth = trimmed.count("/") + 1
        if trimmed and depth <= len(elements):
            try:
                if glob.match(trimmed, "/".join(elements[:depth])):
                    return True
            except glob.BadPatternError:
                continue
    return False


def _fault(path: str, kind: _Kind) -> str:
    """Why path is not valid for its kind; empty if it is."""
    if not path.isascii() and not runes.is_utf8(path):
        return "invalid UTF-8"
    if not path:
        return "empty string"
    if path[0] == "-" and not kind.leading_dash:
        return "leading dash"
    if "//" in path:
        return "double slash"
    if path[-1] == "/":
        return "trailing slash"
    for element in path.split("/"):
        why = _element_fault(element, kind)
        if why:
            return why
    return ""


def _element_fault(element: str, kind: _Kind) -> str:
    if not element:
        return "empty path element"
    if not element.strip("."):
        return f"path element of dots alone: {element}"
    if element[0] == "." and not kind.leading_dot:
        return "leading dot in path element"
    if element[-1] == ".":
        return "trailing dot in path element"
    return _char_fault(element, kind) or _windows_fault(element, kind)


def _char_fault(element: str, kind: _Kind) -> str:
    if kind.allowed.fullmatch(element):
        return ""
    for char in element:
        if kind.allowed.fullmatch(char):
            continue
        if not (kind.unicode_letters and ord(char) >= 0x80 and runes.is_letter(char)):
            return f"invalid char {runes.shown(char)!r}"
    return ""


def _windows_fault(element: str, kind: _Kind) -> str:
    short = element.partition(".")[0]
    # No letter outside ASCII folds to one of a reserved name's.
    if short.upper() in _RESERVED:
        return f"{short} is a reserved name on Windows"
    if not kind.short_names and _SHORT_NAME.search(short):
        return "path element ends in a tilde and digits, as Windows shortens names"
    return ""


def _module_fault(path: str) -> str:
    domain = path.partition("/")[0]
    if "." not in domain:
        return "missing dot in first path element"
    if not _DOMAIN.fullmatch(domain):
        bad = next(char for char in domain if not _DOMAIN.fullmatch(char))
        return f"invalid char {bad!r} in first path element"
    if not split_path_version(path)[2]:
        return "invalid major version suffix"
    return ""


def _path_major_fault(v: str, path_major: str) -> str:
    if path_major.startswith(".v"):
        path_major = path_major.removesuffix("-unstable")
    if path_major == ".v1" and v.startswith("v0.0.0-"):
        # An old go command made such pseudo-versions; go.mod files still have them.
        return ""
    major = semver.major(v)
    wanted = path_major[1:] if path_major[:1] in ("/", ".") else path_major
    if not path_major:
        if major in ("v0", "v1") or semver.build(v) == "+incompatible":
            return ""
        wanted = "v0 or v1"
    elif path_major[0] in "/." and major == wanted:
        return ""
    return f"should be {wanted}, not {major or 'without a major version'}"


def _escaped(text: str) -> str:
    return re.sub("[A-Z]", lambda found: "!" + found[0].lower(), text)


def _unescaped(text: str) -> str | None:
    if not text.isascii() or re.search("[A-Z]|!(?![a-z])", text):
        return None
    return re.sub("!([a-z])", lambda found: found[1].upper(), text)


def _refusal(kind: str, text: str, why: str) -> InputError:
    noun = kind if kind.endswith(("version", "string")) else f"{kind} path"
    return InputError(f"malformed {noun}: {why}", where=runes.shown(text))
