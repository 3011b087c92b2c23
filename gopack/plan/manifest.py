"""The manifest: what gopack knows of every version in a storage.

Deterministic: the same contents give the same bytes. It holds no time and no host.

Rules: `.gopack/manifest.json` is JSON with one object a version, keyed `path@version`, sorted.
"""

import hashlib
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gopack.errors import InputError, StoreError
from gopack.plan.layout import is_version_folder_name
from gopack.plan.summary import Retraction
from gopack.spec import semver
from gopack.spec.gosum import SumLine
from gopack.spec.module import ModuleVersion, check_path, escape_version

FORMAT = 1
"""Raised when an older gopack could misread a manifest."""

MAX_KEY_WORDS = 4
"""Longer survey keys are digests."""

UNVERIFIED = "unverified"
"""No checksum database vouched for this version; text after a colon says why."""

BY_HAND = "by hand"
"""How the reason of a version begins that a person put in."""


def vouched_by(database: str) -> str:
    """Say in an entry that a checksum database vouches for the version."""
    return f"sumdb {database}"


@dataclass(frozen=True, slots=True)
class ZipEntry:
    """A zip: bytes, SHA-256 in hex, `h1:` sum."""

    size_bytes: int
    sha256: str
    h1: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One version: complete when it has a `zip`, else mod-only.

    `verified` says what vouches for it: `sumdb NAME`, or `unverified: WHY`; `why` says what wants
    it: the list's lines as written, `required by path@version`, or how it was put in by hand.
    """

    info_sha256: str
    mod_sha256: str
    mod_h1: str
    zip: ZipEntry | None = None
    verified: str = UNVERIFIED
    why: tuple[str, ...] = ()

    @property
    def is_by_hand(self) -> bool:
        """Whether a person put it in, so that no list is needed for it to stay."""
        return any(why.startswith(BY_HAND) for why in self.why)


@dataclass(frozen=True, slots=True)
class LineFacts:
    """What a listed version's module said of it: its marks, and whose go.mod carries them."""

    retracted: str | None = None
    deprecated: str = ""
    carrier: str = ""


@dataclass(frozen=True, slots=True)
class SurveyFacts:
    """What the imports of some versions' packages came to: see gopack.plan.survey.

    `extras` are the versions that provide what no go.mod covers, `unresolved` packages that nobody
    provides. `providers` are the modules that a main module comes to require, where that brings in
    more, and `parts` the versions that main modules select which use some of the packages only, and
    of each whether its zip is needed; `held` are those that `go get` takes instead of `extras`.
    `ambiguous` are the packages that several modules have, and these modules; `passed_over` those
    whose latest module go cannot load, and this version.
    """

    extras: tuple[ModuleVersion, ...] = ()
    unresolved: tuple[str, ...] = ()
    providers: frozenset[str] = frozenset()
    parts: Mapping[ModuleVersion, bool] = field(default_factory=dict)
    held: tuple[ModuleVersion, ...] = ()
    ambiguous: Mapping[str, tuple[ModuleVersion, ...]] = field(default_factory=dict)
    passed_over: Mapping[str, ModuleVersion] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModuleFacts:
    """What a module's highest version says of all of them: its version, and what it retracts.

    `wanted` is the highest version that was wanted when it was asked for, where that is a higher
    one: a pseudo-version, or a pre-release beside releases.
    """

    carrier: str
    retract: tuple[Retraction, ...] = ()
    wanted: str = ""

    def holds_for(self, version: str) -> bool:
        """Tell whether these facts were asked for with this version, or a higher one, in sight."""
        return any(semver.compare(version, v) <= 0 for v in (self.carrier, self.wanted) if v)


