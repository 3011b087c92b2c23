"""What a push does with each version, and the scripts, run by this machine's shell."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from gopack.errors import StoreError
from gopack.plan import pushing
from gopack.plan.manifest import Entry, Manifest, ZipEntry
from gopack.plan.pushing import Place, Step
from gopack.spec.module import ModuleVersion

DAY_S = 24 * 3600
A = ModuleVersion("example.com/Dep", "v1.0.0")
WHOLE = Entry("i", "m", "h1:m=", ZipEntry(3, "z", "h1:z="))
THIN = Entry("i", "m", "h1:m=")
MAIN = ModuleVersion(A.path, "main")
ALIAS = "example.com/Dep/main/main.info"
INFO, MOD, ZIP = (f"example.com/Dep/v1.0.0/{n}" for n in ("v1.0.0.info", "go.mod", "source.zip"))


@pytest.mark.parametrize(
    ("entry", "files", "sums", "step"),
    [
        (WHOLE, [], {}, Step.ADD),
        (WHOLE, [MOD], {MOD: "m"}, Step.REPLACE),
        (WHOLE, [INFO, ZIP], {ZIP: "z"}, Step.REPLACE),
        (WHOLE, [INFO, MOD], {MOD: "m"}, Step.COMPLETE),
        (WHOLE, [INFO, MOD], {MOD: "other"}, Step.CONFLICT),
        (WHOLE, [INFO, MOD, ZIP], {MOD: "m", ZIP: "z"}, Step.THERE),
        (WHOLE, [INFO, MOD, ZIP], {MOD: "m", ZIP: "other"}, Step.CONFLICT),
        (WHOLE, [INFO, MOD, ZIP], {}, Step.CONFLICT),
        (THIN, [INFO, MOD, ZIP], {MOD: "m", ZIP: "z"}, Step.THERE),
        (THIN, [INFO, MOD], {MOD: "other"}, Step.CONFLICT),
    ],
)
def test_decide_by_files_and_sums(
    entry: Entry, files: list[str], sums: dict[str, str], step: Step
) -> None:
    assert pushing.decide(Manifest({A: entry}), frozenset(files), sums) == {A: step}


def test_merged_keeps_what_was_known_and_the_info_that_is_there() -> None:
    ours = Manifest({A: WHOLE})
    sums = {INFO: "theirs"}
    made = pushing.merged(Manifest(), ours, {A: Step.COMPLETE}, sums, has_proofs=True)
    assert made.versions[A].info_sha256 == "theirs"
    known = Manifest({A: THIN})
    assert pushing.merged(known, ours, {A: Step.THERE}, sums, has_proofs=True) == known
    assert pushing.merged(Manifest(), ours, {A: Step.CONFLICT}, {}, has_proofs=True) == Manifest()


def test_merged_without_proofs_claims_none() -> None:
    entry = Entry("i", "m", "h1:m=", verified="sumdb x")
    made = pushing.merged(Manifest(), Manifest({A: entry}), {A: Step.ADD}, {}, has_proofs=False)
    assert made.versions[A].verified.startswith("unverified")


@pytest.mark.parametrize(
    ("theirs", "files", "step", "count"),
    [
        (None, [], Step.THERE, 1),
        (None, [ALIAS], Step.THERE, 0),  # it is from elsewhere
        ("v1.0.0", [ALIAS], Step.ADD, 0),
        ("v1.0.0", [], Step.ADD, 1),  # it was lost
        ("v0.9.0", [ALIAS], Step.COMPLETE, 1),
        ("v1.0.1-0.20200102030405-0123456789ab", [ALIAS], Step.THERE, 0),
        (None, [], Step.CONFLICT, 0),
        (None, [], None, 0),
    ],
)
def test_new_aliases_never_go_back_and_leave_what_is_from_elsewhere(
    theirs: str | None, files: list[str], step: Step | None, count: int
) -> None:
    known = Manifest(aliases={MAIN: theirs} if theirs else {})
    steps = {A: step} if step else {}
    ours = Manifest({A: WHOLE}, aliases={MAIN: A.version})
    found = pushing.new_aliases(known, ours, steps, frozenset(files))
    assert found == dict([(MAIN, A.version)] * count)


def test_merged_has_the_names_of_both() -> None:
    known, other = Manifest(aliases={MAIN: "v0.9.0"}), ModuleVersion("example.com/x", "main")
    names = {MAIN: "v1.0.0", other: "v1.0.0"}
    made = pushing.merged(known, Manifest(), {}, {}, has_proofs=True, aliases=names)
    assert made.aliases == names


def sh(script: str) -> str:
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_look_script_sees_files_owner_and_space(tmp_path: Path) -> None:
    for name in (MOD, "example.com/staging/v1.0.0/go.mod", ".gopack/staging/x", ".gopack/go.sum"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    if os.getuid() == 0:
        os.chown(tmp_path, 1234, 1235)
    own = (tmp_path.stat().st_uid, tmp_path.stat().st_gid)
    found = pushing.parse_look(sh(pushing.look_script(str(tmp_path), "")))
    assert found.files == {MOD, "example.com/staging/v1.0.0/go.mod", ".gopack/go.sum"}
    assert found.owner == own
    assert found.free_bytes > 0
    users = {
        "123:45": (123, 45),
        "4567": (4567, 0),
        "root:root": (0, 0),
        "nobody-here": own,
        "nobody-here:no-group": own,
        "123:no-group": (123, own[1]),
    }
    for user, owner in users.items():
        assert pushing.parse_look(sh(pushing.look_script(str(tmp_path), user))).owner == owner


def test_publish_script_moves_each_version_by_one_rename(tmp_path: Path) -> None:
    root = tmp_path / "it's a root"
    place = Place(str(root), f"push-{int(time.time())}-1", (os.getuid(), os.getgid()))
    staged = root / place.staged(0, A)
    staged.mkdir(parents=True)
    for name in ("info", "go.mod", "source.zip"):
        (staged / name).write_text(name)
    alias = root / place.staged(1, MAIN)
    alias.mkdir(parents=True)
    (alias / "info").write_text("info")
    (root / ALIAS).parent.mkdir(parents=True)
    (root / ALIAS).write_text("older")
    (root / place.staging / "own/sumdb/x").mkdir(parents=True)
    (root / place.staging / "own/sumdb/x/records").write_text("new")
    broken = root / "example.com/Dep/v1.0.0"
    broken.mkdir()
    (broken / "go.mod").write_text("half")
    work = tmp_path / "work"
    work.write_bytes(pushing.worklist([(0, A, Step.REPLACE)], [(1, MAIN)], ["sumdb/x/records"], []))
    old, other = f"push-{place.begun_s - 2 * DAY_S}-a", f"push-{place.begun_s - 60}-b"
    for name in (old, other, "push-x"):
        (root / ".gopack/staging" / name).mkdir()
        (root / ".gopack/staging" / name / "x").write_text(name)
    seen = {"manifest.json": "", "sumdb/x/records": ""}
    sh(pushing.publish_script(place, str(work), seen))
    for name in (other, "push-x"):
        assert (root / ".gopack/staging" / name / "x").read_text() == name
        shutil.rmtree(root / ".gopack/staging" / name)
    files = {str(p.relative_to(root)): p.read_text() for p in root.rglob("*") if p.is_file()}
    assert files == {
        INFO: "info",
        MOD: "go.mod",
        ZIP: "source.zip",
        ALIAS: "info",
        ".gopack/sumdb/x/records": "new",
        ".gopack/lock": "",
    }


NONE = {"manifest.json": ""}
NOTED, OTHER = ({"manifest.json": hashlib.sha256(text).hexdigest()} for text in (b"x", b"y"))


@pytest.mark.parametrize(
    ("seen", "step", "there", "status"),
    [
        (NONE, Step.ADD, [], 0),
        (NOTED, Step.ADD, [".gopack/manifest.json"], 0),
        (NONE, Step.ADD, [".gopack/manifest.json"], pushing.CHANGED),
        (OTHER, Step.ADD, [], pushing.CHANGED),
        ({}, Step.ADD, [INFO], pushing.CHANGED),
        ({}, Step.REPLACE, [MOD, INFO], pushing.CHANGED),
        ({}, Step.COMPLETE, [ZIP, INFO, MOD], pushing.CHANGED),
        ({}, Step.COMPLETE, [MOD], pushing.CHANGED),
        ({}, Step.COMPLETE, [MOD, INFO], 0),
    ],
)
def test_publish_script_does_nothing_where_something_has_changed(
    tmp_path: Path, seen: dict[str, str], step: Step, there: list[str], status: int
) -> None:
    place = Place(str(tmp_path), "push-1-1", (os.getuid(), os.getgid()))
    staged = tmp_path / place.staged(0, A)
    staged.mkdir(parents=True)
    for name in ("info", "go.mod", "source.zip"):
        (staged / name).write_text(name)
    for name in there:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    work = tmp_path / "work"
    work.write_bytes(pushing.worklist([(0, A, step)], [], [], []))
    script = pushing.publish_script(place, str(work), seen)
    assert subprocess.run(["sh", "-c", script], check=False).returncode == status
    assert (tmp_path / ZIP).exists() is (status == 0 or ZIP in there)
    assert not there or (tmp_path / there[0]).read_text() == "x"


def test_clean_script_waits_for_who_publishes(tmp_path: Path) -> None:
    place = Place(str(tmp_path), "push-1-1", (os.getuid(), os.getgid()))
    (tmp_path / place.staging).mkdir(parents=True)
    with (tmp_path / ".gopack/lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        cleaning = subprocess.Popen(["sh", "-c", pushing.clean_script(place)])
        with pytest.raises(subprocess.TimeoutExpired):
            cleaning.wait(0.5)
        assert (tmp_path / place.staging).exists()
    assert cleaning.wait(20) == 0
    assert not (tmp_path / place.staging).exists()


def test_clean_script_leaves_a_storage_alone_where_nothing_is_staged(tmp_path: Path) -> None:
    sh(pushing.clean_script(Place(str(tmp_path), "push-1-1", (os.getuid(), os.getgid()))))
    assert list(tmp_path.iterdir()) == []


def test_merged_does_not_note_a_zip_of_others_away() -> None:
    made = pushing.merged(
        Manifest(), Manifest({A: THIN}), {A: Step.THERE}, {ZIP: "z"}, has_proofs=True
    )
    assert made == Manifest()


def test_parse_look_refuses_what_it_does_not_understand() -> None:
    with pytest.raises(StoreError, match="not understood"):
        pushing.parse_look("sh: find: not found\n")
