"""Go versions and toolchain modules."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gopack.errors import InputError
from gopack.spec.toolchain import (
    PLATFORMS,
    Toolchain,
    check_go_query,
    check_platform,
    go_version_key,
    is_go_version,
    is_language_version,
    match_go_version,
    parse_toolchain,
)

VERSIONS = st.from_regex(
    r"(0|[1-9][0-9]?)\.(0|[1-9][0-9]?)(\.[1-9]|rc[1-9]|beta1)?", fullmatch=True
)


@given(VERSIONS, st.sampled_from(sorted(PLATFORMS)))
def test_toolchain_module_version_round_trips(version: str, platform: str) -> None:
    toolchain = Toolchain(version, platform)
    assert parse_toolchain(toolchain.module.version) == toolchain


@pytest.mark.parametrize(
    "version",
    ["", "v0.0.1", "v0.0.1-go1.26.3", "v0.0.1-go1.26.x.linux-amd64", "v0.0.2-go1.2.linux-amd64"],
)
def test_parse_toolchain_other_version_is_refused(version: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_toolchain(version)
    assert version in str(caught.value)


@pytest.mark.parametrize("version", ["", "go1.26", "1.26.x", "01.2", "1.", "1.26.3rc1", "1.26-x"])
def test_is_go_version_other_text_is_none(version: str) -> None:
    assert not is_go_version(version)
    assert go_version_key(version) < go_version_key("0")


def test_go_version_key_orders_as_go_does() -> None:
    order = ["1", "1.2.2", "1.20", "1.20.1", "1.21", "1.21rc2", "1.21.0", "1.21.10", "1.26beta1"]
    assert all(go_version_key(a) < go_version_key(b) for a, b in itertools.pairwise(order))
    assert go_version_key("1.20") == go_version_key("1.20.0")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("1.26", "1.26.10"),
        ("1.27", None),
        ("1.26.2", "1.26.2"),
        ("1.26.3", None),
        ("latest", "1.26.10"),
        ("1.27rc1", "1.27rc1"),
    ],
)
def test_match_go_version_chooses_as_go_does(query: str, expected: str | None) -> None:
    assert match_go_version(query, ["1.26rc1", "1.26.2", "1.26.10", "1.27rc1", "x"]) == expected


def test_match_go_version_latest_takes_a_pre_release_where_there_is_nothing_else() -> None:
    assert match_go_version("latest", ["1.27rc1", "1.27rc2"]) == "1.27rc2"
    assert match_go_version("latest", []) is None


@pytest.mark.parametrize("query", ["1.26.x.y", "x", "", "go1.26", ">=1.26", "1.26.*"])
def test_check_go_query_other_text_is_refused(query: str) -> None:
    with pytest.raises(InputError, match="invalid Go version"):
        check_go_query(query)


def test_is_language_version_is_one_without_patch() -> None:
    assert is_language_version("1.26")
    assert not is_language_version("1.26.0")
    assert not is_language_version("1.26rc1")


@pytest.mark.parametrize(
    "platform", ["android/arm64", "js/wasm", "", "linux", "LINUX/AMD64", "x/y"]
)
def test_check_platform_unknown_is_refused_with_a_next_step(platform: str) -> None:
    with pytest.raises(InputError) as caught:
        check_platform(platform)
    assert caught.value.hint
