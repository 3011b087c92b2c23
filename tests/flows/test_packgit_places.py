"""Where the go command finds a module in a repository, and where it refuses to: dice beside it.

Each commit has its go.mod files thrown anew, right ones and wrong ones, and tags for all modules.
"""

import random
from pathlib import Path

import pytest

from gopack.adapters.gittree import GitRepository
from gopack.errors import InputError
from gopack.flows.packgit import GitPlanner, Revision
from gopack.plan.summary import named_module
from tests.gitrepo import GitRepo
from tests.godirect import ROOT, URL, Go, assert_same, own

pytestmark = pytest.mark.oracle

THROWS = 30
FOLDERS = ("", "v2", "v3", "sub", "sub/v2", "v2/v3")
MODULES = (
    (ROOT, "v1"), (ROOT, "v2"), (f"{ROOT}/v2", "v2"), (f"{ROOT}/v3", "v3"), (f"{ROOT}/sub", "v0"),
    (f"{ROOT}/sub/v2", "v2"), (f"{ROOT}/v2/v3", "v3"), (f"{ROOT}/other", "v1"),
)  # fmt: skip
PATHS = (*(path for path, _ in MODULES), "gopkg.in/yaml.v2", "gopkg.in/yaml.v1-unstable", "x/v1")
TEXTS = (
    "module {0}\n", "module {0}\n", "module {0}\n", "module {0} // x\nrequire a.example/b main\n",
    'module "{0}"\n\ngo 1.21\n', "module (\n\t{0}\n)\n", "module {0} x\n", "go 1.21\n", "module\n",
    "go 1.21\nmodule {0}\nmodule {0}\n", "((\n", "",
)  # fmt: skip


def tags_of(folder: str, number: int) -> list[str]:
    prefix = f"{folder}/" if folder else ""
    return [f"{prefix}v{major}.{number}.0" for major in range(4)]


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> GitRepo:
    repo, dice = GitRepo(tmp_path_factory.mktemp("places") / "repo"), random.Random(60_060)
    for number in range(THROWS):
        files: dict[str, str | bytes | None] = {"x.go": f"package x // {number}\n"}
        for folder in FOLDERS:
            file, right = f"{folder}/go.mod".lstrip("/"), f"{ROOT}/{folder}".rstrip("/")
            if (repo.folder / file).exists():
                files[file] = None
            if dice.random() < 0.6:
                path = right if dice.random() < 0.6 else dice.choice(PATHS)
                files[file] = dice.choice(TEXTS).format(path)
        places = ("", "sub", "v2", "other")
        repo.commit(files, *(tag for place in places for tag in tags_of(place, number)))
    repo.git("remote", "add", "origin", URL)
    return repo


def test_modules_are_found_and_refused_where_go_does(repo: GitRepo, tmp_path: Path) -> None:
    asked = [
        (path, f"{major}.{number}.0{suffix}")
        for number in range(THROWS)
        for path, major in MODULES
        for suffix in (["", "+incompatible"] if (path, major) == (ROOT, "v2") else [""])
    ]
    said = Go(repo, tmp_path).download(*(f"{path}@{version}" for path, version in asked))
    repository = GitRepository(repo.folder)
    planner = GitPlanner(repository)
    packed = refused = 0
    for (path, version), each in zip(asked, said, strict=True):
        found = decided(planner, path, version)
        if isinstance(found, InputError):
            # A go.mod that names another module, which serves as a replacement, is refused here.
            names = "" if "Error" in each else named_module(Path(each["GoMod"]).read_bytes())
            assert names != path, (path, version, found)
            refused += 1
            continue
        zip_file = tmp_path / f"{packed}.zip"
        assert_same(own(repository, found, zip_file), each)
        packed += 1
    assert packed > 30
    assert refused > 60


def decided(planner: GitPlanner, path: str, version: str) -> Revision | InputError:
    try:
        tag, suffix, _ = version.partition("+")
        return planner.at(tag, given=path, version=version if suffix else "")
    except InputError as error:
        return error
