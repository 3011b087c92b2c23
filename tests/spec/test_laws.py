"""Laws that hold for every text: round trips and orders."""

import contextlib
import string

from hypothesis import given, settings
from hypothesis import strategies as st

from gopack.errors import InputError
from gopack.spec import gomod, module, semver
from tests.examples import examples

numbers = st.integers(0, 30).map(str)
versions = st.builds(
    lambda a, b, c, pre, build: f"v{a}.{b}.{c}{pre}{build}",
    numbers,
    numbers,
    numbers,
    st.sampled_from(["", "-0", "-rc.1", "-rc.10", "-a", "-a.0", "-1", "-0.20200101000000-abc"]),
    st.sampled_from(["", "+incompatible", "+b"]),
)
elements = st.text(string.ascii_letters + string.digits + "-_~.", min_size=1, max_size=8)
paths = st.lists(elements, min_size=1, max_size=3).map(lambda e: "/".join(["example.com", *e]))


def is_path(path: str) -> bool:
    try:
        module.check_path(path)
    except InputError:
        return False
    return True


@settings(max_examples=examples(60))
@given(paths.filter(is_path), paths.filter(is_path))
def test_escape_path_round_trips_and_differs_in_more_than_case(one: str, other: str) -> None:
    escaped = module.escape_path(one)
    assert module.unescape_path(escaped) == one
    assert escaped == escaped.lower()
    assert (escaped == module.escape_path(other)) == (one == other)


@settings(max_examples=examples(60))
@given(versions, versions, versions)
def test_compare_total_order_of_canonical_versions(a: str, b: str, c: str) -> None:
    assert semver.compare(a, b) == -semver.compare(b, a)
    low, middle, high = sorted([a, b, c], key=semver.sort_key)
    assert semver.compare(low, middle) <= 0
    assert semver.compare(middle, high) <= 0
    assert semver.compare(low, high) <= 0
    assert semver.compare(a, semver.canonical(a)) == 0
    assert semver.canonical(semver.canonical(a)) == semver.canonical(a)


@settings(max_examples=examples(60))
@given(st.text(max_size=80) | st.binary(max_size=80))
def test_parse_any_text_accepted_or_refused_never_crashes(text: str | bytes) -> None:
    for strict in (False, True):
        with contextlib.suppress(InputError):
            gomod.parse(text, strict=strict)
