"""`CONTENTS.txt`: what the person who approves a transfer reads.

One line a version: size and SHA-256 of its zip, licence, module, version. The licence is what the
licence file in the zip says, by its words; `?` where there is none that is known.
"""

from collections.abc import Iterable, Sequence

from gopack.plan.bundle.index import Carried, Member, Parent

UNKNOWN_LICENCE = "?"


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
        f"{'bytes':>10}  {'sha256':64}  {'licence':20}  module version",
    ]
    lines += [_line(one) for one in ordered]
    if extras:
        lines += ["", "gopack itself:"]
        lines += [f"{m.size_bytes:>10}  {m.sha256}  {'':20}  {m.name}" for m in extras]
    return ("\n".join(lines) + "\n").encode()


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
