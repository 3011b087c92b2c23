"""The directory of a zip: entries read anew are those read at first."""

import zipfile
from io import BytesIO

import pytest

from gopack.errors import IntegrityError
from gopack.spec import ziparchive
from gopack.spec.ziparchive import entry_at, read_directory, record_offsets


def odd_zip() -> bytes:
    """A zip behind other bytes, with extra fields and comments of different lengths."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(20):
            info = zipfile.ZipInfo(f"m@v1.0.0/{'d' * number}/a.go")
            info.extra = b"\xfe\xca" + number.to_bytes(2, "little") + bytes(number)
            info.comment = b"c" * (number % 3)
            archive.writestr(info, b"package a\n" * number)
    return b"#!/bin/sh\n" + file.getvalue()


def test_an_entry_is_read_anew_by_the_offset_of_its_record() -> None:
    data = odd_zip()
    directory = read_directory(data)
    offsets = list(record_offsets(data, directory))
    assert [entry_at(data, directory, at) for at in offsets] == directory.entries
    assert directory.entries[1].header_offset > len(b"#!/bin/sh\n"), "they count from the base"


def test_directory_with_more_entries_than_any_module_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ziparchive, "MAX_ENTRIES", 20)
    assert len(read_directory(odd_zip()).entries) == 20
    monkeypatch.setattr(ziparchive, "MAX_ENTRIES", 19)
    with pytest.raises(IntegrityError, match="more than 19 entries"):
        read_directory(odd_zip())
