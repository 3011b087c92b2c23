"""Which kind of file this is, by its name, else by how it begins."""

import json
import re

from gopack.plan.inputs.golist import read_go_list
from gopack.plan.inputs.gomodfile import read_go_mod
from gopack.plan.inputs.gosum import read_go_sum
from gopack.plan.inputs.gowork import read_go_work
from gopack.plan.inputs.roots import Format, InputRoots
from gopack.plan.inputs.sbom import read_cyclonedx
from gopack.plan.inputs.vendor import read_vendor

_NAMES = {
    "go.mod": Format.GO_MOD,
    "go.sum": Format.GO_SUM,
    "go.work": Format.GO_WORK,
    "go.work.sum": Format.GO_SUM,
}
_SUFFIXES = {".mod": Format.GO_MOD, ".sum": Format.GO_SUM, ".work": Format.GO_WORK}
_VENDOR = "modules.txt"
_VENDORED = re.compile(r"(\s|## [^\n]*\n)*(# \S+ (v\S|=>)|\Z)")
"""How a file of this name begins that go wrote; a person may call a list so."""
_ABOVE = r"(//[^\n]*\n|\s)*"
_BEGINNINGS = (
    (re.compile(r"\S+ \S+ h1:[A-Za-z0-9+/]{43}=\s*$", re.M), Format.GO_SUM),
    (re.compile(r"# \S+ (v\S+|=>).*\n(?s:.*?)^## explicit", re.M), Format.VENDOR),
    (re.compile(_ABOVE + r"module[ \t]+\S+[ \t]*(//[^\n]*)?(\n|$)"), Format.GO_MOD),
    (re.compile(_ABOVE + r"go[ \t]+1[.\d]*[ \t]*\n(?s:.*?)^use[ \t(]", re.M), Format.GO_WORK),
)
_LOOKED_AT_CHARS = 4096
_READERS = {
    Format.GO_MOD: read_go_mod,
    Format.GO_SUM: read_go_sum,
    Format.GO_WORK: read_go_work,
    Format.VENDOR: read_vendor,
    Format.GO_LIST: read_go_list,
    Format.CYCLONEDX: read_cyclonedx,
}


def detect(name: str, data: bytes) -> Format:
    """Tell the format; a list, where nothing says otherwise.

    >>> detect("a/go.sum", b""), detect("x", b"module example.com/a")
    (<Format.GO_SUM: 'go.sum'>, <Format.GO_MOD: 'go.mod'>)
    """
    base = re.split(r"[/\\]", name)[-1].lower()
    if base in _NAMES:
        return _NAMES[base]
    for suffix, kind in _SUFFIXES.items():
        if base.endswith(suffix):
            return kind
    text = data.removeprefix(b"\xef\xbb\xbf").decode(errors="replace").replace("\r\n", "\n")
    if base == _VENDOR and _VENDORED.match(text):
        return Format.VENDOR
    if text.lstrip().startswith("{"):
        return _detect_json(text)
    if text.lstrip().startswith("<"):
        return Format.CYCLONEDX
    text = text[:_LOOKED_AT_CHARS]
    return next((kind for begins, kind in _BEGINNINGS if begins.match(text)), Format.LIST)


def _detect_json(text: str) -> Format:
    """Tell an SBOM from module objects; a broken file is what its first words look like."""
    try:
        value, _ = json.JSONDecoder().raw_decode(text.lstrip())
    except (ValueError, RecursionError):  # ValueError: endless digits, too
        return Format.CYCLONEDX if '"bomFormat"' in text else Format.GO_LIST
    is_module = isinstance(value, dict) and "Path" in value
    return Format.GO_LIST if is_module else Format.CYCLONEDX


def read_input(name: str, data: bytes, kind: Format) -> InputRoots:
    """Read a file of any format but a list.

    Raises:
        InputError: when it cannot be read as this at all.
    """
    return _READERS[kind](data, name=name)
