"""What a push does with each version, and the scripts, run by this machine's shell."""

import os
import subprocess
from pathlib import Path

import pytest

from gopack.errors import StoreError
from gopack.plan import pushing
from gopack.plan.manifest import Entry, Manifest, ZipEntry
from gopack.plan.pushing import Place, Step
from gopack.spec.module import ModuleVersion

A = ModuleVersion("example.com/Dep", "v1.0.0")
WHOLE = Entry("i", "m", "h1:m=", ZipEntry(3, "z", "h1:z="))
THIN = Entry("i", "m", "h1:m=")
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


def sh(script: str) -> str:
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_look_script_sees_files_owner_and_space(tmp_path: Path) -> None:
    for name in (MOD, "example.com/staging/v1.0.0/go.mod", ".gopack/staging/x", ".gopack/go.sum"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    found = pushing.parse_look(sh(pushing.look_script(str(tmp_path), "")))
    assert found.files == {MOD, "example.com/staging/v1.0.0/go.mod", ".gopack/go.sum"}
    assert found.owner == (os.getuid(), os.getgid())
    assert found.free_bytes > 0
    for user, owner in {"123:45": (123, 45), "4567": (4567, 0), "root:root": (0, 0)}.items():
        assert pushing.parse_look(sh(pushing.look_script(str(tmp_path), user))).owner == owner


def test_publish_script_moves_each_version_by_one_rename(tmp_path: Path) -> None:
    root = tmp_path / "it's a root"
    place = Place(str(root), "push-1", (os.getuid(), os.getgid()))
    staged = root / place.staged(0, A)
    staged.mkdir(parents=True)
    for name in ("info", "go.mod", "source.zip"):
        (staged / name).write_text(name)
    (root / place.staging / "own/sumdb/x").mkdir(parents=True)
    (root / place.staging / "own/sumdb/x/records").write_text("new")
    broken = root / "example.com/Dep/v1.0.0"
    broken.mkdir(parents=True)
    (broken / "go.mod").write_text("half")
    work = tmp_path / "work"
    work.write_bytes(pushing.worklist([(0, A, Step.REPLACE)], ["sumdb/x/records"], []))
    sh(pushing.publish_script(place, str(work)))
    files = {str(p.relative_to(root)): p.read_text() for p in root.rglob("*") if p.is_file()}
    assert files == {
        INFO: "info",
        MOD: "go.mod",
        ZIP: "source.zip",
        ".gopack/sumdb/x/records": "new",
        ".gopack/lock": "",
    }


def test_parse_look_refuses_what_it_does_not_understand() -> None:
    with pytest.raises(StoreError, match="not understood"):
        pushing.parse_look("sh: find: not found\n")
