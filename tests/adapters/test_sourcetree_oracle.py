"""Folders packed by gopack and by golang.org/x/mod/zip: the same files, sums and reasons."""

import os
import random
import socket
from pathlib import Path

import pytest

from gopack.adapters.sourcetree import SourceTree
from gopack.adapters.zips import read_module_zip
from gopack.adapters.zipwriter import write_module_zip
from gopack.errors import InputError
from gopack.plan.packing import go_version, plan_packing
from gopack.spec.module import ModuleVersion
from gopack.spec.modzip import CheckedFiles, Finding, check_files, new_vendor_rule
from tests.oracle import oracle

pytestmark = pytest.mark.oracle

MODULE = ModuleVersion("example.com/M", "v1.0.0")
TREES = 250
WORDS = """
a.go A.go b.go LICENSE license go.mod Go.mod GO.MOD a b x vendor modules.txt .git .hg .svn .bzr
.hg_archival.txt .gitignore con CON.txt aux. a~1 a:b a*b a'b é.go É.go ß SS ﬁ 世界.txt -flag
internal doc.go sub _under .hidden testdata
"""
TAME_WORDS = """
a.go A1.go b.go LICENSE go.mod a b x vendor modules.txt .git .gitignore doc.go é.go sub
"""
NAMES, TAME = WORDS.split(), TAME_WORDS.split()
NAMES += ["a b", "bad\udcff", 'quo"te', "back\\slash", "semi;colon", "line\nbreak", "\U0001f600"]
GO_MODS = ["", "go 1.16", "go 1.23.4", "go 1.24", "go 1.24rc1", "go 1.26.0", "go nonsense", "(("]
SAME_REASONS = {
    "file is in vendor directory": "is in a vendor folder",
    "directory is a version control repository": "is a version control folder",
    "directory is in another module": "is in another module",
    "file is in another module": "is in another module",
    "not a regular file": "is not a regular file|is a symbolic link",
    "file is inserted by 'hg archive' and is always omitted": "is made by hg archive",
    "go.mod files must have lowercase names": "must be written go.mod",
    "case-insensitive file name collision": "in letter case alone",
    "invalid char": "malformed file path: invalid char",
    "invalid UTF-8": "malformed file path: invalid UTF-8",
    "on Windows": "is a reserved name on Windows",
    "trailing dot": "malformed file path: trailing dot",
    "trailing tilde": "trailing tilde",
}


def grow(rng: random.Random, folder: Path, depth: int, names: list[str]) -> None:
    """Fill a folder with odd names and things that are no files."""
    for name in rng.sample(names, rng.randrange(1, 9)):
        path = folder / name
        kind = rng.random()
        if kind < 0.35 and depth < 4:
            path.mkdir()
            grow(rng, path, depth + 1, names)
        elif kind < 0.85:
            path.write_bytes(rng.randbytes(rng.randrange(90)) * rng.choice([1, 40]))
        elif kind < 0.92:
            path.symlink_to(rng.choice(["a.go", "/nowhere", "..", "go.mod"]))
        elif kind < 0.96:
            os.mkfifo(path)
        else:
            path.mkdir()


def plant(rng: random.Random, root: Path) -> None:
    root.mkdir()
    names = rng.choice([NAMES, TAME])
    if rng.random() < 0.9:
        text = f"module example.com/M\n\n{rng.choice(GO_MODS)}\n"
        (root / "go.mod").write_text(text)
        rest = [name for name in names if name.lower() != "go.mod"]
        for name in rng.sample(rest, rng.randrange(6)):
            (root / name).mkdir()
            grow(rng, root / name, 1, names)
    grow_beside = root / "w"
    grow_beside.mkdir()
    grow(rng, grow_beside, 1, names)


def own_check(tree: SourceTree) -> CheckedFiles:
    version = go_version(tree.go_mod())
    listing = tree.listing(new_vendor_rule=new_vendor_rule(version))
    checked = check_files(listing.files, go_version=version)
    return CheckedFiles(
        checked.valid, [*checked.omitted, *listing.omitted], checked.invalid, checked.size_error
    )


def assert_same(own: list[Finding], said: list[dict[str, str]] | None) -> None:
    theirs = {oracle.untext(each["Path"]): each["Reason"] for each in said or []}
    assert {finding.path for finding in own} == set(theirs)
    for finding in own:
        go_reason = theirs[finding.path]
        known = [ours for go, ours in SAME_REASONS.items() if go in go_reason]
        assert known, go_reason
        assert any(part in finding.reason for part in known[0].split("|")), (finding, go_reason)


def test_odd_trees_give_what_x_mod_gives(tmp_path: Path) -> None:
    rng = random.Random(60_001)
    trees = []
    for number in range(TREES):
        trees.append(tmp_path / str(number))
        plant(rng, trees[-1])
    checked = oracle.ask_each("zip.check_dir", [str(tree) for tree in trees])
    created = oracle.ask_each(
        "zip.create_from_dir",
        [
            {
                "Path": MODULE.path,
                "Version": MODULE.version,
                "Dir": str(tree),
                "File": f"{tree}.zip",
            }
            for tree in trees
        ],
    )
    packed = 0
    for root, said, made in zip(trees, checked, created, strict=True):
        tree = SourceTree(root)
        own = own_check(tree)
        assert list(own.valid) == [oracle.untext(p) for p in said.value["Valid"] or []]
        assert_same(list(own.omitted), said.value["Omitted"])
        assert_same(list(own.invalid), said.value["Invalid"])
        if own.is_ok and own.valid and not (root / "go.mod").is_symlink():
            packed += 1
            assert pack(tree, tmp_path / "own.zip") == made.value, root
        else:
            assert made.refused or not own.valid
    assert packed > TREES // 3


def pack(tree: SourceTree, target: Path) -> str:
    version = go_version(tree.go_mod())
    listing = tree.listing(new_vendor_rule=new_vendor_rule(version))
    packing = plan_packing(MODULE, listing, go_version=version)
    with target.open("w+b") as file:
        written = write_module_zip(file, MODULE, packing.files, tree)
    assert not written.findings
    assert read_module_zip(target, MODULE).h1 == written.h1
    return written.h1


def test_sizes_over_the_limits_are_refused_as_x_mod_refuses_them(tmp_path: Path) -> None:
    sizes = {"LICENSE": (16 << 20) + 1, "big": 400 << 20, "bigger": 200 << 20, "small": 1}
    for name, size in sizes.items():
        with (tmp_path / name).open("wb") as file:
            file.truncate(size)
    said = oracle.ask("zip.check_dir", str(tmp_path)).value
    tree = SourceTree(tmp_path)
    with pytest.raises(InputError) as caught:
        plan_packing(MODULE, tree.listing(new_vendor_rule=False), go_version="")
    text = str(caught.value)
    assert said["Size"]
    assert [oracle.untext(each["Path"]) for each in said["Invalid"]] == ["LICENSE"]
    assert f"LICENSE: has {(16 << 20) + 1} bytes, {16 << 20} are allowed" in text
    assert f"big ({400 << 20} bytes)" in text
    assert str(500 << 20) in text


def test_socket_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.go").touch()
    with socket.socket(socket.AF_UNIX) as listening:
        monkeypatch.chdir(tmp_path)  # a socket's name is short
        listening.bind("s")
    own = own_check(SourceTree(tmp_path))
    assert own.valid == ["a.go"]
    assert_same(list(own.omitted), oracle.ask("zip.check_dir", str(tmp_path)).value["Omitted"])
