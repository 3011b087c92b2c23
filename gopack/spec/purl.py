"""Package URLs of Go modules, `pkg:golang/github.com/google/uuid@v1.6.0#sub`.

Rules kept here:
- Namespace and name are one path, each element percent-decoded; a version may hold `%2B`.
- The type is lower-cased; the letters of a path stay as they are, though the specification has
  tools write golang paths in lower case: the caller must put the real ones back.

Spec: github.com/package-url/purl-spec, PURL-SPECIFICATION.rst and its type golang.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote

from gopack.errors import InputError

_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class Purl:
    """A package URL.

    Args:
        kind: the type, `golang`.
        path: namespace and name, decoded.
        version: decoded; empty if there is none.
        subpath: of a package in the module, without slashes at its ends.

    """

    kind: str
    path: str
    version: str = ""
    subpath: str = ""


def parse_purl(text: str) -> Purl:
    """Read a package URL; qualifiers are passed over.

    >>> parse_purl("pkg:golang/example.com/a@v2.0.0%2Bincompatible?type=module#b")
    Purl(kind='golang', path='example.com/a', version='v2.0.0+incompatible', subpath='b')

    Raises:
        InputError: when it is none.
    """
    scheme, colon, rest = text.partition(":")
    if scheme.lower() != "pkg" or not colon:
        raise _fault(text, "it does not begin with pkg:")
    if bad := _PERCENT.search(text):
        raise _fault(text, f"a % without two hexadecimal digits at character {bad.start() + 1}")
    rest, _, subpath = rest.partition("#")
    rest, _, _qualifiers = rest.partition("?")
    kind, _, rest = rest.strip("/").partition("/")
    path, _, version = rest.rpartition("@") if "@" in rest else (rest, "", "")
    elements = [unquote(element) for element in path.strip("/").split("/")]
    if not kind or not all(elements):
        raise _fault(text, "type or name is empty")
    if any("\ufffd" in element for element in elements):
        raise _fault(text, "what it encodes is not UTF-8")
    return Purl(kind.lower(), "/".join(elements), unquote(version), unquote(subpath.strip("/")))


def _fault(text: str, why: str) -> InputError:
    return InputError(f"no package URL: {why}", where=text)
