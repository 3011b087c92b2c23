"""Go versions and toolchain modules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gopack.errors import InputError
from gopack.spec.toolchain import (
    PLATFORMS,
    Toolchain,
    check_go_query,
    check_platform,
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


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("1.26", "1.26.10"),
        ("1.26.x", "1.26.10"),
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


@pytest.mark.parametrize(
    "platform", ["android/arm64", "js/wasm", "", "linux", "LINUX/AMD64", "x/y"]
)
def test_check_platform_unknown_is_refused_with_a_next_step(platform: str) -> None:
    with pytest.raises(InputError) as caught:
        check_platform(platform)
    assert caught.value.hint
