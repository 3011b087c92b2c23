"""Zips that gopack writes: their bytes, their rules, and files that cannot be read."""

import hashlib
import io
import random
import zipfile
from pathlib import Path
from typing import BinaryIO

import pytest

from gopack.adapters.zips import read_module_zip
from gopack.adapters.zipwriter import write_module_zip
from gopack.spec.module import ModuleVersion
from gopack.spec.modzip import SourceFile

MODULE = ModuleVersion("example.com/m", "v1.0.0")
RELEASE_SHA256 = "0ac7b0c37b02f76f6d332e6f18b94cfa370e6d22eb4cf94a0c8ab0f59838578a"
"""The sum of `release_tree` as this release packs it; it changes with the compressor alone."""


class Texts:
    """Contents in memory."""

    def __init__(self, texts: dict[str, bytes]) -> None:
        self.texts = texts

    def files(self) -> list[SourceFile]:
        return [SourceFile(path, len(text)) for path, text in self.texts.items()]

    def open(self, path: str) -> BinaryIO:
        return io.BytesIO(self.texts[path])


def release_tree() -> Texts:
    """Small and large, compressible and not, plain and not ASCII, empty: every branch once."""
    rng = random.Random(7)
    words = [rng.randbytes(rng.randrange(2, 12)).hex() for _ in range(600)]
    texts = {"go.mod": b"module example.com/m\n", "empty": b"", "é/世.txt": b"x" * 999}
    for number in range(40):
        text = " ".join(rng.choices(words, k=rng.randrange(2000))).encode()
        texts[f"d{number % 7}/f{number}.go"] = text
    texts["noise"] = rng.randbytes(50_000)
    texts["large"] = " ".join(rng.choices(words, k=200_000)).encode()
    return Texts(texts)


def write(tmp_path: Path, contents: Texts, files: list[SourceFile] | None = None) -> Path:
    path = tmp_path / "out.zip"
    with path.open("w+b") as target:
        written = write_module_zip(target, MODULE, files or contents.files(), contents)
    assert not written.findings
    receipt = read_module_zip(path, MODULE)
    sums = (written.size_bytes, written.sha256, written.h1)
    assert (receipt.size_bytes, receipt.sha256, receipt.h1) == sums
    return path


def test_written_zip_obeys_the_rules_and_holds_what_went_in(tmp_path: Path) -> None:
    contents = release_tree()
    with zipfile.ZipFile(write(tmp_path, contents)) as written:
        assert written.testzip() is None
        names = [name.removeprefix(f"{MODULE}/") for name in written.namelist()]
        assert names == list(contents.texts)
        assert [written.read(f"{MODULE}/{name}") for name in names] == list(contents.texts.values())


def test_written_zip_has_the_bytes_of_this_release(tmp_path: Path) -> None:
    data = write(tmp_path, release_tree()).read_bytes()
    assert hashlib.sha256(data).hexdigest() == RELEASE_SHA256


@pytest.mark.e2e  # 65,540 entries take four seconds
def test_more_entries_than_the_old_format_counts_are_written(tmp_path: Path) -> None:
    contents = Texts({f"f{number}": b"" for number in range(65_540)})
    assert read_module_zip(write(tmp_path, contents), MODULE).file_count == 65_540


def test_files_that_changed_or_vanished_are_all_named(tmp_path: Path) -> None:
    class Shaky(Texts):
        def open(self, path: str) -> BinaryIO:
            if path.startswith("gone"):
                raise FileNotFoundError(2, "No such file or directory")
            return super().open(path)

    contents = Shaky({"a": b"1234", "b": b"12", "gone": b"", "large": bytes(3 << 20), "ok": b""})
    sizes = {"a": 3, "b": 3, "gone": 0, "large": 2 << 20, "ok": 0, "gone large": 2 << 20}
    files = [SourceFile(path, size) for path, size in sizes.items()]
    with (tmp_path / "out.zip").open("w+b") as target:
        written = write_module_zip(target, MODULE, files, contents)
    assert [finding.path for finding in written.findings] == [
        "a", "b", "gone", "large", "gone large"
    ]  # fmt: skip
    assert "changed while it was packed: it had 3 bytes" in str(written.findings[0])
    assert "No such file" in str(written.findings[2])


@pytest.mark.parametrize("size_bytes", [10, 3 << 20])
def test_full_disk_is_no_fault_of_the_files(size_bytes: int) -> None:
    contents = Texts({"a.bin": random.Random(1).randbytes(size_bytes)})
    files = [SourceFile("a.bin", size_bytes)]
    with Path("/dev/full").open("wb", 0) as full, pytest.raises(OSError, match="No space left"):
        write_module_zip(full, ModuleVersion("a.b/c", "v1.0.0"), files, contents)
