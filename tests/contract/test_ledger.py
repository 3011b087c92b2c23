"""ports.Ledger: each promise, on the disk and on the fake."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gopack.adapters.ledger import DiskLedger
from gopack.errors import StoreError
from gopack.plan.manifest import Annotations, LineFacts, Manifest
from gopack.ports import FetchedZip, FileKind
from gopack.spec.module import ModuleVersion

A, B = ModuleVersion("a.b/m", "v1.0.0"), ModuleVersion("a.b/M", "v1.1.0")
INFO, MOD = b'{"Version":"v1.0.0"}', b"module a.b/m\n"
ZIP = FetchedZip(None, 7, "5" * 64, "h1:zip=")

Reopen = Callable[[], DiskLedger]


@pytest.fixture
def reopen(tmp_path: Path) -> Reopen:
    return lambda: DiskLedger(tmp_path)


def test_new_ledger_vouches_for_nothing(reopen: Reopen) -> None:
    ledger = reopen()
    assert ledger.manifest == Manifest()
    assert not ledger.vouches_for(A, whole=False)
    assert not ledger.is_as_recorded(A, FileKind.MOD, MOD)


def test_record_mod_only_vouches_for_the_small_files_alone(reopen: Reopen) -> None:
    ledger = reopen()
    ledger.record(A, info=INFO, mod=MOD, fetched_zip=None)
    assert ledger.vouches_for(A, whole=False)
    assert not ledger.vouches_for(A, whole=True)
    assert ledger.is_as_recorded(A, FileKind.MOD, MOD)
    assert ledger.is_as_recorded(A, FileKind.INFO, INFO)
    assert not ledger.is_as_recorded(A, FileKind.MOD, MOD + b"\n")


def test_record_without_zip_vouches_for_none_and_keeps_the_reasons(reopen: Reopen) -> None:
    ledger = reopen()
    ledger.record(A, info=INFO, mod=MOD, fetched_zip=ZIP)
    ledger.annotate(Annotations(why={A: ["listed"]}))
    ledger.record(A, info=INFO, mod=MOD, fetched_zip=None, verified="sumdb x")
    entry = ledger.manifest.versions[A]
    assert not ledger.vouches_for(A, whole=True)
    assert (entry.zip, entry.why, entry.verified) == (None, ("listed",), "sumdb x")


def test_save_then_open_knows_the_same(reopen: Reopen) -> None:
    ledger = reopen()
    ledger.record(A, info=INFO, mod=MOD, fetched_zip=ZIP)
    ledger.record(B, info=INFO, mod=MOD, fetched_zip=None)
    ledger.annotate(Annotations(why={A: ["x"]}, listed={A: LineFacts("bad", "old", "a.b/m@v2")}))
    ledger.save()
    assert reopen().manifest == ledger.manifest


def test_save_is_deterministic_and_writes_only_what_changed(reopen: Reopen, tmp_path: Path) -> None:
    for order in ([A, B], [B, A]):
        ledger = reopen()
        for module in order:
            ledger.forget(module)
            ledger.record(module, info=INFO, mod=MOD, fetched_zip=None)
        ledger.save()
        seen = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
        assert set(seen) == {"manifest.json", "go.sum"}
    before = (tmp_path / "manifest.json").stat()
    ledger.save()
    assert (tmp_path / "manifest.json").stat().st_ino == before.st_ino
    assert before.st_mode & 0o777 == 0o644


def test_save_writes_go_sum_in_gos_order(reopen: Reopen, tmp_path: Path) -> None:
    ledger = reopen()
    ledger.record(A, info=INFO, mod=MOD, fetched_zip=ZIP)
    ledger.record(B, info=INFO, mod=MOD, fetched_zip=None)
    ledger.save()
    h1 = ledger.manifest.versions[A].mod_h1
    assert (tmp_path / "go.sum").read_text() == (
        f"a.b/M v1.1.0/go.mod {h1}\na.b/m v1.0.0 h1:zip=\na.b/m v1.0.0/go.mod {h1}\n"
    )


def test_forget_drops_version_and_its_facts(reopen: Reopen) -> None:
    ledger = reopen()
    ledger.record(A, info=INFO, mod=MOD, fetched_zip=ZIP)
    ledger.annotate(Annotations(listed={A: LineFacts()}))
    ledger.forget(A)
    ledger.forget(B)
    assert ledger.manifest == Manifest()


def test_save_after_forgetting_all_is_saved_too(reopen: Reopen) -> None:
    ledger = reopen()
    ledger.record(A, info=INFO, mod=MOD, fetched_zip=ZIP)
    ledger.save()
    ledger.forget(A)
    ledger.save()
    assert reopen().manifest == Manifest()


def test_broken_manifest_is_store_error_with_a_hint(reopen: Reopen, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes(b'{"format":1')
    with pytest.raises(StoreError, match=r"manifest\.json: not a manifest") as caught:
        reopen()
    assert caught.value.hint


def test_manifest_that_is_a_folder_is_store_error(reopen: Reopen, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").mkdir()
    with pytest.raises(StoreError, match="cannot read the manifest"):
        reopen()


def test_save_where_the_disk_refuses_keeps_the_old_one(reopen: Reopen, tmp_path: Path) -> None:
    ledger = reopen()
    ledger.record(A, info=INFO, mod=MOD, fetched_zip=ZIP)
    ledger.save()
    (tmp_path / "manifest.json.part").mkdir()
    ledger.record(B, info=INFO, mod=MOD, fetched_zip=None)
    with pytest.raises(StoreError, match=r"cannot write manifest\.json"):
        ledger.save()
    assert set(reopen().manifest.versions) == {A}
    (tmp_path / "manifest.json.part").rmdir()
    ledger.save()
    assert set(reopen().manifest.versions) == {A, B}
