"""Projects that `go get -u` moves on, at the closed level: the real go command, as connected."""

from pathlib import Path

import pytest

from tests.e2e.worlds.modules import HOST, Package, Requirement, Version
from tests.e2e.worlds.trial import tried
from tests.e2e.worlds.worlds import Project, World

pytestmark = pytest.mark.e2e

A, B, C = (f"{HOST}/{name}" for name in "abc")


@pytest.mark.parametrize("by", [f"{B} v1.1.0", f"{C} v1.0.0"])
def test_module_that_only_upgrading_brings_in_is_the_one_that_replaces_it(
    by: str, tmp_path: Path
) -> None:
    needs = (Requirement(B, "v1.0.0"),)
    versions = (
        Version(A, "v1.0.0", {"": Package()}, go="1.21"),
        Version(A, "v1.1.0", {"": Package((B,))}, go="1.21", requires=needs),
        *(Version(B, f"v1.{minor}.0", {"": Package()}, go="1.21") for minor in range(3)),
        Version(C, "v1.0.0", {"": Package()}, go="1.21"),
    )
    project = Project(
        f"{HOST}/main", "1.21", (A,), (Requirement(A, "v1.0.0"),), (f"replace {B} => {by}",)
    )
    steps = (("get", "-u", "./..."), ("mod", "tidy"), ("build", "./..."))
    world = World(0, versions, "closed", ("-r listed/go.mod",), (project,), steps, is_listed=True)
    assert tried(world, tmp_path / "world") is None
