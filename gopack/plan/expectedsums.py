"""Holding what arrives against the go.sum files that ask for it.

Spec: go.dev/ref/mod#go-sum-files; a mismatch is what the go command calls a security error.
"""

from collections.abc import Iterable

from gopack.errors import IntegrityError
from gopack.plan.inputs.roots import Sum
from gopack.spec.sumdb import Sums


def mismatch(expected: Iterable[Sum], arrived: Sums) -> IntegrityError | None:
    """Hold one version's sums against the lines that go.sum files have of it; None if all fit."""
    for each in expected:
        got = arrived.mod if each.is_mod else arrived.zip
        if got is not None and got != each.h1:
            return IntegrityError(
                "checksum mismatch" + (" of its go.mod" if each.is_mod else ""),
                where=str(each.module),
                expected=f"{each.h1} by a go.sum of the list",
                got=got,
                hint="The upstream or the go.sum is wrong: trust neither before you know which.",
            )
    return None
