"""Package URLs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gopack.errors import InputError
from gopack.spec.purl import Purl, parse_purl


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pkg:golang/e.x/a@v1.0.0", Purl("golang", "e.x/a", "v1.0.0")),
        ("PKG:GoLang//e.x/A@v1.0.0", Purl("golang", "e.x/A", "v1.0.0")),
        ("pkg:golang/e.x/a", Purl("golang", "e.x/a")),
        ("pkg:golang/e.x/a@v1?x=y@z#/s/t/", Purl("golang", "e.x/a", "v1", "s/t")),
        (
            "pkg:golang/e.x%2Fa%2Fb@v2.0.0%2Bincompatible",
            Purl("golang", "e.x/a/b", "v2.0.0+incompatible"),
        ),
    ],
)
def test_parse_purl_gives_its_parts(text: str, expected: Purl) -> None:
    assert parse_purl(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "golang/e.x/a",
        "pkg:",
        "pkg:golang",
        "pkg:golang/%4",
        "pkg:golang/a//b",
        "pkg:golang/%ff",
    ],
)
def test_parse_purl_other_text_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="no package URL"):
        parse_purl(text)


@given(st.text(max_size=40))
def test_parse_purl_any_text_is_read_or_refused(text: str) -> None:
    try:
        assert parse_purl("pkg:golang/" + text).path
    except InputError as error:
        assert str(error)  # noqa: PT017 - whether it raises is open
