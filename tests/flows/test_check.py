"""The audit: of a sound storage, of one flipped byte in each kind of file, of what lacks."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gopack.adapters.audit import AuditedDisk
from gopack.adapters.disk import DiskStore
from gopack.adapters.ledger import DiskLedger
from gopack.adapters.nested import nested_storage
from gopack.adapters.zippool import AdaptiveZips
from gopack.adapters.zipwork import ZipWork
from gopack.cli.check import repair
from gopack.errors import StoreError
from gopack.flows.check import Checker
from gopack.plan.checking import MANIFEST_KEY, Proof, Report, Weight
from gopack.spec.module import ModuleVersion
from tests.examples import examples
from tests.fakes_sumdb import NAME
from tests.stored import MOD_ONLY, A, B, C, Stored, store

SUMDB = f".gopack/sumdb/{NAME}"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    return store(tmp_path_factory.mktemp("sound") / "storage")


@pytest.fixture
def stored(sound: Stored, tmp_path: Path) -> Stored:
    shutil.copytree(sound.root, tmp_path / "storage")
    return Stored(tmp_path / "storage", sound.log)


def check(stored: Stored) -> Report:
    work = ZipWork(lambda: None, stored.root, stored.root)  # type: ignore[arg-type,return-value]
    zips = AdaptiveZips(work, jobs=2, cores=1)
    told: list[int] = []
    try:
        keys = {NAME: stored.log.verifier}
        report = Checker(
            AuditedDisk(stored.root), zips, keys.get, lambda *counts: told.append(counts[0])
        ).check()
    finally:
        zips.close()
    assert told == list(range(1, len(report.proofs) + 1))
    return report


def bad(report: Report) -> dict[str, Weight]:
    return {f.where: f.weight for f in report.findings if f.weight is not Weight.NOTE}


def test_check_of_a_sound_storage_finds_nothing(stored: Stored) -> None:
    report = check(stored)
    assert report.findings == []
    assert report.exit_status == 0
    assert report.proofs == {
        A: Proof.LOG,
        B: Proof.LOG,
        MOD_ONLY: Proof.LOG,
        C: Proof.MANIFEST,
    }
    assert report.complete == 3


def flip(path: Path, at: int | None = None) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2 if at is None else at] ^= 1
    path.write_bytes(data)


FILES = [
    "example.com/Big/v1.0.0/v1.0.0.info",
    "example.com/Big/v1.0.0/go.mod",
    "example.com/Big/v1.0.0/source.zip",
    "example.com/private/v1.0.0/v1.0.0.info",
    "example.com/private/v1.0.0/go.mod",
    "example.com/private/v1.0.0/source.zip",
    "example.com/b/v1.1.0/go.mod",
    ".gopack/go.sum",
]


@pytest.mark.parametrize("key", FILES)
def test_attack_any_flipped_byte_is_caught_and_its_file_named(stored: Stored, key: str) -> None:
    size = (stored.root / key).stat().st_size
    whole = (stored.root / key).read_bytes()
    missed = []
    for at in {0, 1, *range(0, size, max(size // examples(24), 1)), size - 1}:
        flip(stored.root / key, at)
        report = check(stored)
        named = [where for where in bad(report) if where.startswith(key)]
        if not (named and report.exit_status >= 4):
            missed.append((at, whole[max(at - 20, 0) : at + 20], bad(report)))
        (stored.root / key).write_bytes(whole)
    assert missed == []


@pytest.mark.parametrize("key", [".gopack/manifest.json", f"{SUMDB}/records"])
def test_attack_any_flipped_byte_of_what_vouches_is_caught(stored: Stored, key: str) -> None:
    """Whether it or what it vouches for was changed cannot always be told."""
    whole = (stored.root / key).read_bytes()
    missed = []
    told = [
        whole.rfind(b'"verified"', 0, at) > whole.rfind(b"}", 0, at) for at in range(len(whole))
    ]
    for at in range(max(whole.find(b'"versions"'), 0), len(whole), 53):
        if told[at]:
            continue  # text for people: what the manifest claims is never believed
        flip(stored.root / key, at)
        if check(stored).exit_status < 4:
            missed.append((at, whole[max(at - 20, 0) : at + 20]))
        (stored.root / key).write_bytes(whole)
    assert missed == []


def test_attack_flipped_byte_of_any_tile_or_head_is_caught(stored: Stored) -> None:
    files = [*(stored.root / SUMDB / "tiles").iterdir(), *(stored.root / SUMDB / "heads").iterdir()]
    assert len(files) > 5
    for path in files:
        whole = path.read_bytes()
        flip(path, len(whole) // 3)
        report = check(stored)
        assert str(path.relative_to(stored.root)) in bad(report), path.name
        assert report.exit_status >= 4
        path.write_bytes(whole)


def test_attack_manifest_cannot_hide_a_replaced_file(stored: Stored) -> None:
    """Whoever changes a file and its sum in the manifest is still found out by the log."""
    folder = stored.root / A.path / A.version
    mod = b"module example.com/Big\n\nrequire evil.test/x v1.0.0\n"
    (folder / "go.mod").write_bytes(mod)
    ledger = DiskLedger(stored.root / ".gopack")
    info = (folder / "v1.0.0.info").read_bytes()
    ledger.record(A, info=info, mod=mod, fetched_zip=None, verified=f"sumdb {NAME}")
    ledger.save()
    report = check(stored)
    assert bad(report)["example.com/Big/v1.0.0/go.mod"] is Weight.SPOILT
    assert "checksum database recorded" in str(report.findings[0])


def test_attack_manifest_that_contradicts_the_log_is_wrong_itself(stored: Stored) -> None:
    path = stored.root / ".gopack" / "manifest.json"
    raw = json.loads(path.read_text())
    raw["versions"][str(B)]["zip_h1"] = raw["versions"][str(A)]["zip_h1"]
    path.write_text(json.dumps(raw))
    assert bad(check(stored)) == {
        ".gopack/manifest.json": Weight.SPOILT,
        ".gopack/go.sum": Weight.SPOILT,
    }


def test_attack_other_modules_files_are_caught_without_manifest(stored: Stored) -> None:
    (stored.root / ".gopack" / "manifest.json").unlink()
    shutil.copy(
        stored.root / B.path / B.version / "go.mod", stored.root / C.path / C.version / "go.mod"
    )
    found = bad(check(stored))
    assert found["example.com/private/v1.0.0/go.mod"] is Weight.SPOILT
    assert found[".gopack/manifest.json"] is Weight.BROKEN


@pytest.mark.parametrize(
    ("key", "finding"),
    [
        ("example.com/Big/v1.0.0/v1.0.0.info", "example.com/Big/v1.0.0"),
        ("example.com/Big/v1.0.0/go.mod", "example.com/Big/v1.0.0"),
        ("example.com/Big/v1.0.0/source.zip", "example.com/Big/v1.0.0/source.zip"),
        (".gopack/manifest.json", ".gopack/manifest.json"),
        (".gopack/go.sum", ".gopack/go.sum"),
        (f"{SUMDB}/records", "example.com/b/v1.1.0"),
    ],
)
def test_check_names_what_is_missing(stored: Stored, key: str, finding: str) -> None:
    (stored.root / key).unlink()
    report = check(stored)
    assert bad(report)[finding] is Weight.BROKEN
    assert report.exit_status == 5


def test_check_names_a_missing_tile(stored: Stored) -> None:
    for path in (stored.root / SUMDB / "tiles").glob("8-1-*"):
        path.unlink()
    assert any("tile/8/1/" in where for where in bad(check(stored)))


def test_check_names_a_missing_version(stored: Stored) -> None:
    shutil.rmtree(stored.root / B.path / B.version)
    report = check(stored)
    assert bad(report) == {"example.com/b/v1.0.0": Weight.BROKEN}
    assert report.refetch == [B]


@pytest.mark.parametrize(
    ("key", "weight"),
    [
        ("example.com/Big/v1.0.0/notes.txt", Weight.BROKEN),
        ("example.com/other.info", Weight.BROKEN),
        ("README", Weight.NOTE),
        ("example.com/Big/v9.0.0/go.mod", Weight.BROKEN),
        (".gopack/staging/1-0.part", Weight.NOTE),
        (".gopack/incoming/x.zip", Weight.NOTE),
    ],
)
def test_check_names_strays_and_leftovers(stored: Stored, key: str, weight: Weight) -> None:
    path = stored.root / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    report = check(stored)
    assert [f.weight for f in report.findings] == [weight]
    assert report.findings[0].where in {key, key.rpartition("/")[0]}


@pytest.mark.parametrize("name", ["source.zip", "go.mod", "v1.0.0.info"])
@pytest.mark.parametrize("kind", ["link", "dangling link", "pipe"])
def test_check_neither_follows_links_nor_waits_for_pipes(
    stored: Stored, tmp_path: Path, kind: str, name: str
) -> None:
    path = stored.root / A.path / A.version / name
    path.rename(tmp_path / name)
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(tmp_path / (name if kind == "link" else "nowhere"))
    report = check(stored)
    key = f"example.com/Big/v1.0.0/{name}"
    assert bad(report)[key] is Weight.BROKEN
    assert any(f.where == key and "a link, a pipe" in f.what for f in report.findings)
    assert A in report.refetch
    repair(stored.root, report)
    assert not path.is_symlink()
    assert not path.exists()
    assert all("a link, a pipe" not in f.what for f in check(stored).findings)


def test_check_folder_that_is_a_link_is_named_and_what_it_leads_to_left(
    stored: Stored, tmp_path: Path
) -> None:
    folder = stored.root / A.path
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    before = sorted((tmp_path / "elsewhere").rglob("*"))
    report = check(stored)
    assert bad(report)["example.com/Big"] is Weight.BROKEN
    repair(stored.root, report)
    assert not folder.is_symlink()
    assert sorted((tmp_path / "elsewhere").rglob("*")) == before
    DiskStore(stored.root).prepare()  # as the next run does
    (stored.root / ".gopack/aside").rename(tmp_path / "aside")
    (stored.root / ".gopack/aside").symlink_to(tmp_path / "aside")
    with pytest.raises(StoreError, match="symbolic link"):
        DiskStore(stored.root).prepare()


@pytest.fixture
def as_reader(sound: Stored) -> Iterator[Stored]:
    """A storage that is read by a user whom folders can be closed to."""
    was = os.geteuid()
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        shutil.copytree(sound.root, f"{name}/storage")
        if was == 0:
            os.seteuid(65534)
        try:
            yield Stored(Path(name) / "storage", sound.log)
        finally:
            os.seteuid(was)
            for path in Path(name).rglob("*"):
                path.chmod(0o755)


def close(folder: Path) -> None:
    """Make a folder that no user but root looks into."""
    now = os.geteuid()
    if os.getuid() == 0:
        os.seteuid(0)
    folder.mkdir(exist_ok=True)
    folder.chmod(0)
    os.seteuid(now)


def test_check_passes_by_a_closed_folder_that_is_no_module_s(as_reader: Stored) -> None:
    close(as_reader.root / "lost+found")
    report = check(as_reader)
    [found] = report.findings
    assert (found.where, found.weight) == ("lost+found", Weight.NOTE)
    assert "cannot read the storage: Permission denied" in found.what
    assert len(report.proofs) == 4


@pytest.mark.parametrize("key", ["example.com", f"{B.path}/{B.version}"])
def test_check_closed_folder_of_modules_is_one_finding_and_the_rest_is_checked(
    as_reader: Stored, key: str
) -> None:
    close(as_reader.root / key)
    report = check(as_reader)
    assert bad(report) == {key: Weight.BROKEN}
    assert report.refetch == []
    assert (A in report.proofs) is (key != "example.com")


def test_check_closed_folder_is_no_nested_storage(as_reader: Stored) -> None:
    close(as_reader.root / "lost+found")
    assert nested_storage(as_reader.root) is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everywhere")
def test_check_manifest_that_cannot_be_read_is_not_moved_away(stored: Stored) -> None:
    (stored.root / MANIFEST_KEY).chmod(0)
    [found] = [f for f in check(stored).findings if f.where == MANIFEST_KEY]
    assert (found.weight, found.aside) == (Weight.BROKEN, ())


def test_check_manifest_of_a_newer_gopack_is_not_moved_away(stored: Stored) -> None:
    (stored.root / MANIFEST_KEY).write_text('{"format": 99}')
    [found] = [f for f in check(stored).findings if f.where == MANIFEST_KEY]
    assert (found.weight, found.aside) == (Weight.BROKEN, ())
    (stored.root / MANIFEST_KEY).write_text('{"format": 1')
    [found] = [f for f in check(stored).findings if f.where == MANIFEST_KEY]
    assert (found.weight, found.aside) == (Weight.SPOILT, (MANIFEST_KEY,))


@pytest.mark.parametrize("name", ["go.mod", "v1.0.0.info", "source.zip"])
def test_attack_huge_file_is_refused_and_not_read(stored: Stored, name: str) -> None:
    path = stored.root / A.path / A.version / name
    os.truncate(path, 64 << 30)
    assert bad(check(stored)) == {f"example.com/Big/v1.0.0/{name}": Weight.SPOILT}


def test_check_names_a_version_that_nobody_noted_and_case_clashes(stored: Stored) -> None:
    other = ModuleVersion("example.com/big", "v1.0.0")
    shutil.copytree(stored.root / A.path / A.version, stored.root / other.path / other.version)
    report = check(stored)
    assert "example.com/big/v1.0.0" in bad(report)
    clashes = [f for f in report.findings if "ignores case" in f.what]
    assert [(f.where, f.weight) for f in clashes] == [("example.com/Big", Weight.NOTE)]


def test_check_knows_alias_folders(stored: Stored) -> None:
    alias = stored.root / A.path / "main" / "main.info"
    alias.parent.mkdir()
    alias.write_bytes((stored.root / A.path / A.version / "v1.0.0.info").read_bytes())
    assert bad(check(stored)) == {}
    alias.write_text("{}")
    assert bad(check(stored)) == {"example.com/Big/main/main.info": Weight.SPOILT}


def test_check_without_own_folder_says_how_to_copy_it(stored: Stored) -> None:
    shutil.rmtree(stored.root / ".gopack")
    report = check(stored)
    assert bad(report) == {".gopack": Weight.BROKEN}
    assert "cp -a" in report.findings[0].hint
    assert report.count(Proof.NOTHING) == 4


def test_check_without_the_key_says_so(stored: Stored) -> None:
    other = Stored(stored.root, stored.log)
    work = ZipWork(lambda: None, other.root, other.root)  # type: ignore[arg-type,return-value]
    zips = AdaptiveZips(work, jobs=1, cores=1)
    report = Checker(AuditedDisk(other.root), zips, lambda _n: None, lambda *_c: None).check()
    zips.close()
    assert report.exit_status == 5
    assert bad(report)[SUMDB] is Weight.BROKEN


def test_check_writes_nothing(stored: Stored) -> None:
    def state() -> list[tuple[str, int, int]]:
        paths = sorted(stored.root.rglob("*"))
        return [(str(p), p.stat().st_mtime_ns, p.stat().st_ino) for p in paths]

    before = state()
    check(stored)
    assert state() == before


# Repair


def spoil_zip(root: Path) -> None:
    flip(root / A.path / A.version / "source.zip")


def spoil_mod(root: Path) -> None:
    flip(root / A.path / A.version / "go.mod")


@pytest.mark.parametrize(("spoil", "zip_alone"), [(spoil_zip, True), (spoil_mod, False)])
def test_repair_leaves_a_whole_storage_and_names_what_to_fetch(
    stored: Stored, spoil: Callable[[Path], None], *, zip_alone: bool
) -> None:
    spoil(stored.root)
    report = check(stored)
    assert report.refetch == [A]
    moved = repair(stored.root, report)
    assert len(moved) == 1
    assert all((stored.root / place).exists() for place in moved.values())
    folder = stored.root / A.path / A.version
    assert folder.exists() is zip_alone
    assert not (folder / "source.zip").exists()
    infos = [path.name for path in (stored.root / ".gopack").rglob("*.info")]
    assert infos == []
    again = check(stored)
    assert again.refetch == [A]
    assert all("missing" in finding.what for finding in again.findings)


def test_repair_of_a_proof_has_the_next_fetch_prove_again(stored: Stored) -> None:
    tile = next((stored.root / SUMDB / "tiles").glob("8-1-*"))
    flip(tile)
    repair(stored.root, check(stored))
    assert not tile.exists()
    entries = DiskLedger(stored.root / ".gopack").manifest.versions
    assert entries[A].verified.startswith("unverified")
    assert entries[C].verified == "unverified: GONOSUMDB"


def test_repair_twice_keeps_both(stored: Stored) -> None:
    for _ in range(2):
        stray = stored.root / A.path / A.version / "stray"
        stray.write_text("x")
        repair(stored.root, check(stored))
    assert len(list((stored.root / ".gopack" / "aside").iterdir())) == 2
