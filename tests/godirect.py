"""A repository on this disk: what the go command downloads from it, and what gopack packs."""

import json
import subprocess
from pathlib import Path
from typing import Any

from gopack.adapters.gittree import GitRepository
from gopack.adapters.zipwriter import create_module_zip
from gopack.flows.pack import Packed, PackTask, pack
from gopack.flows.packgit import Revision
from gopack.spec.dirhash import hash_go_mod
from tests.gitrepo import ENV, GitRepo

ROOT = "git.example/repo.git"
URL = "https://git.example/repo"


class Go:
    """What `go mod download` says of modules of the repository."""

    def __init__(self, repo: GitRepo, folder: Path) -> None:
        settings = {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.{repo.folder.as_uri()}.insteadOf",
            "GIT_CONFIG_VALUE_0": URL,
            "GOPROXY": "direct",
            "GOSUMDB": "off",
            "GOENV": "off",
            "GOFLAGS": "-modcacherw",
            "GOTOOLCHAIN": "local",
            "GOMODCACHE": str(folder / "cache"),
            "GOPATH": str(folder / "path"),
            "HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder),
        }
        self._env = {**ENV, "GOCACHE": str(folder / "build"), **settings}
        self._folder = folder

    def download(self, *queries: str) -> list[dict[str, Any]]:
        done = subprocess.run(
            ["go", "mod", "download", "-json", *queries],
            env=self._env, cwd=self._folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        decoder, at, found = json.JSONDecoder(), 0, []
        while (at := done.stdout.find("{", at)) >= 0:
            each, at = decoder.raw_decode(done.stdout, at)
            found.append(each)
        assert len(found) == len(queries), done.stderr
        return found


def own(repository: GitRepository, found: Revision, staged: Path) -> Packed:
    with repository.tree(found.commit, found.folder) as tree:
        task = PackTask(found.module, found.go_mod, tree, "", found.commit.time, found.origin)
        return pack(task, staged, create_module_zip)


def assert_same(packed: Packed, said: dict[str, Any]) -> None:
    version = packed.version
    assert version.zip is not None
    assert "Error" not in said, said
    assert (version.module.path, version.module.version) == (said["Path"], said["Version"])
    assert version.zip.h1 == said["Sum"], version.module
    assert hash_go_mod(version.mod) == said["GoModSum"]
    assert version.mod == Path(said["GoMod"]).read_bytes()
    assert version.info == Path(said["Info"]).read_bytes(), version.module
