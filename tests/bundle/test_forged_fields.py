"""Any field of what a bundle says of itself made something else: refused, or harmless.

Everything around the field is consistent and signed, so that it is the field that is looked at.
"""

import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bundle.test_bad_bundle import forge_records, forged, signer_of
from tests.bundling import Side, own_files
from tests.examples import examples

ROUNDS = 2000 if os.environ.get("GOPACK_FAULTS") == "full" else examples(40)
ODD: list[Any] = [
    *(None, True, -1, 0, 1, 2**31, 2**63, 10**30, 0.5, "", "x", "../..", "\x00", "\ud800", "é"),
    *([], {}, [[]], [1, 2], {"a": 1}, "v1.0.0", "example.com/x@v1.0.0", "0" * 64),
]


def places(raw: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value."""
    if path:
        yield path
    items = (
        raw.items() if isinstance(raw, dict) else enumerate(raw) if isinstance(raw, list) else ()
    )
    for key, value in items:
        yield from places(value, (*path, key))


def changed(raw: Any, chance: random.Random) -> str:
    """Change, drop or double one value; tell which."""
    path = chance.choice(list(places(raw)))
    inside = raw
    for key in path[:-1]:
        inside = inside[key]
    how = chance.randrange(4)
    if how == 0:
        del inside[path[-1]]
    elif how == 1 and isinstance(inside, list):
        inside.append(inside[path[-1]])
    else:
        inside[path[-1]] = chance.choice(ODD)
    return f"{path}: {how}"


def assert_refused_or_harmless(side: Side, bundle: Path, what: str) -> None:
    result = side.run("bundle", "import", bundle)
    assert isinstance(result.exception, SystemExit | None), f"{what}: {result.exception!r}"
    if result.exit_code:
        assert result.exit_code in {4, 5}, f"{what}: {result.output}"
        assert "hint: " in result.output, what
        assert side.versions() == {}, what
        assert own_files(side.root) == {}, what
    for words in (("verify", bundle), ("inspect", bundle), ("diff", bundle, bundle)):
        ran = side.run("bundle", *words)
        assert isinstance(ran.exception, SystemExit | None), f"{what}: {words}: {ran.exception!r}"


@pytest.mark.parametrize("name", ["index.json.bz2", "sumdb.json.bz2"])
def test_any_field_that_is_something_else(
    connected: Side, sealed: Side, key: Path, tmp_path: Path, name: str
) -> None:
    connected.done("bundle", "create", tmp_path / "a.bundle")
    honest, chance = (tmp_path / "a.bundle").read_bytes(), random.Random(name)
    for number in range(ROUNDS):
        bundle = tmp_path / f"{number}.bundle"
        bundle.write_bytes(honest)
        side = Side(tmp_path / f"sealed{number}", sealed.log, sealed.env)
        what = ""
        if name == "index.json.bz2":

            def edit(index: dict[str, Any]) -> None:
                nonlocal what
                what = changed(index, chance)

            forged(bundle, edit, signer_of(key))
        else:
            what = forge_some_records(bundle, chance, key)
        assert_refused_or_harmless(side, bundle, f"{number}: {what}")
        bundle.unlink()


def forge_some_records(bundle: Path, chance: random.Random, key: Path) -> str:
    """Change the carried records; the index follows, where it can."""
    told: list[str] = []
    records: list[Any] = []

    def change(raw: dict[str, Any]) -> None:
        told.append(changed(raw, chance))
        records.append(raw)

    def follow(index: dict[str, Any]) -> None:
        try:
            index["sumdb"]["records"] = sorted({row[2] for row in records[0]["records"]})
        except (TypeError, KeyError, LookupError):
            return

    forge_records(bundle, key, change, follow)
    return told[0]
