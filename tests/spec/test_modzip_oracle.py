"""The module zip rules, the archive reader and the sums, compared with Go on odd zips.

Go's judgement is what `go mod download` comes to: zip.Unzip (which runs CheckZip first and reads
every byte) and dirhash.HashZip. gopack may refuse more, for one of STRICTER alone.
"""

import random
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from gopack.adapters.zips import read_module_zip
from gopack.errors import IntegrityError
from gopack.spec import dirhash, modzip
from gopack.spec.fold import folded
from gopack.spec.module import ModuleVersion
from gopack.spec.ziparchive import entry_at, read_directory, record_offsets
from tests.oracle import oracle
from tests.zipmaker import Item, make_zip

pytestmark = pytest.mark.oracle

MODULE = ModuleVersion("example.com/M", "v1.0.0")
PREFIX = b"example.com/M@v1.0.0/"
ZIPS = 1500
LISTS = 1500
STRICTER = (
    "another name in its own",
    "another method in its own",
    "another sum or size in its own",
    "shares its bytes",
    "is encrypted",
    "its data end outside the file",
)

WORDS = """
a a.go A.go b/c.go b/C.go B/c.go b/ b go.mod GO.MOD x/go.mod x/Go.Mod LICENSE vendor/m/a.go
vendor/modules.txt x/vendor/vendor.go x/vendor/y/z.go .hg_archival.txt /abs ../up a/../b
./a a//b a\\b con CON.txt aux/b a. .a a/.git/x - -a a~1 a:b a*b a|b a"b a'b a`b a? [a] {a}
ß SS \u212a k K é.go É.go e\u0301.go \u01c5 \u01c6 \u1e9e \ufb01 世界.txt \u200b ends/ a/./b
"""
NAMES = [*(word.encode() for word in WORDS.split()), b"", b"a b", b"a\nb", b"\xff"]


def random_item(rng: random.Random) -> Item:
    prefix = PREFIX if rng.random() < 0.97 else rng.choice([b"", b"example.com/m@v1.0.0/", b"/"])
    content = rng.randbytes(rng.randrange(60)) * rng.choice([1, 1, 30])
    base = (
        rng.choice(NAMES)
        if rng.random() < 0.5
        else b"f%d/g%d" % (rng.randrange(5), rng.randrange(99))
    )
    item = {
        "name": prefix + base,
        "content": b"" if base.endswith(b"/") else content,
        "stored": rng.random() < 0.3,
        "flags": rng.choice([0, 0, 8, 8, 0x800]),
        "mode": rng.choice([0o100644, 0o120777, 0o040755, 0, 0o060600]),
        "zip64": rng.random() < 0.1,
    }
    if rng.random() < 0.15:
        item |= rng.choice(
            [
                {"size": len(content) + 1},
                {"size": max(0, len(content) - 1)},
                {"crc32": rng.choice([0, 1])},
                {"method": rng.choice([0, 8, 12, 99])},
                {"packed": rng.randbytes(9)},
                {"packed": b""},
                {"flags": 8, "descriptor": b""},
                {"flags": 8, "descriptor": bytes(12)},
                {"flags": 1},
                {"local_name": PREFIX + b"other"},
                {"local_method": 99},
                {"local_size": 12345},
                {"offset": rng.choice([0, 1, 1 << 20, (1 << 32) - 1])},
                {"size": 0xFFFFFFFF},
                {"size": 400 << 20},
            ]
        )
    return Item(**item)  # type: ignore[arg-type]


def random_zips() -> Iterator[bytes]:
    rng = random.Random(20_261_123)
    for _ in range(ZIPS):
        data = make_zip(
            [random_item(rng) for _ in range(rng.randrange(6))],
            before=rng.choice([b"", b"", b"#!/bin/sh\n" * 9]),
            comment=rng.choice([b"", b"", b"hi", b"PK\5\6" + bytes(18), b"PK\5\6 and more"]),
            zip64=rng.random() < 0.1,
            missing_bytes=rng.choice([0, 0, 0, 5]),
        )
        spoilt = rng.random()
        if spoilt < 0.1:
            data = data[: rng.randrange(len(data))]
        elif spoilt < 0.3:
            at = rng.randrange(len(data))
            data = data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]
        elif spoilt < 0.35:
            data += rng.randbytes(5)
        yield data


def ask_of(path: Path) -> dict[str, str]:
    return {"Path": MODULE.path, "Version": MODULE.version, "File": str(path)}


def own_judgement(path: Path) -> tuple[str, str]:
    try:
        return read_module_zip(path, MODULE).h1, ""
    except IntegrityError as error:
        return "", error.what


def test_read_module_zip_of_odd_zips_agrees_with_go(tmp_path: Path) -> None:
    paths = []
    for number, data in enumerate(random_zips()):
        paths.append(tmp_path / f"{number}.zip")
        paths[-1].write_bytes(data)
    unzipped = oracle.ask_each("zip.unzip", [ask_of(p) for p in paths])
    hashed = oracle.ask_each("zip.hash", [str(p) for p in paths])
    good = 0
    for path, unzip, summed in zip(paths, unzipped, hashed, strict=True):
        h1, why = own_judgement(path)
        if unzip.refused or summed.refused:
            assert not h1, f"{path.name}: Go says {unzip.error or summed.error}"
        elif not h1:
            assert any(word in why for word in STRICTER), f"{path.name}: {why}"
        else:
            good += 1
            assert h1 == summed.value
    assert good > ZIPS // 10


