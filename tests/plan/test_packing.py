"""What a version to be packed must be, and what to do where it is not."""

import pytest

from gopack.errors import InputError
from gopack.plan.packing import check_version


@pytest.mark.parametrize(
    ("path", "version", "has_go_mod", "hint"),
    [
        ("a", "b", False, "host/module"),
        ("a.b/c/v1", "v1.0.0", True, "host/module"),
        ("a.b/c", "b", False, "v1.2.3"),
        ("a.b/c", "1.0.0", False, "Write v1.0.0."),
        ("a.b/c", "v2.0.0", False, "packs it as v2.0.0+incompatible"),
        ("a.b/c", "v2.0.0", True, "Say `module a.b/c/v2` in go.mod"),
        ("a.b/c/v2", "v1.0.0", False, "ends in /v2: give a version that begins with v2"),
        ("a.b/c/v2", "v3.0.0", True, "ends in /v2: give a version that begins with v2"),
        ("gopkg.in/c.v2", "v1.0.0", True, "ends in .v2: give a version that begins with v2"),
    ],
)
def test_version_that_does_not_fit_has_a_hint_that_does(
    path: str,
    version: str,
    has_go_mod: bool,  # noqa: FBT001
    hint: str,
) -> None:
    with pytest.raises(InputError) as raised:
        check_version(path, version, has_go_mod=has_go_mod)
    assert hint in raised.value.hint
