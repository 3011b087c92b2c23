"""Folders as module proxies."""

import io
from pathlib import Path

import pytest

from gopack.adapters.fileproxy import FileSource
from gopack.adapters.goproxy import MAX_ZIP_BYTES
from gopack.errors import InputError, IntegrityError, NotFoundError, UpstreamError
from gopack.spec.goproxy import VersionList
from gopack.spec.module import ModuleVersion

A = ModuleVersion("example.com/a", "v1.0.0")


def test_file_source_path_may_be_escaped(tmp_path: Path) -> None:
    root = tmp_path / "my mods"
    (root / "example.com/a/@v").mkdir(parents=True)
    (root / "example.com/a/@v/list").write_bytes(b"v1.0.0\n")
    source = FileSource(root.as_uri())
    assert "my%20mods" in source.name
    assert source.read(VersionList(A.path)) == b"v1.0.0\n"


def test_file_source_folder_in_a_file_s_place_is_an_upstream_error(tmp_path: Path) -> None:
    (tmp_path / "example.com/a/@v/v1.0.0.zip").mkdir(parents=True)
    source = FileSource(tmp_path.as_uri())
    with pytest.raises(UpstreamError, match=r"^example\.com/a@v1\.0\.0: a folder") as caught:
        source.copy_zip(A, io.BytesIO())
    assert not isinstance(caught.value, NotFoundError)


def test_file_source_file_in_a_folder_s_place_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "example.com").write_bytes(b"")
    with pytest.raises(NotFoundError):
        FileSource(tmp_path.as_uri()).read(VersionList(A.path))


def test_file_source_zip_over_the_limit_is_refused(tmp_path: Path) -> None:
    zip_path = tmp_path / "example.com/a/@v/v1.0.0.zip"
    zip_path.parent.mkdir(parents=True)
    with zip_path.open("wb") as file:
        file.truncate(MAX_ZIP_BYTES + 1)
    with pytest.raises(IntegrityError, match="larger than"):
        FileSource(tmp_path.as_uri()).zip_size(A)


def test_file_source_without_a_path_is_refused() -> None:
    with pytest.raises(InputError, match="missing path"):
        FileSource("file:")
