"""DiskLedger: manifest and go.sum, written whole or not at all."""

from pathlib import Path

import pytest

from gopack.adapters.ledger import GO_SUM, MANIFEST, DiskLedger
from gopack.errors import StoreError
from gopack.ports import FetchedZip
from gopack.spec.dirhash import hash_go_mod
from gopack.spec.module import ModuleVersion

ONE = ModuleVersion("a.b/c", "v1.0.0")
MOD = b"module a.b/c\n"
ZIP = FetchedZip(None, 9, "ab" * 32, "h1:zip=")


def test_save_and_load_gives_the_same_ledger_and_the_same_bytes(tmp_path: Path) -> None:
    ledger = DiskLedger(tmp_path)
    ledger.record(ONE, info=b"{}", mod=MOD, fetched_zip=ZIP)
    ledger.record(ONE._replace(version="v1.1.0"), info=b"{}", mod=MOD, fetched_zip=None)
    ledger.save()
    before = (tmp_path / MANIFEST).read_bytes()
    again = DiskLedger(tmp_path)
    assert again.manifest == ledger.manifest
    again.record(ONE, info=b"{}", mod=MOD, fetched_zip=ZIP)
    again.save()
    assert (tmp_path / MANIFEST).read_bytes() == before
    assert (tmp_path / GO_SUM).read_text() == (
        f"a.b/c v1.0.0 h1:zip=\na.b/c v1.0.0/go.mod {hash_go_mod(MOD)}\n"
        f"a.b/c v1.1.0/go.mod {hash_go_mod(MOD)}\n"
    )


def test_vouches_for_mod_only_version_not_as_whole(tmp_path: Path) -> None:
    ledger = DiskLedger(tmp_path)
    assert not ledger.vouches_for(ONE, whole=False)
    ledger.record(ONE, info=b"{}", mod=MOD, fetched_zip=None)
    assert ledger.vouches_for(ONE, whole=False)
    assert not ledger.vouches_for(ONE, whole=True)
    ledger.record(ONE, info=b"{}", mod=MOD, fetched_zip=ZIP)
    assert ledger.vouches_for(ONE, whole=True)
    ledger.forget(ONE)
    ledger.forget(ONE)
    assert not ledger.vouches_for(ONE, whole=False)


def test_save_that_fails_leaves_the_old_manifest(tmp_path: Path) -> None:
    ledger = DiskLedger(tmp_path)
    ledger.record(ONE, info=b"{}", mod=MOD, fetched_zip=ZIP)
    ledger.save()
    before = (tmp_path / MANIFEST).read_bytes()
    (tmp_path / f"{MANIFEST}.part").mkdir()
    ledger.forget(ONE)
    with pytest.raises(StoreError):
        ledger.save()
    assert (tmp_path / MANIFEST).read_bytes() == before


def test_save_cut_short_by_a_dead_run_is_written_over(tmp_path: Path) -> None:
    (tmp_path / f"{MANIFEST}.part").write_bytes(b'{"format":1,')
    ledger = DiskLedger(tmp_path)
    ledger.record(ONE, info=b"{}", mod=MOD, fetched_zip=ZIP)
    ledger.save()
    assert DiskLedger(tmp_path).vouches_for(ONE, whole=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == [GO_SUM, MANIFEST]


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"format":2}', b'{"format":1}', b"\xff"])
def test_open_broken_or_newer_manifest_is_a_store_error(tmp_path: Path, data: bytes) -> None:
    (tmp_path / MANIFEST).write_bytes(data)
    with pytest.raises(StoreError) as caught:
        DiskLedger(tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert caught.value.hint
