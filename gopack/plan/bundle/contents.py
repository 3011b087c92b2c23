"""`CONTENTS.txt`: what the person who approves a transfer reads.

One line a version: size and SHA-256 of its zip, licence, module, version. The licence is what the
licence file in the zip says, by its words; `?` where there is none that is known.

Import holds the rows against the index, so that what was approved is what is imported.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from gopack.errors import IntegrityError
from gopack.plan.bundle.index import Carried, Member, Parent

UNKNOWN_LICENCE = "?"
_COLUMNS = f"{'licence':20}  module version"
_EXTRAS = "gopack itself:"


def render(
    carried: Iterable[Carried],
    *,
    sequence: int,
    parent: Parent | None,
    extras: Sequence[Member] = (),
) -> bytes:
    """Write the list, sorted by module and version."""
    ordered = sorted(carried, key=lambda one: one.module)
    whole = [one for one in ordered if one.entry.zip is not None]
    size = sum(one.entry.zip.size_bytes for one in ordered if one.entry.zip)
    before = f"builds on bundle {parent.sequence} ({parent.id})" if parent else "builds on nothing"
    lines = [
        f"gopack bundle {sequence}, {before}",
        f"{len(ordered)} module versions, {len(whole)} with their code: {size} bytes of zips",
        "",
        *_licences(whole),
        "",
        f"{'bytes':>10}  {'sha256':64}  {_COLUMNS}",
    ]
    lines += [_line(one) for one in ordered]
    if extras:
        lines += ["", _EXTRAS]
        lines += [_extra_line(member) for member in extras]
    return ("\n".join(lines) + "\n").encode()


def check(
    data: bytes, carried: Iterable[Carried], extras: Iterable[Member] = (), *, where: str
) -> None:
    """Check that the rows of a list are what the index says that the bundle carries.

    Raises:
        IntegrityError: a row is missing, or is one too many.
    """
    rows = [*map(_line, carried), *map(_extra_line, extras)]
    expected = Counter(" ".join(row.split()) for row in rows)
    text = data.decode(errors="replace").rpartition(_COLUMNS)[2]
    lines = (" ".join(line.split()) for line in text.split("\n"))
    found = Counter(line for line in lines if line and line != _EXTRAS)
    if odd := sorted((found - expected) + (expected - found)):
        raise IntegrityError(
            "CONTENTS.txt does not list what the bundle carries",
            where=where,
            expected=next((row for row in odd if row in expected), "no such row"),
            got=next((row for row in odd if row in found), "no such row"),
            hint="the list that was approved is not the bundle's: do not import it, and ask who "
            "signed it",
        )


def _extra_line(member: Member) -> str:
    return f"{member.size_bytes:>10}  {member.sha256}  {'':20}  {member.name}"


def _licences(whole: Sequence[Carried]) -> list[str]:
    counts: dict[str, int] = {}
    for one in whole:
        name = one.licence or UNKNOWN_LICENCE
        counts[name] = counts.get(name, 0) + 1
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [f"licence {name}: {count}" for name, count in ranked]


def _line(one: Carried) -> str:
    zip_ = one.entry.zip
    if zip_ is None:
        return f"{'-':>10}  {'go.mod only':64}  {'':20}  {one.module.path} {one.module.version}"
    licence = one.licence or UNKNOWN_LICENCE
    front = f"{zip_.size_bytes:>10}  {zip_.sha256}  {licence:20}"
    return f"{front}  {one.module.path} {one.module.version}"
