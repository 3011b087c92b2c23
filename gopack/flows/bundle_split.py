"""Self-contained volumes: a chain of bundles that each fit a medium and are imported one by one.

Rules:
- Versions are dealt out requirements first, so each bundle needs only those before it.
- The checksum database goes with the first; the others build on it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from gopack.errors import InputError
from gopack.flows.bundle_create import Draft, Order, Origin, draft, total_bytes
from gopack.plan.bundle import tarball
from gopack.plan.bundle.index import Carried, Parent, Sealed
from gopack.spec import note
from gopack.spec.module import ModuleVersion


def split(
    origin: Origin, order: Order, volume_bytes: int, signers: Sequence[note.Signer]
) -> list[tuple[Draft, Sealed]]:
    """Work out all the bundles, before any of them is written.

    Raises:
        InputError: a version, or the checksum database, fits no volume.
        StoreError, IntegrityError: as bundle_create.draft.
    """
    extra_bytes = sum(tarball.span(e.member.name, e.member.size_bytes) for e in order.extras)
    if extra_bytes >= volume_bytes:
        raise InputError(
            f"gopack itself takes {extra_bytes} bytes and does not fit in a volume",
            hint="carry it in a bundle of its own, or leave --self-contained out",
        )
    versions = draft(origin, order).index.versions
    sizes = {one.module: _bytes(one) for one in versions}
    left = [one.module for one in versions]
    chain = []
    while True:
        made, sealed, count = _fill(origin, order, left, sizes, volume_bytes, signers)
        chain.append((made, sealed))
        if count == len(left):
            return chain
        left = left[count:]
        order = replace(
            order,
            sequence=order.sequence + 1,
            parent=Parent(order.sequence, sealed.head.id),
            base=made.index.after,
            extras=(),
        )


def _fill(
    origin: Origin,
    order: Order,
    left: Sequence[ModuleVersion],
    sizes: Mapping[ModuleVersion, int],
    volume_bytes: int,
    signers: Sequence[note.Signer],
) -> tuple[Draft, Sealed, int]:
    """Make the bundle with as many of the versions as fit; tell how many."""
    count = _fitting(left, sizes, volume_bytes)
    while True:
        made = draft(origin, replace(order, only=frozenset(left[:count])))
        sealed = made.seal(signers)
        excess = total_bytes(sealed) - volume_bytes
        if excess <= 0 and (count or not left or _brings_records(made)):
            return made, sealed, count
        if not count:
            raise InputError(
                f"{left[0] if left else 'the checksum database'} does not fit in a volume",
                hint="give a larger --volume-size, or leave --self-contained out",
            )
        while count and excess > 0:
            count -= 1
            excess -= sizes[left[count]]


def _brings_records(made: Draft) -> bool:
    """Tell whether a bundle without versions is of use: the next one has more room then."""
    database = made.index.database
    return database is not None and bool(database.proofs.records)


def _fitting(
    left: Sequence[ModuleVersion], sizes: Mapping[ModuleVersion, int], volume_bytes: int
) -> int:
    """Count the versions whose files alone would fit."""
    room = volume_bytes
    for count, module in enumerate(left):
        room -= sizes[module]
        if room < 0:
            return count
    return len(left)


def _bytes(one: Carried) -> int:
    return tarball.span(one.zip_name, one.entry.zip.size_bytes) if one.entry.zip else 0
