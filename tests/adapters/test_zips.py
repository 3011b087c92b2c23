"""Reading module zips: right ones give Go's sums, lying ones are refused for their lie."""

import base64
import hashlib
import io
import os
import threading
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from gopack.adapters import zips
from gopack.adapters.zips import MAX_FINDINGS, SMALL_BYTES, read_module_zip
from gopack.errors import InputError, IntegrityError, StoreError
from gopack.spec.module import ModuleVersion
from gopack.spec.modzip import MAX_ZIP_BYTES
from tests.waiting import until
from tests.zipmaker import Item, make_zip

MODULE = ModuleVersion("example.com/m", "v1.0.0")
P = b"example.com/m@v1.0.0/"
GO_MOD = b"module example.com/m\n"
GOOD = [Item(P + b"go.mod", GO_MOD), Item(P + b"a.go", b"package a\n" * 99)]
H1 = "h1:cweSjlEEzsBlYwtGdkQyqBt1Wo1jls6Vt/WuzhStqws="  # as dirhash.HashZip says


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "m.part"


def refusal(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    with pytest.raises(IntegrityError) as caught:
        read_module_zip(path, MODULE)
    assert caught.value.where == "example.com/m@v1.0.0"
    return caught.value.what


def test_read_module_zip_good_zip_gives_its_receipt(path: Path) -> None:
    data = make_zip(GOOD)
    path.write_bytes(data)
    receipt = read_module_zip(path, MODULE)
    assert receipt.h1 == H1
    assert receipt.sha256 == hashlib.sha256(data).hexdigest()
    assert (receipt.size_bytes, receipt.file_count) == (len(data), 2)
    assert receipt.unpacked_bytes == len(GO_MOD) + 990
    assert receipt.go_mod == GO_MOD


@pytest.mark.parametrize(
    "data",
    [
        make_zip(GOOD, comment=b"PK\5\6 comment"),
        make_zip(GOOD, before=b"#!/bin/sh\n"),
        make_zip(GOOD, zip64=True),
        make_zip([Item(i.name, i.content, zip64=True) for i in GOOD]),
        make_zip([Item(i.name, i.content, flags=8) for i in GOOD]),
        make_zip([Item(i.name, i.content, stored=True) for i in GOOD]),
        make_zip([Item(i.name, i.content, mode=0o120777) for i in GOOD]),
        make_zip(list(reversed(GOOD))),
    ],
    ids=["comment", "before", "zip64 end", "zip64", "descriptors", "stored", "links", "order"],
)
def test_read_module_zip_other_form_same_files_same_sum(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    assert read_module_zip(path, MODULE).h1 == H1


def test_read_module_zip_without_go_mod_says_so(path: Path) -> None:
    path.write_bytes(make_zip(GOOD[1:]))
    assert read_module_zip(path, MODULE).go_mod is None


def test_read_module_zip_small_one_need_not_wait_for_the_big_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[int] = []
    check = zips._check

    def noted(data: memoryview, module: ModuleVersion) -> zips.ZipReceipt:
        order.append(len(data))
        return check(data, module)

    monkeypatch.setattr(zips, "_check", noted)
    small = make_zip(GOOD)
    bigs = [make_zip([Item(P + b"big", bytes(SMALL_BYTES + n), stored=True)]) for n in (0, 1)]
    threads = []
    with zips._READING.one():
        for data in (*bigs, small):
            path = tmp_path / f"{len(data)}.zip"
            path.write_bytes(data)
            threads.append(threading.Thread(target=read_module_zip, args=(path, MODULE)))
            threads[-1].start()
            until(lambda: zips._READING.waiting == len(threads))
    for thread in threads:
        thread.join()
    assert order == [len(small), len(bigs[0]), len(bigs[1])]


def test_read_module_zip_large_file_is_read_in_pieces(path: Path) -> None:
    content = os.urandom(1 << 20) * 3 + bytes(9 << 20) + b"end"
    path.write_bytes(make_zip([Item(P + b"big", content), Item(P + b"b2", content, stored=True)]))
    whole = hashlib.sha256(content).hexdigest()
    lines = f"{whole}  {(P + b'b2').decode()}\n{whole}  {(P + b'big').decode()}\n"
    del content
    tracemalloc.start()
    receipt = read_module_zip(path, MODULE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert receipt.h1 == "h1:" + base64.b64encode(hashlib.sha256(lines.encode()).digest()).decode()
    assert peak < 6 << 20


@pytest.mark.parametrize("size", [0, 1, 3])
def test_read_module_zip_inflates_no_further_than_declared(path: Path, size: int) -> None:
    bomb = Item(P + b"bomb", bytes(16 << 20), size=size)
    data = make_zip([bomb])
    tracemalloc.start()
    assert "more bytes than" in refusal(path, data)
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()


def test_read_module_zip_declared_bomb_is_refused_before_it_is_inflated(path: Path) -> None:
    half = MAX_ZIP_BYTES // 2 + 1
    bombs = [Item(P + b"a", b"x", size=half, flags=8), Item(P + b"b", b"x", size=half, flags=8)]
    assert "bytes unpacked" in refusal(path, make_zip(bombs))


CONTENT = b"package a\n" * 99
LIES = {
    "flipped data": ([Item(P + b"a", CONTENT, crc32=1)], "CRC-32"),
    "not deflate": ([Item(P + b"a", CONTENT, packed=b"\xff" * 9)], "cannot be inflated"),
    "cut data": (
        [Item(P + b"a", CONTENT, packed=Item(b"", CONTENT).deflated()[:-3])],
        "ends before its data do",
    ),
    "size too large": ([Item(P + b"a", CONTENT, size=991)], "fewer bytes than"),
    "size too small": ([Item(P + b"a", CONTENT, size=989)], "more bytes than"),
    "stored size": ([Item(P + b"a", CONTENT, stored=True, size=991)], "fewer bytes than"),
    "unknown method": ([Item(P + b"a", CONTENT, method=12)], "method 12"),
    "encrypted": ([Item(P + b"a", CONTENT, flags=1)], "encrypted"),
    "other name": ([Item(P + b"a", CONTENT, local_name=P + b"b")], "another name"),
    "other method": ([Item(P + b"a", CONTENT, local_method=0)], "another method"),
    "other size": ([Item(P + b"a", CONTENT, local_size=7)], "another sum or size"),
    "descriptor": (
        [Item(P + b"a", CONTENT, flags=8, descriptor=bytes(16))],
        "another sum behind its data",
    ),
    "shared bytes": (
        [
            Item(P + b"a", CONTENT, stored=True),
            Item(
                P + b"a",
                offset=0,
                size=990,
                stored=True,
                packed=CONTENT,
                crc32=Item(b"", CONTENT).crc32,
            ),
        ],
        "is there more than once",
    ),
    "no header": ([Item(P + b"a", CONTENT, offset=3)], "no header"),
    "far header": ([Item(P + b"a", CONTENT, offset=1 << 20)], "outside the file"),
    "folder with content": ([Item(P + b"a/", b"x")], "folder with content"),
    "wrong prefix": ([Item(b"example.com/m@v1.0.1/a", CONTENT)], "does not start with"),
    "no prefix": ([Item(b"/etc/passwd", CONTENT)], "does not start with"),
    "up": ([Item(P + b"../../x", CONTENT)], "dots"),
    "absolute": ([Item(P + b"/x", CONTENT)], "empty path element"),
    "backslash": ([Item(P + b"a\\b", CONTENT)], "invalid char"),
    "newline": ([Item(P + b"a\nb", CONTENT)], "invalid char"),
    "not UTF-8": ([Item(P + b"\xff", CONTENT)], "UTF-8"),
    "twice": ([Item(P + b"a", b"1"), Item(P + b"a", b"2")], "more than once"),
    "case": ([Item(P + b"a/X", b"1"), Item(P + b"A/y", b"2")], "letter case alone"),
    "file and folder": ([Item(P + b"a", b"1"), Item(P + b"a/b", b"2")], "a file and a folder"),
    "inner go.mod": ([Item(P + b"a/go.mod", GO_MOD)], "outside the root"),
    "GO.MOD": ([Item(P + b"GO.MOD", GO_MOD)], "must be written go.mod"),
}


@pytest.mark.parametrize("lie", LIES)
def test_read_module_zip_lie_is_refused_for_what_it_is(path: Path, lie: str) -> None:
    items, word = LIES[lie]
    assert word in refusal(path, make_zip(items))


def test_read_module_zip_entries_over_the_same_bytes_are_refused(path: Path) -> None:
    inner = Item(P + b"b", CONTENT, stored=True)
    outer_content = make_zip([inner])
    data = make_zip([Item(P + b"a", outer_content, stored=True)])
    start = data.index(b"PK\3\4", 4)
    items = [
        Item(P + b"a", outer_content, stored=True),
        Item(P + b"b", CONTENT, stored=True, offset=start),
    ]
    assert "shares its bytes" in refusal(path, make_zip(items))


LIKE = [Item(P + b"b.go", CONTENT, flags=8), *(Item(P + b"%d" % n, CONTENT * n) for n in (2, 3))]


def contents(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def test_attack_flipped_byte_of_what_was_seen_in_another_zip_is_caught(path: Path) -> None:
    data = make_zip(LIKE)
    path.write_bytes(data)
    sound = read_module_zip(path, MODULE)
    accepted = 0
    for at in range(data.index(b"PK\1\2")):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        try:
            receipt = read_module_zip(path, MODULE)
        except IntegrityError:
            continue
        accepted += 1
        assert receipt.sha256 != sound.sha256
        same = contents(path.read_bytes()) == contents(data)
        assert (receipt.h1 == sound.h1) is same, at
    assert 0 < accepted < len(data) // 2


@pytest.mark.parametrize(
    ("lie", "word"),
    [
        (Item(P + b"a", CONTENT, flags=8, crc32=1), "CRC-32"),
        (Item(P + b"a", CONTENT, flags=8, size=991), "fewer bytes than"),
        (Item(P + b"a", CONTENT, flags=8, size=989), "more bytes than"),
        (Item(P + b"a", CONTENT, flags=8, descriptor=bytes(16)), "another sum behind its data"),
        (Item(P + b"a/", CONTENT, flags=8), "folder with content"),
    ],
)
def test_attack_lie_about_bytes_that_were_seen_in_another_zip_is_refused(
    path: Path, lie: Item, word: str
) -> None:
    path.write_bytes(make_zip(LIKE))
    read_module_zip(path, MODULE)
    assert lie.deflated() == LIKE[0].deflated()
    assert word in refusal(path, make_zip([lie]))


def test_read_module_zip_remembers_what_is_like_and_not_more_than_it_may(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zips, "_SEEN", {})
    path.write_bytes(make_zip(LIKE))
    first = read_module_zip(path, MODULE)
    assert len(zips._SEEN) == len(LIKE)
    assert read_module_zip(path, MODULE) == first
    assert len(zips._SEEN) == len(LIKE)
    monkeypatch.setattr(zips, "MAX_SEEN", len(LIKE))
    path.write_bytes(make_zip([*GOOD, *LIKE]))
    read_module_zip(path, MODULE)
    assert 0 < len(zips._SEEN) <= len(LIKE)


@pytest.mark.parametrize("data", [b"", b"PK", b"<html>login</html>" * 99, make_zip(GOOD)[:-1]])
def test_read_module_zip_no_zip_is_refused(path: Path, data: bytes) -> None:
    assert "no readable zip" in refusal(path, data)


def test_read_module_zip_every_cut_is_refused(path: Path) -> None:
    data = make_zip(GOOD)
    for length in range(0, len(data), 7):
        refusal(path, data[:length])


def test_read_module_zip_many_faults_are_counted_and_some_named(path: Path) -> None:
    text = refusal(path, make_zip([Item(b"x%d" % n, b"") for n in range(MAX_FINDINGS + 7)]))
    assert text.count("does not start with") == MAX_FINDINGS
    assert text.endswith("and 7 more")


def test_read_module_zip_not_canonical_version_is_an_input_error(path: Path) -> None:
    path.write_bytes(make_zip(GOOD))
    with pytest.raises(InputError, match="canonical"):
        read_module_zip(path, MODULE._replace(version="v1.0"))


def test_read_module_zip_missing_file_is_a_store_error(path: Path) -> None:
    with pytest.raises(StoreError):
        read_module_zip(path, MODULE)
