"""Putting versions into a storage by hand: kept, refused, replaced, completed, noted."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from gopack.adapters.ledger import DiskLedger
from gopack.errors import IntegrityError
from gopack.flows.byhand import Became, HandMade, Shelf, StoredFiles
from gopack.plan.manifest import Annotations, Manifest, dumps
from gopack.ports import FetchedZip, FileKind, State
from gopack.spec.dirhash import hash_go_mod
from gopack.spec.module import ModuleVersion
from tests.fakes import FakeStore

M = ModuleVersion("corp.example/m", "v1.0.0")
MOD = b"module corp.example/m\n"
DAMAGED = b"damaged"
INFO = b'{"Version":"v1.0.0"}'


class Place:
    """A store in memory, a ledger on disk, and zips whose sum is their text."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = FakeStore(folder)
        self.ledger = DiskLedger(folder)
        self.shelf = Shelf(self.store, self.ledger, self.stored)

    def stored(self, module: ModuleVersion) -> StoredFiles:
        files = self.store.files[module]
        data = files.get(FileKind.ZIP)
        found = None
        if data == DAMAGED:
            raise IntegrityError("no zip file", where=str(module))
        if data:
            digest = hashlib.sha256(data).hexdigest()
            found = FetchedZip(None, len(data), digest, f"h1:{data.decode().strip()}")
        return StoredFiles(hash_go_mod(files[FileKind.MOD]), found)

    def version(self, text: str | None, mod: bytes = MOD, info: bytes = INFO) -> HandMade:
        fetched = None
        if text is not None:
            path = self.store.staged_path()
            path.write_text(text)
            digest = hashlib.sha256(text.encode()).hexdigest()
            fetched = FetchedZip(path, len(text), digest, f"h1:{text}")
        return HandMade(M, info, mod, fetched, "unverified: test", "packed in a test")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_new_version_is_stored_and_noted(place: Place) -> None:
    assert place.shelf.put(place.version("one"), may_replace=False) is Became.STORED
    entry = place.ledger.manifest.versions[M]
    assert place.store.state(M) is State.COMPLETE
    assert (entry.verified, entry.why) == ("unverified: test", ("by hand: packed in a test",))


def test_same_sums_stay_with_what_was_known_of_them(place: Place) -> None:
    place.shelf.put(place.version("one"), may_replace=False)
    place.ledger.annotate(Annotations(verified={M: "sumdb x"}))
    again = place.version("one")
    assert place.shelf.put(again, may_replace=True) is Became.THERE
    assert place.ledger.manifest.versions[M].verified == "sumdb x"
    assert again.zip is not None
    assert again.zip.path is not None
    assert not again.zip.path.exists()


def test_version_that_a_fetch_brought_keeps_its_proof_and_is_by_hand_from_then_on(
    place: Place,
) -> None:
    place.shelf.put(place.version("one"), may_replace=False)
    fetched = replace(place.ledger.manifest.versions[M], why=("listed",), verified="sumdb x")
    (place.folder / "manifest.json").write_bytes(dumps(Manifest({M: fetched})))
    place.ledger = DiskLedger(place.folder)
    place.shelf = Shelf(place.store, place.ledger, place.stored)
    for _ in range(2):
        assert place.shelf.put(place.version("one"), may_replace=False) is Became.THERE
    found = place.ledger.manifest.versions[M]
    assert found.is_by_hand
    assert found == replace(fetched, why=("by hand: packed in a test",))


def test_what_is_noted_is_what_is_there_and_not_what_came(place: Place) -> None:
    """A zip that is alike may be packed otherwise, and the .info that was there stays."""
    other = b'{"Version":"v1.0.0","Time":"2020-01-02T03:04:05Z"}'
    kinds = {FileKind.INFO: other, FileKind.MOD: MOD, FileKind.ZIP: b"one   "}
    place.store.files[M] = kinds
    assert place.shelf.put(place.version("one"), may_replace=False) is Became.THERE
    entry = place.ledger.manifest.versions[M]
    assert entry.zip is not None
    assert entry.zip.size_bytes == len(kinds[FileKind.ZIP])
    assert entry.zip.sha256 == hashlib.sha256(kinds[FileKind.ZIP]).hexdigest()
    assert entry.info_sha256 == hashlib.sha256(other).hexdigest()


def test_completed_version_keeps_its_info(place: Place) -> None:
    other = b'{"Version":"v1.0.0","Time":"2020-01-02T03:04:05Z"}'
    place.store.files[M] = {FileKind.INFO: other, FileKind.MOD: MOD}
    place.shelf.put(place.version("one"), may_replace=False)
    stored = place.store.files[M][FileKind.INFO]
    entry = place.ledger.manifest.versions[M]
    assert entry.info_sha256 == hashlib.sha256(stored).hexdigest()


def test_other_content_is_refused_and_leaves_all_as_it_was(place: Place) -> None:
    place.shelf.put(place.version("one"), may_replace=False)
    before = place.ledger.manifest.versions[M]
    with pytest.raises(IntegrityError) as caught:
        place.shelf.put(place.version("two"), may_replace=False)
    assert (caught.value.expected, caught.value.got) == ("h1:one", "h1:two")
    assert place.ledger.manifest.versions[M] == before
    assert place.store.files[M][FileKind.ZIP] == b"one"


def test_other_content_replaces_on_demand_and_the_manifest_says_so(place: Place) -> None:
    place.shelf.put(place.version("one"), may_replace=False)
    assert place.shelf.put(place.version("two"), may_replace=True) is Became.REPLACED
    assert place.store.files[M][FileKind.ZIP] == b"two"
    assert place.ledger.manifest.versions[M].why == ("by hand: packed in a test, replaced h1:one",)


def test_damaged_version_is_replaced_on_demand_and_the_manifest_says_so(place: Place) -> None:
    place.shelf.put(place.version("one"), may_replace=False)
    place.store.files[M][FileKind.ZIP] = DAMAGED
    with pytest.raises(IntegrityError, match="no zip file"):
        place.shelf.put(place.version("one"), may_replace=False)
    assert place.store.files[M][FileKind.ZIP] == DAMAGED
    assert place.shelf.put(place.version("one"), may_replace=True) is Became.REPLACED
    assert place.store.files[M][FileKind.ZIP] == b"one"
    (why,) = place.ledger.manifest.versions[M].why
    assert why == "by hand: packed in a test, replaced damaged files"


def test_mod_only_version_is_completed_if_go_mod_agrees(place: Place) -> None:
    place.shelf.put(place.version(None), may_replace=False)
    assert place.store.state(M) is State.MOD_ONLY
    with pytest.raises(IntegrityError, match=r"\(the go.mod\)"):
        place.shelf.put(place.version("one", MOD + b"\ngo 1.22\n"), may_replace=False)
    assert place.shelf.put(place.version("one"), may_replace=False) is Became.STORED
    assert place.store.state(M) is State.COMPLETE


def test_mod_only_version_does_not_lose_a_zip_that_is_there(place: Place) -> None:
    place.shelf.put(place.version("one"), may_replace=False)
    assert place.shelf.put(place.version(None), may_replace=True) is Became.THERE
    assert place.store.state(M) is State.COMPLETE


def test_what_a_person_put_in_stays_so_when_a_list_wants_it_too(place: Place) -> None:
    place.shelf.put(place.version("one"), may_replace=False)
    place.ledger.annotate(Annotations(why={M: ["corp.example/m@v1.0.0"]}))
    entry = place.ledger.manifest.versions[M]
    assert entry.is_by_hand
    assert "corp.example/m@v1.0.0" in entry.why
