"""Lines that cannot live together."""

from pathlib import Path

from gopack.errors import IntegrityError
from tests.flows.kit import make_kit


def test_clashing_pair_is_named_and_all_others_are_joined(tmp_path: Path) -> None:
    """Only together they select x2: a1 brings x into sight, and b1 its version, out of sight."""
    modules = {"a1": "x1", "b1": "y1", "y1": "x2", "c1": "z1", "d1": "z2"}
    kit = make_kit(tmp_path, {**modules, **dict.fromkeys(("x1", "x2", "z1", "z2"), "")})
    kit.source.breaks["a.b/x/@v/v1.2.0.mod"] = IntegrityError("bad", where="a.b/x@v1.2.0")
    plan = kit.run("d", "b", "c", "a").plan
    assert [line.error for line in plan.lines] == [None] * 4
    assert plan.joint_error is not None
    assert "b (goget.txt:2) and a (goget.txt:4) clash, each alone works" in str(plan.joint_error)
    assert plan.joint is not None
    assert {module.path for module in plan.joint.roots} == {"a.b/b", "a.b/c", "a.b/d"}


def test_same_module_at_two_versions_is_no_clash(tmp_path: Path) -> None:
    kit = make_kit(tmp_path, {"a1": "b1", "a2": "b2", "b1": "", "b2": ""})
    result = kit.run("a@v1.1.0", "a@v1.2.0")
    assert result.outcome.exit_status == 0
    assert result.plan.joint_error is None
    assert kit.stored() == dict.fromkeys(("a1", "a2", "b1", "b2"), "complete")
