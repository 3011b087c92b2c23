"""An inventory: what one side has, small enough to travel back where there is a way back.

Rules:
- A version is held complete or mod-only, with a short print of its sums, so that two sides notice
  when they hold different bytes under one name.
- Of a checksum database it names the records (by number) and the heads (by size); which tiles a
  side has follows from these (plan.sumtree), since import keeps every tile of the plan.
- The same holdings give the same bytes; the digest of these bytes is the inventory's name.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from gopack.errors import StoreError
from gopack.plan.manifest import Entry, Manifest
from gopack.spec.module import ModuleVersion

FORMAT = 1
KIND = "gopack inventory"
_PRINT_CHARACTERS = 16


class Held(NamedTuple):
    """How a version is held; `print` is short for its go.mod's and its zip's sums."""

    is_complete: bool
    print: str


@dataclass(frozen=True, slots=True)
class Proofs:
    """What is held of one checksum database: record numbers, head sizes, the newest head's note."""

    records: frozenset[int] = frozenset()
    heads: frozenset[int] = frozenset()
    latest: str = ""

    @property
    def size(self) -> int:
        """How many records the newest head covers; 0 without a head."""
        return max(self.heads, default=0)


@dataclass(frozen=True, slots=True)
class Inventory:
    """Versions and proofs by the name of their database."""

    versions: Mapping[ModuleVersion, Held] = field(default_factory=dict)
    sumdbs: Mapping[str, Proofs] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """SHA-256 of the written form, in hex."""
        return hashlib.sha256(dumps(self)).hexdigest()

    def lacks(self, module: ModuleVersion, *, whole: bool) -> bool:
        """Whether this side still needs the version, complete if `whole`."""
        known = self.versions.get(module)
        return known is None or (whole and not known.is_complete)

    def differing(self, manifest: Manifest) -> list[ModuleVersion]:
        """Tell the versions that this side holds as the manifest's does, but with other bytes."""
        return sorted(
            module
            for module, entry in manifest.versions.items()
            if (known := self.versions.get(module)) is not None
            and known.is_complete == (entry.zip is not None)
            and known != held(entry)
        )


def held(entry: Entry) -> Held:
    """Say how a manifest's entry is held."""
    sums = f"{entry.mod_h1}\n{entry.zip.h1 if entry.zip else ''}\n"
    print_ = hashlib.sha256(sums.encode()).hexdigest()[:_PRINT_CHARACTERS]
    return Held(entry.zip is not None, print_)


def of_manifest(manifest: Manifest, sumdbs: Mapping[str, Proofs] | None = None) -> Inventory:
    """Take the inventory of a storage."""
    return Inventory({m: held(entry) for m, entry in manifest.versions.items()}, sumdbs or {})


def union(first: Inventory, second: Inventory) -> Inventory:
    """What a side has that had `first` and got `second`; what is complete stays complete."""
    better = {
        module: one
        for module, one in second.versions.items()
        if first.lacks(module, whole=one.is_complete)
    }
    versions = {**first.versions, **better}
    sumdbs = dict(first.sumdbs)
    for name, proofs in second.sumdbs.items():
        known = sumdbs.get(name, Proofs())
        sumdbs[name] = Proofs(
            known.records | proofs.records,
            known.heads | proofs.heads,
            proofs.latest if proofs.size >= known.size else known.latest,
        )
    return Inventory(versions, sumdbs)


def dumps(inventory: Inventory) -> bytes:
    """Write an inventory as JSON: sorted, one version a line."""
    rows = ",\n".join(
        f"{json.dumps(str(m))}:{json.dumps(_word(one))}"
        for m, one in sorted(inventory.versions.items())
    )
    sumdbs = {name: _proofs_json(inventory.sumdbs[name]) for name in sorted(inventory.sumdbs)}
    return (
        f'{{"kind":{json.dumps(KIND)},"format":{FORMAT},\n'
        f'"sumdb":{json.dumps(sumdbs, separators=(",", ":"), ensure_ascii=False)},\n'
        f'"versions":{{\n{rows}\n}}}}\n'
    ).encode()


def loads(data: bytes, *, where: str) -> Inventory:
    """Read an inventory back.

    Raises:
        StoreError: it is none, or one of a newer gopack.
    """
    try:
        raw = json.loads(data)
        _check_format(raw["kind"], raw["format"], where)
        return Inventory(
            {_module(key): _held(word) for key, word in raw["versions"].items()},
            {str(name): _proofs(value) for name, value in raw["sumdb"].items()},
        )
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise StoreError(
            f"not an inventory: {error}",
            where=where,
            hint="make it anew with `gopack bundle state`",
        ) from error


def _check_format(kind: str, number: int, where: str) -> None:
    if kind != KIND:
        raise ValueError(f"kind {kind!r}")
    if number > FORMAT:
        raise StoreError(
            f"inventory format {number} is newer than this gopack",
            where=where,
            hint="use the gopack that wrote it, or a newer one",
        )


def _proofs_json(proofs: Proofs) -> dict[str, Any]:
    return {
        "heads": sorted(proofs.heads),
        "latest": proofs.latest,
        "records": sorted(proofs.records),
    }


def _proofs(raw: Mapping[str, Any]) -> Proofs:
    return Proofs(
        frozenset(natural(number) for number in raw["records"]),
        frozenset(natural(size) for size in raw["heads"]),
        str(raw["latest"]),
    )


def natural(value: object) -> int:
    """Read a number of records or bytes; ValueError if it is none."""
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is no size")
    return value


def _word(one: Held) -> str:
    return f"{'complete' if one.is_complete else 'mod-only'} {one.print}"


def _held(word: str) -> Held:
    state, _, print_ = word.partition(" ")
    if state not in {"complete", "mod-only"}:
        raise ValueError(f"state {state!r}")
    return Held(state == "complete", print_)


def _module(key: str) -> ModuleVersion:
    path, at, version = key.rpartition("@")
    if not at:
        raise ValueError(f"{key!r} is no module@version")
    return ModuleVersion(path, version)