@dataclass(frozen=True, slots=True)
class Annotations:
    """What a run has to say of versions besides their files: see Entry and LineFacts."""

    why: Mapping[ModuleVersion, Iterable[str]] = field(default_factory=dict)
    verified: Mapping[ModuleVersion, str] = field(default_factory=dict)
    listed: Mapping[ModuleVersion, LineFacts] = field(default_factory=dict)
    surveys: Mapping[str, SurveyFacts] = field(default_factory=dict)
    modules: Mapping[str, ModuleFacts] = field(default_factory=dict)
    aliases: Mapping[ModuleVersion, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Manifest:
    """Every version that gopack put into a storage, and the facts that need not be asked again.

    `listed` are facts of listed versions, `surveys` of what they import (keys: survey_key),
    `modules` of module paths. `aliases` are names that are answerable, as path and query, and of
    each the version that it means.
    """

    versions: Mapping[ModuleVersion, Entry] = field(default_factory=dict)
    listed: Mapping[ModuleVersion, LineFacts] = field(default_factory=dict)
    surveys: Mapping[str, SurveyFacts] = field(default_factory=dict)
    modules: Mapping[str, ModuleFacts] = field(default_factory=dict)
    aliases: Mapping[ModuleVersion, str] = field(default_factory=dict)

    def sum_lines(self) -> Iterable[SumLine]:
        """Tell the go.sum lines of every version."""
        for module, entry in self.versions.items():
            yield SumLine(module, is_gomod=True, h1=entry.mod_h1)
            if entry.zip is not None:
                yield SumLine(module, is_gomod=False, h1=entry.zip.h1)


def dumps(manifest: Manifest) -> bytes:
    """Write a manifest as JSON: sorted, one version a line."""
    return b"".join(pieces(manifest))


def pieces(manifest: Manifest) -> Iterator[bytes]:
    """Write a manifest as `dumps` does, a line at a time: it is never in memory whole."""
    # A byte of a go.mod that is no UTF-8 is written as JSON has it.
    yield from (text.encode("utf-8", "backslashreplace") for text in _texts(manifest))


def _texts(manifest: Manifest) -> Iterator[str]:
    yield f'{{"format":{FORMAT},\n"listed":'
    yield from _lines((str(m), _facts_json(manifest.listed[m])) for m in sorted(manifest.listed))
    yield ',\n"surveys":'
    yield from _lines((k, _survey_json(manifest.surveys[k])) for k in sorted(manifest.surveys))
    yield ',\n"modules":'
    yield from _lines((p, _module_json(manifest.modules[p])) for p in sorted(manifest.modules))
    if manifest.aliases:
        named = {str(alias): manifest.aliases[alias] for alias in sorted(manifest.aliases)}
        yield f',\n"aliases":{json.dumps(named)}'
    yield ',\n"versions":'
    yield from _lines((str(m), entry_json(manifest.versions[m])) for m in sorted(manifest.versions))
    yield "}\n"


class NotAManifestError(StoreError):
    """What should be a manifest is none."""


def loads(data: bytes, *, where: str) -> Manifest:
    """Read a manifest back.

    Raises:
        StoreError: it is no manifest, or one of a newer gopack.
    """
    try:
        raw = json.loads(data)
        if raw["format"] > FORMAT:
            raise StoreError(
                f"manifest format {raw['format']} is newer than this gopack",
                where=where,
                hint="Use the gopack that wrote it, or a newer one.",
            )
        return Manifest(
            {_module(key): parse_entry(value) for key, value in raw["versions"].items()},
            {_module(key): _line_facts(value) for key, value in raw["listed"].items()},
            {k: _survey(v) for k, v in raw.get("surveys", {}).items() if _is_full(v)},
            {path: _module_facts(value) for path, value in raw.get("modules", {}).items()},
            {
                _alias(key): str(version)
                for key, version in raw.get("aliases", {}).items()
                if not is_version_folder_name(key.rpartition("@")[2])  # older gopacks wrote them
            },
        )
    except (
        InputError,
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        RecursionError,
    ) as error:
        raise NotAManifestError(
            f"not a manifest: {error}",
            where=where,
            hint="Move it away and fetch again: what is stored is checked, not fetched anew.",
        ) from error


def annotated(manifest: Manifest, notes: Annotations) -> Manifest:
    """Give a manifest with what a run has to say; versions that it does not hold are passed by.

    What a person put in stays so, whatever else comes to want it.
    """
    versions = dict(manifest.versions)
    for module, why in notes.why.items():
        if module in versions:
            kept = [old for old in versions[module].why if old.startswith(BY_HAND)]
            versions[module] = replace(versions[module], why=tuple(sorted({*why, *kept})))
    for module, text in notes.verified.items():
        if module in versions:
            versions[module] = replace(versions[module], verified=text)
    listed = {m: f for m, f in {**manifest.listed, **notes.listed}.items() if m in versions}
    return Manifest(
        versions,
        listed,
        {**manifest.surveys, **notes.surveys},
        {**manifest.modules, **notes.modules},
        {**manifest.aliases, **notes.aliases},
    )


def survey_key(roots: Iterable[ModuleVersion], starts: Iterable[str]) -> str:
    """Name what was surveyed: the versions, and the packages where it was not all of theirs.

    Many versions are named by a digest.

    >>> survey_key([ModuleVersion("example.com/m", "v1.0.0")], ["example.com/m/a"])
    'example.com/m@v1.0.0 example.com/m/a'
    """
    words = [*sorted(str(root) for root in roots), *sorted(starts)]
    if len(words) <= MAX_KEY_WORDS:
        return " ".join(words)
    return "sha256:" + hashlib.sha256("\n".join(words).encode()).hexdigest()


def _lines(objects: Iterable[tuple[str, Mapping[str, Any]]]) -> Iterator[str]:
    between = "{\n"
    for key, value in objects:
        yield f"{between}{json.dumps(key)}:{_compact(value)}"
        between = ",\n"
    yield "{}" if between == "{\n" else "\n}"


def _compact(value: Mapping[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def entry_json(entry: Entry) -> dict[str, Any]:
    """Give an entry's fields as they are written."""
    written: dict[str, Any] = {
        "state": "complete" if entry.zip else "mod-only",
        "info_sha256": entry.info_sha256,
        "mod_sha256": entry.mod_sha256,
        "mod_h1": entry.mod_h1,
    }
    if entry.zip is not None:
        written |= {
            "zip_bytes": entry.zip.size_bytes,
            "zip_sha256": entry.zip.sha256,
            "zip_h1": entry.zip.h1,
        }
    return written | {"verified": entry.verified, "why": list(entry.why)}


def _facts_json(facts: LineFacts) -> dict[str, Any]:
    return {
        "retracted": facts.retracted,
        "deprecated": facts.deprecated,
        "carrier": facts.carrier,
    }


def _survey_json(facts: SurveyFacts) -> dict[str, Any]:
    found: dict[str, Any] = {
        "extras": [str(m) for m in facts.extras],
        "unresolved": list(facts.unresolved),
        "promoted": sorted(facts.providers),
    }
    if facts.extras or facts.providers:
        found["parts"] = {str(m): facts.parts[m] for m in sorted(facts.parts)}
    if facts.held:
        found["held"] = [str(module) for module in facts.held]
    if facts.ambiguous:
        found["ambiguous"] = {p: [str(m) for m in ms] for p, ms in sorted(facts.ambiguous.items())}
    if facts.unresolved or facts.passed_over:
        found["passed_over"] = {p: str(m) for p, m in sorted(facts.passed_over.items())}
    return found


def _survey(raw: Mapping[str, Any]) -> SurveyFacts:
    return SurveyFacts(
        tuple(map(_module, raw["extras"])),
        tuple(map(_text, raw["unresolved"])),
        frozenset(map(str, raw.get("promoted", ()))),
        {_module(key): bool(whole) for key, whole in raw.get("parts", {}).items()},
        tuple(_module(key) for key in raw.get("held", ())),
        {str(p): tuple(map(_module, ms)) for p, ms in raw.get("ambiguous", {}).items()},
        {str(p): _module(m) for p, m in raw.get("passed_over", {}).items()},
    )


def _is_full(raw: Mapping[str, Any]) -> bool:
    """Whether a survey tells all; one that an older gopack wrote is made anew."""
    has_parts = "promoted" in raw and (not raw["extras"] or "parts" in raw)
    return has_parts and (not raw["unresolved"] or "passed_over" in raw)


def _module_json(facts: ModuleFacts) -> dict[str, Any]:
    retract = [[r.low, r.high, r.rationale] for r in facts.retract]
    wanted = {"wanted": facts.wanted} if facts.wanted else {}
    return {"carrier": facts.carrier, "retract": retract, **wanted}


def _line_facts(raw: Mapping[str, Any]) -> LineFacts:
    facts = LineFacts(**raw)
    for text in (facts.retracted or "", facts.deprecated, facts.carrier):
        _text(text)
    return facts


def _module_facts(raw: Mapping[str, Any]) -> ModuleFacts:
    retract = (Retraction(_text(low), _text(high), _text(why)) for low, high, why in raw["retract"])
    return ModuleFacts(_text(raw["carrier"]), tuple(retract), _text(raw.get("wanted", "")))


def parse_entry(raw: Mapping[str, Any]) -> Entry:
    """Read an entry's fields back; ValueError, KeyError or TypeError where they are not one."""
    whole = raw["state"] == "complete"
    return Entry(
        info_sha256=_sum(raw["info_sha256"]),
        mod_sha256=_sum(raw["mod_sha256"]),
        mod_h1=_sum(raw["mod_h1"]),
        zip=_zip(raw) if whole else None,
        verified=sys.intern(_text(raw["verified"])),
        why=tuple(sys.intern(_text(why)) for why in raw["why"]),
    )


def _zip(raw: Mapping[str, Any]) -> ZipEntry:
    size = raw["zip_bytes"]
    if type(size) is not int:
        raise TypeError(f"{size!r} is no size")
    return ZipEntry(size, _sum(raw["zip_sha256"]), _sum(raw["zip_h1"]))


def _sum(value: object) -> str:
    text = _text(value)
    if not text.isascii():  # JSON can name what no file can hold
        raise ValueError(f"{text!r} is no sum")
    return text


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _alias(key: str) -> ModuleVersion:
    path, at, query = key.rpartition("@")
    if not at:
        raise ValueError(f"{key!r} is no module and name")
    check_path(path)
    escape_version(query)  # it names a file that is pruned
    return ModuleVersion(path, query)


def _module(key: str) -> ModuleVersion:
    path, at, version = key.rpartition("@")
    if not at:
        raise ValueError(f"{key!r} is no module@version")
    check_path(path)  # it names folders that are read, written and pruned
    if not is_version_folder_name(version):
        raise ValueError(f"{key!r} has no version")
    return ModuleVersion(path, version)
