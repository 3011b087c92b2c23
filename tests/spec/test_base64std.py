"""Base64 read as Go reads it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gopack.spec import base64std


@given(st.binary(max_size=64))
def test_encoded_decodes_to_the_same(data: bytes) -> None:
    assert base64std.decode(base64std.encode(data)) == data


@pytest.mark.parametrize("text", ["A", "AA", "AAA", "AA=", "A===", "AA==AA==", "AA-_", "AA A", "é"])
def test_malformed_gives_none(text: str) -> None:
    assert base64std.decode(text) is None


def test_line_ends_are_ignored() -> None:
    assert base64std.decode("aG\r\nk=") == b"hi"
