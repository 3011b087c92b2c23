"""Edges of the pure rules that the recorded table does not hold."""

import pytest

from gopack.errors import InputError, IntegrityError
from gopack.spec import glob, gover, module, pseudo, runes, semver
from gopack.spec.info import parse_info

LONE = "\ud800"  # neither text nor an escaped byte, as a JSON escape may leave it


def test_rules_lone_surrogate_refused_not_crashed() -> None:
    for check in (module.check_path, module.check_import_path, module.check_file_path):
        with pytest.raises(InputError, match="invalid UTF-8"):
            check(f"a.b/{LONE}")
    assert not glob.match("a", LONE)
    assert sorted([LONE, "v1.0.0"], key=semver.sort_key)[0] == LONE
    assert runes.shown(LONE) == "'\\ud800'"


def test_pseudo_time_year_zero_refused() -> None:
    with pytest.raises(InputError, match="malformed time"):
        pseudo.pseudo_time("v0.0.0-00000101000000-abcdef123456")


def test_semver_number_of_thousands_of_digits_compared() -> None:
    huge = "9" * 5000
    assert semver.compare(f"v1.{huge}.0", f"v1.{huge[:-1]}.0") == 1
    assert pseudo.pseudo_base(f"v1.0.1{'0' * 5000}-0.20200101000000-abc") == f"v1.0.{huge}"


@pytest.mark.parametrize(
    "pattern", ["[", "[]", "[a", "[a-", "[-a]", "[\\", "[\\]", "a\\", "*[", "[\udcff]"]
)
def test_glob_malformed_pattern_refused_and_passed_over_in_lists(pattern: str) -> None:
    with pytest.raises(glob.BadPatternError):
        glob.match(pattern, "a")
    assert module.match_prefix_patterns(f"{pattern},a", "a/b")


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("*a", "baaa", True),
        ("*ab", "aab", True),
        ("*a", "bab", False),
        ("a*b", "axxb", True),
        ("a*b*c", "abxbyc", True),
        ("a*b", "a/b", False),
        ("a?c", "aéc", True),
    ],
)
def test_glob_star_takes_what_the_rest_leaves(pattern: str, name: str, *, matches: bool) -> None:
    assert glob.match(pattern, name) == matches


def test_glob_malformed_behind_a_mismatch_refused() -> None:
    with pytest.raises(glob.BadPatternError):
        glob.match("a*[", "b")


def test_gover_missing_patch_is_zero_only_before_go_1_21() -> None:
    assert gover.compare("1.20", "1.20.0") == 0
    assert gover.compare("1.20rc1", "1.20") == -1
    assert gover.compare("1.21", "1.21.0") == -1
    assert gover.compare("1.21", "1.21rc1") == -1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html>",
        "[]",
        "{}",
        "[" * 200_000,
        '{"Version": null}',
        '{"Version": 1}',
        '{"Version": "master"}',
        '{"Version": "v1.2"}',
        '{"Version": "v1.2.3", "x": NaN}',
        '{"Version": "v1.2.3", "Origin": "git"}',
        '{"Version": "v1.2.3", "Time": "yesterday"}',
        '{"Version": "v1.2.3", "Time": "2023-02-29T00:00:00Z"}',
        '{"Version": "v1.2.3", "Time": "0001-01-01T00:00:00+01:00"}',
    ],
    ids=lambda text: text[:60],
)
def test_parse_info_not_info_refused_with_place(text: str) -> None:
    with pytest.raises(IntegrityError) as caught:
        parse_info(text.encode(), where="m@latest")
    assert caught.value.where == "m@latest"


def test_parse_info_null_origin_takes_back_the_first() -> None:
    text = b'{"Version": "v1.2.3", "Origin": {"VCS": "git"}, "Origin": null}'
    assert parse_info(text, where="m").origin is None