def test_read_module_zip_every_flipped_bit_of_packed_data_agrees_with_go(tmp_path: Path) -> None:
    content = b"package a // module a\n" * 99 + bytes(range(99))
    streams = []
    for strategy in (zlib.Z_FIXED, zlib.Z_DEFAULT_STRATEGY):
        packer = zlib.compressobj(9, zlib.DEFLATED, -15, 9, strategy)
        packed = packer.compress(content) + packer.flush()
        streams += [flipped(packed, bit) for bit in range(8 * len(packed))]
    paths = [tmp_path / f"{number}.zip" for number in range(len(streams))]
    for path, packed in zip(paths, streams, strict=True):
        path.write_bytes(make_zip([Item(PREFIX + b"a.go", content, flags=8, packed=packed)]))
    sound = 0
    for path, said in zip(paths, oracle.ask_each("zip.hash", list(map(str, paths))), strict=True):
        assert own_judgement(path)[0] == ("" if said.refused else said.value), path.name
        sound += not said.refused
    assert 0 < sound < len(paths) // 9  # the last byte has bits that mean nothing


def flipped(data: bytes, bit: int) -> bytes:
    at = bit // 8
    return data[:at] + bytes([data[at] ^ (1 << bit % 8)]) + data[at + 1 :]


def test_check_zip_of_odd_zips_agrees_with_go_on_each_name(tmp_path: Path) -> None:
    paths, entries = [], []
    for number, data in enumerate(random_zips()):
        try:
            directory = read_directory(data)
        except IntegrityError:
            continue
        found = directory.entries
        assert found == [entry_at(data, directory, at) for at in record_offsets(data, directory)]
        paths.append(tmp_path / f"{number}.zip")
        paths[-1].write_bytes(data)
        entries.append((len(data), found))
    for (size, found), said in zip(
        entries, oracle.ask_each("zip.check_zip", [ask_of(p) for p in paths]), strict=True
    ):
        names = [
            modzip.ZipName(e.name.decode("utf-8", "surrogateescape"), e.size_bytes) for e in found
        ]
        checked = modzip.check_zip(MODULE, size, names)
        assert not said.refused
        assert as_go(checked) == without_reasons(said.value)
    assert len(paths) > ZIPS // 2


def test_check_files_of_odd_lists_agrees_with_go_on_each_name() -> None:
    rng = random.Random(11)
    lists, versions = [], []
    for _ in range(LISTS):
        go_version = rng.choice(["", "1.16", "1.23.4", "1.24", "1.25rc1", "1.26.0"])
        files = [
            modzip.SourceFile(
                rng.choice(NAMES).decode("utf-8", "surrogateescape"),
                rng.choice([0, 1, 17 << 20, 300 << 20]),
                rng.choice([*[modzip.FileKind.FILE] * 9, *modzip.FileKind]),
            )
            for _ in range(rng.randrange(12))
        ]
        root = modzip.SourceFile("go.mod", 10)
        lists.append([root, *files])
        versions.append(go_version)
    asked = [
        [
            {
                "Name": oracle.text(f.path),
                "Bytes": f.size_bytes,
                "Kind": f.kind.value,
                "Text": f"go {v}\n",
            }
            for f in files
        ]
        for files, v in zip(lists, versions, strict=True)
    ]
    for files, v, said in zip(
        lists, versions, oracle.ask_each("zip.check_files", asked), strict=True
    ):
        assert as_go(modzip.check_files(files, go_version=v)) == without_reasons(said.value)


def test_folded_of_every_character_agrees_with_go() -> None:
    folds = {chr(char): chr(least) for char, least in oracle.ask("unicode.folds", {}).value}
    assert len(folds) > 1000
    for code in range(0x80, 0x110000):
        if not 0xD800 <= code < 0xE000:
            assert folded(chr(code)) == folds.get(chr(code), chr(code))


def test_hash_go_mod_agrees_with_go() -> None:
    texts = ["", "module a.b/c\n", "module a.b/c\r\n\r\ngo 1.21\r\n", "é"]
    for text, said in zip(texts, oracle.ask_each("dirhash.go_mod", texts), strict=True):
        assert dirhash.hash_go_mod(text.encode()) == said.value


def as_go(checked: modzip.CheckedFiles) -> dict[str, object]:
    return {
        "valid": list(checked.valid),
        "omitted": [f.path for f in checked.omitted],
        "invalid": [f.path for f in checked.invalid],
        "too_large": bool(checked.size_error),
        "failed": not checked.is_ok,
    }


def without_reasons(said: dict[str, list[str]]) -> dict[str, object]:
    return {
        "valid": [oracle.untext(p) for p in said["Valid"] or []],
        "omitted": [oracle.untext(p) for p in said["Omitted"] or []],
        "invalid": [oracle.untext(p) for p in said["Invalid"] or []],
        "too_large": said["TooLarge"],
        "failed": said["Failed"],
    }
