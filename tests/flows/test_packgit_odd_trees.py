"""Odd and hostile trees in git: what the go command makes of each, and what gopack makes of it."""

import subprocess
from pathlib import Path

import pytest

from gopack.adapters.gittree import GitRepository
from gopack.errors import InputError
from gopack.flows.pack import Packed
from gopack.flows.packgit import GitPlanner
from tests.gitrepo import ENV, GitRepo
from tests.godirect import ROOT, URL, Go, assert_same, own

pytestmark = pytest.mark.oracle

Files = dict[str, str | bytes | None]
SUB = f"{ROOT}/sub"
TREE: Files = {
    "go.mod": f"module {ROOT}\n",
    "a.go": "package a\n",
    "LICENSE": "root\n",
    "sub/go.mod": f"module {SUB}\n",
    "sub/s.go": "package s\n",
}
LINK, EXECUTABLE, SUBMODULE, PLAIN = "120000", "100755", "160000", "100644"
ATTRIBUTES = (
    "*.txt export-ignore\n*.sub export-subst\n*.crlf eol=crlf\n*.id ident\n*.lfs filter=lfs\n"
    "*.u16 working-tree-encoding=UTF-16\n[attr]gone export-ignore\na.go gone\nsub export-ignore\n"
)
SPECIAL: Files = {
    "a.txt": "x", "b.sub": "$Format:%H$", "c.crlf": "a\nb\n", "e.id": "$Id$\n",
    "d.u16": "a\n".encode("utf-16"), "f.lfs": "version https://git-lfs.example/spec/v1\n",
}  # fmt: skip
CASES: dict[str, tuple[Files, list[tuple[str, bytes, str]]]] = {
    "the license is a link": ({}, [(LINK, b"a.go", "LICENSE")]),
    "the module's license is a link": ({}, [(LINK, b"../LICENSE", "sub/LICENSE")]),
    "the license is a folder": ({"LICENSE/x": "x"}, []),
    "the module's license is a folder": ({"sub/LICENSE/x": "x"}, []),
    "the module's license is in small letters": ({"sub/license": "x"}, []),
    "go.mod is a link": ({}, [(LINK, b"real.mod", "go.mod")]),
    "the module's go.mod is a link": ({}, [(LINK, b"../go.mod", "sub/go.mod")]),
    "the module's go.mod is a folder": ({"sub/go.mod/x": "x"}, []),
    "a name is no text": ({}, [(PLAIN, b"", "bad\udcff.go")]),
    "a name in a module is no text": ({}, [(PLAIN, b"", "sub/bad\udcff.go")]),
    "a name is no name": ({}, [(PLAIN, b"", "a\x01b.go")]),
    "names clash": ({}, [(PLAIN, b"", "A.go")]),
    "a name clashes with a link": ({}, [(LINK, b"x", "A.go")]),
    "folders clash": ({"d/x": "x"}, [(PLAIN, b"", "D/y")]),
    "a name is a device": ({}, [(PLAIN, b"", "con.go")]),
    "a submodule": ({}, [(SUBMODULE, b"", "third/x")]),
    "a submodule in a module's place": ({"sub/go.mod": None}, [(SUBMODULE, b"", "sub")]),
    "an executable": ({}, [(EXECUTABLE, b"", "run.sh")]),
    "GO.MOD": ({"go.mod": None, "GO.MOD": f"module {ROOT}\n"}, []),
    "GO.MOD in a folder": ({"x/GO.MOD": "x", "x/y.go": "package x\n"}, []),
    "attributes": (SPECIAL | {".gitattributes": ATTRIBUTES}, []),
    "attributes in a module": ({f"sub/{k}": v for k, v in SPECIAL.items()}
                               | {"sub/.gitattributes": ATTRIBUTES}, []),
    "attributes of go.mod": ({".gitattributes": "go.mod eol=crlf\n"}, []),
    "vendor": ({"vendor/modules.txt": "", "vendor/a/b.go": "", "x/vendor/c/d.go": "",
                "vendor/x.go": ""}, []),
    "other version control": ({".hg_archival.txt": "x", ".hg/x": "", ".svn/x": ""}, []),
    "a mark before the text": ({"go.mod": f"\ufeffmodule {ROOT}\n"}, []),
    "other ends of lines": ({"go.mod": f"module {ROOT}\r\n\r\ngo 1.21\r\n"}, []),
    "a large license": ({"LICENSE": b"x" * ((16 << 20) + 1)}, []),
}  # fmt: skip


def put_raw(repo: GitRepo, mode: str, data: bytes, path: str) -> None:
    """Put into the index what a disk may not hold."""
    hashed = subprocess.run(
        ["git", "-C", str(repo.folder), "hash-object", "-w", "--stdin"],
        input=data, capture_output=True, check=True, env=ENV,
    ).stdout.strip().decode()  # fmt: skip
    hashed = "1" * 40 if mode == SUBMODULE else hashed
    subprocess.run(
        ["git", "-C", str(repo.folder), "update-index", "--add", "--replace", "--index-info"],
        input=f"{mode} {hashed}\t".encode() + path.encode("utf-8", "surrogateescape") + b"\n",
        check=True, env=ENV,
    )  # fmt: skip


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> GitRepo:
    """A repository with a commit a case, each on its own, tagged for the root and the module."""
    repo = GitRepo(tmp_path_factory.mktemp("odd") / "repo")
    repo.git("config", "core.protectNTFS", "false")
    for number, (changed, raw) in enumerate(CASES.values()):
        repo.git("read-tree", "--empty")
        repo.git("clean", "-q", "-f", "-d", "-x")
        files = {name: data for name, data in (TREE | changed).items() if data is not None}
        replaced = {name.partition("/x")[0] for name in changed}
        repo.put({n: d for n, d in files.items() if n in changed or n not in replaced})
        repo.git("add", "-A", "-f")
        for each in raw:
            put_raw(repo, *each)
        repo.git("commit", "-q", "-m", str(number))
        repo.git("tag", f"v1.{number}.0")
        repo.git("tag", f"sub/v1.{number}.0")
    repo.git("remote", "add", "origin", URL)
    return repo


def test_odd_trees_are_packed_and_refused_as_go_does(repo: GitRepo, tmp_path: Path) -> None:
    asked = [
        (name, path, f"v1.{number}.0") for number, name in enumerate(CASES) for path in (ROOT, SUB)
    ]
    said = Go(repo, tmp_path).download(*(f"{path}@{version}" for _, path, version in asked))
    repository = GitRepository(repo.folder)
    planner = GitPlanner(repository)
    refused = 0
    for number, ((name, path, version), each) in enumerate(zip(asked, said, strict=True)):
        made = packed(planner, repository, path, version, tmp_path / f"{number}.zip")
        if isinstance(made, InputError):
            assert "Error" in each, (name, path, made)
            refused += 1
        else:
            assert_same(made, each)
    assert 12 < refused < len(asked) - 20


def packed(
    planner: GitPlanner, repository: GitRepository, path: str, version: str, zip_file: Path
) -> Packed | InputError:
    try:
        return own(repository, planner.at(version, given=path), zip_file)
    except InputError as error:
        return error
