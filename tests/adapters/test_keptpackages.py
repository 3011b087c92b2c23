"""What was read of packages, kept in a file: what it gives back, and what it forgets."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from gopack.adapters import keptpackages
from gopack.adapters.keptpackages import KeptPackages, _digest
from gopack.plan.survey import Contents
from gopack.spec.module import ModuleVersion
from gopack.spec.packages import Package

A, B = ModuleVersion("example.com/a", "v1.0.0"), ModuleVersion("example.com/b", "v1.0.0")
READ = Package("example.com/a/x", ("example.com/b",), ("example.com/t",), name="x")
TESTDATA = Package("example.com/a/testdata/caf\udce9", matched=False, built=False)
CONTENTS = Contents(
    frozenset({READ.path, TESTDATA.path, "example.com/a"}),
    {READ.path: READ, TESTDATA.path: TESTDATA},
)
WHOLE = Contents(frozenset(), {}, is_whole=True)


@pytest.fixture
def sums() -> dict[ModuleVersion, str]:
    return {A: "h1:a", B: "h1:b"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "packages.sqlite"


@pytest.fixture
def kept(file: Path, sums: dict[ModuleVersion, str]) -> Iterator[KeptPackages]:
    made = KeptPackages(file, sums.get)
    yield made
    made.close()


def test_what_was_put_is_given_back_by_the_next_run(
    kept: KeptPackages, file: Path, sums: dict[ModuleVersion, str]
) -> None:
    assert kept.get(A) is None
    assert not file.exists()
    kept.put({A: CONTENTS, B: WHOLE}.items())
    kept.close()
    later = KeptPackages(file, sums.get)
    assert later.get(A) == CONTENTS
    assert later.get(B) == WHOLE
    later.put({A: WHOLE}.items())
    assert later.get(A) == WHOLE
    later.close()


def test_other_bytes_than_were_read_count_as_unread(
    kept: KeptPackages, sums: dict[ModuleVersion, str]
) -> None:
    kept.put({A: CONTENTS}.items())
    sums[A] = "h1:another"
    assert kept.get(A) is None
    del sums[A]
    assert kept.get(A) is None


def test_what_another_gopack_read_is_read_again(
    kept: KeptPackages, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.put({A: CONTENTS}.items())
    monkeypatch.setattr(keptpackages, "__version__", "99.0")
    assert kept.get(A) is None


def test_what_the_storage_has_not_is_not_kept(
    kept: KeptPackages, sums: dict[ModuleVersion, str]
) -> None:
    del sums[A]
    kept.put({A: CONTENTS}.items())
    sums[A] = "h1:a"
    assert kept.get(A) is None


def test_row_that_was_changed_counts_as_none(kept: KeptPackages, file: Path) -> None:
    kept.put({A: CONTENTS, B: WHOLE}.items())
    kept.close()
    other = sqlite3.connect(file)
    with other:
        other.execute(
            "UPDATE packages SET contents = replace(contents, 'x', 'y') WHERE module = ?",
            (str(A),),
        )
    other.close()
    assert kept.get(A) is None
    assert kept.get(B) == WHOLE


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        "[]",
        "{}",
        '{"paths":1,"read":{"a":[]}}',
        "[" * 200_000,
        '{"paths":["a"],"read":{"a":["bc",[],true,true,"a"]},"whole":true}',
        '{"paths":["a"],"read":{"a":[[],[],true,true,[1]]},"whole":true}',
        '{"paths":["a"],"read":{"b":[[],[],true,true,""]},"whole":false}',
        '{"paths":["a","b"],"read":{"a":[["b"],[],true,true,"a"]},"whole":true}',
    ],
)
def test_row_that_is_forged_counts_as_none(kept: KeptPackages, file: Path, text: str) -> None:
    kept.put({A: CONTENTS}.items())
    kept.close()
    other = sqlite3.connect(file)
    with other:
        other.execute("UPDATE packages SET contents = ?, digest = ?", (text, _digest(text)))
    other.close()
    assert kept.get(A) is None


def test_pipe_in_its_place_is_no_trouble(kept: KeptPackages, file: Path) -> None:
    file.parent.mkdir()
    os.mkfifo(file)
    assert kept.get(A) is None
    kept.put({A: CONTENTS}.items())


def test_pipe_in_place_of_its_journal_is_no_trouble(kept: KeptPackages, file: Path) -> None:
    kept.put({A: CONTENTS}.items())
    kept.close()
    os.mkfifo(f"{file}-journal")
    assert kept.get(A) is None
    kept.put({A: CONTENTS}.items())


def test_attack_link_in_its_place_leads_to_nothing_else(
    kept: KeptPackages, file: Path, tmp_path: Path
) -> None:
    somebodys = tmp_path / "theirs"
    file.parent.mkdir()
    file.symlink_to(somebodys)
    kept.put({A: CONTENTS}.items())
    assert not somebodys.exists()
    theirs = sqlite3.connect(somebodys)
    theirs.execute("CREATE TABLE t (x)")
    assert kept.get(A) is None
    kept.put({A: CONTENTS}.items())
    assert theirs.execute("SELECT name FROM sqlite_master").fetchall() == [("t",)]
    theirs.close()


@pytest.mark.parametrize("spoilt", [b"no database at all" * 99, b"", bytes(5000)])
def test_file_that_is_spoilt_is_begun_anew(kept: KeptPackages, file: Path, spoilt: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(spoilt)
    assert kept.get(A) is None
    kept.put({A: CONTENTS}.items())
    kept.close()
    kept.put({A: CONTENTS}.items())
    assert kept.get(A) == CONTENTS


def test_file_that_ends_early_is_begun_anew(kept: KeptPackages, file: Path) -> None:
    many = {ModuleVersion("example.com/a", f"v1.{n}.0"): CONTENTS for n in range(400)}
    written = KeptPackages(file, lambda _: "h1:a")
    written.put(many.items())
    written.close()
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    for module in many:
        given = written.get(module)
        assert given is None or given == CONTENTS
    written.put(many.items())
    written.close()
    written.put(many.items())
    assert all(written.get(module) == CONTENTS for module in many)
    written.close()


def test_place_that_cannot_be_written_keeps_nothing_and_is_no_trouble(
    tmp_path: Path, sums: dict[ModuleVersion, str]
) -> None:
    (tmp_path / "cache").write_text("a file, where a folder should be")
    kept = KeptPackages(tmp_path / "cache" / "packages.sqlite", sums.get)
    kept.put({A: CONTENTS}.items())
    assert kept.get(A) is None
    kept = KeptPackages(tmp_path / ("x" * 300), sums.get)  # a name that no disk takes
    kept.put({A: CONTENTS}.items())
    assert kept.get(A) is None
    (tmp_path / "folder.sqlite").mkdir()
    kept = KeptPackages(tmp_path / "folder.sqlite", sums.get)
    kept.put({A: CONTENTS}.items())
    assert kept.get(A) is None


def test_what_sqlite_left_beside_the_file_is_forgotten_with_it(
    kept: KeptPackages, file: Path, tmp_path: Path
) -> None:
    """A log that another program wrote would bring back the rows that a new file lacks."""
    kept.put({A: CONTENTS}.items())
    kept.close()
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("PRAGMA journal_mode = WAL")
    other.execute("UPDATE packages SET zip_h1 = zip_h1")
    beside = [file.with_name(f"{file.name}{end}") for end in ("-wal", "-shm")]
    shutil.copytree(file.parent, tmp_path / "left")
    other.close()
    shutil.copytree(tmp_path / "left", file.parent, dirs_exist_ok=True)
    assert all(each.exists() for each in beside)
    keptpackages.forget(file)
    assert list(file.parent.iterdir()) == []
    assert kept.get(A) is None
    keptpackages.forget(file)


def test_file_that_another_program_writes_is_left_to_it(kept: KeptPackages, file: Path) -> None:
    kept.put({A: CONTENTS}.items())
    kept.close()
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    assert kept.get(A) is None
    kept.put({A: WHOLE}.items())
    other.execute("COMMIT")
    other.close()
    assert kept.get(A) == CONTENTS
