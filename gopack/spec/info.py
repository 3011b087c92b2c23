"""The JSON of `.info` and `@latest` answers: which version a query stands for, and its time.

Rules kept: keys match without regard to case, the last of several wins, null says nothing, unknown
keys are passed over, a value of the wrong type is refused, and so is anything behind the object.

Spec: go.dev/ref/mod#goproxy-protocol, the go command's modfetch.RevInfo read by encoding/json.
Differs: a version must be there and canonical (the go command finds out later); a time in the
year 0 is refused, and escapes inside a time are read.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from gopack.errors import IntegrityError
from gopack.spec import module, runes


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the proxy says it got the version; empty where it does not say."""

    vcs: str = ""
    url: str = ""
    subdir: str = ""
    hash: str = ""
    ref: str = ""
    tag_prefix: str = ""
    tag_sum: str = ""
    repo_sum: str = ""


@dataclass(frozen=True, slots=True)
class Info:
    """A version, its commit's time in UTC (None if not told), and its origin (None if not told).

    `time_text` is the time as it was written, with all its digits.
    """

    version: str
    time: datetime | None
    time_text: str
    origin: Origin | None


_ORIGIN_KEYS = {
    "vcs": "vcs",
    "url": "url",
    "subdir": "subdir",
    "hash": "hash",
    "ref": "ref",
    "tagprefix": "tag_prefix",
    "tagsum": "tag_sum",
    "reposum": "repo_sum",
}
_ORIGIN_ORDER = {
    "VCS": "vcs",
    "URL": "url",
    "Subdir": "subdir",
    "Hash": "hash",
    "TagPrefix": "tag_prefix",
    "TagSum": "tag_sum",
    "Ref": "ref",
    "RepoSum": "repo_sum",
}
"""The fields in the order that Go writes them."""

_RFC3339 = re.compile(
    # time.Time's reading, which is laxer than the standard: an hour of one digit, a comma before
    # the fraction, offsets up to 24:60.
    r"(\d{4}-\d\d-\d\d)T(\d{1,2})(:\d\d:\d\d)(?:[.,](\d+))?"
    r"(?:Z|([+-])([01]\d|2[0-4]):([0-5]\d|60))",
    re.ASCII,
)


def parse_info(data: bytes, *, where: str) -> Info:
    """Read an answer; `where` names it in errors (`module@query` or a URL).

    >>> parse_info(b'{"Version": "v1.2.0", "Time": "2024-02-29T12:00:00Z"}', where="m@v1.2").version
    'v1.2.0'

    Raises:
        IntegrityError: not JSON, a field of the wrong type, or no canonical version.
    """
    try:
        return _info(_object(_loaded(data), "the answer"))
    except _FaultError as fault:
        raise IntegrityError(
            f"invalid version info: {fault}",
            where=where,
            hint="ask the proxy's operator; the proxy answered something else than version info",
        ) from None


class _FaultError(Exception):
    """What is wrong; parse_info adds where."""


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with its keys in order, duplicates too; told apart from an array by type."""


def _refuse_constant(name: str) -> NoReturn:
    raise _FaultError(f"not JSON: {name}")


def _loaded(data: bytes) -> Any:
    # Bytes that are not UTF-8 become U+FFFD inside strings, as in Go, and are no JSON elsewhere.
    text = data.decode("utf-8", "replace")
    try:
        return json.loads(
            text,
            object_pairs_hook=_Pairs,
            parse_int=float,
            parse_constant=_refuse_constant,
        )
    except (ValueError, RecursionError) as error:
        raise _FaultError(f"not JSON: {error}") from error


def _object(value: object, what: str) -> _Pairs:
    if value is None:
        return _Pairs()
    if not isinstance(value, _Pairs):
        raise _FaultError(f"{what} is no object")
    return value


def _folded(key: str) -> str:
    # U+017F is the one character outside ASCII that folds to a letter of our keys.
    return key.replace("\u017f", "s").lower()


def _strings(pairs: Iterable[tuple[str, Any]], names: Iterable[str]) -> dict[str, str]:
    """The wanted keys' last values that are not null."""
    found: dict[str, str] = {}
    for key, value in pairs:
        name = _folded(key)
        if name in names and value is not None:
            if not isinstance(value, str):
                raise _FaultError(f"{key} is no string")
            found[name] = value
    return found


def _info(pairs: _Pairs) -> Info:
    said = _strings(pairs, ("version", "time"))
    version, time_text = said.get("version", ""), said.get("time", "")
    if not version:
        raise _FaultError("no Version")
    if module.canonical_version(version) != version:
        raise _FaultError(f"Version {runes.shown(version)} is not canonical")
    times = [_time(v) for key, v in pairs if _folded(key) == "time" and v is not None]
    time = times[-1] if times else None  # each is read, the last one counts
    return Info(version, time, time_text, _origin(pairs))


def _origin(pairs: _Pairs) -> Origin | None:
    merged: dict[str, str] | None = None
    for key, value in pairs:
        if _folded(key) != "origin":
            continue
        if value is None:
            # A null sets Go's pointer back; a second object adds to the first.
            merged = None
            continue
        merged = (merged or {}) | _strings(_object(value, "Origin"), _ORIGIN_KEYS)
    if merged is None:
        return None
    return Origin(**{_ORIGIN_KEYS[name]: value for name, value in merged.items()})


def _time(text: str) -> datetime:
    found = _RFC3339.fullmatch(text)
    if found is None:
        raise _FaultError(f"Time {runes.shown(text)} is not of the form 2006-01-02T15:04:05Z")
    day, hour, rest, fraction, sign, hours, minutes = found.groups()
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    try:
        local = datetime.fromisoformat(f"{day}T{hour:0>2}{rest}.{(fraction or '')[:6]:0<6}+00:00")
        return local + offset if sign == "-" else local - offset
    except (ValueError, OverflowError) as error:
        raise _FaultError(f"Time {text} does not exist") from error


def format_info(version: str, time: datetime, origin: Origin | None = None) -> bytes:
    """Write an answer as the go command writes its .info files; `time` is aware, whole seconds.

    >>> format_info("v1.2.0", datetime(2024, 2, 29, 12, tzinfo=UTC), Origin(vcs="git", hash="ab"))
    b'{"Version":"v1.2.0","Time":"2024-02-29T12:00:00Z","Origin":{"VCS":"git","Hash":"ab"}}'

    Source: modfetch.RevInfo and codehost.Origin, written by encoding/json.
    """
    utc = time.astimezone(UTC)
    written: dict[str, Any] = {
        "Version": version,
        "Time": f"{utc.year:04}{utc:-%m-%dT%H:%M:%SZ}",
    }
    if origin is not None:
        fields = {name: getattr(origin, attribute) for name, attribute in _ORIGIN_ORDER.items()}
        written["Origin"] = {name: text for name, text in fields.items() if text}
    text = json.dumps(written, separators=(",", ":"), ensure_ascii=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text.encode()
