"""Which modules no checksum database has to vouch for."""

import pytest

from gopack.flows.add import verified_as
from gopack.flows.mending import LOST
from gopack.plan.manifest import UNVERIFIED, Entry, vouched_by
from gopack.plan.packing import PACKED_HERE
from gopack.plan.unverified import exempt_paths, exempt_told
from gopack.spec.module import ModuleVersion
from gopack.spec.sumdb import exemption


@pytest.mark.parametrize(
    ("verified", "exempt"),
    [
        (f"{UNVERIFIED}: {exemption('a.test', nosumdb='a.test')}", ["a.test"]),
        (f"{UNVERIFIED}: {exemption('a.test', is_off=True)}", ["a.test"]),
        (PACKED_HERE, ["a.test"]),
        (verified_as("by hand: add a.zip"), ["a.test"]),
        (vouched_by("sum.test"), []),
        (LOST, []),
        (UNVERIFIED, []),
        (f"{UNVERIFIED}: a proof was spoilt", []),
        (f"{UNVERIFIED}: carried without its checksum record", []),
        (f"{UNVERIFIED}: pushed without its checksum record", []),
    ],
)
def test_module_is_exempt_where_no_proof_was_to_be_had(verified: str, exempt: list[str]) -> None:
    noted = {
        ModuleVersion("a.test", "v1.0.0"): Entry("", "", "", verified=verified),
        ModuleVersion("b.test", "v1.0.0"): Entry("", "", "", verified=vouched_by("sum.test")),
    }
    assert exempt_paths(noted) == exempt


def test_exempt_modules_are_told_the_first_by_name() -> None:
    assert exempt_told([]) == []
    [told] = exempt_told(["a", "b", "c", "d"])
    assert told.endswith("4 modules: a, b, c and 1 more")
